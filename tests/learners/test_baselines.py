"""The baselines: full fine-tuning, FedPETuning, the small model alone, no federation, and training on pooled data."""

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from learners.data.datasets import DigitsParams, dataset_spec
from learners.data.examples import examples
from learners.data.partition import partition_job, shard_of
from learners.inline import InlineRunner
from learners.models.load import build
from learners.optimizers import optimizer_of
from learners.peft.defaults import METHODS
from learners.peft.state import load_trainable_state, trainable_state
from learners.schemes import centralised, fedpetuning, full, local_only, small_only
from learners.schemes.context import CostQuestion, LocalSettings, SchemeContext
from learners.schemes.parts import evaluate_job, train_work
from learners.train import train
from mecsim.federation.contract import NO_STEP, NO_WORK, ClientView, Refusal, Update
from mecsim.hashing import seed_of

pytestmark = pytest.mark.learning

DATASET = dataset_spec("digits", DigitsParams(train_per_class=6))
PARTITION = partition_job(DATASET, {"kind": "iid"}, n_clients=3, public_share=0.1, test_share=0.1, seed=1)
LOCAL = LocalSettings(epochs=2, batch_size=16)


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def federated(runner, module, *, head_start="random", account_as=None, preinstalled=False, model="tiny-vit-s", **params):
    """Return a scheme over a small digits federation."""
    entry = module.ENTRY
    validated = entry.params.model_validate(params)
    ask = CostQuestion(
        model=model,
        account_as=account_as,
        task="image-classification",
        n_classes=10,
        batch_size=LOCAL.batch_size,
        length=None,
        optimizer="sgd",
        head_start=head_start,
    )
    dealt = runner.demand(PARTITION).numbers
    context = SchemeContext(
        model=model,
        account_as=account_as,
        task="image-classification",
        n_classes=10,
        dataset=DATASET,
        partition=PARTITION,
        client_samples=tuple(dealt["n_samples"]),
        n_public=dealt["n_public"],
        n_test=dealt["n_test"],
        n_rounds=3,
        local=LOCAL,
        learning_seed=0,
        costs={name: runner.demand(sheet).numbers for name, sheet in entry.cost_jobs(validated, ask).items()},
        backbone_preinstalled=preinstalled,
        head_start=head_start,
    )
    return entry.create(validated, context)


def view(scheme, client, number=1):
    return ClientView(client=client, round=number, n_samples=scheme.context.client_samples[client], memory_budget_bytes=1e15)


def offer(scheme, client, number=1):
    return scheme.offer(view(scheme, client, number))


def play(scheme, number, *clients):
    """Play a round as the synchronous protocol does; return what the server computed alongside and in merging."""
    alongside = scheme.alongside(number).work
    offers = {client: offer(scheme, client, number) for client in clients}
    samples = scheme.context.client_samples
    updates = [
        Update(client=client, n_samples=samples[client], job=made.job)
        for client, made in offers.items()
        if made.job is not None
    ]
    return alongside, scheme.merge(updates).work if updates else NO_WORK


def trained_by_hand(runner, spec, state, wanted, indices, rate):
    """Train plainly on ``indices``, with the seed of the job ``wanted``."""
    model = build(spec)
    load_trainable_state(model, {name: torch.from_numpy(value) for name, value in runner.demand(state).tensors.items()})
    settings = {"learning_rate": rate, "momentum": LOCAL.momentum, "nesterov": LOCAL.nesterov}
    optimizer = optimizer_of(model, {**settings, "weight_decay": LOCAL.weight_decay})
    own = examples(DATASET, spec).pick(torch.from_numpy(indices))
    generator = torch.Generator().manual_seed(seed_of("shuffle", wanted.name))
    train(model, own, epochs=2, batch_size=16, optimizer=optimizer, clip_norm=None, generator=generator)
    return trainable_state(model)


def same(result, tensors):
    return result.tensors.keys() == tensors.keys() and all(
        np.asarray(tensors[name]).tobytes() == value.tobytes() for name, value in result.tensors.items()
    )


AVERAGED = {
    "full": (full, {}),
    "fedpetuning": (fedpetuning, {}),
    "small_only": (small_only, {"small": "tiny-vit-s", "method": "bias"}),
}
every_average = pytest.mark.parametrize(("module", "params"), AVERAGED.values(), ids=AVERAGED)


@every_average
def test_averaging_identical_clients_changes_nothing(runner, module, params):
    scheme = federated(runner, module, **params)
    training = offer(scheme, 0).job
    scheme.merge([Update(client=client, n_samples=n, job=training) for client, n in ((0, 7), (1, 20), (2, 1))])
    averaged, own = runner.demand(scheme.state).tensors, runner.demand(training).tensors
    assert averaged.keys() == own.keys()
    for name, value in own.items():
        np.testing.assert_allclose(averaged[name], value, rtol=2e-7, atol=1e-9)


