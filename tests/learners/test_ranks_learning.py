"""Adapters of several ranks as they learn: what travels, what the average is, and that nothing dies of zeros."""

import numpy as np
import pytest

from learners.data.datasets import DATASETS, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round, view
from learners.ranks import padded, truncated
from learners.schemes.context import LocalSettings
from learners.states import sent_bytes
from mecsim.federation.contract import Blend, Settings

pytestmark = pytest.mark.learning

AT_1, AT_2, AT_4 = (Settings(choice=float(rank)) for rank in (1, 2, 4))


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def federated(runner, **params):
    """Return FedPEFT with LoRA of ranks 4, 2 and 1 on a few digits, under control."""
    return inline_scheme(
        runner,
        "fedpeft",
        {"method": "lora", "rank": 4, "ranks": [4, 2, 1], "learning_rate": 0.05, **params},
        model="tiny-vit-s",
        dataset=dataset_spec("digits", DATASETS["digits"].params(train_per_class=6)),
        partition={"kind": "iid"},
        n_clients=3,
        local=LocalSettings(epochs=2),
        controlled=True,
    )


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def lora(state):
    return {name: value for name, value in state.items() if ".lora_" in name}


def components(state, first):
    """Return LoRA's tensors from component ``first`` on."""
    return {name: value[first:] if ".lora_A." in name else value[:, first:] for name, value in lora(state).items()}


def test_uploads_and_sheets_are_those_of_the_rank(runner):
    of, context = federated(runner)
    sheets = context.costs
    # Query and value of 4 blocks of width 32: a component has 32 numbers in A and 32 in B.
    assert sheets["device:4"] == sheets["device"]
    n_updates = sheets["device"]["state_bytes"] - sheets["device:2"]["state_bytes"]
    assert n_updates == 4 * 2 * len(lora(runner.demand(of.state).tensors)) * 32
    assert sheets["device:1"]["backbone_bytes"] == sheets["device"]["backbone_bytes"]
    assert (
        sheets["device:1"]["peak_train_bytes"] < sheets["device:2"]["peak_train_bytes"] < sheets["device"]["peak_train_bytes"]
    )
    for settings in (AT_1, AT_2, AT_4):
        announced = of.offer(view(context, 0, 1, settings=settings))
        assert sent_bytes(runner.demand(announced.job)) == announced.sends.size_bytes
        assert sent_bytes(runner.demand(announced.base)) == announced.needs[-1].size_bytes


@pytest.mark.parametrize(
    ("model", "task", "n_classes"), [("tiny-vit-s", "image-classification", 10), ("tiny-lm-s", "language-modelling", None)]
)
def test_a_truncated_adapter_is_the_whole_one_without_its_last_components(model, task, n_classes):
    import torch

    from learners.models.load import build
    from learners.models.spec import model_spec
    from learners.peft.state import load_trainable_state, trainable_state
    from learners.schemes.rank_jobs import method_at

    method = {"name": "lora", "rank": 6, "alpha": 16.0, "targets": "linear"}

    def built(of_method):
        return build(model_spec(model, task=task, n_classes=n_classes, method=of_method, pretrained=True, seed=0))

    whole, small = built(method).eval(), built(method_at(method, 4)).eval()
    frozen = {name: value for name, value in whole.named_parameters() if not value.requires_grad}
    assert all(torch.equal(value, dict(small.named_parameters())[name]) for name, value in frozen.items())
    generator = torch.Generator().manual_seed(5)
    state = {name: torch.randn(value.shape, generator=generator) * 0.1 for name, value in trainable_state(whole).items()}
    first = truncated({name: value.numpy() for name, value in state.items()}, 4)
    inputs = (
        {"pixel_values": torch.randn(2, 1, 28, 28, generator=generator)}
        if n_classes
        else {"input_ids": torch.randint(0, 99, (2, 12), generator=generator)}
    )

    def says(network, arrays):
        load_trainable_state(network, {name: torch.from_numpy(value) for name, value in arrays.items()})
        with torch.no_grad():
            return network(**inputs).logits

    assert torch.allclose(says(small, first), says(whole, padded(first, 6)), atol=1e-5)
    assert not torch.allclose(
        says(small, first), says(whole, {name: value.numpy() for name, value in state.items()}), atol=1e-2
    )


def test_the_average_is_that_of_states_padded_with_zeros(runner):
    of, context = federated(runner)
    updates = take_round(of, context, 1, range(3), settings={0: AT_4, 1: AT_2, 2: AT_1})
    states = [padded(runner.demand(update.job).tensors, 4) for update in updates]
    weights = np.array(context.client_samples, dtype=np.float64)
    expected = {
        name: (sum(w * state[name].astype(np.float64) for w, state in zip(weights, states, strict=True)) / weights.sum())
        for name in states[0]
    }
    averaged = runner.demand(of.state).tensors
    assert all(np.allclose(averaged[name], expected[name], rtol=0, atol=1e-7) for name in expected)
    # The last components were trained by one device alone, and weigh as it does.
    own = {name: value * (weights[0] / weights.sum()) for name, value in components(states[0], 2).items()}
    assert all(np.allclose(value, own[name], atol=1e-7) for name, value in components(averaged, 2).items())


@pytest.mark.parametrize("blend", [Blend(), Blend(kind="mix", rate=0.5), Blend(kind="deltas", rate=1.0)])
def test_components_that_nobody_had_stay_and_can_still_be_learnt(runner, blend):
    of, context = federated(runner)
    start = runner.demand(of.state).tensors
    take_round(of, context, 1, range(3), blend, settings=dict.fromkeys(range(3), AT_2))
    low = runner.demand(of.state).tensors
    assert same(components(low, 2), components(start, 2))
    assert not same(lora(low), lora(start))
    take_round(of, context, 2, range(3), blend)
    high = components(runner.demand(of.state).tensors, 2)
    assert all(np.any(value != components(low, 2)[name]) for name, value in high.items() if ".lora_B." in name)


def test_differences_of_devices_of_several_ranks_add_up(runner):
    of, context = federated(runner)
    start = runner.demand(of.state).tensors
    updates = take_round(of, context, 1, range(2), Blend(kind="deltas", rate=1.0), settings={0: AT_4, 1: AT_1})
    full, one = (runner.demand(update.job).tensors for update in updates)
    after = runner.demand(of.state).tensors
    for name, value in lora(start).items():
        expected = value + 0.5 * (full[name] - value)
        part = (slice(0, 1), slice(None)) if ".lora_A." in name else (slice(None), slice(0, 1))
        expected[part] += 0.5 * (one[name] - value[part])
        assert np.allclose(after[name], expected, atol=1e-6)


def test_a_federation_of_mixed_ranks_learns(runner):
    of, context = federated(runner)
    before = runner.demand(of.quality()).numbers["loss"]
    for number in range(1, 4):
        take_round(of, context, number, range(3), settings={0: AT_4, 1: AT_2, 2: AT_1})
    assert runner.demand(of.quality()).numbers["loss"] < before
    assert of.facts().trainable_parameters == context.costs["device"]["trainable_parameters"]
    edge = of.branch()
    take_round(edge, context, 4, range(2), settings={0: AT_2, 1: AT_1})
    of.join([(edge, 40.0)])
    assert runner.demand(of.state).tensors.keys() == runner.demand(edge.state).tensors.keys()
