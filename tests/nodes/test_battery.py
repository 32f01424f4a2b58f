import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.nodes.battery import Batteries, charged
from mecsim.nodes.charging import ChargingTimelines, DailyCharging
from mecsim.nodes.timeline import Steps
from mecsim.rng import Streams

ONE = np.array([0])


def one_battery(capacity_j=1000.0, level_j=500.0, standby_w=0.0, charge_w=10.0, plugged=None):
    """Return a battery that is plugged in between the times of ``plugged``: in, out, in, ..."""
    charging = None
    if plugged is not None:
        charging = ChargingTimelines({0: Steps([0.0, *plugged], [float(i % 2) for i in range(len(plugged) + 1)])})
    columns = {"capacity_j": [capacity_j], "level_j": [level_j], "standby_w": [standby_w], "charge_w": [charge_w]}
    return Batteries(**columns, charging=charging)


def level(batteries, t):
    return batteries.level_j(ONE, t)[0]


def test_standby_drains_it_to_nothing_and_no_further():
    battery = one_battery(standby_w=2.0)
    assert [level(battery, t) for t in (0.0, 100.0, 250.0, 400.0)] == [500.0, 300.0, 0.0, 0.0]


def test_a_use_takes_what_it_says_and_no_standby_beside():
    # 100 s of standby at 2 W, a use of 50 J that takes 100 s, 10 s of standby.
    battery = one_battery(standby_w=2.0)
    battery.use(0, 100.0, 200.0, 50.0)
    assert level(battery, 200.0) == 250.0
    assert level(battery, 210.0) == 230.0


def test_charging_up_to_the_knee_and_above_it():
    # From 500 J at 10 W: 800 J, four fifths, after 30 s. Then tau = 200 J / 10 W = 20 s.
    battery = one_battery(plugged=[10.0, 1000.0])
    assert level(battery, 10.0) == 500.0
    assert level(battery, 25.0) == pytest.approx(650.0)
    assert level(battery, 40.0) == pytest.approx(800.0)
    assert level(battery, 60.0) == pytest.approx(1000.0 - 200.0 / math.e)
    assert level(battery, 900.0) == pytest.approx(1000.0)


def test_the_charger_feeds_the_device_first():
    # 4 of the charger's 10 W go to standby, then 8 of them to a use, then all of them and more.
    battery = one_battery(level_j=0.0, standby_w=4.0, plugged=[0.5, 1000.0])
    assert level(battery, 10.5) == pytest.approx(60.0)
    battery.use(0, 10.5, 20.5, 80.0)
    assert level(battery, 20.5) == pytest.approx(80.0)
    battery.use(0, 20.5, 30.5, 500.0)
    assert level(battery, 30.5) == pytest.approx(80.0)


def test_a_use_in_whose_middle_it_is_plugged_in():
    # 6 W over 20 s; unplugged for 10 s: -60 J; plugged in for 10 s: 10 - 6 W, +40 J.
    battery = one_battery(plugged=[10.0, 100.0])
    battery.use(0, 0.0, 20.0, 120.0)
    assert level(battery, 20.0) == pytest.approx(480.0)


def test_a_use_of_no_time():
    battery = one_battery(plugged=[50.0, 60.0])
    battery.use(0, 10.0, 10.0, 30.0)
    battery.use(0, 55.0, 55.0, 30.0)  # from the wall
    assert level(battery, 55.0) == pytest.approx(470.0 + 50.0)


def test_time_to_empty():
    assert one_battery().time_to_empty_s(0, 100.0, 5.0) == 100.0
    assert one_battery(standby_w=2.0).time_to_empty_s(0, 100.0, 5.0) == 60.0  # 300 J are left then
    assert one_battery().time_to_empty_s(0, 100.0, 0.0) == math.inf


def test_time_to_empty_with_a_charger_between():
    # 20 W: 200 J in 10 s; at the charger for 10 s without gain, as it gives less; the other 300 J in 15 s.
    assert one_battery(plugged=[10.0, 20.0]).time_to_empty_s(0, 0.0, 20.0) == pytest.approx(35.0)
    # 5 W: 50 J in 10 s; +50 J at the charger; 500 J in 100 s.
    assert one_battery(plugged=[10.0, 20.0]).time_to_empty_s(0, 0.0, 5.0) == pytest.approx(120.0)


def test_a_device_that_every_night_brings_back_to_full_is_never_empty():
    nightly = DailyCharging(np.array([79_200.0]), np.array([28_800.0]))
    battery = Batteries(capacity_j=[69_300.0], level_j=[69_300.0], standby_w=[0.0], charge_w=[15.0], charging=nightly)
    assert battery.time_to_empty_s(0, 0.0, 0.8) == math.inf
    # 2 W: empty after 69,300 J / 2 W = 34,650 s of the day that begins at 6 h.
    assert battery.time_to_empty_s(0, 0.0, 2.0) == pytest.approx(21_600.0 + 34_650.0)


def test_on_the_mains_there_is_nothing_to_run_out():
    both = Batteries(capacity_j=[math.nan, 100.0], level_j=[0.0, 50.0], standby_w=[9.0, 1.0], charge_w=[0.0, 0.0])
    both.use(0, 0.0, 10.0, 1e9)
    assert both.time_to_empty_s(0, 10.0, 1e9) == math.inf
    assert math.isnan(both.level_j(np.array([0, 1]), 25.0)[0])
    assert both.share(np.array([0, 1, 0]), 25.0).tolist() == [1.0, 0.25, 1.0]
    assert [both.has_battery(device) for device in (0, 1)] == [False, True]
    assert len(both) == 2


