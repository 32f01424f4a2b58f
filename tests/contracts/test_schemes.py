"""What every scheme of the catalogue promises the world: a new scheme gets this suite by being listed."""

import pytest

from learners.catalog import METHODS, SCHEMES, LocalSettings, SchemeContext, dataset_spec
from learners.data.datasets import DigitsParams
from learners.data.partition import partition_job
from learners.inline import InlineRunner
from mecsim.federation.contract import ClientView, Update, Work
from mecsim.federation.turn import memory_refusal

pytestmark = pytest.mark.learning

#: Scheme and parameters; a scheme without a row here is tried with none.
VARIANTS = {
    "fedpeft": [
        *({"method": method} for method in METHODS),
        {"method": "adapter", "shared": False},
        {"method": "head", "pretrained": False},
        {"method": "peft", "peft_type": "IA3"},
    ]
}
CASES = [(name, params) for name in SCHEMES for params in VARIANTS.get(name, [{}])]
LOCAL = LocalSettings(epochs=1, batch_size=16)

every_scheme = pytest.mark.parametrize(
    ("name", "params"), CASES, ids=["-".join(map(str, [name, *params.values()])) for name, params in CASES]
)


@pytest.fixture
def runner():
    return InlineRunner()


def federated(runner, name, params, *, n_clients=3, learning_seed=0, data_seed=1, account_as=None):
    """Return a scheme over a small digits federation, with its context."""
    entry = SCHEMES[name]
    validated = entry.params.model_validate(params)
    dataset = dataset_spec("digits", DigitsParams(train_per_class=6))
    partition = partition_job(dataset, {"kind": "iid"}, n_clients=n_clients, public_share=0.1, test_share=0.1, seed=data_seed)
    n_classes = 10
    sheet = entry.cost_job(
        validated, model="tiny-vit-s", account_as=account_as, n_classes=n_classes, batch_size=LOCAL.batch_size
    )
    context = SchemeContext(
        model="tiny-vit-s",
        account_as=account_as,
        n_classes=n_classes,
        dataset=dataset,
        partition=partition,
        client_samples=tuple(runner.demand(partition).numbers["n_samples"]),
        local=LOCAL,
        learning_seed=learning_seed,
        costs=runner.demand(sheet).numbers,
        backbone_preinstalled=False,
    )
    return entry.create(validated, context), context


def offer(scheme, context, client, number=0):
    n_samples = context.client_samples[client]
    return scheme.offer(ClientView(client=client, round=number, n_samples=n_samples, memory_budget_bytes=1e15))


def run_rounds(scheme, context, n_rounds=2):
    """Let every client take part in every round; nothing is executed."""
    clients = range(len(context.client_samples))
    for number in range(n_rounds):
        offers = [offer(scheme, context, client, number) for client in clients]
        samples = context.client_samples
        scheme.merge([Update(client=client, n_samples=samples[client], job=offers[client].job) for client in clients])
    return scheme.quality()


def tensors_of(result):
    return {key: value.tobytes() for key, value in result.tensors.items()}


@every_scheme
def test_uploads_exactly_what_it_announces(runner, name, params):
    scheme, context = federated(runner, name, params)
    scheme.prepare()
    announced = offer(scheme, context, 0)
    assert runner.demand(announced.job).size_bytes == announced.sends.size_bytes


@every_scheme
def test_names_what_it_sends_and_what_it_needs(runner, name, params):
    scheme, context = federated(runner, name, params)
    scheme.prepare()
    announced = offer(scheme, context, 0)
    assert announced.sends.name == announced.job.name
    assert len({payload.name for payload in announced.needs}) == len(announced.needs)
    assert all(payload.size_bytes > 0 for payload in announced.needs)
    assert offer(scheme, context, 0) == announced  # to ask again changes nothing


@every_scheme
def test_costs_are_those_that_are_counted(runner, name, params):
    scheme, context = federated(runner, name, params)
    n_samples = context.client_samples[0]
    work = offer(scheme, context, 0).work
    assert work == Work(
        flop=context.costs["train_flop_per_sample"] * n_samples,
        traffic_bytes=context.costs["traffic_bytes_per_step"] * work.n_steps,
        peak_bytes=context.costs["peak_train_bytes"],
        n_steps=runner.demand(offer(scheme, context, 0).job).numbers["n_steps"],
    )


@every_scheme
def test_one_seed_gives_the_same_bytes_and_another_seed_others(runner, name, params):
    def learnt(learning_seed):
        fresh = InlineRunner()
        scheme, context = federated(fresh, name, params, learning_seed=learning_seed)
        quality = run_rounds(scheme, context)
        return quality.name, tensors_of(fresh.demand(quality.inputs[0])), fresh.demand(quality).numbers

    one, again, other = learnt(0), learnt(0), learnt(1)
    assert one == again
    assert one[0] != other[0]
    assert one[1] != other[1]


@every_scheme
def test_quality_has_an_accuracy_and_a_loss(runner, name, params):
    scheme, context = federated(runner, name, params)
    numbers = runner.demand(run_rounds(scheme, context, n_rounds=1)).numbers
    assert 0.0 <= numbers["accuracy"] <= 1.0
    assert numbers["loss"] > 0.0


@every_scheme
def test_works_with_one_client(runner, name, params):
    scheme, context = federated(runner, name, params, n_clients=1)
    assert "accuracy" in runner.demand(run_rounds(scheme, context)).numbers


@every_scheme
def test_accounting_as_a_large_model_changes_costs_and_no_learning(runner, name, params):
    own, own_context = federated(runner, name, params)
    large, large_context = federated(runner, name, params, account_as="tiny-vit-l")
    assert run_rounds(own, own_context) == run_rounds(large, large_context)
    assert offer(large, large_context, 0).work.flop > offer(own, own_context, 0).work.flop


@every_scheme
def test_a_device_short_of_memory_is_refused_before_anything_is_sent(runner, name, params):
    scheme, context = federated(runner, name, params)
    refusal = memory_refusal(offer(scheme, context, 0), 1000.0)
    assert (refusal.reason, refusal.available) == ("memory", 1000.0)
    assert refusal.needed > 1000.0


@every_scheme
def test_parameters_are_frozen_and_reject_unknown_keys(name, params):
    model = SCHEMES[name].params
    with pytest.raises(ValueError, match="frozen"):
        model.model_validate(params).__setattr__(next(iter(params)), None)
    with pytest.raises(ValueError, match="Extra inputs"):
        model.model_validate({**params, "no_such_key": 1})
