import pytest
from tiny_families import FAMILIES_MADE, inputs, make, outputs

from learners.models.families import FAMILIES
from mecsim.errors import JobError

pytestmark = pytest.mark.learning

families = pytest.mark.parametrize("family", FAMILIES_MADE)
causal = pytest.mark.parametrize("family", [name for name in FAMILIES_MADE if FAMILIES[name].kind == "causal"])

DROP = {"kind": "drop", "bottom": 1, "top": 1, "keep": 0.5}
NARROW = {"kind": "narrow", "keep": 0.25, "retained": [0, -1]}
PRUNE = {"kind": "prune", "bottom": 1, "top": 1, "sparsity": 0.3}
QUANTISE = {"kind": "quantise", "bottom": 1, "top": 1, "bits": 3}
EVERY_KIND = pytest.mark.parametrize("compression", [DROP, NARROW, PRUNE, QUANTISE], ids=lambda each: each["kind"])


def compressed(family, compression, **overrides):
    from learners.compress.apply import compress

    return compress(make(family, **overrides), compression)


def bert_base():
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    with torch.device("meta"):
        return BertForSequenceClassification(BertConfig())


@families
@pytest.mark.parametrize(
    "whole",
    [None, {**DROP, "keep": 1.0}, {**NARROW, "keep": 1.0}, {**PRUNE, "sparsity": 0.0}],
    ids=["none", "drop", "narrow", "prune"],
)
def test_kept_whole_the_model_is_the_same_bit_for_bit(family, whole):
    import torch

    model = compressed(family, whole)
    assert torch.equal(outputs(model, family), outputs(make(family), family))
    full = make(family).state_dict()
    assert all(torch.equal(value, full[name]) for name, value in model.state_dict().items())


@families
@EVERY_KIND
def test_names_stay_and_outputs_change(family, compression):
    import torch

    model, full = compressed(family, compression), make(family)
    assert {name for name, _ in model.named_parameters()} <= {name for name, _ in full.named_parameters()}
    assert not torch.equal(outputs(model, family), outputs(full, family))
    assert model(**inputs(family, padded=True)).logits.isfinite().all()


@families
def test_a_dropped_block_lets_everything_through(family):
    import torch

    from learners.models.anatomy import blocks, present

    model, full = compressed(family, {**DROP, "keep": 0.5}), make(family)
    assert present(model) == [0, 1, 3]
    with torch.no_grad():
        for value in blocks(full)[2].parameters():
            value.zero_()  # a pre-norm block that adds nothing
    if FAMILIES[family].post_norm is None:
        assert torch.equal(outputs(model, family, padded=True), outputs(full, family, padded=True))
    x = torch.randn(2, 5, 16)
    assert blocks(model)[2](x, None, attention_mask=None, use_cache=True) is x


@causal
@pytest.mark.parametrize("ends", [{"bottom": 1, "top": 1, "keep": 0.5}, {"bottom": 0, "top": 0, "keep": 0.5}])
def test_a_cache_works_around_dropped_blocks(family, ends):
    import torch

    model = compressed(family, {"kind": "drop", **ends})
    ids = inputs(family)["input_ids"]
    with torch.no_grad():
        at_once = model(input_ids=ids).logits
        first = model(input_ids=ids[:, :4], use_cache=True)
        then = model(input_ids=ids[:, 4:], past_key_values=first.past_key_values, use_cache=True)
    torch.testing.assert_close(torch.cat([first.logits, then.logits], dim=1), at_once, rtol=1e-4, atol=1e-5)


def test_a_model_without_its_first_block_asks_for_no_cache():
    model = compressed("gpt2", {"kind": "drop", "bottom": 0, "top": 0, "keep": 0.25})
    assert model.config.use_cache is False
    assert model(**inputs("gpt2")).past_key_values is None
    assert compressed("gpt2", DROP).config.use_cache is True


