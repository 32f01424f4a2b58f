"""A trial: what a world is made of, background traffic in it, and what a scheme asks at its end."""

import pytest
from worlds import rows_of, world

from mecsim.build.background import start_background
from mecsim.rng import Streams

TWO = [{"name": "synthetic", "label": "a"}, {"name": "synthetic", "label": "b", "update_mb": 2}]


def test_a_world_has_what_the_scenario_says():
    built = world(
        {"network.backhaul": {"rate_gbps": 2, "station_rate_gbps": 0.5, "delay_ms": 7}, "server.profile": "server-t4"}
    )
    assert built.world.server.name == "server-t4"
    assert built.world.transport.backhaul_delay_s == pytest.approx(0.007)
    assert built.world.faults is None
    assert [site.name for site in built.channel.sites] == ["north", "south"]


def test_a_slow_wire_of_the_station_is_the_limit():
    fast = rows_of()["summary"][0].sim_time_s
    slow = rows_of({"network.backhaul": {"station_rate_gbps": 0.004}})
    assert slow["summary"][0].sim_time_s > 2 * fast
    backbone = max(slow["transfers"], key=lambda row: row.size_bytes)
    assert backbone.end_s - backbone.start_s >= 10e6 * 8 * 1.07 / 4e6


def test_background_traffic_runs_in_the_directions_that_it_has():
    built = world({"network.background": {"arrivals_per_s": 1.0, "mean_mb": 0.01, "directions": ["uplink"]}})
    start_background(built.world, built.scenario, Streams(1))
    built.env.run(until=60.0)
    for cell in built.world.radio.cells:
        assert cell.downlink.delivered_bits == 0.0
        assert cell.uplink.delivered_bits > 0.0


def test_background_traffic_has_the_load_that_is_asked_for():
    """200 Poisson arrivals of 0.01 MB: bits within 4 deviations of 16 Mbit; half the rate would be 7 away."""
    built = world(
        {"network.background": {"arrivals_per_s": 0.5, "mean_mb": 0.01, "size_law": "fixed", "directions": ["downlink"]}}
    )
    start_background(built.world, built.scenario, Streams(1))
    built.env.run(until=400.0)
    for cell in built.world.radio.cells:
        assert cell.downlink.delivered_bits / 80_000 == pytest.approx(200, abs=4 * 200**0.5)


def test_background_traffic_slows_the_study_down():
    crowd = {"network.background": {"arrivals_per_s": 0.5, "mean_mb": 1.0, "directions": ["downlink"]}}
    assert rows_of(crowd)["summary"][0].sim_time_s > rows_of()["summary"][0].sim_time_s


def test_weights_shift_the_cell_from_background_to_study():
    crowd = {"network.background": {"arrivals_per_s": 0.8, "mean_mb": 1.0, "directions": ["downlink"]}}
    times_s = [
        rows_of({**crowd, "network.sharing": {"kind": "weighted", "study_weight": weight}})["summary"][0].sim_time_s
        for weight in (0.2, 1.0, 5.0)
    ]
    assert times_s[0] > times_s[1] > times_s[2]


def test_schemes_meet_the_same_world():
    rows = rows_of({"schemes": TWO, "fleet.groups.0.mobility": {"kind": "gauss-markov"}, "faults": {"crash_per_hour": 5}})
    first, second = (
        [(turn.round, turn.device) for turn in rows["clients"] if turn.label == label and turn.round == 1] for label in "ab"
    )
    assert first == second
    places = [
        {turn.device: turn.distance_m for turn in rows["clients"] if turn.label == label and turn.round == 1} for label in "ab"
    ]
    assert places[0] == places[1]


def test_one_more_scheme_changes_nothing_for_the_first():
    alone = rows_of({"schemes": TWO[:1]})
    beside = rows_of({"schemes": TWO})
    assert [row for row in beside["clients"] if row.label == "a"] == alone["clients"]


def test_what_a_scheme_asks_is_told_of_a_thousand_devices_of_a_large_fleet():
    small = {
        "fleet.groups.0.count": 3000,
        "fleet.groups.0.memory_gb": 0.1,
        "fleet.groups.1.count": 1000,
        "schemes.0.peak_memory_gb": 1.0,
    }
    summary = rows_of(small)["summary"][0]
    assert summary.refused_device_share == pytest.approx(0.75, abs=0.002)
    assert summary.update_bytes == 1_000_000
