"""The section ``network``: what it refuses, all at once, and what comes out of it as it went in."""

import json

import pytest
import yaml
from worlds import AS_LAYOUT, BASE, CATALOG, HEXAGONS, all_problems, problems, refused, scenario, text

from mecsim.config import network_traces
from mecsim.config.loader import parse_scenario, resolved_yaml
from mecsim.config.schema import json_schema
from mecsim.traces.column_map import preset_names

LAYOUT_OF = {**AS_LAYOUT, "network.layout": HEXAGONS}
LINK = "t_s,ue_id,dl_mbps,ul_mbps\n0,a,10,2\n1,a,20,4\n"


def test_the_presets_of_a_scenario_are_the_column_maps_that_there_are():
    assert set(network_traces.PRESETS) == set(preset_names())


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"network.stations.0.tx_power_dbm": 100}, "network.stations.0.tx_power_dbm", "less than or equal to 80, got 100"),
        ({"network.stations.0.height_m": -10}, "network.stations.0.height_m", "greater than 0, got -10"),
        ({"network.stations.0.noise_figure_db": -1}, "network.stations.0.noise_figure_db", "greater than or equal to 0"),
        ({"network.stations.0.beamforming_db": -3}, "network.stations.0.beamforming_db", "greater than or equal to 0"),
        ({"network.stations.0.sectors": 2}, "network.stations.0.sectors", "must be 1 or 3"),
        ({"network.stations.1.sectors": 3}, "network.stations.1.sectors", "'south' has 3 sectors, and 'north' has 1"),
        ({"network.stations.0.downtilt_deg": 4}, "network.stations.0.downtilt_deg", "neither a direction nor a tilt"),
        ({"network.stations.0.azimuth_deg": 0}, "network.stations.0.azimuth_deg", "neither a direction nor a tilt"),
        ({"network.stations.1.name": "north"}, "network.stations.1.name", "there is a station 'north' already"),
        ({"network.stations.0.position_m": [250, 501]}, "network.stations.0.position_m", r"outside the 500 x 500 m"),
        ({"network.stations.0.position_m": [-1, 0]}, "network.stations.0.position_m", "outside"),
        ({"network.stations.0.power_class": "mega"}, "network.stations.0.power_class", "must be 'macro', 'rrh'"),
        ({"network.stations": None}, "network.stations", "no station, and no layout"),
        ({"network.stations": []}, "network.stations", "no station, and no layout"),
        ({"fleet.area_m": None}, "fleet.area_m", "required where stations are listed"),
        ({**AS_LAYOUT, "fleet.area_m": [10, 10]}, "fleet.area_m", "an area of its own"),
        ({**LAYOUT_OF, "network.layout.kind": "round"}, "network.layout.kind", "there is no kind 'round' of layout"),
        ({**LAYOUT_OF, "network.layout.spacing_m": 5}, "network.layout.spacing_m", "no such key"),
        (
            {**LAYOUT_OF, "network.layout.rows": 3, "network.layout.wrap_around": True},
            "network.layout.rows",
            "3 rows cannot wrap",
        ),
        ({**LAYOUT_OF, "network.layout.station.downtilt_deg": 4}, "network.layout.station.downtilt_deg", "neither"),
        ({"network.carrier.downlink_share": None}, "network.carrier", "neither downlink_share nor tdd"),
        ({"network.carrier.tdd": "DDDSU"}, "network.carrier", "both downlink_share and tdd"),
        ({"network.carrier.downlink_share": 1.2}, "network.carrier.downlink_share", "less than 1, got 1.2"),
        ({"network.carrier.downlink_share": None, "network.carrier.tdd": "DXU"}, "network.carrier.tdd", "match pattern"),
        (
            {"network.carrier.downlink_share": None, "network.carrier.tdd": "DDD"},
            "network.carrier.tdd",
            "0 up: one direction is cut off",
        ),
        ({"network.carrier.scs_khz": 15, "network.carrier.bandwidth_mhz": 100}, "network.carrier", "100 MHz"),
        ({"network.carrier.scs_khz": 45}, "network.carrier.scs_khz", "must be 15, 30, 60 or 120"),
        ({"network.carrier.frequency_ghz": 0.1}, "network.carrier.frequency_ghz", "greater than or equal to 0.5"),
        (
            {"network.carrier.frequency_ghz": 40, "network.path_loss.kind": "rma"},
            "network.carrier.frequency_ghz",
            "'rma' holds from 0.5 to 30 GHz, and the carrier is at 40 GHz",
        ),
        (
            {"network.path_loss.kind": "macro-2ghz"},
            "network.carrier.frequency_ghz",
            "holds at 2 GHz, and the carrier is at 3.5",
        ),
        ({"network.path_loss.exponent": 4}, "network.path_loss.exponent", "no such key"),
        ({"network.path_loss.shadowing_db": -1}, "network.path_loss.shadowing_db", "greater than or equal to 0"),
        ({"network.path_loss.indoors": {"share": 1.1}}, "network.path_loss.indoors.share", "less than or equal to 1"),
        (
            {"network.path_loss": {"kind": "inh", "indoors": {"share": 0.5}}},
            "network.path_loss.indoors",
            "stations of 'inh' are indoors",
        ),
        (
            {"network.path_loss.indoors": {"share": 0.5, "building": "simple"}, "network.carrier.frequency_ghz": 28},
            "network.path_loss.indoors.building",
            "below 6 GHz",
        ),
        ({"network.fading": {"kind": "fast"}}, "network.fading.kind", "there is no kind 'fast' of fading"),
        ({"network.fading": {"kind": "block", "shortest_s": 0}}, "network.fading.shortest_s", "greater than 0"),
        ({"network.interference": {"kind": "load", "load": 1.5}}, "network.interference.load", "less than or equal to 1"),
        ({"network.interference": {"kind": "none", "load": 0.5}}, "network.interference.load", "no such key"),
        ({"network.link_adaptation": {"kind": "cqi-64qam", "bler": 1.0}}, "network.link_adaptation.bler", "less than 1"),
        ({"network.link_adaptation": {"kind": "shannon", "bler": 0.1}}, "network.link_adaptation.bler", "no such key"),
        ({"network.sharing": {"kind": "equal", "study_weight": 2}}, "network.sharing.study_weight", "no such key"),
        ({"network.sharing": {"kind": "weighted", "study_weight": 0}}, "network.sharing.study_weight", "greater than 0"),
        ({"network.background": {"arrivals_per_s": 1, "pareto_shape": 1}}, "network.background.pareto_shape", "greater than 1"),
        ({"network.background": {"arrivals_per_s": 1, "directions": []}}, "network.background.directions", "at least 1 item"),
        ({"network.handover": {"transfers": "stop"}}, "network.handover.transfers", "'continue' or 'fail'"),
        ({"network.transport": {"efficiency": 1.1}}, "network.transport.efficiency", "less than or equal to 1"),
        ({"network.transport": {"loss_rate": 1}}, "network.transport.loss_rate", "less than 1"),
        ({"network.backhaul": {"rate_gbps": 0}}, "network.backhaul.rate_gbps", "greater than 0"),
        (
            {"network.devices": {"power_control": {"alpha": 1.5}}},
            "network.devices.power_control.alpha",
            "less than or equal to 1",
        ),
        ({"network.trace": {"files": []}}, "network.trace.files", "at least 1 item"),
        ({"network.trace": {"files": ["no.csv"]}}, "network.trace.files", "no such file: no.csv"),
        ({"network.trace": {"files": ["no*.csv"]}}, "network.trace.files", r"no such file: no\*.csv"),
    ],
)
def test_what_cannot_be_is_refused_with_key_line_rule_and_way_out(changes, key, message):
    refused(key, message, changes)


