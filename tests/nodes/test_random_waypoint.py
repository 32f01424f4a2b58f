import math

import numpy as np
import pytest

from mecsim.nodes.mobility import RandomWaypoint, WaypointStart, stationary_start
from mecsim.nodes.random_waypoint import mean_leg_m, paused_share
from mecsim.rng import Streams

AREA_M = (200.0, 100.0)
SPEED_MPS = (0.5, 4.0)
PAUSE_S = 20.0
N = 2_000
T_999 = 3.29  # two-sided 99.9 %
# Time spent at a speed goes with 1 / speed: (4 - 0.5) / ln(4 / 0.5) = 1.683 m/s, and not the speeds' own mean of 2.25.
WALKING_MPS = 3.5 / math.log(8.0)


def walk(start, seed=1, **changes):
    streams = Streams(seed)
    settings = {"speed_mps": SPEED_MPS, "pause_s": PAUSE_S, "generator": lambda device: streams.get("walk", device)} | changes
    return RandomWaypoint(start, AREA_M, **settings)


def stationary(n_devices=N, seed=1, area_m=AREA_M, pause_s=PAUSE_S):
    return stationary_start(Streams(seed), "start", n_devices=n_devices, area_m=area_m, speed_mps=SPEED_MPS, pause_s=pause_s)


def uniform_places_m(n=N):
    return np.random.default_rng(5).random((n, 2)) * AREA_M


def speeds_mps(model, t, n=N):
    return np.array([model.speed_mps(device, t) for device in range(n)])


def assert_mean(values, expected, *, resolution):
    """A 99.9 % interval of the mean holds ``expected``, and is narrower than ``resolution``."""
    half_width = T_999 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) < half_width
    assert half_width < resolution


def assert_same_law(first, second):
    """Kolmogorov-Smirnov for two samples, 99.9 %."""
    both = np.sort(np.concatenate([first, second]))
    gaps = np.searchsorted(np.sort(first), both, side="right") / len(first) - np.searchsorted(
        np.sort(second), both, side="right"
    ) / len(second)
    assert np.max(np.abs(gaps)) < 1.95 * math.sqrt(1.0 / len(first) + 1.0 / len(second))


@pytest.mark.parametrize("area_m", [(1.0, 1.0), (200.0, 100.0), (1.0, 30.0)])
def test_mean_leg(area_m):
    # The distances in x and y of two uniform points have triangular densities 2 (a - u) / a^2.
    u, v = (np.arange(1_500) + 0.5) / 1_500 * area_m[0], (np.arange(1_500) + 0.5) / 1_500 * area_m[1]
    weights = np.multiply.outer(1.0 - u / area_m[0], 1.0 - v / area_m[1])
    expected_m = (np.hypot.outer(u, v) * weights).sum() / weights.sum()
    assert mean_leg_m(area_m) == pytest.approx(expected_m, rel=1e-4)
    assert mean_leg_m(area_m[::-1]) == pytest.approx(mean_leg_m(area_m))


@pytest.mark.parametrize(
    ("start", "t"),
    [(stationary, 0.0), (stationary, 30.0), (stationary, 1_000.0), (uniform_places_m, 0.0), (uniform_places_m, 1_000.0)],
)
def test_speeds_and_pauses_are_stationary_from_the_first_moment(start, t):
    # A walk begun with a uniform speed and no pause: 2.25 m/s at time 0.
    found_mps = speeds_mps(walk(start()), t)
    # A leg takes 80.5 m / 1.683 m/s = 47.8 s; of the time, 20 / 67.8 = 29.5 % are pauses.
    share = PAUSE_S / (PAUSE_S + mean_leg_m(AREA_M) / WALKING_MPS)
    assert paused_share(AREA_M, speed_mps=SPEED_MPS, pause_s=PAUSE_S) == pytest.approx(share)
    assert_mean(found_mps == 0.0, share, resolution=0.04)
    assert_mean(found_mps[found_mps > 0.0], WALKING_MPS, resolution=0.12)


def test_places_are_stationary_from_the_first_moment():
    # Whatever the walk began with is forgotten after 20 legs. Uniform places, those of the pauses, would be further out.
    from_corner = walk(np.zeros((N, 2)), seed=2).positions(np.arange(N), 1_500.0)
    begun = stationary(pause_s=PAUSE_S)
    for t in (0.0, 17.0, 300.0):
        places_m = walk(begun).positions(np.arange(N), t)
        for axis in (0, 1):
            assert_same_law(places_m[:, axis], from_corner[:, axis])


