import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from learners.average import combination, run, weighted_mean
from mecsim.errors import JobError
from mecsim.jobs.job import Result

states = nps.arrays(np.float32, 5, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


@given(state=states, weights=st.lists(st.integers(1, 10_000), min_size=1, max_size=30))
def test_the_mean_of_equal_states_is_that_state_bit_for_bit(state, weights):
    mean = weighted_mean([{"w": state}] * len(weights), weights)
    assert mean["w"].tobytes() == (state + np.float32(0.0)).tobytes()  # minus zero becomes zero


def test_the_mean_is_weighted_by_samples():
    # (1 * 10 + 3 * 30) / 40 = 2.5
    results = [Result({}, {"w": np.array([value], dtype=np.float32)}) for value in (1.0, 3.0)]
    result = run({"weights": [10, 30]}, results)
    assert result.tensors["w"].tolist() == [2.5]
    assert result.tensors["w"].dtype == np.float32


@given(data=st.lists(st.tuples(st.integers(1, 100), states), min_size=1, max_size=8))
def test_the_mean_lies_between_the_extremes(data):
    stacked = np.stack([state for _, state in data]).astype(np.float64)
    mean = weighted_mean([{"w": state} for _, state in data], [weight for weight, _ in data])["w"].astype(np.float64)
    slack = 1e-6 * np.abs(stacked).max(0)
    assert (mean >= stacked.min(0) - slack).all()
    assert (mean <= stacked.max(0) + slack).all()


def test_states_of_different_methods_are_refused():
    with pytest.raises(JobError, match="different tensors"):
        weighted_mean([{"a": np.zeros(1)}, {"b": np.zeros(1)}], [1, 1])


@pytest.mark.parametrize("weights", [[1], [0, 0], [-1, 2]])
def test_weights_that_make_no_mean_are_refused(weights):
    with pytest.raises(JobError, match="cannot be averaged"):
        weighted_mean([{"a": np.zeros(1)}] * 2, weights)


def test_a_combination_adds_up_as_its_factors_say():
    # 1 * 2.0 + 0.5 * 3.0 - 0.5 * 1.0 = 3.0
    results = [Result({}, {"w": np.array([value], dtype=np.float32)}) for value in (2.0, 3.0, 1.0)]
    result = run({"coefficients": [1.0, 0.5, -0.5]}, results)
    assert result.tensors["w"].tolist() == [3.0]
    assert result.tensors["w"].dtype == np.float32


@pytest.mark.parametrize("coefficients", [[1.0], [0.5, 0.4], [1.0, 1.0]])
def test_factors_that_do_not_add_up_to_one_are_refused(coefficients):
    with pytest.raises(JobError, match="they add up to 1"):
        combination([{"a": np.zeros(1)}] * 2, coefficients)