def test_stations_and_a_layout_are_too_much():
    refused("network.layout", "stations and a layout", {"network.layout": HEXAGONS, "fleet.area_m": None})


def test_everything_impossible_is_told_at_once():
    found = problems(
        {
            "network.stations.0.position_m": [900, 0],
            "network.carrier.frequency_ghz": 28,
            "network.path_loss": {"kind": "rma", "indoors": {"share": 0.5, "building": "simple"}},
            "network.sharing": {"kind": "fdma", "max_flows": 0},
            "network.backhaul": {"delay_ms": -1},
            "fleet.groups.0.battery": {"level": [0.9, 0.1]},
            "fleet.groups.1.battery": {},
            "faults.station_schedule": [["west", 10, 5]],
            "protocol": {"kind": "buffered", "rounds": 3, "clients_per_round": 40, "buffer": 13},
        }
    )
    assert set(found) == {
        "network.stations.0.position_m",
        "network.path_loss.indoors.building",
        "network.sharing.max_flows",
        "network.backhaul.delay_ms",
        "fleet.groups.0.battery.level",
        "fleet.groups.1.battery.capacity_wh",
        "faults.station_schedule.0.0",
        "faults.station_schedule.0.2",
        "protocol.clients_per_round",
        "protocol.buffer",
    }
    assert all(problem.line and problem.remedy for problem in found.values())
    assert found["faults.station_schedule.0.0"].remedy == "Known: north, south."