@families
def test_narrowing_keeps_the_heaviest_neurons_and_is_the_model_without_the_others(family):
    import torch

    from learners.models.anatomy import ffn_maps, ffn_slots, n_neurons, part, plain

    narrow, full = compressed(family, NARROW), make(family)
    maps = ffn_maps(full, 1)
    squares = maps.w_in.square().sum(1) + maps.w_out.square().sum(0)
    if len(FAMILIES[family].ffn_in) == 2:
        gate = part(full, f"{FAMILIES[family].blocks}.1.{FAMILIES[family].ffn_in[0]}").weight
        squares = squares + gate.square().sum(1)
    kept = squares.topk(6).indices.sort().values
    assert [n_neurons(narrow, layer) for layer in range(4)] == [24, 6, 6, 24]
    small, whole = ffn_maps(narrow, 1), ffn_maps(full, 1)
    assert torch.equal(small.w_in, whole.w_in[kept])
    assert torch.equal(small.w_out, whole.w_out[:, kept])
    with torch.no_grad():
        for layer in (1, 2):
            weights = [slot for slot in ffn_slots(full, layer) if slot.axis is not None and slot.parameter.ndim == 2]
            scores = sum(slot.parameter.square().sum(1 - slot.axis) for slot in weights)
            gone = scores.argsort()[:18]
            ffn_maps(full, layer).w_out[:, gone] = 0.0  # their activations reach nothing any more
    torch.testing.assert_close(outputs(narrow, family), outputs(full, family))
    out = plain(part(narrow, f"{FAMILIES[family].blocks}.1.{FAMILIES[family].ffn_out}"))
    into = plain(part(narrow, f"{FAMILIES[family].blocks}.1.{FAMILIES[family].ffn_in[0]}"))
    sizes = (into.nx, into.nf, out.nx, out.nf) if FAMILIES[family].transposed else (
        into.in_features, into.out_features, out.in_features, out.out_features
    )  # fmt: skip
    assert sizes == (16, 6, 6, 16)


def test_saliency_by_hand_has_no_biases():
    import torch

    from learners.compress.narrow import saliency
    from learners.models.anatomy import ffn_slots

    model = make("vit")
    mlp = model.vit.layers[1].mlp
    with torch.no_grad():
        mlp.fc1.weight.zero_()
        mlp.fc2.weight.zero_()
        mlp.fc1.weight[5, 2], mlp.fc2.weight[7, 5], mlp.fc1.bias[3] = 3.0, 4.0, 100.0
    found = saliency(ffn_slots(model, 1))
    assert found[5] == 5.0
    assert found.sum() == 5.0


def test_frozen_parameters_stay_frozen_when_narrowed():
    from learners.compress.apply import compress

    model = compress(make("gpt2").requires_grad_(False), NARROW)
    assert not any(value.requires_grad for value in model.parameters())


@families
def test_pruning_zeroes_the_smallest_of_each_matrix(family):
    from learners.models.anatomy import matrices

    model, full = compressed(family, PRUNE), make(family)
    for layer in (1, 2):
        for small, whole in zip(matrices(model, layer), matrices(full, layer), strict=True):
            gone = small == 0
            assert gone.sum() == int(0.3 * small.numel())
            assert (small[~gone] == whole[~gone]).all()
            assert whole[gone].abs().max() <= whole[~gone].abs().min()
    changed = {name for name, value in model.named_parameters() if (value != full.get_parameter(name)).any()}
    assert all(model.get_parameter(name).ndim == 2 for name in changed)
    assert len(changed) == 2 * len(matrices(model, 1))


@families
@pytest.mark.parametrize("bits", [2, 8])
def test_quantising_leaves_each_output_row_its_levels(family, bits):
    from learners.models.anatomy import matrices

    model, full = compressed(family, {**QUANTISE, "bits": bits}), make(family)
    for small, whole in zip(matrices(model, 1), matrices(full, 1), strict=True):
        rows = zip(small.T, whole.T, strict=True) if FAMILIES[family].transposed else zip(small, whole, strict=True)
        for got, wanted in rows:
            step = (wanted.max() - wanted.min()) / (2**bits - 1)
            assert len(got.unique()) <= 2**bits
            assert (got - wanted).abs().max() <= step / 2 * (1 + 1e-4)


def test_quantised_rows_by_hand():
    import torch

    from learners.compress.quantise import rounded

    rows = torch.tensor([[0.0, 1.0, 2.0, 3.0, 1.4, 1.6], [7.0, 7.0, 7.0, 7.0, 7.0, 7.0], [-3.0, 0.1, 3.0, 2.1, -0.9, -2.1]])
    wanted = torch.tensor([[0.0, 1.0, 2.0, 3.0, 1.0, 2.0], [7.0] * 6, [-3.0, 1.0, 3.0, 3.0, -1.0, -3.0]])
    torch.testing.assert_close(rounded(rows, 2), wanted)
    random = torch.randn(50, 300, generator=torch.Generator().manual_seed(3))
    assert max(len(row.unique()) for row in rounded(random, 4)) == 16
    torch.testing.assert_close(rounded(rounded(random, 4), 4), rounded(random, 4))


