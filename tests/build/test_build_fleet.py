"""From groups of devices to columns, and how devices move, come and go, charge and break."""

import time

import numpy as np
import pytest
from worlds import scenario, text, world

from mecsim.build.behaviour import build_availability, build_faults, build_mobility, group_numbers
from mecsim.build.fleet import build_fleet
from mecsim.build.measured import build_measured
from mecsim.build.stations import placed
from mecsim.nodes.profiles import PROFILES
from mecsim.rng import Streams

PHONE, BOARD = PROFILES["phone-mid"], PROFILES["raspberry-pi-5"]


def fleet(changes=None, folder=None, seed=1):
    return build_fleet(scenario(changes, folder), Streams(seed))


def test_devices_are_numbered_through_the_groups():
    built = fleet()
    assert len(built) == 12
    assert [built.group(i).name for i in (0, 7, 8, 11)] == ["phones", "phones", "boards", "boards"]
    assert built.memory_of(0) == PHONE.memory_budget_bytes
    assert built.memory_of(8) == BOARD.memory_budget_bytes
    assert built.storage_of(0) == PHONE.storage_bytes
    assert (built.batteries, built.speed_factor) == (None, None)


def test_a_group_has_its_own_memory_storage_and_ways_to_compute():
    changes = {
        "fleet.groups.0.memory_gb": 2,
        "fleet.groups.0.storage_gb": 1,
        "fleet.groups.0.frequency": 0.5,
        "fleet.groups.0.contention": 0.25,
        "fleet.groups.0.throttling": {"after_s": 60, "factor": 0.5},
    }
    built = fleet(changes)
    assert built.memory_of(0) == pytest.approx(2e9 * PHONE.usable_memory)
    assert (built.storage_of(0), built.storage_of(8)) == (1e9, BOARD.storage_bytes)
    settings = built.group(0).settings
    assert (settings.frequency, settings.contention) == (0.5, 0.25)
    assert (settings.throttle.after_s, settings.throttle.factor) == (60, 0.5)
    assert built.group(8).settings.throttle is None


def test_the_spread_is_log_normal_with_median_one():
    """Of 20,000 devices: the mean logarithm within 4 deviations of 0, which a factor with mean 1 (median 0.88) is not."""
    built = fleet({"fleet.groups.0.count": 20_000, "fleet.groups.0.spread": {"speed": 0.5, "memory": 0.25}})
    for factors, sigma in ((built.speed_factor, 0.5), (built.memory_budget_bytes / PHONE.memory_budget_bytes, 0.25)):
        logs = np.log(factors[:20_000])
        assert abs(logs.mean()) < 4 * sigma / 20_000**0.5
        assert logs.std() == pytest.approx(sigma, rel=0.03)
    assert (built.speed_factor[20_000:] == 1.0).all()


def test_one_more_device_changes_nobody_elses_draws(tmp_path):
    (tmp_path / "devices.csv").write_text("device_id,ram_gb\na,2\nb,3\nc,4\n")
    changes = {
        "fleet.groups.0.spread": {"speed": 0.5, "memory": 0.2},
        "fleet.groups.0.devices": "devices.csv",
        "fleet.groups.0.battery": {"level": [0.2, 0.9], "charging": {}},
        "fleet.groups.0.availability": {"kind": "daily"},
        "fleet.groups.0.mobility": {"kind": "random-waypoint"},
    }
    at_s = np.linspace(0.0, 86_400.0, 7)

    def columns(more):
        of = scenario({**changes, "fleet.groups.1.count": 4 + more}, tmp_path)
        built, devices = build_fleet(of, Streams(1)), np.arange(12)
        moves = build_mobility(of, placed(of).area_m, Streams(1))
        there = [built.availability.available(devices, t) for t in at_s]
        ways = [moves.positions(devices, t) for t in at_s[:2]]
        levels = built.batteries.level_j(devices, 100.0)
        return [built.memory_budget_bytes[:12], built.speed_factor[:12], levels, *there, *ways]

    for before, after in zip(columns(0), columns(3), strict=True):
        np.testing.assert_array_equal(before, after)


