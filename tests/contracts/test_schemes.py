"""What every scheme of the catalogue promises the world: a new scheme gets this suite by being listed."""

import numpy as np
import pytest
from scheme_cases import (
    N_CLIENTS,
    VARIANTS,
    every_scheme,
    every_scheme_that_learns,
    federated,
    offer,
    run_rounds,
    shared_runner,
)

from learners.catalog import SCHEMES
from learners.inline import InlineRunner, take_round
from learners.states import sent_bytes, state_of
from mecsim.federation.contract import NO_WORK, Offer
from mecsim.federation.turn import memory_refusal

pytestmark = pytest.mark.learning


@pytest.fixture(scope="module")
def runner():
    return shared_runner()


def tensors_of(result):
    return {key: value.tobytes() for key, value in result.tensors.items()}


@every_scheme_that_learns
def test_uploads_exactly_what_it_announces(runner, name, params):
    scheme, context = federated(runner, name, params)
    scheme.prepare()
    for number in (1, 2):
        announced = offer(scheme, context, number=number)
        if announced.sends is not None and announced.sends.kind == "update":
            assert sent_bytes(runner.demand(announced.job)) == announced.sends.size_bytes
        take_round(scheme, context, number, range(N_CLIENTS))


@every_scheme_that_learns
def test_names_what_it_sends_and_what_it_needs(runner, name, params):
    scheme, context = federated(runner, name, params)
    scheme.prepare()
    announced = offer(scheme, context)
    if announced.sends is not None and announced.sends.kind == "update":
        assert announced.sends.name == announced.job.name
    assert len({payload.name for payload in announced.needs}) == len(announced.needs)
    assert all(payload.size_bytes > 0 for payload in announced.needs)
    assert offer(scheme, context) == announced  # to ask again changes nothing


@every_scheme_that_learns
def test_costs_are_those_that_are_counted(runner, name, params):
    scheme, context = federated(runner, name, params)
    announced, n_samples = offer(scheme, context), context.client_samples[0]
    if announced.work == NO_WORK:
        return
    # What a device does is counted by one of the scheme's sheets, for exactly the steps that it takes.
    n_steps = runner.demand(announced.job).numbers["n_steps"]
    assert announced.work.n_steps == n_steps
    assert (announced.work.flop, announced.work.traffic_bytes, announced.work.peak_bytes) in [
        (
            sheet["train_flop_per_sample"] * n_samples,
            sheet["traffic_bytes_per_step"] * n_steps,
            sheet["peak_train_bytes"],
        )
        for key, sheet in context.costs.items()
        if key.startswith("device")
    ]


@every_scheme_that_learns
def test_one_seed_gives_the_same_bytes_and_another_seed_others(runner, name, params):
    def learnt(learning_seed):
        fresh = InlineRunner({job: result for job, result in runner.results.items() if job.kind == "cost"})
        scheme, context = federated(fresh, name, params, learning_seed=learning_seed)
        quality = run_rounds(scheme, context)
        return quality.name, [tensors_of(fresh.demand(job)) for job in quality.inputs], fresh.demand(quality).numbers

    one, again, other = learnt(0), learnt(0), learnt(1)
    assert one == again
    assert one[0] != other[0]
    assert one[2] != other[2]


@every_scheme_that_learns
def test_quality_has_an_accuracy_and_a_loss_and_numbers_beside_them(runner, name, params):
    scheme, context = federated(runner, name, params)
    numbers = runner.demand(run_rounds(scheme, context, n_rounds=1)).numbers
    assert 0.0 <= numbers["accuracy"] <= 1.0
    assert numbers["loss"] > 0.0
    counts = {name: numbers[name] for name in ("class_n", "class_right")}  # by class, of what would be deployed
    assert all(isinstance(value, int | float) for name, value in numbers.items() if name not in counts)
    n_tested, n_right = (np.array(counts[name], dtype=float).reshape(-1, 10) for name in counts)
    assert np.all(n_tested.sum(axis=1) == numbers["n_samples"])
    assert np.mean(n_right.sum(axis=1) / n_tested.sum(axis=1)) == pytest.approx(numbers["accuracy"])


@every_scheme_that_learns
def test_works_with_one_client(runner, name, params):
    scheme, context = federated(runner, name, params, n_clients=1)
    assert "accuracy" in runner.demand(run_rounds(scheme, context)).numbers


@every_scheme_that_learns
def test_works_from_a_head_that_the_server_fitted(runner, name, params):
    scheme, context = federated(runner, name, params, head_start="public", public_share=0.2)
    assert scheme.prepare().work.flop > 0.0
    assert "accuracy" in runner.demand(run_rounds(scheme, context, n_rounds=1)).numbers


@every_scheme_that_learns
def test_accounting_as_a_large_model_changes_costs_and_no_learning(runner, name, params):
    own, own_context = federated(runner, name, params)
    large, large_context = federated(runner, name, params, account_as="vit-base-16")
    assert run_rounds(own, own_context) == run_rounds(large, large_context)
    if name != "small-only":  # it has an account_as of its own
        assert large.facts().inference_flop > own.facts().inference_flop


@every_scheme_that_learns
def test_a_device_short_of_memory_is_refused_before_anything_is_sent(runner, name, params):
    scheme, context = federated(runner, name, params)
    announced = offer(scheme, context)
    if announced.work == NO_WORK:
        return
    refusal = memory_refusal(announced.work, 1000.0)
    assert (refusal.reason, refusal.available) == ("memory", 1000.0)
    assert refusal.needed > 1000.0


@every_scheme_that_learns
def test_facts_are_those_of_the_trained_state(runner, name, params):
    scheme, context = federated(runner, name, params)
    announced, facts = offer(scheme, context), scheme.facts()
    assert isinstance(announced, Offer)
    assert facts.inference_flop > 0.0
    if announced.work != NO_WORK:
        trained = state_of(runner.demand(announced.job))
        assert facts.trainable_parameters == sum(value.size for value in trained.values())


@every_scheme
def test_parameters_are_frozen_and_reject_unknown_keys(name, params):
    model = SCHEMES[name].params
    validated = model.model_validate(params)
    for key in model.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(validated, key, None)
    with pytest.raises(ValueError, match="Extra inputs"):
        model.model_validate({**params, "no_such_key": 1})


def test_every_variant_belongs_to_a_scheme():
    assert VARIANTS.keys() <= set(SCHEMES)
