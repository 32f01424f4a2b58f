import math

import numpy as np
import pytest

from mecsim.nodes.mobility import GaussMarkov
from mecsim.rng import Streams

AREA_M = (300.0, 200.0)
T_999_199 = 3.34  # two-sided 99.9 % of Student's t with 199 degrees of freedom


def walk(places_m, seed=1, **changes):
    streams = Streams(seed)
    settings = {"mean_speed_mps": 10.0, "sigma_mps": 1.0, "alpha": 0.85} | changes
    return GaussMarkov(places_m, AREA_M, generator=lambda device: streams.get("walk", device), **settings)


def deviations(n_devices=200, n_steps=60, **changes):
    """Speeds less their mean, in deviations, a row a device and a column a step; at 10 +- 1 m/s none is negative."""
    model = walk(np.full((n_devices, 2), 100.0), **changes)
    step_s = changes.get("step_s", 1.0)
    return np.array(
        [[model.speed_mps(device, (i + 0.5) * step_s) - 10.0 for i in range(n_steps)] for device in range(n_devices)]
    )


def assert_mean(values, expected, *, resolution):
    """A 99.9 % interval of the mean holds ``expected``, and is narrower than ``resolution``."""
    half_width = T_999_199 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) < half_width
    assert half_width < resolution


def test_the_autocorrelation_is_geometric():
    # alpha^k. With an alpha of 0.8 or 0.9 in its place, each of these would be off by as much as the resolution or more.
    found = deviations(n_steps=400)
    for lag, resolution in [(1, 0.05), (3, 0.1), (6, 0.1)]:
        assert_mean((found[:, lag:] * found[:, :-lag]).mean(axis=1), 0.85**lag, resolution=resolution)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.95])
def test_mean_and_deviation_do_not_depend_on_memory_or_time(alpha):
    found = deviations(alpha=alpha)
    for columns in (slice(0, 1), slice(1, 2), slice(40, 60)):
        assert_mean(found[:, columns].mean(axis=1), 0.0, resolution=0.3)
        assert_mean((found[:, columns] ** 2).mean(axis=1), 1.0, resolution=0.5)


def test_the_memory_is_one_of_steps():
    found = deviations(step_s=7.0)
    assert_mean((found[:, 1:] * found[:, :-1]).mean(axis=1), 0.85, resolution=0.15)


def test_full_memory_is_a_straight_way_that_borders_reflect():
    # Reference: step for step, and at a border back by what is beyond it, in the other direction from then on.
    model = walk(np.array([[250.0, 30.0]]), alpha=1.0)
    place, (x_m, y_m) = np.array([250.0, 30.0]), model.position(0, 0.5)
    step = 2.0 * (np.array([x_m, y_m]) - place)
    assert 5.0 < math.hypot(*step) < 15.0
    n_reflections = 0
    for t in range(1, 200):
        place = place + step
        for axis in (0, 1):
            if not 0.0 <= place[axis] <= AREA_M[axis]:
                border = 0.0 if place[axis] < 0.0 else AREA_M[axis]
                place[axis], step[axis] = 2.0 * border - place[axis], -step[axis]
                n_reflections += 1
        assert model.position(0, float(t)) == pytest.approx(tuple(place), abs=1e-6)
    assert n_reflections > 5


def test_uniform_places_stay_uniform():
    # Devices that stopped at the border, or slid along it, would crowd there.
    n = 1_500
    model = walk(np.random.default_rng(1).random((n, 2)) * AREA_M)
    places_m = model.positions(np.arange(n), 100.0)
    for axis in (0, 1):
        ranks = (np.arange(n) + 0.5) / n
        assert np.max(np.abs(np.sort(places_m[:, axis]) / AREA_M[axis] - ranks)) < 1.95 / math.sqrt(n)


def test_directions_have_their_mean_and_deviation():
    # 100 steps of 10 m about one mean direction, in an area that nobody leaves: of the 1000 m, E[cos(turn)] = exp(-0.5^2 / 2) =
    # 0.882 is made good; with no deviation it would be all.
    streams = Streams(4)
    model = GaussMarkov(
        np.full((200, 2), 5_000.0),
        (10_000.0, 10_000.0),
        mean_speed_mps=10.0,
        sigma_mps=0.0,
        alpha=0.5,
        generator=lambda device: streams.get("walk", device),
    )
    offsets_m = model.positions(np.arange(200), 100.0) - 5_000.0
    made_good = np.hypot(*offsets_m.T) / 1_000.0
    assert_mean(made_good, math.exp(-0.125), resolution=0.01)
    headings = np.sort(np.arctan2(offsets_m[:, 1], offsets_m[:, 0]) / (2.0 * np.pi) + 0.5)
    assert np.max(np.abs(headings - (np.arange(200) + 0.5) / 200)) < 1.95 / math.sqrt(200)


def test_who_has_no_speed_stays():
    model = walk(np.array([[5.0, 5.0]]), mean_speed_mps=0.0, sigma_mps=0.0)
    assert model.position(0, 1e6) == (5.0, 5.0)
    assert model.speed_mps(0, 1e6) == 0.0
    assert model.next_at_distance(0, 0.0, 1.0) == math.inf


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 1.1}, r"alpha must be from 0 to 1, got 1\.1"),
        ({"alpha": math.nan}, "alpha must be from 0 to 1, got nan"),
        ({"sigma_mps": -1.0}, "deviations must be at least 0"),
        ({"mean_speed_mps": -1.0}, "deviations must be at least 0"),
        ({"step_s": 0.0}, "step_s positive"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        walk(np.array([[5.0, 5.0]]), **changes)