@every_average
def test_what_is_announced_is_what_travels(runner, module, params):
    scheme = federated(runner, module, **params)
    made = offer(scheme, 1)
    assert runner.demand(made.job).size_bytes == made.sends.size_bytes
    assert made.sends.name == made.job.name


def test_full_sends_everything_and_holds_no_backbone(runner):
    scheme = federated(runner, full)
    made = offer(scheme, 0)
    n_parameters = sum(parameter.numel() for parameter in build(scheme.part.spec).parameters())
    assert made.sends.size_bytes == 4 * n_parameters
    assert [payload.kind for payload in made.needs] == ["state"]
    assert scheme.facts().trainable_parameters == n_parameters
    assert scheme.learning_rate == METHODS["full"].learning_rates["sgd"]


def test_full_weighs_by_samples_unless_told(runner):
    for weighting in ("samples", "uniform"):
        scheme = federated(runner, full, weighting=weighting)
        play(scheme, 1, 0, 1)
        expected = list(scheme.context.client_samples[:2]) if weighting == "samples" else [1, 1]
        assert json.loads(scheme.state.params)["weights"] == expected


def test_fedpetuning_trains_low_rank_updates_of_all_four_projections(runner):
    scheme = federated(runner, fedpetuning, rank=4)
    names = runner.demand(scheme.state).tensors.keys()
    for projection in ("q_proj", "k_proj", "v_proj", "o_proj"):
        assert sum(f"{projection}.lora_A" in name for name in names) == 2  # two blocks
    hidden, n_blocks, head = 32, 2, 32 * 10 + 10
    assert scheme.facts().trainable_parameters == n_blocks * 4 * 2 * 4 * hidden + head
    assert [payload.kind for payload in offer(scheme, 0).needs] == ["backbone", "state"]


def test_small_only_is_the_small_model_with_its_own_costs(runner):
    scheme = federated(runner, small_only, model="tiny-vit-l", account_as="vit-base-16", small="tiny-vit-s", method="full")
    assert scheme.part.spec["name"] == "tiny-vit-s"
    assert offer(scheme, 0).work == offer(federated(runner, full), 0).work
    assert scheme.facts().account_as == ""
    counted = federated(
        runner, small_only, model="tiny-vit-l", small="tiny-vit-s", small_account_as="tiny-vit-l", method="full"
    )
    assert counted.facts().account_as == "tiny-vit-l"
    assert offer(counted, 0).job == offer(scheme, 0).job
    assert offer(counted, 0).work.flop > offer(scheme, 0).work.flop


def test_local_only_sends_nothing_and_fetches_once(runner):
    scheme = federated(runner, local_only)
    first = offer(scheme, 0)
    assert [payload.kind for payload in first.needs] == ["backbone", "state"]
    assert first.sends is None
    assert offer(scheme, 0) == first
    alongside, merging = play(scheme, 1, 0)
    assert alongside == merging == NO_WORK
    later = offer(scheme, 0, 2)
    assert (later.needs, later.sends) == ((), None)
    assert later.work == first.work
    assert offer(scheme, 1, 2).needs == first.needs  # device 1 has had no turn yet


def test_local_only_is_separate_trainings(runner):
    scheme = federated(runner, local_only, method="bias")
    play(scheme, 1, 0, 1)
    after_one = scheme.own_state(0)
    play(scheme, 2, 0)
    shard = shard_of(runner.demand(PARTITION), 0)
    rate = METHODS["bias"].learning_rates["sgd"]
    once = trained_by_hand(runner, scheme.part.spec, scheme.state, after_one, shard, rate)
    assert same(runner.demand(after_one), once)
    twice = trained_by_hand(runner, scheme.part.spec, after_one, scheme.own_state(0), shard, rate)
    assert same(runner.demand(scheme.own_state(0)), twice)
    assert json.loads(scheme.own_state(1).params)["on"] == {"client": 1}
    assert scheme.own_state(1).inputs[0] == scheme.state
    assert scheme.own_state(2) == scheme.state  # never asked


def test_local_only_is_worth_the_mean_of_its_devices(runner):
    scheme = federated(runner, local_only)
    play(scheme, 1, 0, 1)
    quality = scheme.quality()
    single = [runner.demand(evaluation).numbers for evaluation in quality.inputs]
    assert len(single) == 3
    assert len({numbers["loss"] for numbers in single}) == 3
    for name in ("accuracy", "loss"):
        assert runner.demand(quality).numbers[name] == pytest.approx(np.mean([numbers[name] for numbers in single]))


