"""The map of a world: a signal by hand, a grid that covers the area, and devices and stations that are those of the trial."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from worlds import AS_LAYOUT, HEXAGONS, rows_of, scenario, world

from mecsim.build import survey, trial
from mecsim.build.network import build_channel
from mecsim.build.survey import coverage_rows, device_rows, grid_m, station_rows
from mecsim.nodes.mobility import Static
from mecsim.rng import Streams

HERE = {"variant": "v", "seed": 7}
CALM = {"network.path_loss": {"kind": "free-space", "shadowing": False}, "network.fading": {"kind": "none"}}
MAST = {"height_m": 1.5, "tx_power_dbm": 30, "antenna_gain_dbi": 0}
ALONE = {"network.stations": [{"name": "a", "position_m": [0, 0], **MAST}]}
PAIR = {
    "network.stations": [{"name": "a", "position_m": [0, 0], **MAST}, {"name": "b", "position_m": [500, 0], **MAST}],
    "fleet.area_m": [500, 100],
}
MOVING = {"fleet.groups.0.mobility": {"kind": "gauss-markov"}, "fleet.groups.1.mobility": {"kind": "random-waypoint"}}
FAILING = {"faults": {"station_outage_per_hour": 60, "station_outage_s": 30, "crash_per_hour": 5}}
CITY = {**AS_LAYOUT, "network.layout": {**HEXAGONS, "rows": 3, "columns": 3, "station": {**HEXAGONS["station"], "sectors": 3}}}
NOISE_DBM = -174 + 10 * math.log10(20e6) + 7  # thermal noise on 20 MHz, and the noise figure of a device


def coverage(changes, seed=7, **options):
    of = scenario(changes)
    return coverage_rows(of, build_channel(of, Streams(seed)), **HERE, **options)


def arrived_dbm(distance_m):
    return 30 - 20 * math.log10(4 * math.pi * distance_m * 3.5e9 / 299_792_458)


def watts(dbm):
    return 10 ** (dbm / 10)


# Coverage


def test_one_station_in_free_space_by_hand():
    rows = coverage({**CALM, **ALONE})
    assert (rows[0].x_m, rows[0].y_m) == (6.25, 6.25)
    for row in rows:
        assert row.downlink_sinr_db == pytest.approx(arrived_dbm(math.hypot(row.x_m, row.y_m)) - NOISE_DBM, abs=0.01)
    assert {(row.variant, row.seed, row.station) for row in rows} == {("v", 7, "a")}


@pytest.mark.parametrize("interference", [{"kind": "load"}, {"kind": "coupled"}, {"kind": "load", "load": 0.0}])
def test_all_other_cells_send(interference):
    rows = coverage({**CALM, **PAIR, "network.interference": interference})
    for row in rows:
        near_m, far_m = sorted(math.hypot(row.x_m - x_m, row.y_m) for x_m in (0, 500))
        expected_db = arrived_dbm(near_m) - 10 * math.log10(watts(NOISE_DBM) + watts(arrived_dbm(far_m)))
        assert row.downlink_sinr_db == pytest.approx(expected_db, abs=0.01)
        assert row.station == ("a" if row.x_m < 250 else "b")


def test_cells_that_never_hear_each_other_do_not_here():
    for row in coverage({**CALM, **PAIR, "network.interference": {"kind": "none"}}):
        nearest_m = min(math.hypot(row.x_m - x_m, row.y_m) for x_m in (0, 500))
        assert row.downlink_sinr_db == pytest.approx(arrived_dbm(nearest_m) - NOISE_DBM, abs=0.01)


@pytest.mark.parametrize("where", [{}, CITY], ids=["stations", "sectors"])
def test_a_device_at_the_point_has_the_link(where):
    """Path loss, line of sight, shadowing and sectors, as a device meets them that walks to twelve of the points."""
    changes = {**where, "network.fading": {"kind": "none"}, "network.interference": {"kind": "load", "load": 1.0}}
    built = world(changes, seed=7)
    rows = coverage_rows(built.scenario, built.channel, **HERE, n_along=9)[:12]
    built.world.radio.mobility = Static(np.array([[row.x_m, row.y_m] for row in rows]))
    for device, row in enumerate(rows):
        link = built.world.link_now(device)
        assert row.downlink_sinr_db == link.downlink_sinr_db
        assert row.station == built.world.station_name(link.station)
    assert len({row.downlink_sinr_db for row in rows}) == 12


def test_walls_of_devices_are_none_of_a_place():
    walls = {"kind": "umi", "indoors": {"share": 1.0, "building": "high"}}
    assert coverage({"network.path_loss": walls}) == coverage({"network.path_loss": {"kind": "umi"}})


def test_a_map_in_parts_is_the_map(monkeypatch):
    whole = coverage(CITY)
    monkeypatch.setattr(survey, "_MOST_PAIRS", 100)
    assert coverage(CITY) == whole


def test_measured_rates_have_no_map(tmp_path):
    (tmp_path / "links.csv").write_text("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,2\n9,a,2,1\n")
    built = world({"network.trace": {"files": ["links.csv"]}}, tmp_path)
    assert coverage_rows(built.scenario, built.channel, **HERE) == []
    assert len(device_rows(built.world, [1] * 12, **HERE)) == 12


@pytest.mark.parametrize(
    ("area_m", "n_x", "n_y"), [((500, 500), 40, 40), ((500, 250), 40, 20), ((100, 330), 12, 40), ((1000, 1), 40, 1)]
)
def test_the_grid_covers_the_area(area_m, n_x, n_y):
    places_m = grid_m(area_m, 40)
    assert places_m.shape == (n_x * n_y, 2)
    for axis, (n, side_m) in enumerate(zip((n_x, n_y), area_m, strict=True)):
        values_m = np.unique(places_m[:, axis])
        # Each stands for a strip around it; the strips fill the side, from end to end.
        np.testing.assert_allclose(values_m, side_m / n * np.arange(0.5, n), rtol=1e-12)
    assert len(np.unique(places_m, axis=0)) == n_x * n_y


def test_a_layout_is_covered_by_its_stations():
    rows = coverage(CITY)
    stations = {f"cell-{number}" for number in range(9)}
    assert {row.station for row in rows} == stations
    share = max(sum(row.station == station for row in rows) for station in stations) / len(rows)
    assert share < 0.3  # nine alike: none has most of the map


# Stations and devices


def test_stations_are_those_of_the_scenario():
    built = world({"network.stations.0.sectors": 1})
    assert [asdict(row) for row in station_rows(built.channel, **HERE)] == [
        {**HERE, "station": name, "x_m": x_m, "y_m": y_m, "height_m": 10, "tx_power_dbm": 33, "sectors": 1, "azimuth_deg": 0}
        for name, x_m, y_m in (("north", 250, 250), ("south", 100, 0))
    ]


def test_sectors_are_told():
    layout = {**HEXAGONS, "station": {**HEXAGONS["station"], "sectors": 3, "azimuth_deg": 30}}
    rows = station_rows(world({**AS_LAYOUT, "network.layout": layout}).channel, **HERE)
    assert [(row.station, row.sectors, row.azimuth_deg) for row in rows] == [(f"cell-{n}", 3, 30.0) for n in range(4)]


def test_devices_are_those_of_the_turns():
    built = world(seed=7)
    rows = device_rows(built.world, range(100, 112), **HERE)
    assert [row.device for row in rows] == list(range(12))
    assert [row.group for row in rows] == ["phones"] * 8 + ["boards"] * 4
    assert [row.n_samples for row in rows] == list(range(100, 112))
    places_m = {row.station: (row.x_m, row.y_m) for row in station_rows(built.channel, **HERE)}
    for row in rows:
        link, profile = built.world.link_now(row.device), built.world.fleet.profile(row.device)
        assert math.dist((row.x_m, row.y_m), places_m[row.station]) == pytest.approx(link.distance_m)
        assert (row.profile, row.memory_budget_bytes) == (profile.name, profile.memory_budget_bytes)
        assert 0 <= row.x_m <= 500
        assert 0 <= row.y_m <= 500


def test_devices_are_as_they_start_whenever_they_are_asked():
    built = world({**MOVING, **FAILING}, seed=3)
    before = device_rows(built.world, [1] * 12, **HERE)
    built.env.run(until=5000.0)
    moved = built.world.radio.mobility.position(0, 5000.0)
    assert math.dist(moved, (before[0].x_m, before[0].y_m)) > 1.0
    assert device_rows(built.world, [1] * 12, **HERE) == before


def test_a_station_that_is_out_serves_nobody():
    out = {"faults": {"station_schedule": [["north", 0.0, 60.0]]}}
    assert {row.station for row in device_rows(world(out).world, [1] * 12, **HERE)} == {"south"}
    assert {row.station for row in device_rows(world().world, [1] * 12, **HERE)} == {"north", "south"}


def test_of_a_large_fleet_a_thousand_are_told():
    rows = device_rows(world({"fleet.groups.0.count": 2496}).world, range(2500), **HERE)
    devices = [row.device for row in rows]
    assert len(devices) == 1000
    assert (devices[0], devices[-1]) == (0, 2499)
    assert set(np.diff(devices)) <= {2, 3}
    assert all(row.n_samples == row.device for row in rows)


@pytest.mark.parametrize("interference", [{"kind": "load"}, {"kind": "coupled"}])
def test_looking_changes_nothing(monkeypatch, interference):
    changes = {**MOVING, **FAILING, "network.interference": interference, "network.fading": {"kind": "block"}}
    unseen = rows_of(changes)
    build = trial.build_world

    def looked_at(env, of, channel, streams):
        built = build(env, of, channel, streams)
        device_rows(built, [1] * 12, **HERE)
        station_rows(channel, **HERE)
        coverage_rows(of, channel, **HERE, n_along=10)
        return built

    monkeypatch.setattr(trial, "build_world", looked_at)
    assert rows_of(changes) == unseen
