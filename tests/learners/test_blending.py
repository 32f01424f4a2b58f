"""How updates enter a state: hand-computed averages, and the formulas of FedAsync and FedBuff executed on numbers."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.average import run
from learners.schemes.blending import blended_job, joined_job, n_terms
from mecsim.errors import JobError
from mecsim.federation.contract import REPLACE, Blend, Update
from mecsim.jobs.job import Result, job


def state(label):
    return job("state", {"is": label})


def update(client, *, n_samples=10, base=None, weight=1.0):
    trained = job("train", {"client": client, "from": base.name if base else ""})
    return Update(client=client, n_samples=n_samples, job=trained, base=base, weight=weight)


def factors(made):
    """Return the factor of each state in a combination, by its job."""
    return dict(zip(made.inputs, json.loads(made.params)["coefficients"], strict=True))


def executed(made, values):
    """Return what the job gives where each state is one number."""
    results = [Result({}, {"w": np.array([values[needed]], dtype=np.float64)}) for needed in made.inputs]
    return float(run(json.loads(made.params), results).tensors["w"][0])


def test_weights_of_fresh_updates_are_whole_numbers_as_stored_jobs_have_them():
    made = blended_job(state(0), [update(1, n_samples=30), update(0, n_samples=20)])
    assert made.params == '{"weights":[20,30]}'
    assert made == blended_job(state(0), [update(0, n_samples=20), update(1, n_samples=30)], Blend(kind="mix", rate=1.0))


def test_a_weight_of_a_protocol_multiplies_the_samples():
    made = blended_job(state(0), [update(0, n_samples=20, weight=0.5), update(1, n_samples=30)])
    assert json.loads(made.params) == {"weights": [10.0, 30]}


@pytest.mark.parametrize(("weighting", "weights"), [("samples", [20, 21]), ("batches", [32, 32]), ("uniform", [1, 1])])
def test_updates_weigh_by_samples_by_batches_or_all_alike(weighting, weights):
    made = blended_job(state(0), [update(0, n_samples=20), update(1, n_samples=21)], weighting=weighting, batch_size=16)
    assert json.loads(made.params) == {"weights": weights}


def test_a_mix_leaves_the_rest_to_the_state():
    # 0.6 of the mean of 20 and 60 samples: 0.15 and 0.45; 0.4 stays.
    before, updates = state(0), [update(0, n_samples=20), update(1, n_samples=60)]
    made = blended_job(before, updates, Blend(kind="mix", rate=0.6))
    assert factors(made) == {
        before: pytest.approx(0.4),
        updates[0].job: pytest.approx(0.15),
        updates[1].job: pytest.approx(0.45),
    }


def test_fedasync_takes_one_update_at_a_time():
    # alpha = 0.6 and an update three merges behind: 0.6 * 4 ** -0.5 = 0.3 of 10 and 0.7 of 2 are 4.4.
    before, late = state(0), update(0)
    made = blended_job(before, [late], Blend(kind="mix", rate=0.6 * 4**-0.5))
    assert executed(made, {before: 2.0, late.job: 10.0}) == pytest.approx(4.4)


def test_fedbuff_adds_the_mean_of_weighted_differences():
    # State 5; two updates from it, to 7 and 9; one from the state before, which was 3, to 6 with weight 2 ** -0.5.
    # 5 + 0.5 * ((7 - 5) + (9 - 5) + (6 - 3) / sqrt(2)) / 3 = 6.3536. Divided by K and not by the sum of the weights.
    old, now = state(0), state(1)
    updates = [update(0, base=now), update(1, base=now), update(2, base=old, weight=2**-0.5)]
    made = blended_job(now, updates, Blend(kind="deltas", rate=0.5))
    values = {now: 5.0, old: 3.0, updates[0].job: 7.0, updates[1].job: 9.0, updates[2].job: 6.0}
    assert executed(made, values) == pytest.approx(5.0 + 0.5 * (2.0 + 4.0 + 3.0 / 2**0.5) / 3.0)
    assert sum(factors(made).values()) == pytest.approx(1.0)
    assert len(made.inputs) == 5  # the state is a base as well, and stands once


def test_differences_of_fresh_updates_at_rate_one_are_their_plain_mean():
    now = state(1)
    updates = [update(client, n_samples=10 * client + 1, base=now) for client in range(3)]
    assert factors(blended_job(now, updates, Blend(kind="deltas"))) == {each.job: pytest.approx(1 / 3) for each in updates}


def test_a_training_that_comes_twice_counts_twice():
    # A device that begins twice from one state does the same training: a job is named by what goes into it.
    now = state(1)
    twice = [update(0, base=now)] * 2
    made = blended_job(now, twice, Blend(kind="deltas", rate=0.5))
    assert factors(made) == {now: 0.5, twice[0].job: 0.5}


@given(
    data=st.lists(st.tuples(st.integers(1, 500), st.floats(0.01, 1.0), st.integers(0, 3)), min_size=1, max_size=6),
    kind=st.sampled_from(["mix", "deltas"]),
    rate=st.floats(0.01, 1.0),
    values=st.lists(st.floats(-10.0, 10.0), min_size=10, max_size=10),
)
def test_combinations_are_the_formulas_of_the_papers(data, kind, rate, values):
    states = [state(version) for version in range(4)]
    updates = [
        update(client, n_samples=n_samples, base=states[version], weight=weight)
        for client, (n_samples, weight, version) in enumerate(data)
    ]
    numbers = {**dict(zip(states, values[:4], strict=True)), **{each.job: values[4 + each.client] for each in updates}}
    now = numbers[states[3]]
    if kind == "mix":
        total = sum(each.n_samples * each.weight for each in updates)
        mean = sum(each.n_samples * each.weight * numbers[each.job] for each in updates) / total
        expected = (1.0 - rate) * now + rate * mean
    else:
        gained = sum(each.weight * (numbers[each.job] - numbers[each.base]) for each in updates)
        expected = now + rate * gained / len(updates)
    made = blended_job(states[3], updates, Blend(kind=kind, rate=rate))
    assert made == blended_job(states[3], updates[::-1], Blend(kind=kind, rate=rate))
    assert executed(made, numbers) == pytest.approx(expected, abs=1e-9)


def test_branches_join_by_their_weights_and_those_without_are_left_out():
    made = joined_job([(state(0), 20), (state(1), 0.0), (state(2), 40.0)])
    assert (json.loads(made.params), made.inputs) == ({"weights": [20.0, 40.0]}, (state(0), state(2)))


def test_the_server_adds_its_own_state_where_it_stays_in_the_sum():
    rates = [REPLACE, Blend(kind="mix", rate=1.0), Blend(kind="mix", rate=0.5), Blend(kind="deltas")]
    assert [n_terms(3, blend) for blend in rates] == [3, 3, 4, 4]


@pytest.mark.parametrize("weights", [[0.0], [-1.0, 2.0]])
def test_updates_without_a_weight_have_no_mean(weights):
    updates = [update(client, weight=weight) for client, weight in enumerate(weights)]
    with pytest.raises(JobError, match="have no mean"):
        blended_job(state(0), updates)
    with pytest.raises(JobError, match="have no mean"):
        joined_job([(each.job, each.weight) for each in updates])


def test_a_difference_needs_a_base():
    with pytest.raises(JobError, match="device 3 has no base"):
        blended_job(state(0), [update(3)], Blend(kind="deltas"))


@pytest.mark.parametrize(
    ("kind", "rate"),
    [("replace", 0.5), ("mix", 0.0), ("mix", 1.1), ("deltas", 0.0), ("deltas", float("inf")), ("mix", float("nan"))],
)
def test_rates_that_no_blend_has(kind, rate):
    with pytest.raises(ValueError, match=f"the rate of {kind} is"):
        Blend(kind=kind, rate=rate)


def test_names_of_combinations_stay():
    # Stored results are found by these names: when this test fails, either undo the change or raise mecsim.jobs.job.FORMAT.
    made = blended_job(state(0), [update(0, base=state(0)), update(1, base=state(0))], Blend(kind="deltas", rate=0.5))
    assert made.name == "0360899eda48af34e83ea9f79ce7da728ff71c88589cd78dfcbe38cf649361d3"
