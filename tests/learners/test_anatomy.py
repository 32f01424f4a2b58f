import pytest
from tiny_families import FAMILIES_MADE, inputs, make

from learners.models.families import FAMILIES
from mecsim.errors import JobError

pytestmark = pytest.mark.learning

families = pytest.mark.parametrize("family", FAMILIES_MADE)


def linear_targets(family):
    """Return the last names of all of a family's linear layers."""
    places = FAMILIES[family]
    return sorted({path.rpartition(".")[2] for path in (*places.attention, *places.ffn_in, places.ffn_out)})


def with_lora(model, family):
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(r=2, target_modules=linear_targets(family), fan_in_fan_out=FAMILIES[family].transposed)
    return inject_adapter_in_model(config, model)


def test_every_family_is_tried_here():
    assert set(FAMILIES_MADE) == set(FAMILIES)


@families
def test_every_path_of_the_table_leads_somewhere(family):
    from learners.models.anatomy import blocks, family_of, part

    model = make(family)
    places = family_of(model)
    assert len(blocks(model)) == model.config.num_hidden_layers
    for path in (places.final_norm, places.embeddings):
        assert path is None or any(True for _ in part(model, path).parameters())
    for path in (*places.attention, *places.query_value, *places.ffn_in, *places.norms, places.ffn_out, places.ffn):
        assert any(True for _ in part(blocks(model)[0], path).parameters()), path
    assert set(places.query_value) <= set(places.attention)
    assert hasattr(model.config, places.activation)


@families
def test_the_table_names_every_parameter_of_a_block(family):
    from learners.models.anatomy import blocks, family_of, n_parameters, part

    model = make(family)
    places, block = family_of(model), blocks(model)[1]
    named = [part(block, path) for path in (*places.attention, *places.ffn_in, places.ffn_out, *places.norms)]
    assert n_parameters(named) == n_parameters([block])


@families
def test_heads(family):
    from learners.models.anatomy import head_of

    model = make(family)
    causal = FAMILIES[family].kind == "causal"
    assert (head_of(model) is None) == causal
    if not causal:
        assert head_of(model) is model.classifier


@families
def test_ffn_parameters_are_found_by_the_names_they_have_without_a_method(family):
    from learners.models.anatomy import ffn_maps, ffn_slots, matrices, n_neurons

    model = make(family)
    before = dict(model.named_parameters())
    with_lora(model, family)
    for slot in ffn_slots(model, 2):
        assert slot.parameter is before[slot.name]
        assert slot.axis is None or slot.parameter.shape[slot.axis] == 24
    assert n_neurons(model, 2) == 24
    assert [tuple(matrix.shape) for matrix in ffn_maps(model, 2)] == [(24, 16), (16, 24)]
    assert {id(matrix) for matrix in matrices(model, 2)} <= {id(value) for value in before.values()}


@families
def test_blocks_of_a_tuned_model_give_the_states_that_the_next_one_reads(family):
    import torch

    from learners.distil import block_outputs
    from learners.models.anatomy import blocks

    model = with_lora(make(family), family)
    read = {}
    blocks(model)[3].register_forward_pre_hook(lambda _module, args: read.update(states=args[0]))
    with torch.no_grad(), block_outputs(model, [2]) as outputs:
        model(**inputs(family))
    assert torch.equal(outputs[2], read["states"])


@pytest.mark.parametrize("name", ["lora", "adapter", "prompt", "bias"])
def test_our_own_methods_hide_nothing(name):
    import torch

    from learners.distil import block_outputs
    from learners.models.anatomy import n_neurons, part, plain
    from learners.peft.apply import apply_method
    from learners.peft.defaults import METHODS

    model = make("vit")
    fc1, block = model.vit.layers[1].mlp.fc1, model.vit.layers[1]
    apply_method(model, {"name": name, **METHODS[name].options})
    assert plain(part(model, "vit.layers.1.mlp.fc1")) is fc1
    assert plain(part(model, "vit.layers.1")) is block
    assert n_neurons(model, 1) == 24
    with torch.no_grad(), block_outputs(model, [1]) as outputs:
        model(**inputs("vit"))
    assert outputs[1].shape == (3, 5, 16)  # four patches and the class token, no prompts


def test_a_part_is_replaced_inside_its_wrapper():
    from torch import nn

    from learners.models.anatomy import blocks, part, set_part
    from learners.peft.adapter import AdaptedMlp, Bottleneck

    model = make("vit")
    model.vit.layers[0].mlp = AdaptedMlp(model.vit.layers[0].mlp, Bottleneck(16, 8))
    new = nn.Linear(16, 24)
    set_part(blocks(model)[0], "mlp.fc1", new)
    assert part(model, "vit.layers.0.mlp.fc1") is new
    assert model.vit.layers[0].mlp.mlp.fc1 is new
    set_part(model, "vit.layers.2", new)
    assert blocks(model)[2] is new


def test_opts_smallest_sibling_has_its_norms_behind_the_sums():
    from learners.models.anatomy import family_of, ffn_slots

    model = make("opt", do_layer_norm_before=False)
    assert family_of(model).final_norm is None
    assert [slot.name for slot in ffn_slots(model, 0)][-2:] == [
        "model.decoder.layers.0.final_layer_norm.weight",
        "model.decoder.layers.0.final_layer_norm.bias",
    ]
    assert len(ffn_slots(make("opt"), 0)) == 4


def test_shared_parameters_count_once():
    from torch import nn

    from learners.models.anatomy import n_parameters

    layer = nn.Linear(3, 2)
    assert n_parameters([layer, layer, nn.Sequential(layer, nn.LayerNorm(2))]) == 8 + 4


def test_an_unknown_architecture_is_told_what_is_missing():
    from torch import nn
    from transformers import ElectraConfig, ElectraForSequenceClassification

    from learners.models.anatomy import blocks, family_of, part

    small = ElectraConfig(hidden_size=16, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8, embedding_size=8)
    with pytest.raises(JobError, match=r"'electra'.*Known: bert, gpt2, .*blocks, its attention projections.*its FFN"):
        family_of(ElectraForSequenceClassification(small))
    with pytest.raises(JobError, match="None"):
        blocks(nn.Linear(1, 1))
    with pytest.raises(JobError, match="no 'mlpp'"):
        part(make("vit"), "vit.layers.0.mlpp.fc1")