def test_bert_base_has_the_published_sizes():
    from learners.compress.apply import compress
    from learners.models.anatomy import blocks, n_parameters

    assert n_parameters(blocks(bert_base())) == 85_054_464
    narrow = {"kind": "narrow", "keep": 0.25, "retained": [0, 11]}
    assert n_parameters(blocks(compress(bert_base(), narrow))) == 49_641_984
    assert n_parameters(blocks(compress(bert_base(), DROP))) == 49_615_104  # 7 of 12 blocks: 1 + 5 + 1


def test_lora_on_all_of_berts_attention_has_the_published_size():
    from peft import LoraConfig, inject_adapter_in_model

    from learners.models.anatomy import blocks

    paths = [f"layer.{i}.{path}" for i in range(12) for path in FAMILIES["bert"].attention]
    model = inject_adapter_in_model(LoraConfig(r=8, target_modules=paths), bert_base())
    assert sum(value.numel() for value in blocks(model).parameters() if value.requires_grad) == 589_824


@families
@EVERY_KIND
def test_the_meta_device_has_the_same_shapes_and_bytes(family, compression):
    import torch

    from learners.compress.apply import compress, stored_bytes

    real = compressed(family, compression)
    model_class, config = type(make(family)), make(family).config
    with torch.device("meta"):
        meta = compress(model_class(config), compression)
    shapes = [{name: value.shape for name, value in model.named_parameters()} for model in (real, meta)]
    assert shapes[0] == shapes[1]
    assert stored_bytes(real, compression) == stored_bytes(meta, compression)


def test_stored_bytes_by_hand():
    from learners.compress.apply import stored_bytes

    # a block of the tiny ViT: attention 4 x 256 + 4 x 16, FFN 2 x 384 + 24 + 16, norms 4 x 16; two blocks in the middle
    n_matrices, n_vectors = 2 * (4 * 256 + 2 * 384), 2 * (4 * 16 + 24 + 16 + 4 * 16)
    vit = {compression["kind"]: compressed("vit", compression) for compression in (DROP, NARROW, PRUNE, QUANTISE)}
    assert stored_bytes(make("vit"), None) == 2 * 4 * (n_matrices + n_vectors)
    assert stored_bytes(vit["drop"], DROP) == 4 * (n_matrices + n_vectors) // 2
    assert stored_bytes(vit["narrow"], NARROW) == 4 * (2 * (4 * 256 + 2 * 96) + n_vectors - 2 * 18)
    left = 2 * (4 * (256 - 76) + 2 * (384 - 115))
    assert stored_bytes(vit["prune"], PRUNE) == 4 * (left + n_vectors) + n_matrices // 8
    n_rows = 2 * (4 * 16 + 24 + 16)
    assert stored_bytes(vit["quantise"], QUANTISE) == n_matrices * 3 // 8 + 8 * n_rows + 4 * n_vectors


def test_stored_bytes_of_chosen_parameters():
    from learners.compress.apply import stored_bytes
    from learners.peft.apply import apply_method

    model = compressed("vit", QUANTISE)
    everything = stored_bytes(model, QUANTISE, model.parameters())
    outside = 4 * (
        sum(value.numel() for value in model.parameters()) - sum(v.numel() for v in model.vit.layers[1:3].parameters())
    )
    assert everything == stored_bytes(model, QUANTISE) + outside
    apply_method(model, {"name": "adapter", "reduction": 8, "shared": True})
    frozen = [value for value in model.parameters() if not value.requires_grad]
    head = sum(value.numel() for value in model.classifier.parameters())
    assert stored_bytes(model, QUANTISE, frozen) == everything - 4 * head


def test_the_gpt2_grid_has_a_row_for_each_output():
    from learners.compress.apply import stored_bytes

    model = compressed("gpt2", QUANTISE)
    into = model.transformer.h[1].mlp.c_fc.weight  # stored inputs x outputs: 16 x 24
    assert stored_bytes(model, QUANTISE, [into]) == 16 * 24 * 3 // 8 + 8 * 24


def test_what_a_model_cannot_do_is_said():
    with pytest.raises(JobError, match="let bottom \\+ top be at most 3"):
        compressed("vit", {**DROP, "bottom": 2, "top": 2})
    from learners.models.anatomy import ffn_slots

    with pytest.raises(JobError, match=r"block 2 was dropped.*\[0, 1, 3\]"):
        ffn_slots(compressed("vit", DROP), 2)