def test_devices_of_a_file_are_drawn_with_replacement_and_the_group_says_the_rest(tmp_path):
    (tmp_path / "devices.csv").write_text(
        "device_id,profile,peak_gflops_fp32,ram_gb,batt_wh\na,,100,,\nb,,,3,30\nc,phone-flagship,,,\n"
    )
    changes = {
        "fleet.groups.0.count": 3000,
        "fleet.groups.0.devices": "devices.csv",
        "fleet.groups.0.memory_gb": 2,
        "fleet.groups.0.battery": {"capacity_wh": 7},
    }
    built = fleet(changes, tmp_path)
    by_peak = {}
    for device in range(3000):
        by_peak.setdefault((built.profile(device).name, built.profile(device).peak_flops), []).append(device)
    fast, plain, flagship = (
        by_peak["phone-mid", 100e9],
        by_peak["phone-mid", PHONE.peak_flops],
        by_peak["phone-flagship", PROFILES["phone-flagship"].peak_flops],
    )
    assert all(abs(len(part) - 1000) < 4 * (3000 * 2 / 9) ** 0.5 for part in (fast, plain, flagship))
    assert {built.memory_of(i) for i in fast} == {2e9 * PHONE.usable_memory}  # the group's
    assert {built.memory_of(i) for i in plain} == {3e9 * PHONE.usable_memory}  # the row's
    assert {built.memory_of(i) for i in flagship} == {
        PROFILES["phone-flagship"].memory_budget_bytes
    }  # that of the row's profile
    capacity_wh = built.batteries.capacity_j / 3600
    assert (capacity_wh[fast[0]], capacity_wh[plain[0]]) == (7, 30)
    assert np.isnan(capacity_wh[3000])  # boards are on the mains
    assert built.profile(3000) is built.group(3000).profile


def test_batteries_begin_between_their_levels():
    built = fleet({"fleet.groups.0.count": 500, "fleet.groups.0.battery": {"level": [0.25, 0.5]}})
    shares = built.batteries.share(np.arange(504), 0.0)
    assert 0.25 <= shares[:500].min() < 0.26
    assert 0.49 < shares[:500].max() <= 0.5
    assert (shares[500:] == 1.0).all()
    assert built.group(0).least_charge == 0.2
    assert built.group(500).least_charge == 0.0


def test_chargers_keep_the_clock_of_the_study():
    """It begins at 23 h; the charger is plugged in from 23.5 h on for an hour at 10 W, with no standby."""
    battery = {"level": [0.1, 0.1], "standby_w": 0, "charging": {"power_w": 10, "start_hour": 23.5, "length_h": 1}}
    built = fleet({"fleet.starts_at_hour": 23, "fleet.groups.0.battery": battery})
    levels = [float(built.batteries.level_j(np.array([0]), t)[0]) for t in (0, 1800, 1900, 5400, 9000)]
    assert [level - levels[0] for level in levels] == pytest.approx([0, 0, 1000, 36_000, 36_000])


def test_windows_of_the_day_keep_the_clock_of_the_study():
    window = {"kind": "daily", "start_hour": 23.5, "start_sigma_h": 0, "length_h": 1, "length_sigma_h": 0, "leave": "finish"}
    of = scenario({"fleet.starts_at_hour": 23, "fleet.groups.0.availability": window})
    presence = build_availability(of, Streams(1))
    there = [bool(presence.available(np.array([0]), t)[0]) for t in (0, 1800, 5399, 5400, 86_400 + 1800)]
    assert there == [False, True, True, False, True]
    assert presence.available(np.array([8]), 0.0)[0]  # boards always are
    assert not build_fleet(of, Streams(1)).group(0).leaves_at_once


