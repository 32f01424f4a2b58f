"""Features: their numbers by hand, finite whatever happens, and in the order of their names."""

import numpy as np
import pytest
from hypothesis import given, settings
from made_observations import observation, observations

from mecsim.control.features import (
    CHOICE_FEATURES,
    DEVICE_FEATURES,
    LIMIT,
    N_ROUND_FEATURES,
    ROUND_FEATURES,
    device_feature_names,
    device_features,
    n_device_features,
    round_features,
    transfer_s,
)
from mecsim.control.observation import Observation


def of_device(seen: Observation, device: int) -> dict[str, float]:
    names = device_feature_names(seen.n_choices)
    return dict(zip(names, device_features(seen)[device].tolist(), strict=True))


def test_numbers_by_hand():
    """Device 1 differs from the alike devices 0 and 2 in everything that is changed here; rho 0.5 is its second choice."""
    seen = observation(
        round_number=4,
        n_samples=[50.0, 5.0, 95.0],
        downlink_bps=[1e7, 1e8, 1e7],
        battery_share=[1.0, 0.25, 1.0],
        available=[True, True, False],
        feasible=[[True, True], [False, True], [True, True]],
        n_updates=[0.0, 3.0, 0.0],
        rounds_since=[4.0, 2.0, 4.0],
        overlap=[1.0, 0.4, np.nan],
        novelty=[1.0, 0.3, np.nan],
        expected_s=[[10.0, 10.0], [np.inf, 100.0], [10.0, 10.0]],
        expected_j=[[3.0, 3.0], [np.inf, 1000.0], [3.0, 3.0]],
        kept_download_bytes=[[5e6, 5e6], [5e6, 0.0], [5e6, 5e6]],
        age=[[np.nan, np.nan], [np.nan, 7.0], [np.nan, np.nan]],
    )
    own = of_device(seen, 1)
    assert own["available"] == 1.0
    assert of_device(seen, 2)["available"] == 0.0
    assert own["downlink"] == pytest.approx(0.5)  # 1e8 is a decade above 1e7, and a unit is two decades
    assert own["samples"] == pytest.approx(-1.0)  # 5 of a mean of 50
    assert own["battery"] == 0.25
    assert own["updates"] == 0.75  # 3 in 4 rounds
    assert own["rounds_since"] == pytest.approx(0.2)  # 2 of 10 rounds
    assert (own["overlap"], own["novelty"]) == (pytest.approx(0.4), pytest.approx(0.3))
    assert (of_device(seen, 2)["overlap"], of_device(seen, 2)["novelty"]) == (0.0, 0.0)  # where nobody tells
    assert (own["feasible:0"], own["feasible:1"]) == (0.0, 1.0)
    assert (own["time:0"], own["relative_time:0"], own["energy:0"]) == (LIMIT, LIMIT, LIMIT)
    assert own["time:1"] == pytest.approx(0.5)  # 100 s: a decade above 10 s
    assert own["relative_time:1"] == pytest.approx(1.0)  # the median of 10, 10, 100, 10, 10 is 10
    assert own["energy:1"] == pytest.approx(1.0)  # 1,000 J: two decades above 10 J
    assert own["download_time:1"] == pytest.approx((np.log10(0.4) - 1.0) / 2.0)  # 5 MB at 100 Mbps
    assert own["kept_download_time:1"] == -LIMIT  # nothing
    assert (own["held:0"], own["age:0"]) == (0.0, 0.0)
    assert (own["held:1"], own["age:1"]) == (1.0, 1.0)  # log2(1 + 7) / 3


def test_the_round_by_hand():
    seen = observation(
        4,
        round_number=5,
        round_s=1000.0,
        n_asked=2,
        accuracy=0.5,
        available=[True, True, True, False],
        expected_s=[[1.0, 10.0], [10.0, 100.0], [10.0, 10.0], [np.inf, np.inf]],
    )
    by_name = dict(zip(ROUND_FEATURES, round_features(seen).tolist(), strict=True))
    assert by_name == pytest.approx(
        {
            "progress": 0.5,
            "accuracy": 0.5,
            "round_time": 1.0,
            "devices": np.log10(4.0) - 1.0,
            "asked_share": 0.5,
            "available_share": 0.75,
            "median_time": 0.0,
            "least_time": -0.5,
        },
        rel=1e-6,
    )


def test_an_accuracy_that_nobody_asked_for_is_nothing():
    assert round_features(observation(accuracy=np.nan))[ROUND_FEATURES.index("accuracy")] == 0.0


@settings(max_examples=100, deadline=None)
@given(observations())
def test_all_are_finite_and_as_many_as_their_names(seen):
    devices, of_round = device_features(seen), round_features(seen)
    assert devices.shape == (seen.n, n_device_features(3)) == (seen.n, len(device_feature_names(3)))
    assert of_round.shape == (N_ROUND_FEATURES,)
    assert devices.dtype == of_round.dtype == np.float32
    assert np.abs(devices).max() <= LIMIT
    assert np.abs(of_round).max() <= LIMIT


def test_names_are_distinct():
    names = device_feature_names(2)
    assert len(set(names)) == len(names) == len(DEVICE_FEATURES) + 2 * len(CHOICE_FEATURES)


def test_a_transfer_of_nothing_takes_no_time_even_without_a_rate():
    sizes, rates = np.array([[0.0, 10.0], [10.0, 10.0]]), np.array([[0.0], [8.0]])
    assert transfer_s(sizes, rates).tolist() == [[0.0, np.inf], [10.0, 10.0]]


def test_another_device_more_changes_only_what_is_relative():
    """Devices are described one by one: a fourth that is alike changes nothing of the first three."""
    assert np.array_equal(device_features(observation(3)), device_features(observation(4))[:3])
