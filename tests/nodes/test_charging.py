import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.nodes.charging import DAY_S, ChargingTimelines, DailyCharging, NeverCharging
from mecsim.nodes.timeline import Steps
from mecsim.rng import Streams

HOUR_S = 3600.0


def column(*values):
    return np.array(values, dtype=np.float64)


def daily(start_h, length_h):
    return DailyCharging(column(HOUR_S * start_h), column(HOUR_S * length_h))


def states(charging, hours, device=0):
    devices = np.full(len(hours), device)
    return charging.plugged(devices, HOUR_S * np.array(hours, dtype=np.float64)).tolist()


def test_a_night_at_the_charger():
    # From 22 h to 6 h, so also in the first night, whose session began the day before time 0.
    night = daily(22.0, 8.0)
    assert states(night, [0.0, 5.9, 6.0, 12.0, 21.9, 22.0, 29.9, 30.0]) == [True, True, False, False, False, True, True, False]


def test_changes_of_a_night():
    devices = np.zeros(4, dtype=np.int64)
    changes_s = daily(22.0, 8.0).next_change(devices, HOUR_S * column(0.0, 6.0, 22.0, 30.0))
    assert (changes_s / HOUR_S).tolist() == [6.0, 22.0, 30.0, 46.0]


def test_each_device_has_its_own_hours():
    two = DailyCharging(HOUR_S * column(1.0, 12.0), HOUR_S * column(2.0, 3.0))
    devices, times_s = np.array([1, 0]), HOUR_S * column(13.0, 13.0)
    assert two.plugged(devices, times_s).tolist() == [True, False]
    assert (two.next_change(devices, times_s) / HOUR_S).tolist() == [15.0, 25.0]


@given(start_s=st.floats(0.0, DAY_S), length_s=st.floats(1.0, DAY_S - 1.0), t=st.floats(0.0, 1e8))
def test_the_state_changes_where_it_was_announced_and_nowhere_before(start_s, length_s, t):
    charging, one = DailyCharging(column(start_s), column(length_s)), np.array([0])
    for _ in range(4):
        now = charging.plugged(one, column(t))[0]
        change_s = charging.next_change(one, column(t))[0]
        assert change_s > t
        assert charging.plugged(one, column(np.nextafter(change_s, 0.0)))[0] == now
        assert charging.plugged(one, column(change_s))[0] != now
        t = change_s


def test_drawn_sessions_have_the_stated_law():
    n = 20_000
    charging = DailyCharging.drawn(Streams(1).get("charging"), n, start_h=(12.0, 1.5), length_h=(8.0, 1.0))
    devices = np.arange(n)
    # At 12 h half of the sessions have begun; the mean length is a third of the day: within four standard errors.
    begun = charging.plugged(devices, np.full(n, 12.0 * HOUR_S)).mean()
    assert abs(begun - 0.5) < 4.0 * math.sqrt(0.25 / n)
    begin_s = charging.next_change(devices, np.full(n, 3.0 * HOUR_S))
    length_h = (charging.next_change(devices, begin_s) - begin_s) / HOUR_S
    assert abs(length_h.mean() - 8.0) < 4.0 * 1.0 / math.sqrt(n)
    assert abs(length_h.std() - 1.0) < 4.0 / math.sqrt(2 * n)


def test_one_more_device_changes_nobody_elses_hours():
    few, more = (DailyCharging.drawn(Streams(1).get("charging"), n) for n in (5, 6))
    devices, noon_s = np.arange(5), np.full(5, 12.0 * HOUR_S)
    assert few.next_change(devices, noon_s).tolist() == more.next_change(devices, noon_s).tolist()
    other = DailyCharging.drawn(Streams(2).get("charging"), 5)
    assert few.next_change(devices, noon_s).tolist() != other.next_change(devices, noon_s).tolist()


def test_a_session_lasts_a_day_at_most():
    with pytest.raises(ValueError, match="between 0 and 86400 s"):
        daily(0.0, 25.0)


def test_sessions_of_a_trace():
    charging = ChargingTimelines({3: Steps([0.0, HOUR_S, 4.0 * HOUR_S], [0.0, 1.0, 0.0])})
    assert states(charging, [0.5, 1.0, 3.9, 4.0], device=3) == [False, True, True, False]
    assert states(charging, [2.0], device=0) == [False]
    assert charging.next_change(np.array([3, 0]), column(0.0, 0.0)).tolist() == [HOUR_S, math.inf]


def test_never():
    assert NeverCharging().plugged(np.arange(2), column(0.0, 1.0)).tolist() == [False, False]
    assert NeverCharging().next_change(np.arange(2), column(0.0, 1.0)).tolist() == [math.inf, math.inf]


def test_a_time_that_rounds_below_the_beginning_of_a_session_is_its_beginning():
    # For a part of such times (t - start) / day is below the day's number by a rounding.
    generator = Streams(1).get("starts")
    start_s, n_day = generator.uniform(0.0, DAY_S, 1000), generator.integers(1, 1000, 1000)
    begin_s, devices = start_s + n_day * DAY_S, np.arange(1000)
    assert np.any(np.floor((begin_s - start_s) / DAY_S) < n_day)
    charging = DailyCharging(start_s, np.full(1000, 600.0))
    assert charging.plugged(devices, begin_s).all()
    assert not charging.plugged(devices, np.nextafter(begin_s, 0.0)).any()
    assert charging.next_change(devices, begin_s - 1.0).tolist() == begin_s.tolist()
