import pytest
from tiny_families import FAMILIES_MADE, inputs, make

from learners.models.families import FAMILIES
from mecsim.errors import JobError

pytestmark = pytest.mark.learning

families = pytest.mark.parametrize("family", FAMILIES_MADE)


def relu(family):
    """Return a tiny model of ``family`` whose activation function is the rectifier."""
    return make(family, **{FAMILIES[family].activation: "relu"})


@families
@pytest.mark.parametrize("padded", [False, True])
def test_zeros_are_counted_behind_the_activation_and_without_padding(family, padded):
    import torch

    from learners.apoz import ZeroCounter
    from learners.models.anatomy import blocks, part

    model, arguments = relu(family), inputs(family, padded=padded)
    into = FAMILIES[family].ffn_in
    sums = {}
    for path in into:
        part(blocks(model)[2], path).register_forward_hook(lambda _m, _a, out, path=path: sums.update({path: out}))
    with ZeroCounter(model, [1, 2]) as counter, torch.no_grad():
        model(**arguments)
    mask = arguments.get("attention_mask", torch.ones(3, 5)).bool().flatten()
    idle = sums[into[0]].reshape(-1, 24)[mask] <= 0  # with a gate too: relu(gate) is zero, up is not
    assert torch.equal(counter.zeros[2], idle.sum(dim=0))
    assert counter.zeros[2].dtype == torch.int64
    assert counter.totals == {1: int(mask.sum()), 2: int(mask.sum())}
    assert 0 < counter.zeros[1].sum() < 24 * int(mask.sum())


def test_counts_add_up_over_passes_and_stop_at_the_end():
    import torch

    from learners.apoz import ZeroCounter

    model = relu("bert")
    with ZeroCounter(model, [1]) as counter, torch.no_grad():
        model(**inputs("bert"))
        once = counter.zeros[1].clone()
        model(**inputs("bert"))
    with torch.no_grad():
        model(**inputs("bert"))
    assert torch.equal(counter.zeros[1], 2 * once)
    assert counter.totals[1] == 2 * 21


def test_gelu_is_hardly_ever_exactly_zero_and_the_threshold_tells():
    import torch

    from learners.apoz import ZeroCounter

    counted = {}
    for threshold in (0.0, 0.1, 1e9):
        with ZeroCounter(make("vit"), [1], threshold=threshold) as counter, torch.no_grad():
            counter._model(**inputs("vit"))
        counted[threshold] = int(counter.zeros[1].sum())
    assert 0 == counted[0.0] < counted[0.1] < counted[1e9] == 24 * 15


def test_a_tuned_model_is_counted_like_the_plain_one():
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from learners.apoz import ZeroCounter
    from learners.peft.adapter import AdaptedMlp, Bottleneck

    def zeros(model):
        with ZeroCounter(model, [1]) as counter, torch.no_grad():
            model(**inputs("vit"))
        return counter.zeros[1]

    wrapped = relu("vit")
    wrapped.vit.layers[1].mlp = AdaptedMlp(wrapped.vit.layers[1].mlp, Bottleneck(16, 8))
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["fc1", "fc2"]), wrapped)
    assert torch.equal(zeros(wrapped), zeros(relu("vit")))


def test_counting_changes_no_training_step():
    import torch

    from learners.apoz import ZeroCounter

    gradients = []
    for counting in (False, True):
        model = relu("gpt2")
        counter = ZeroCounter(model, [1]) if counting else torch.enable_grad()
        with counter:
            model(**inputs("gpt2"), labels=inputs("gpt2")["input_ids"]).loss.backward()
        gradients.append(model.transformer.h[1].mlp.c_fc.weight.grad)
    assert torch.equal(*gradients)


def test_tokens_that_a_method_adds_are_refused_rather_than_miscounted():
    from torch import nn

    from learners.apoz import ZeroCounter
    from learners.models.anatomy import blocks
    from learners.peft.prompt import PromptedBlock

    model = relu("bert")
    model.bert.encoder.layer = nn.ModuleList(
        PromptedBlock(block, n_tokens=2, hidden=16, bound=0.1, dropout=0.0) for block in blocks(model)
    )
    with ZeroCounter(model, [1]), pytest.raises(JobError, match=r"27 tokens for a mask of 21.*adds no tokens"):
        model(**inputs("bert"))