def test_a_missing_area_is_told_beside_a_wrong_carrier():
    assert set(problems({"fleet.area_m": None, "network.carrier.bandwidth_mhz": -1})) == {
        "fleet.area_m",
        "network.carrier.bandwidth_mhz",
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("link.csv", "t_s,ue_id,dl_mbps\n0,a,fast\n", "link.csv"),
        ("link.csv", "time,who\n0,a\n", "link.csv"),
        ("link.pkl", "t_s", "[Pp]ickle"),
        ("link.csv", b"\x80\x04\x95\x10", "[Pp]ickle"),
    ],
)
def test_files_that_are_no_trace_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    refused("network.trace.files", message, {"network.trace": {"files": [name]}}, tmp_path)


def test_a_preset_is_a_known_name_or_a_file(tmp_path):
    (tmp_path / "link.csv").write_text(LINK)
    for preset, message in (("ucc6g", "there is no column map called 'ucc6g'"), ("my.yaml", "no such file or folder")):
        changes = {"network.trace": {"files": ["link.csv"], "preset": preset}}
        problem = refused("network.trace.preset", message, changes, tmp_path)
        assert preset != "ucc6g" or "ucc5g" in problem.remedy


def test_a_star_stands_for_files_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b[1]").mkdir()
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "b[1]" / name).write_text(LINK.replace("a,", f"{name},"))
    (tmp_path / "b[1]" / "d.csv").mkdir()
    of = scenario({"network.trace": {"files": ["*.csv"]}}, tmp_path / "b[1]")
    assert [path.name for path in of.network.trace.files] == ["a.csv", "b.csv"]
    of = scenario({"network.trace": {"files": [f"{tmp_path}/*/a.csv"]}}, tmp_path)
    assert [path.name for path in of.network.trace.files] == ["a.csv"]


EVERYTHING = {
    **AS_LAYOUT,
    "network.layout": {**HEXAGONS, "wrap_around": True, "station": {**HEXAGONS["station"], "sectors": 3, "downtilt_deg": 6}},
    "network.carrier": {"frequency_ghz": 3.5, "bandwidth_mhz": 100, "scs_khz": 30, "tdd": "DDDSU"},
    "network.path_loss": {"kind": "log-distance", "exponent": 3.5, "shadowing_db": 6.0, "indoors": {"share": 0.2}},
    "network.fading": {"kind": "block"},
    "network.interference": {"kind": "coupled"},
    "network.link_adaptation": {"kind": "cqi-256qam", "layers": 2},
    "network.sharing": {"kind": "weighted", "background_weight": 3.0},
    "network.background": {"arrivals_per_s": 0.1, "directions": ["downlink"]},
    "network.devices": {"power_control": {}},
    "network.trace": {"files": ["*.csv"], "preset": "my map.yaml", "uplink_share": 0.5},
    "faults.station_schedule": [["cell-3", 5.0, 10.0]],
    "learning.samples": {"kind": "zipf"},
}