def test_centralised_devices_upload_their_samples_once(runner):
    scheme = federated(runner, centralised)
    made = offer(scheme, 1)
    assert (made.needs, made.work) == ((), NO_WORK)
    assert (made.sends.kind, made.sends.size_bytes) == ("samples", 28 * 28 * scheme.context.client_samples[1])
    assert made.sends.name != offer(scheme, 0).sends.name
    assert offer(scheme, 1) == made
    play(scheme, 1, 1)
    later = offer(scheme, 1, 2)
    assert (later.needs, later.work, later.sends, later.job) == ((), NO_WORK, None, None)
    assert offer(scheme, 0, 2).sends is not None


def test_centralised_makes_one_pass_a_round_on_what_it_holds(runner):
    scheme = federated(runner, centralised)
    n, costs = scheme.context.client_samples, scheme.part.costs
    start = scheme.state
    assert play(scheme, 1, 2) == (NO_WORK, train_work(costs, n[2], LOCAL))  # nothing to train on before the first uploads
    first = scheme.state
    assert first.inputs[0] == start
    assert play(scheme, 2, 2, 0) == (train_work(costs, n[2], LOCAL), NO_WORK)  # what arrives now is used from the next round on
    assert play(scheme, 3, 0, 2) == (train_work(costs, n[2] + n[0], LOCAL), NO_WORK)
    assert json.loads(scheme.state.params)["on"] == {"clients": [0, 2]}
    assert scheme.state.inputs[0].inputs[0] == first
    assert scheme.facts().trainable_parameters == 0


def test_centralised_ends_where_training_on_the_pooled_samples_ends(runner):
    scheme = federated(runner, centralised, method="head")
    play(scheme, 1, 2, 0, 1)
    partition = runner.demand(PARTITION)
    pooled = np.concatenate([shard_of(partition, client) for client in range(3)])
    start = scheme.state.inputs[0]
    by_hand = trained_by_hand(runner, scheme.part.spec, start, scheme.state, pooled, METHODS["head"].learning_rates["sgd"])
    assert same(runner.demand(scheme.state), by_hand)
    assert runner.demand(scheme.state).numbers["n_samples"] == 2 * len(pooled)


def test_centralised_without_a_single_upload_is_the_start(runner):
    scheme = federated(runner, centralised)
    assert scheme.alongside(1) == NO_STEP
    assert runner.demand(scheme.quality()).numbers["n_samples"] > 0


@pytest.mark.parametrize(
    ("module", "params"),
    [*AVERAGED.values(), (local_only, {}), (centralised, {})],
    ids=[*AVERAGED, "local_only", "centralised"],
)
def test_a_fitted_head_is_where_they_start(runner, module, params):
    scheme = federated(runner, module, head_start="public", **params)
    assert scheme.prepare().work.flop > 0
    head = runner.demand(scheme.state.inputs[0])
    start = runner.demand(scheme.state)
    for name, value in head.tensors.items():
        np.testing.assert_array_equal(start.tensors[name], value)
    if module is not full:  # the same network, whatever trains later
        as_full = federated(runner, full, head_start="public")
        loss = runner.demand(evaluate_job(scheme.part, scheme.state, scheme.context)).numbers["loss"]
        expected = runner.demand(evaluate_job(as_full.part, as_full.state, as_full.context)).numbers["loss"]
        assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("module", [full, fedpetuning, small_only, local_only, centralised])
def test_a_device_without_samples_refuses(runner, module):
    scheme = federated(runner, module, **({"small": "tiny-vit-s"} if module is small_only else {}))
    empty = ClientView(client=0, round=1, n_samples=0, memory_budget_bytes=1e15)
    assert scheme.offer(empty) == Refusal(reason="samples", needed=1.0, available=0.0)


@pytest.mark.parametrize("module", [small_only, local_only, centralised])
def test_defaults_are_spelled_out_and_read_again(module):
    given = {"small": "tiny-vit-s"} if module is small_only else {}
    params = module.ENTRY.params.model_validate(given)
    assert params.method_spec() == {"name": "lora", **METHODS["lora"].options}
    written = params.model_dump(mode="json", exclude_none=True)
    assert module.ENTRY.params.model_validate_json(json.dumps(written)) == params


@pytest.mark.parametrize(
    ("module", "data", "message"),
    [
        (small_only, {}, "Field required"),
        (small_only, {"small": "tiny-vit-s", "method": "bias", "rank": 4}, "rank: no option of method 'bias'"),
        (local_only, {"method": "lorra"}, "Input should be 'full', 'head'"),
        (centralised, {"sends": 1}, "Extra inputs"),
        (full, {"method": "full"}, "Extra inputs"),
        (full, {"weighting": "batches"}, "Input should be 'samples' or 'uniform'"),
        (fedpetuning, {"rank": 0}, "greater than or equal to 1"),
    ],
)
def test_parameters_that_are_wrong(module, data, message):
    with pytest.raises(ValidationError, match=message):
        module.ENTRY.params.model_validate(data)