def test_traces_are_followed_in_turn_within_the_group(tmp_path):
    (tmp_path / "ways.csv").write_text("t_s,ue_id,x_m,y_m\n0,a,10,0\n10,a,20,0\n0,b,30,0\n10,b,30,50\n")
    (tmp_path / "sessions.csv").write_text("ue_id,start_s,end_s\na,0,5\nb,5,10\n")
    trace = {"kind": "trace", "files": ["ways.csv"]}
    of = scenario(
        {
            "fleet.groups.0.count": 3,
            "fleet.groups.1.mobility": {**trace, "at_end": "hold"},
            "fleet.groups.1.availability": {"kind": "trace", "files": ["sessions.csv"]},
        },
        tmp_path,
    )
    moves = build_mobility(of, (500.0, 500.0), Streams(1))
    assert [moves.position(device, 5.0) for device in (3, 4, 5, 6)] == [(15, 0), (30, 25), (15, 0), (30, 25)]
    assert moves.position(4, 100.0) == (30, 50)
    presence = build_availability(of, Streams(1))
    assert presence.available(np.arange(7), 2.0).tolist() == [True] * 3 + [True, False, True, False]
    assert presence.available(np.arange(7), 12.0).tolist() == [True] * 3 + [True, False, True, False]  # b's pass of 10 s


def test_measured_rates_are_followed_in_turn_and_ahead(tmp_path):
    (tmp_path / "links.csv").write_text("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,2\n5,a,4,1\n10,a,8,2\n0,b,6,3\n10,b,6,3\n")
    of = scenario({"network.trace": {"files": ["links.csv"], "shift_s": 5, "scale": 0.5, "uplink_share": 0.1}}, tmp_path)
    measured = build_measured(of.network.trace)
    assert measured.rates(0, 1.0) == (4e6, 0.4e6)
    assert measured.rates(1, 1.0) == (3e6, 0.3e6)
    assert measured.rates(2, 1.0) == (2e6, 0.2e6)  # follows a, 5 s ahead
    assert measured.next_change(2, 1.0) == measured.next_change(0, 6.0) - 5.0
    assert build_measured(None) is None


def test_faults_that_cannot_be_cost_nothing():
    assert build_faults(scenario().faults, Streams(1)) is None
    faults = build_faults(scenario({"faults": {"station_schedule": [["north", 5, 9]]}}).faults, Streams(1))
    assert [faults.station_up("north").at(t) for t in (4, 5, 9)] == [1, 0, 1]
    assert faults.crash_after(0, 0.0) == float("inf")
    assert build_faults(scenario({"faults": {"crash_per_hour": 1}}).faults, Streams(1)).crash_after(0, 0.0) < 1e6


def test_groups_are_numbered_in_their_order():
    assert group_numbers(scenario().fleet.groups).tolist() == [0] * 8 + [1] * 4


def test_a_million_devices_are_columns(tmp_path):
    """With spread, batteries, windows, movement and devices of a file; a loop over devices would take ten times as long."""
    (tmp_path / "devices.csv").write_text("device_id,ram_gb\na,2\nb,3\nc,4\n")
    of = scenario(
        {
            "fleet.groups.0.count": 1_000_000,
            "fleet.groups.0.spread": {"speed": 0.5, "memory": 0.2},
            "fleet.groups.0.devices": "devices.csv",
            "fleet.groups.0.battery": {"level": [0.2, 0.9], "charging": {}},
            "fleet.groups.0.availability": {"kind": "daily"},
        },
        tmp_path,
    )
    started = time.process_time()
    built = build_fleet(of, Streams(1))
    build_mobility(of, (500.0, 500.0), Streams(1))
    assert time.process_time() - started < 3.0
    assert len(built) == 1_000_004


def test_the_world_knows_its_fleet():
    assert len(world().world.fleet) == 12
    assert "phones" in text()
