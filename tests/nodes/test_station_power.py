import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.nodes.station_power import STATIONS, backhaul_j, carbon_g
from mecsim.nodes.timeline import Constant, Steps


@pytest.mark.parametrize(
    ("name", "static_w", "full_w", "sleep_w"),
    [
        # N x P0, N x (P0 + slope x maximum), N x sleep; all transceivers count in every term.
        ("macro", 780.0, 1344.0, 450.0),
        ("rrh", 504.0, 840.0, 336.0),
        ("micro", 112.0, 144.76, 78.0),
        ("pico", 13.6, 14.64, 8.6),
        ("femto", 9.6, 10.4, 5.8),
    ],
)
def test_powers_of_a_site(name, static_w, full_w, sleep_w):
    station = STATIONS[name]
    assert station.static_w == pytest.approx(static_w)
    assert station.static_w + station.dynamic_w == pytest.approx(full_w)
    assert station.sleep_w == pytest.approx(sleep_w)


def test_the_catalogue_says_its_own_names():
    assert list(STATIONS) == [station.name for station in STATIONS.values()] == ["macro", "rrh", "micro", "pico", "femto"]


def test_a_minute_of_a_macro_station():
    # On for 60 s: 780 W x 60 s; busy for 15 s: 564 W x 15 s.
    energy = STATIONS["macro"].energy(span_s=60.0, busy_s=15.0)
    assert energy == pytest.approx((46_800.0, 8_460.0))


def test_a_station_that_sleeps_while_it_sends_nothing():
    # It sends for 30 s, 15 s of which are the study's: 780 x 30 + 450 x 30.
    station = STATIONS["macro"]
    energy = station.energy(span_s=60.0, busy_s=15.0, sending_s=30.0, sleeps=True)
    assert energy == pytest.approx((36_900.0, 8_460.0))
    assert station.energy(span_s=60.0, busy_s=15.0, sending_s=30.0).static_j == pytest.approx(46_800.0)


@pytest.mark.parametrize("spans", [{"span_s": 10.0, "busy_s": 11.0}, {"span_s": 10.0, "busy_s": 5.0, "sending_s": 4.0}])
def test_a_station_is_not_busy_for_longer_than_it_is_there(spans):
    with pytest.raises(ValueError, match="a station was busy for"):
        STATIONS["pico"].energy(**spans)


def test_backhaul_and_carbon_in_figures():
    # 8e9 bits are a GB: 0.05 kWh, which at 400 g/kWh are 20 g.
    joules = backhaul_j(8e9, kwh_per_gb=0.05)
    assert joules == pytest.approx(180e3)
    assert carbon_g(joules, 400.0) == pytest.approx(20.0)


def test_carbon_of_a_grid_that_changes():
    # 1 kWh from 0 to 10 h: 2.5 h at 100 g, 7.5 h at 500 g: a mean of 400 g.
    grid = Steps([0.0, 9_000.0], [100.0, 500.0])
    assert carbon_g(3.6e6, grid, start_s=0.0, end_s=36_000.0) == pytest.approx(400.0)
    assert carbon_g(3.6e6, grid, start_s=9_000.0) == 500.0
    with pytest.raises(ValueError, match=r"end_s \(1.0\) is before start_s \(2.0\)"):
        carbon_g(1.0, grid, start_s=2.0, end_s=1.0)


@given(joules=st.floats(0.0, 1e9), split=st.floats(0.01, 0.99))
def test_carbon_of_two_halves_is_that_of_the_whole(joules, split):
    grid = Steps([0.0, 100.0, 400.0], [50.0, 700.0, 300.0])
    middle_s = 1000.0 * split
    parts_g = carbon_g(split * joules, grid, end_s=middle_s) + carbon_g(
        (1 - split) * joules, grid, start_s=middle_s, end_s=1000.0
    )
    assert parts_g == pytest.approx(carbon_g(joules, grid, end_s=1000.0))


def test_a_constant_is_a_constant_however_it_is_given():
    assert carbon_g(5e6, Constant(321.0), end_s=math.pi) == pytest.approx(carbon_g(5e6, 321.0))