def test_what_is_resolved_is_the_same_scenario(tmp_path):
    (tmp_path / "link.csv").write_text(LINK)
    (tmp_path / "my map.yaml").write_text("link: {columns: {t_s: t_s, ue_id: ue_id, dl_mbps: dl_mbps}}\n")
    of = scenario(EVERYTHING, tmp_path)
    again = parse_scenario(resolved_yaml(of), "resolved", CATALOG)
    assert again == of
    assert of.network.trace.preset == str(tmp_path / "my map.yaml")
    plain = scenario()
    assert parse_scenario(resolved_yaml(plain), "resolved", CATALOG) == plain


def sections(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for value in schema.values():
            yield from sections(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from sections(value)


def test_the_schema_closes_and_describes_every_section_of_the_world():
    schema = json_schema(CATALOG)
    found = list(sections(schema))
    assert len(found) > 60
    for section in found:
        assert section["additionalProperties"] is False
        for key, value in section["properties"].items():
            assert value.get("description") or "$ref" in value, key
    assert "x-catalog" not in json.dumps(schema)
    samples = schema["$defs"]["SyntheticLearning"]["properties"]["samples"]
    assert samples["discriminator"]["propertyName"] == "kind"


def test_a_kind_that_is_missing_is_asked_for():
    problem = refused("network.fading.kind", "required and missing", {"network.fading": {"diversity": 4}})
    assert "kind" in problem.remedy
    refused("learning.samples.kind", "required and missing", {"learning.samples": {"mean": 10}})


@pytest.mark.parametrize(
    ("learning", "key", "message", "known"),
    [
        ({"kind": "synthetic", "model": "tiny-vit-s"}, "learning.model", "no such key", ""),
        ({"kind": "synthetic", "epoch": 1}, "learning.epoch", "no such key", "epochs"),
        ({"kind": "synthetic", "samples": {"kind": "fixed", "sigma": 1.0}}, "learning.samples.sigma", "no such key", ""),
        ({"kind": "synthetic", "samples": {"kind": "normal"}}, "learning.samples.kind", "no kind 'normal'", "lognormal"),
        ({"kind": "synthetic", "curve": {"hlf": 1}}, "learning.curve.hlf", "no such key", "half"),
        ({"kind": "synthetc"}, "learning.kind", "no kind 'synthetc'", "synthetic"),
    ],
)
def test_a_mistake_in_learning_without_training_is_told_where_it_is(learning, key, message, known):
    problem = refused(key, message, {"learning": learning})
    assert known in problem.remedy


def test_a_mistake_in_learning_with_training_is_told_where_it_is():
    trained = {"model": "tiny-vit-s", "dataset": {"name": "digits"}, "partition": {"kind": "iid"}}
    fedpeft = {"schemes": [{"name": "fedpeft", "method": "lora"}], "fleet.groups.0.memory_gb": 8}
    for kind in ({}, {"kind": "trained"}):
        problem = refused("learning.samples", "no such key", {"learning": {**trained, **kind, "samples": {}}, **fedpeft})
        assert "model" in problem.remedy
        refused(
            "learning.partition.alpha",
            "missing|no such",
            {"learning": {**trained, **kind, "partition": {"kind": "dirichlet"}}, **fedpeft},
        )
    problem = refused("schemes.0.name", "'synthetic' does not go with learning of kind trained", {"learning": trained})
    assert "learning.kind synthetic" in problem.remedy
    problem = refused(
        "schemes.0.name", "'fedpeft' does not go with learning of kind synthetic", {"schemes": fedpeft["schemes"]}
    )
    assert "give a model and a dataset" in problem.remedy


def test_lines_are_those_of_the_file():
    written = BASE.replace("rounds: 3", "rounds: 0").replace("kind: umi", "kind: umi, shadow: true")
    lines = written.splitlines()
    for problem in all_problems(written):
        assert {"network.path_loss.shadow": "shadow", "protocol.rounds": "rounds: 0"}[problem.key] in lines[problem.line - 1]


def test_text_of_the_helper_is_a_scenario():
    assert yaml.safe_load(text())["name"] == "small"
