import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.nodes.mobility import GaussMarkov, Grouped, RandomWaypoint, Static, TraceMobility
from mecsim.rng import Streams

INF = math.inf
AREA_M = (300.0, 200.0)
N = 5
PLACES_M = np.random.default_rng(0).uniform(0.0, 1.0, (N, 2)) * AREA_M


def generators(seed=1):
    streams = Streams(seed)
    return lambda device: streams.get("mobility", device)


def waypoint(seed=1, places_m=PLACES_M, generator=None, speed_mps=(1.0, 3.0), pause_s=5.0):
    return RandomWaypoint(places_m, AREA_M, speed_mps=speed_mps, pause_s=pause_s, generator=generator or generators(seed))


def gauss_markov(seed=1, places_m=PLACES_M, generator=None):
    return GaussMarkov(places_m, AREA_M, mean_speed_mps=2.0, sigma_mps=0.5, alpha=0.85, generator=generator or generators(seed))


def trace(seed=1, places_m=None):
    table = Streams(seed).get("rows").random((40, 2)) * AREA_M
    return TraceMobility([i % N for i in range(40)], [float(10 * (i // N)) for i in range(40)], *table.T)


WALKS = [waypoint, gauss_markov]
MODELS = [*WALKS, trace]


class TestEveryModel:
    @pytest.mark.parametrize("model", WALKS)
    def test_devices_start_at_their_places(self, model):
        np.testing.assert_array_equal(model().positions(np.array([3, 1]), 0.0), PLACES_M[[3, 1]])
        assert model().position(2, 0.0) == tuple(PLACES_M[2])

    @pytest.mark.parametrize("model", MODELS)
    def test_devices_stay_in_the_area(self, model):
        walk = model()
        places_m = np.concatenate([walk.positions(np.arange(N), t) for t in np.arange(0.0, 2e3, 7.3)])
        assert np.all((places_m >= 0.0) & (places_m <= AREA_M))
        assert np.all(np.ptp(places_m, axis=0) > 0.5 * np.array(AREA_M))  # and they do move about

    @pytest.mark.parametrize("model", MODELS)
    @settings(max_examples=30)
    @given(questions=st.lists(st.tuples(st.integers(0, N - 1), st.floats(0.0, 2e3)), min_size=1, max_size=8))
    def test_the_answers_do_not_depend_on_earlier_questions(self, model, questions):
        asked = model()
        for device, t in questions:
            fresh = model()
            assert asked.position(device, t) == fresh.position(device, t)
            assert asked.speed_mps(device, t) == fresh.speed_mps(device, t)
            assert asked.next_at_distance(device, t, 40.0) == fresh.next_at_distance(device, t, 40.0)

    @pytest.mark.parametrize("model", MODELS)
    def test_columns_are_the_same_as_single_devices(self, model):
        places_m = model().positions(np.array([4, 0, 4]), 321.0)
        assert places_m.tolist() == [list(model().position(device, 321.0)) for device in (4, 0, 4)]
        assert model().positions(np.array([], dtype=int), 321.0).shape == (0, 2)

    @pytest.mark.parametrize("model", MODELS)
    def test_another_seed_is_another_way(self, model):
        assert model(seed=1).position(0, 50.0) == model(seed=1).position(0, 50.0) != model(seed=2).position(0, 50.0)

    @pytest.mark.parametrize("model", WALKS)
    def test_one_more_device_changes_nobody_elses_way(self, model):
        more = model(places_m=np.vstack([PLACES_M, [[1.0, 1.0]]]))
        np.testing.assert_array_equal(more.positions(np.arange(N), 500.0), model().positions(np.arange(N), 500.0))

    @pytest.mark.parametrize("model", WALKS)
    def test_only_devices_that_are_asked_for_are_drawn(self, model):
        streams, drawn = Streams(1), []

        def generator(device):
            drawn.append(device)
            return streams.get("mobility", device)

        walk = model(generator=generator)
        walk.positions(np.arange(N), 0.0)
        assert drawn == []
        for t in (1.0, 100.0, 99.0):
            walk.position(3, t)
        assert drawn == [3]

    @pytest.mark.parametrize("model", MODELS)
    @settings(max_examples=50)
    @given(device=st.integers(0, N - 1), t=st.floats(0.0, 500.0), distance_m=st.floats(1.0, 300.0))
    def test_the_way_to_the_next_distance_has_that_length(self, model, device, t, distance_m):
        # The way's length, from places at many moments: chords are shorter than the way, by little.
        walk = model()
        reached_s = walk.next_at_distance(device, t, distance_m)
        assert reached_s > t
        moments_s = np.linspace(t, reached_s, 4_000)
        moments_s[-1] = math.nextafter(reached_s, 0.0)  # up to a jump, if the trace jumps there
        places_m = np.array([walk.position(device, moment_s) for moment_s in moments_s])
        length_m = np.hypot(*np.diff(places_m, axis=0).T).sum()
        if model is trace:  # jumps may be part of the way: the last one is cut, the others are chords of their own
            assert length_m <= distance_m * 1.001
        else:
            assert length_m == pytest.approx(distance_m, rel=0.01)

    @pytest.mark.parametrize("model", MODELS)
    def test_the_speed_is_that_of_the_place(self, model):
        walk = model()
        for t in np.linspace(1.0, 60.0, 50):
            before, after = walk.position(1, t), walk.position(1, t + 1e-5)
            measured_mps = math.hypot(after[0] - before[0], after[1] - before[1]) / 1e-5
            assert measured_mps == pytest.approx(walk.speed_mps(1, t), rel=1e-3, abs=1e-4)

    @pytest.mark.parametrize("model", [*MODELS, lambda: Static(PLACES_M)])
    def test_a_distance_is_positive(self, model):
        with pytest.raises(ValueError, match=r"distance_m must be positive, got 0\.0"):
            model().next_at_distance(0, 1.0, 0.0)

    @pytest.mark.parametrize("model", WALKS)
    @pytest.mark.parametrize("place_m", [[-1.0, 5.0], [5.0, 201.0], [math.nan, 5.0]])
    def test_places_are_in_the_area(self, model, place_m):
        with pytest.raises(ValueError, match=r"outside of the area from \[0, 0\] to \[300\.0, 200\.0\]"):
            model(places_m=np.array([place_m]))

    @pytest.mark.parametrize("model", WALKS)
    def test_places_are_columns(self, model):
        with pytest.raises(ValueError, match=r"places must have the shape \(n, 2\), got \(3,\)"):
            model(places_m=np.zeros(3))


def test_a_static_device_is_where_it_is():
    static = Static(PLACES_M)
    assert static.position(1, 1e6) == tuple(PLACES_M[1])
    np.testing.assert_array_equal(static.positions(np.array([2, 0]), 5.0), PLACES_M[[2, 0]])
    assert static.speed_mps(1, 5.0) == 0.0
    assert static.next_at_distance(1, 5.0, 1.0) == INF


def test_groups_move_in_their_own_ways():
    static, walking = Static(PLACES_M), waypoint()
    grouped = Grouped(np.array([0, 1, 0, 1, 1]), [static, walking])
    expected_m = [static.position(2, 77.0), walking.position(1, 77.0), static.position(0, 77.0)]
    assert grouped.positions(np.array([2, 1, 0]), 77.0).tolist() == [list(place) for place in expected_m]
    assert grouped.position(1, 77.0) == walking.position(1, 77.0)
    assert grouped.speed_mps(0, 77.0) == 0.0
    assert grouped.next_at_distance(2, 77.0, 5.0) == INF
    assert grouped.next_at_distance(3, 77.0, 5.0) == walking.next_at_distance(3, 77.0, 5.0)


class TestTraceMobility:
    # Trace 0: 10 m east in 10 s, a stay of 5 s, 20 m north in 5 s, a stay of 4 s. Trace 1 is one place.
    ROWS = (
        [0, 0, 0, 0, 0, 1],
        [0.0, 10.0, 15.0, 20.0, 24.0, 7.0],
        [0.0, 10.0, 10.0, 10.0, 10.0, 3.0],
        [0.0, 0.0, 0.0, 20.0, 20.0, 4.0],
    )

    def test_straight_between_the_places(self):
        walk = TraceMobility(*self.ROWS)
        assert [walk.position(0, t) for t in (0.0, 4.0, 10.0, 12.0, 16.0, 22.0)] == [
            (0.0, 0.0),
            (4.0, 0.0),
            (10.0, 0.0),
            (10.0, 0.0),
            (10.0, 4.0),
            (10.0, 20.0),
        ]
        assert [walk.speed_mps(0, t) for t in (0.0, 9.0, 10.0, 15.0, 20.0)] == [1.0, 1.0, 0.0, 4.0, 0.0]

    def test_rows_may_be_in_any_order(self):
        order = [4, 1, 5, 0, 3, 2]
        shuffled = TraceMobility(*([column[i] for i in order] for column in self.ROWS))
        assert [shuffled.position(0, t) for t in range(50)] == [TraceMobility(*self.ROWS).position(0, t) for t in range(50)]

    def test_it_begins_again_at_its_end(self):
        walk = TraceMobility(*self.ROWS)
        assert [walk.position(0, t) for t in (23.9, 24.0, 28.0, 48.0, 24.0 * 100 + 16.0)] == [
            (10.0, 20.0),
            (0.0, 0.0),
            (4.0, 0.0),
            (0.0, 0.0),
            (10.0, 4.0),
        ]
        assert walk.speed_mps(0, 25.0) == 1.0

    def test_it_stays_at_its_end(self):
        walk = TraceMobility(*self.ROWS, at_end="hold")
        assert [walk.position(0, t) for t in (24.0, 1e6)] == [(10.0, 20.0), (10.0, 20.0)]
        assert walk.speed_mps(0, 1e6) == 0.0
        assert [walk.next_at_distance(0, 4.0, distance_m) for distance_m in (26.0, 26.1)] == [20.0, INF]

    def test_when_it_has_gone_a_distance(self):
        # A lap is 30 m of way and a jump of hypot(10, 20) = 22.36 m back to the beginning, at 24 s.
        walk = TraceMobility(*self.ROWS)
        assert [walk.next_at_distance(0, 4.0, distance_m) for distance_m in (2.0, 6.0, 10.0, 26.0)] == [6.0, 10.0, 16.0, 20.0]
        assert [walk.next_at_distance(0, 4.0, distance_m) for distance_m in (26.1, 48.0)] == [24.0, 24.0]
        lap_m = 30.0 + math.hypot(10.0, 20.0)
        assert walk.next_at_distance(0, 4.0, lap_m + 2.0) == pytest.approx(30.0)
        assert walk.next_at_distance(0, 24.0 + 4.0, 3.0 * lap_m + 10.0) == pytest.approx(24.0 * 4 + 16.0)

    def test_one_place_is_no_way(self):
        walk = TraceMobility(*self.ROWS)
        assert walk.position(1, 1e3) == (3.0, 4.0)
        assert walk.speed_mps(1, 1e3) == 0.0
        assert walk.next_at_distance(1, 0.0, 1.0) == INF

    def test_before_its_first_time_it_stays_at_its_first_place(self):
        walk = TraceMobility([0, 0], [10.0, 20.0], [1.0, 6.0], [2.0, 2.0])
        assert [walk.position(0, t) for t in (0.0, 10.0, 12.0, 20.0, 22.0)] == [
            (1.0, 2.0),
            (1.0, 2.0),
            (2.0, 2.0),
            (1.0, 2.0),
            (2.0, 2.0),
        ]
        assert walk.speed_mps(0, 5.0) == 0.0
        assert walk.next_at_distance(0, 0.0, 1.0) == 12.0

    def test_the_study_may_begin_in_the_middle(self):
        walk = TraceMobility(*self.ROWS, shift_s=16.0)
        assert [walk.position(0, t) for t in (0.0, 8.0, 12.0)] == [(10.0, 4.0), (0.0, 0.0), (4.0, 0.0)]
        assert walk.next_at_distance(0, 0.0, 4.0) == 1.0

    def test_devices_take_the_traces_in_turn(self):
        walk = TraceMobility(*self.ROWS)
        assert walk.positions(np.arange(4), 4.0).tolist() == [[4.0, 0.0], [3.0, 4.0], [4.0, 0.0], [3.0, 4.0]]
        given_traces = TraceMobility(*self.ROWS, trace_of=np.array([1, 1, 0]))
        assert given_traces.positions(np.arange(3), 4.0).tolist() == [[3.0, 4.0], [3.0, 4.0], [4.0, 0.0]]

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (([0, 2], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0]), "trace 1 must have a place"),
            (([0, 0], [3.0, 3.0], [1.0, 2.0], [1.0, 1.0]), "trace 0 must have a place, and no two at one time"),
            (([], [], [], []), "trace 0 must have a place"),
            (([0], [0.0], [math.nan], [1.0]), "times and places must be finite"),
        ],
    )
    def test_what_is_refused(self, rows, message):
        with pytest.raises(ValueError, match=message):
            TraceMobility(*rows)
