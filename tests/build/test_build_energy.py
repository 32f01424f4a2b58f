"""What stations, backhaul and electricity cost, and that a study's joules and bytes are sums of its parts."""

import pytest
from worlds import AS_LAYOUT, HEXAGONS, rows_of, scenario

from mecsim.build.energy import build_tariff, read_intensity
from mecsim.nodes.station_power import STATIONS

WALLS = {"network.fading": {"kind": "none"}}


def test_a_cell_sends_in_its_slots_and_a_sector_is_a_third_of_a_site():
    """A macro site of Auer et al.: 6 transceivers of 20 W and slope 4.7 are 564 W at full output, and 780 W before that."""
    macro = {"network.stations.0.power_class": "macro"}
    tariff = build_tariff(scenario(macro))
    assert tariff.sending_w == {"north": pytest.approx(0.75 * 564), "south": pytest.approx(0.75 * STATIONS["micro"].dynamic_w)}
    assert tariff.static_w == 780 + STATIONS["micro"].static_w
    sectors = {**macro, "network.stations.0.sectors": 3, "network.stations.1.sectors": 3}
    assert build_tariff(scenario(sectors)).sending_w["north"] == pytest.approx(0.75 * 564 / 3)
    fdd = {**macro, "network.carrier.downlink_share": None, "network.carrier.tdd": "fdd"}
    assert build_tariff(scenario(fdd)).sending_w["north"] == pytest.approx(564)


def test_stations_that_are_not_counted_cost_nothing():
    rows = rows_of({"energy": {"stations": False}})
    assert rows["summary"][0].station_energy_j == 0.0
    assert sum(row.energy_j for row in rows["energy"] if row.node == "stations") == 0.0


def test_a_layouts_stations_are_counted_by_their_class():
    layout = {**AS_LAYOUT, "network.layout": {**HEXAGONS, "station": {**HEXAGONS["station"], "power_class": "pico"}}}
    assert build_tariff(scenario(layout)).static_w == pytest.approx(4 * STATIONS["pico"].static_w)


def test_a_carbon_trace_begins_with_the_study_and_again_at_its_end(tmp_path):
    path = tmp_path / "carbon.csv"
    path.write_text("t_s,g_per_kwh\n100,50\n110,200\n130,0\n")
    intensity = read_intensity(path)
    assert [intensity.at(t) for t in (0, 9, 10, 29, 30, 41)] == [50, 50, 200, 200, 50, 200]


def test_carbon_is_the_energy_times_the_intensity(tmp_path):
    (tmp_path / "carbon.csv").write_text("t_s,g_per_kwh\n0,100\n1e7,100\n")
    constant = rows_of({"energy": {"carbon_g_per_kwh": 100, "backhaul_kwh_per_gb": 0.05}})
    traced = rows_of({"energy": {"carbon_trace": "carbon.csv", "backhaul_kwh_per_gb": 0.05}}, tmp_path)
    for row, other in zip(constant["rounds"], traced["rounds"], strict=True):
        parts = ("device_compute", "device_radio", "device_idle", "server", "station", "backhaul")
        joules = sum(getattr(row, f"{part}_energy_j") for part in parts)
        assert row.carbon_g == pytest.approx(100 * joules / 3.6e6)
        assert other.carbon_g == pytest.approx(row.carbon_g)
    assert constant["summary"][0].backhaul_energy_j > 0.0


def test_the_backhaul_costs_by_its_bits():
    """What went over the radio with 5 % of overhead went over the backhaul with 7 %."""
    rows = rows_of({"energy": {"backhaul_kwh_per_gb": 0.05}})
    payload_bytes = sum(row.size_bytes for row in rows["transfers"])
    assert rows["summary"][0].backhaul_energy_j == pytest.approx(1.07 * payload_bytes / 1e9 * 0.05 * 3.6e6)


FAULTY = {
    "faults": {"crash_per_hour": 30, "link_outage_per_hour": 30, "station_outage_per_hour": 2, "server_restart_per_hour": 10},
    "fleet.groups.0.battery": {"level": [0.1, 1.0], "capacity_wh": 0.3},
    "fleet.groups.1.mobility": {"kind": "random-waypoint", "speed_mps": [5, 10]},
    "protocol.rounds": 8,
    "network.transport": {"give_up_s": 5},
}


@pytest.mark.parametrize(
    "changes", [{}, FAULTY, {**FAULTY, "network.interference": {"kind": "coupled"}}], ids=["calm", "faulty", "coupled"]
)
def test_a_study_is_the_sum_of_its_parts(changes):
    rows = rows_of(changes)
    for row in rows["rounds"]:
        turns = [turn for turn in rows["clients"] if turn.round == row.round]
        parts = {(part.node, part.part): part.energy_j for part in rows["energy"] if part.round == row.round}
        of_devices = {
            name: sum(getattr(turn, f"{name}_energy_j") for turn in turns) for name in ("compute", "idle", "connect", "tail")
        }
        transfers = [each for each in rows["transfers"] if each.round == row.round]
        assert {name: parts["devices", name] for name in of_devices} == pytest.approx(of_devices)
        assert parts["devices", "transfer"] == pytest.approx(sum(each.energy_j for each in transfers))
        radio_j = sum(parts["devices", name] for name in ("connect", "transfer", "tail"))
        assert row.device_radio_energy_j == pytest.approx(radio_j)
        assert row.device_compute_energy_j == pytest.approx(parts["devices", "compute"])
        assert row.server_energy_j == parts["server", "compute"]
        assert row.station_energy_j == parts["stations", "dynamic"]
        assert row.selected == row.completed + row.late + row.refused + row.lost + row.offline == len(turns)
        assert row.uplink_bytes + row.downlink_bytes == sum(turn.upload_bytes + turn.download_bytes for turn in turns)
        assert all(turn.end_s >= turn.start_s >= row.opened_at_s for turn in turns)
    if changes:
        assert {turn.outcome for turn in rows["clients"]} > {"completed"}


def test_the_same_seed_gives_the_same_rows_and_another_one_others():
    assert rows_of(FAULTY) == rows_of(FAULTY) != rows_of({**FAULTY, "seeds.world": 5})