def test_asking_changes_nothing():
    asked, other = one_battery(standby_w=2.0), one_battery(standby_w=2.0)
    assert level(asked, 200.0) == 100.0
    assert level(asked, 50.0) == 400.0
    for battery in (asked, other):
        battery.use(0, 100.0, 110.0, 70.0)
    assert level(asked, 123.0) == level(other, 123.0)


def test_what_was_before_a_use_is_past():
    battery = one_battery()
    battery.use(0, 100.0, 200.0, 10.0)
    with pytest.raises(ValueError, match=r"asked for at 150.0 s, and its use is known up to 200.0 s"):
        level(battery, 150.0)
    with pytest.raises(ValueError, match="known up to 200"):
        battery.use(0, 199.0, 300.0, 1.0)
    with pytest.raises(ValueError, match=r"ends at 200.0 s, before it begins at 300.0 s"):
        battery.use(0, 300.0, 200.0, 1.0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"level_j": [2.0]}, "between 0 and its capacity"),
        ({"level_j": [-1.0]}, "between 0 and its capacity"),
        ({"capacity_j": [0.0]}, "capacity is positive"),
        ({"standby_w": [0.0, 0.0]}, "a row for each of 1 devices"),
    ],
)
def test_impossible_columns_are_refused(columns, message):
    good = {"capacity_j": [1.0], "level_j": [0.0], "standby_w": [0.0], "charge_w": [0.0]}
    with pytest.raises(ValueError, match=message):
        Batteries(**good | columns)


@given(
    level_j=st.floats(0.0, 1000.0),
    charge_w=st.floats(0.0, 50.0),
    first_s=st.floats(0.0, 300.0),
    second_s=st.floats(0.0, 300.0),
)
def test_charging_in_two_parts_is_charging_in_one(level_j, charge_w, first_s, second_s):
    def after(start_j, span_s):
        return charged(np.array([start_j]), np.array([1000.0]), np.array([charge_w]), np.array([span_s]))[0]

    whole_j = after(level_j, first_s + second_s)
    assert after(after(level_j, first_s), second_s) == pytest.approx(whole_j, rel=1e-9)
    assert level_j * (1.0 - 1e-12) <= whole_j <= 1000.0
    # Never more than the charger gives.
    assert whole_j - level_j <= charge_w * (first_s + second_s) * (1.0 + 1e-9) + 1e-9


def followed(level_j, *, uses, changes, standby_w, charge_w, end_s, step_s):
    """Integrate a battery of 1000 J by Euler steps: what closed forms have to agree with."""
    for i in range(round(end_s / step_s)):
        t = (i + 0.5) * step_s
        draw_w = next((watts for start, end, watts in uses if start <= t < end), standby_w)
        if sum(change <= t for change in changes) % 2:
            gain_w = max(charge_w - draw_w, 0.0) * min(1.0, (1000.0 - level_j) / 200.0)
            level_j += gain_w * step_s
        else:
            level_j = max(level_j - draw_w * step_s, 0.0)
    return level_j


@given(
    level_j=st.floats(0.0, 1000.0),
    standby_w=st.floats(0.0, 5.0),
    charge_w=st.floats(0.0, 30.0),
    changes=st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True).map(sorted),
    edges=st.lists(st.integers(0, 100), min_size=4, max_size=4, unique=True).map(sorted),
    watts=st.tuples(st.floats(0.0, 40.0), st.floats(0.0, 40.0)),
)
def test_a_history_is_the_integral_of_its_powers(level_j, standby_w, charge_w, changes, edges, watts):
    battery = one_battery(level_j=level_j, standby_w=standby_w, charge_w=charge_w, plugged=[float(t) for t in changes])
    uses = [(edges[0], edges[1], watts[0]), (edges[2], edges[3], watts[1])]
    for start, end, draw_w in uses:
        battery.use(0, float(start), float(end), draw_w * (end - start))
    powers = {"uses": uses, "changes": changes, "standby_w": standby_w, "charge_w": charge_w}
    integral_j = followed(level_j, **powers, end_s=100, step_s=0.05)
    assert level(battery, 100.0) == pytest.approx(integral_j, abs=0.5)


@given(level_j=st.floats(1.0, 1000.0), watts=st.floats(0.5, 40.0), standby_w=st.floats(0.0, 1.0), t=st.floats(0.0, 50.0))
def test_a_use_of_the_time_to_empty_empties_it(level_j, watts, standby_w, t):
    battery = one_battery(level_j=level_j, standby_w=standby_w, charge_w=5.0, plugged=[60.0, 90.0])
    left_s = battery.time_to_empty_s(0, t, watts)
    battery.use(0, t, t + left_s, watts * left_s)
    assert level(battery, t + left_s) == pytest.approx(0.0, abs=1e-6)


class CountedCharging(DailyCharging):
    n_calls = 0

    def plugged(self, devices, times_s):
        self.n_calls += 1
        return super().plugged(devices, times_s)


@pytest.mark.parametrize("n", [10, 100_000])
def test_a_fleet_is_advanced_in_columns(n):
    # Two and a half days: the first night's end, then one beginning and one end a day, for all devices at once.
    charging = CountedCharging.drawn(Streams(1).get("charging"), n)
    columns = {"capacity_j": 69_300.0, "level_j": 35_000.0, "standby_w": 0.05, "charge_w": 15.0}
    fleet = Batteries(**{name: np.full(n, value) for name, value in columns.items()}, charging=charging)
    share = fleet.share(np.arange(n), 2.5 * 86_400.0)
    assert charging.n_calls <= 7
    assert 0.9 < share.mean() < 1.0
