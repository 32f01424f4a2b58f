import math
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mecsim.nodes.availability import DAY_S, Always, Daily, Grouped, Intervals, next_available
from mecsim.rng import Streams

HOUR_S = 3_600.0
INF = math.inf
times = st.floats(0.0, 1e7)


def there(availability, device, t):
    return bool(availability.available(np.array([device]), t)[0])


def changes(availability, device, until_s):
    """The changes up to ``until_s`` as (time, whether the device is there from then on)."""
    found, t = [], availability.next_change(device, 0.0)
    while t <= until_s:
        found.append((t, there(availability, device, t)))
        t = availability.next_change(device, t)
    return found


def assert_changes_are_announced(availability, device, t):
    """From ``t`` on a device stays as it is up to the change, and is the other way from it on."""
    now, change_s = there(availability, device, t), availability.next_change(device, t)
    assert change_s > t
    if change_s < INF:
        assert there(availability, device, change_s) is not now
        last = math.nextafter(change_s, 0.0)
        assert all(there(availability, device, min(t + share * (change_s - t), last)) is now for share in (0.2, 0.6, 0.9, 1.0))


def test_always():
    assert Always().available(np.arange(3), 1e9).tolist() == [True, True, True]
    assert Always().next_change(2, 5.0) == INF


class TestDaily:
    def test_a_window_every_day(self):
        # From 22 h to 6 h, and from 1 h to 2 h, in hours after midnight.
        daily = Daily([22 * HOUR_S, HOUR_S], [8 * HOUR_S, HOUR_S])
        assert [daily.available(np.array([0, 1]), hour * HOUR_S).tolist() for hour in (0, 1, 2, 6, 22, 25)] == [
            [True, False],
            [True, True],
            [True, False],
            [False, False],
            [True, False],
            [True, True],
        ]
        assert changes(daily, 0, 50 * HOUR_S) == [(h * HOUR_S, is_there) for h, is_there in [(6, 0), (22, 1), (30, 0), (46, 1)]]

    def test_never_and_always(self):
        daily = Daily([5.0, 5.0], [0.0, DAY_S])
        for t in (0.0, 5.0, 1e6):
            assert daily.available(np.arange(2), t).tolist() == [False, True]
            assert [daily.next_change(device, t) for device in (0, 1)] == [INF, INF]
        assert [next_available(daily, device, 7.0) for device in (0, 1)] == [INF, 7.0]

    @given(st.floats(0.0, DAY_S), st.floats(1.0, DAY_S - 1.0), times)
    def test_changes_are_announced(self, opens_s, length_s, t):
        assert_changes_are_announced(Daily([opens_s], [length_s]), 0, t)

    def test_next_available(self):
        daily = Daily([22 * HOUR_S], [8 * HOUR_S])
        assert [next_available(daily, 0, hour * HOUR_S) / HOUR_S for hour in (5, 6, 12, 22, 23)] == [5, 22, 22, 22, 23]

    def test_the_share_of_devices_is_that_of_the_day(self):
        # Windows of 8 +- 1 h, opened at 22 +- 1 h; the study begins at 20 h.
        daily = drawn(n_devices=2_000, clock_h=20.0)
        shares = [daily.available(np.arange(2_000), hour * HOUR_S).mean() for hour in np.arange(0.0, 24.0, 0.25)]
        assert shares[4 * 4] == pytest.approx(0.977, abs=0.012)  # at 24 h: opened 2 deviations late at most
        assert abs(np.mean(shares) - 8.0 / 24.0) < 3.29 * (1.0 / 24.0) / math.sqrt(2_000)

    def test_the_clock_at_time_0(self):
        early, late = drawn(n_devices=5, clock_h=0.0), drawn(n_devices=5, clock_h=20.0)
        np.testing.assert_allclose(
            [late.next_change(i, 0.0) for i in range(5)], [early.next_change(i, 20 * HOUR_S) - 20 * HOUR_S for i in range(5)]
        )

    def test_one_more_device_changes_nobody_elses_window(self):
        some, more = drawn(n_devices=5), drawn(n_devices=6)
        assert [changes(some, i, 1e6) for i in range(5)] == [changes(more, i, 1e6) for i in range(5)]

    def test_means_may_differ_by_device(self):
        daily = drawn(n_devices=2, start_h=[3.0, 5.0], start_sigma_h=0.0, length_h=[1.0, 30.0], length_sigma_h=0.0)
        assert changes(daily, 0, DAY_S) == [(3 * HOUR_S, True), (4 * HOUR_S, False)]
        assert changes(daily, 1, DAY_S) == []  # 30 h are cut to 24: always there

    @pytest.mark.parametrize(("opens_s", "length_s"), [([0.0], [1.0, 2.0]), (0.0, 1.0)])
    def test_columns_fit(self, opens_s, length_s):
        with pytest.raises(ValueError, match="columns of one length"):
            Daily(opens_s, length_s)

    @pytest.mark.parametrize(("opens_s", "length_s"), [(math.inf, 1.0), (0.0, -1.0), (0.0, DAY_S + 1.0), (0.0, math.nan)])
    def test_a_window_is_at_most_a_day(self, opens_s, length_s):
        with pytest.raises(ValueError, match="length_s from 0 to 24 hours"):
            Daily([opens_s], [length_s])

    def test_a_million_devices_at_once(self):
        daily = drawn(n_devices=1_000_000)
        devices = np.arange(1_000_000)
        start = time.process_time()
        daily.available(devices, 5e4)
        assert time.process_time() - start < 1.0  # 0.05 s when nothing else runs