def test_without_pauses_places_are_denser_in_the_middle():
    begun = stationary(area_m=(1.0, 1.0), pause_s=0.0)
    assert not begun.paused.any()
    out = np.abs(begun.position_m - 0.5).mean(axis=1)
    half_width = T_999 * np.std(out, ddof=1) / math.sqrt(N)
    assert np.mean(out) + half_width < 0.25 - 0.03  # 0.25 if places were uniform


def test_what_is_left_of_the_leg():
    # Legs are taken by their length L, places on them are uniform: E[L^2] / (2 E[L]) is left, in a unit square
    # (1 / 3) / (2 * 0.5214) = 0.3197. It would be 0.2607 for legs of the walk's own law, and 0.5214 from a uniform place.
    begun = stationary(area_m=(1.0, 1.0), pause_s=0.0)
    left = np.hypot(*(begun.destination_m - begun.position_m).T)
    assert_mean(left, 1.0 / (6.0 * 0.5214054), resolution=0.025)


def test_what_is_left_of_the_pause_is_uniform():
    begun = stationary()
    left_s = np.sort(begun.pause_left_s[begun.paused]) / PAUSE_S
    ranks = (np.arange(len(left_s)) + 0.5) / len(left_s)
    assert np.max(np.abs(left_s - ranks)) < 1.95 / math.sqrt(len(left_s))


def test_a_start_is_followed():
    # Device 0 walks 30 m east and 40 m north at 2 m/s: 25 s, then it rests for 20 s. Device 1 rests for 7 s more.
    begun = WaypointStart(
        position_m=np.array([[10.0, 10.0], [50.0, 60.0]]),
        paused=np.array([False, True]),
        pause_left_s=np.array([3.0, 7.0]),
        destination_m=np.array([[40.0, 50.0], [0.0, 0.0]]),
        speed_mps=np.array([2.0, 1.0]),
    )
    model = walk(begun)
    assert model.position(0, 10.0) == pytest.approx((22.0, 26.0))
    assert model.position(0, 25.0) == model.position(0, 44.9) == pytest.approx((40.0, 50.0))
    assert [model.speed_mps(0, t) for t in (0.0, 24.9, 25.1, 44.9)] == pytest.approx([2.0, 2.0, 0.0, 0.0])
    assert model.next_at_distance(0, 5.0, 30.0) == pytest.approx(20.0)
    # 40 m are 35 m away at 22.5 s, then a pause from 25 s to 45 s, and 5 m more of the next leg at its speed.
    after_pause_s = 45.0 + 5.0 / model.speed_mps(0, 45.1)
    assert model.next_at_distance(0, 5.0, 45.0) == pytest.approx(after_pause_s)
    assert [model.speed_mps(1, t) > 0.0 for t in (0.0, 6.9, 7.1)] == [False, False, True]
    assert model.position(1, 6.9) == (50.0, 60.0)


def test_destinations_are_uniform():
    # Without pauses, at one speed: a waypoint is where the direction changes. The places themselves are not uniform.
    model = walk(np.array([[1.0, 1.0]]), speed_mps=(1.0, 1.0), pause_s=0.0)
    knots = model._knots(0)
    waypoints_m = np.array([next(knots)[1:] for _ in range(N)])[1:]
    for axis in (0, 1):
        ranks = (np.arange(N - 1) + 0.5) / (N - 1)
        assert np.max(np.abs(np.sort(waypoints_m[:, axis]) / AREA_M[axis] - ranks)) < 1.95 / math.sqrt(N - 1)


def test_one_more_device_changes_nobody_elses_start():
    some, more = stationary(n_devices=50), stationary(n_devices=51)
    for name in ("position_m", "paused", "pause_left_s", "destination_m", "speed_mps"):
        np.testing.assert_array_equal(getattr(more, name)[:50], getattr(some, name))


def test_groups_of_one_world_start_differently():
    first, second = (
        stationary_start(Streams(1), "start", group, n_devices=20, area_m=AREA_M, speed_mps=SPEED_MPS, pause_s=PAUSE_S)
        for group in "ab"
    )
    assert not np.any(first.position_m == second.position_m)
    assert not np.any(stationary(seed=1).position_m == stationary(seed=2).position_m)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed_mps": (0.0, 2.0)}, "speeds must be positive, the least one first"),
        ({"speed_mps": (3.0, 2.0)}, "speeds must be positive, the least one first"),
        ({"speed_mps": (1.0, math.inf)}, "speeds must be positive, the least one first"),
        ({"pause_s": -1.0}, r"pause_s must be finite and at least 0, got -1\.0"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        walk(uniform_places_m(3), **changes)


def test_an_area_has_a_size():
    with pytest.raises(ValueError, match="positive width and height"):
        RandomWaypoint(np.zeros((1, 2)), (10.0, 0.0), speed_mps=SPEED_MPS, pause_s=0.0, generator=np.random.default_rng)