def drawn(n_devices, *, start_h=22.0, start_sigma_h=1.0, length_h=8.0, length_sigma_h=1.0, clock_h=0.0):
    return Daily.drawn(
        Streams(1).get("daily"),
        n_devices,
        start_h=start_h,
        start_sigma_h=start_sigma_h,
        length_h=length_h,
        length_sigma_h=length_sigma_h,
        clock_h=clock_h,
    )


class TestIntervals:
    def test_sessions(self):
        # Two traces in any order; sessions of trace 1 overlap, touch, or take no time.
        table = Intervals([1, 0, 1, 1, 1], [3.0, 10.0, 1.0, 5.0, 30.0], [5.0, 20.0, 4.0, 8.0, 30.0])
        assert changes(table, 0, 100.0) == [(10.0, True), (20.0, False)]
        assert changes(table, 1, 100.0) == [(1.0, True), (8.0, False)]
        assert table.available(np.array([1, 0, 1]), 7.0).tolist() == [True, False, True]

    def test_devices_take_the_traces_in_turn(self):
        table = Intervals([0, 1], [0.0, 10.0], [5.0, 15.0], n_traces=3)
        assert table.available(np.arange(6), 2.0).tolist() == [True, False, False, True, False, False]
        assert [next_available(table, device, 2.0) for device in (3, 4, 5)] == [2.0, 10.0, INF]

    def test_a_trace_can_be_given_to_each_device(self):
        table = Intervals([0, 1], [0.0, 10.0], [5.0, 15.0], trace_of=np.array([1, 1, 0]))
        assert table.available(np.arange(3), 2.0).tolist() == [False, False, True]
        assert [table.next_change(device, 2.0) for device in range(3)] == [10.0, 10.0, 5.0]

    def test_the_trace_begins_again_after_its_period(self):
        table = Intervals([0, 0], [10.0, 40.0], [20.0, 45.0], period_s=50.0)
        assert changes(table, 0, 120.0) == [
            (10.0, True),
            (20.0, False),
            (40.0, True),
            (45.0, False),
            (60.0, True),
            (70.0, False),
            (90.0, True),
            (95.0, False),
            (110.0, True),
            (120.0, False),
        ]

    def test_each_trace_can_have_a_period_of_its_own(self):
        table = Intervals([0, 1], [0.0, 0.0], [1.0, 1.0], period_s=[2.0, 3.0])
        assert [table.available(np.arange(2), t).tolist() for t in (2.0, 3.0, 4.0, 6.0)] == [
            [True, False],
            [False, True],
            [True, False],
            [True, True],
        ]

    def test_nobody_leaves_where_the_next_period_goes_on(self):
        table = Intervals([0, 0], [0.0, 40.0], [10.0, 50.0], period_s=50.0)
        assert changes(table, 0, 115.0) == [(10.0, False), (40.0, True), (60.0, False), (90.0, True), (110.0, False)]
        assert Intervals([0], [0.0], [50.0], period_s=50.0).next_change(0, 3.0) == INF

    def test_no_sessions_at_all(self):
        table = Intervals([], [], [], n_traces=2, period_s=10.0)
        assert table.available(np.arange(2), 3.0).tolist() == [False, False]
        assert next_available(table, 1, 3.0) == INF

    @given(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99), st.integers(0, 100)), max_size=12),
        st.one_of(st.none(), st.floats(0.3, 3.0)),
        st.floats(0.0, 1e4),
    )
    @example([(0, 1, 100)], 1.3460075665767213, 3636.0)  # 27 periods and one are more than 28 of them, by a bit
    def test_they_are_what_the_table_says(self, rows, period_scale, t):
        # Reference: ask every row of the table.
        scale = period_scale or 1.0
        rows = [(trace, min(start, end) * scale, max(start, end) * scale) for trace, start, end in rows]
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], []]
        table = Intervals(*columns, n_traces=3, period_s=None if period_scale is None else 100.0 * scale)
        for trace in range(3):
            cycle = 0.0 if period_scale is None else math.floor(t / (100.0 * scale)) * 100.0 * scale
            expected = any(row == trace and cycle + start <= t < cycle + end for row, start, end in rows)
            assert there(table, trace, t) is expected
            assert_changes_are_announced(table, trace, t)

    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            (([0], [1.0, 2.0], [3.0, 4.0]), {}, "columns of one length"),
            (([0], [5.0], [3.0]), {}, "must not end before"),
            (([0], [math.nan], [3.0]), {}, "finite time"),
            (([2], [1.0], [3.0]), {"n_traces": 2}, "from 0 to 1"),
            (([-1], [1.0], [3.0]), {"n_traces": 2}, "from 0 to 1"),
            (([], [], []), {}, "there must be a trace"),
            (([0], [1.0], [3.0]), {"period_s": 2.0}, "from 0 to its end"),
            (([0], [1.0], [3.0]), {"period_s": 0.0}, "period_s must be positive"),
        ],
    )
    def test_what_is_refused(self, arguments, options, message):
        with pytest.raises(ValueError, match=message):
            Intervals(*arguments, **options)


def test_groups_keep_their_own_times():
    grouped = Grouped(np.array([0, 1, 1, 0]), [Always(), Daily([5.0] * 4, [10.0] * 4)])
    assert grouped.available(np.array([3, 1, 0]), 2.0).tolist() == [True, False, True]
    assert grouped.available(np.array([3, 1, 0]), 5.0).tolist() == [True, True, True]
    assert [grouped.next_change(device, 2.0) for device in range(4)] == [INF, 5.0, 5.0, INF]
