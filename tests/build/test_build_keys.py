"""No key is dead: another value at each one of the world's sections changes the rows of a study in which it has its say."""

import pytest
from section_keys import keys_of, models_in
from worlds import AS_LAYOUT, HEXAGONS, rows_of

from mecsim.config.scenario import Scenario
from mecsim.config.synthetic import SyntheticLearning

SECTIONS = ("network", "fleet", "server", "energy", "faults", "protocol", "selection")
KEYS = {key.name: key for key in keys_of(SyntheticLearning, "learning.")} | {
    key.name: key
    for section in SECTIONS
    for model in models_in(Scenario.model_fields[section].annotation)
    for key in keys_of(model, f"{section}.")
}
#: Where the scenario of the tests has lists, the first item stands for all.
ITEMS = {"network.stations.": "network.stations.0.", "fleet.groups.": "fleet.groups.0."}

GRID = {**{key: value for key, value in HEXAGONS.items() if key != "inter_site_m"}, "kind": "grid", "spacing_m": 300}
GRIDS = {**AS_LAYOUT, "network.layout": GRID}
SECTORS = {"network.stations.0.sectors": 3, "network.stations.1.sectors": 3}
DRIVE = {"kind": "random-waypoint", "speed_mps": [10.0, 15.0]}
# Boards alone are asked, and they drive through both cells while they get 200 MB.
DRIVING = {"fleet.groups.0.mobility": DRIVE, "fleet.groups.1.mobility": DRIVE, "schemes.0.backbone_mb": 100}
CROWD = {"network.background": {"arrivals_per_s": 0.4, "mean_mb": 0.5}}
WEIGHTED = {**CROWD, "network.sharing": {"kind": "weighted"}}
SESSIONS = {"kind": "trace", "files": ["sessions.csv"]}
BATTERY = {"level": [0.21, 0.3], "standby_w": 2.0}
BUFFERED = {"kind": "buffered", "rounds": 4, "clients_per_round": 4, "buffer": 2}
ASYNC = {"kind": "async", "rounds": 6, "clients_per_round": 4}
DEADLINE = {"kind": "deadline", "rounds": 4, "clients_per_round": 4, "deadline": {"kind": "fixed", "seconds": 20}}
ADAPTIVE = {**DEADLINE, "deadline": {"kind": "adaptive", "percentile": 20, "slack": 1.0}}
HIERARCHICAL = {"kind": "hierarchical", "rounds": 3, "clients_per_round": 6}
TRACE = {"files": ["links.csv"]}

#: By key: what else the scenario says, so that the key matters, and the other value.
CASES = {
    "learning.samples.mean (fixed)": ({"learning.samples": {"kind": "fixed"}}, 50),
    "learning.samples.mean (lognormal)": ({"learning.samples": {"kind": "lognormal"}}, 50),
    "learning.samples.sigma (lognormal)": ({"learning.samples": {"kind": "lognormal"}}, 0.5),
    "learning.samples.mean (zipf)": ({"learning.samples": {"kind": "zipf"}}, 50),
    "learning.samples.exponent (zipf)": ({"learning.samples": {"kind": "zipf"}}, 3),
    "learning.curve.accuracy_start (synthetic)": ({}, 0.2),
    "learning.curve.accuracy_end (synthetic)": ({}, 0.9),
    "learning.curve.loss_start (synthetic)": ({}, 3.0),
    "learning.curve.loss_end (synthetic)": ({}, 0.1),
    "learning.curve.half (synthetic)": ({}, 2.0),
    "learning.curve.exponent (synthetic)": ({}, 2.0),
    "learning.epochs (synthetic)": ({}, 2),
    "learning.batch_size (synthetic)": ({}, 4),
    "learning.staleness_exponent (synthetic)": ({"protocol": ASYNC}, 2.0),
    "learning.loss_spread (synthetic)": ({"selection": {"kind": "power-of-choice"}}, 0.0),
    "network.stations.height_m": ({}, 12),
    "network.stations.tx_power_dbm": ({}, 40),
    "network.stations.antenna_gain_dbi": ({}, 8),
    "network.stations.noise_figure_db": ({}, 9),
    "network.stations.sectors": (
        {"network.stations": [{"name": "a", "position_m": [9, 9], "height_m": 10, "tx_power_dbm": 33}]},
        3,
    ),
    "network.stations.azimuth_deg": (SECTORS, 90),
    "network.stations.downtilt_deg": (SECTORS, 3),
    "network.stations.beamforming_db": ({}, 6),
    "network.stations.power_class": ({}, "macro"),
    "network.stations.name": ({}, "other"),
    "network.stations.position_m": ({}, [200, 250]),
    "network.layout.rows (hexagonal)": (AS_LAYOUT, 4),
    "network.layout.columns (hexagonal)": (AS_LAYOUT, 3),
    "network.layout.inter_site_m (hexagonal)": (AS_LAYOUT, 400),
    "network.layout.wrap_around (hexagonal)": (AS_LAYOUT, True),
    "network.layout.rows (grid)": (GRIDS, 3),
    "network.layout.columns (grid)": (GRIDS, 3),
    "network.layout.spacing_m (grid)": (GRIDS, 400),
    "network.layout.wrap_around (grid)": (GRIDS, True),
    "network.carrier.frequency_ghz": ({}, 2.6),
    "network.carrier.bandwidth_mhz": ({}, 10),
    "network.carrier.downlink_share": ({}, 0.5),
    "network.carrier.scs_khz": ({}, 30),
    "network.carrier.tdd": ({"network.carrier.downlink_share": None, "network.carrier.tdd": "DDDSU"}, "DSU"),
    "network.path_loss.shadowing": ({}, False),
    "network.path_loss.shadowing_db": ({}, 3.0),
    "network.path_loss.indoors.share": ({"network.path_loss.indoors": {"share": 0.2}}, 0.9),
    "network.path_loss.indoors.building": ({"network.path_loss.indoors": {"share": 0.9}}, "simple"),
    "network.path_loss.exponent (log-distance)": ({"network.path_loss.kind": "log-distance"}, 3.5),
    "network.fading.diversity": ({"network.fading": {"kind": "ergodic"}}, 1),
    "network.fading.rician": ({"network.path_loss.kind": "rma", "network.fading": {"kind": "ergodic"}}, False),
    "network.fading.diversity (block)": ({"network.fading": {"kind": "block"}}, 1),
    "network.fading.rician (block)": ({"network.path_loss.kind": "rma", "network.fading": {"kind": "block"}}, False),
    "network.fading.shortest_s (block)": ({"network.fading": {"kind": "block"}}, 1.0),
    "network.fading.slowest_mps (block)": (
        {"network.fading": {"kind": "block", "shortest_s": 0.001}, "schemes.0.backbone_mb": 0},
        0.4,
    ),
    "network.interference.load (load)": ({"network.interference": {"kind": "load"}}, 0.1),
    "network.interference.uplink_rise_db (load)": ({"network.interference": {"kind": "load"}}, 0.0),
    "network.link_adaptation.bler": ({"network.link_adaptation": {"kind": "cqi-64qam"}}, 0.01),
    "network.link_adaptation.layers": ({"network.link_adaptation": {"kind": "cqi-256qam"}}, 4),
    "network.sharing.max_flows": ({"network.sharing": {"kind": "equal"}}, 1),
    "network.sharing.max_flows (rate-fair|proportional-fair|max-ci|fdma|min-max|assigned)": (
        {"network.sharing": {"kind": "rate-fair"}},
        1,
    ),
    "network.sharing.study_weight (weighted)": (WEIGHTED, 3),
    "network.sharing.background_weight (weighted)": (WEIGHTED, 3),
    "network.sharing.max_flows (weighted)": (WEIGHTED, 1),
    "network.background.arrivals_per_s": (CROWD, 0.2),
    "network.background.size_law": (CROWD, "fixed"),
    "network.background.mean_mb": (CROWD, 0.2),
    "network.background.pareto_shape": (CROWD, 2.5),
    "network.background.directions": (CROWD, ["uplink"]),
    "network.handover.offset_db": (DRIVING, 6),
    "network.handover.hysteresis_db": (DRIVING, 4),
    "network.handover.time_to_trigger_ms": (DRIVING, 1280),
    "network.handover.interruption_ms": (DRIVING, 1000),
    "network.handover.transfers": (DRIVING, "fail"),
    "network.handover.sampled_every_m": (DRIVING, 20),
    "network.transport.radio_overhead": ({}, 1.2),
    "network.transport.backhaul_overhead": ({"energy.backhaul_kwh_per_gb": 0.1}, 1.2),
    "network.transport.ran_rtt_ms": ({}, 30),
    "network.transport.setup_rtts": ({}, 3),
    "network.transport.efficiency": ({}, 0.5),
    "network.transport.slow_start": ({}, True),
    "network.transport.loss_rate": ({}, 0.001),
    "network.transport.give_up_s": ({"faults": {"link_outage_per_hour": 60, "link_outage_s": 60}}, 5),
    "network.backhaul.rate_gbps": ({}, 0.01),
    "network.backhaul.station_rate_gbps": ({}, 0.01),
    "network.backhaul.delay_ms": ({}, 25),
    "network.devices.tx_power_dbm": ({}, 10),
    "network.devices.height_m": ({}, 2),
    "network.devices.antenna_gain_dbi": ({}, 3),
    "network.devices.noise_figure_db": ({}, 12),
    "network.devices.power_control.p0_dbm": ({"network.devices": {"power_control": {}}}, -100),
    "network.devices.power_control.alpha": ({"network.devices": {"power_control": {}}}, 0.5),
    "network.trace.files": ({"network.trace": TRACE}, ["other_links.csv"]),
    "network.trace.preset": ({"network.trace": {"files": ["links.csv"]}}, "swapped.yaml"),
    "network.trace.contains_sharing": ({"network.trace": TRACE}, False),
    "network.trace.loop": ({"network.trace": TRACE}, False),
    "network.trace.shift_s": ({"network.trace": TRACE}, 2.0),
    "network.trace.scale": ({"network.trace": TRACE}, 0.5),
    "network.trace.uplink_share": ({"network.trace": TRACE}, 0.01),
    "network.trace.hold_s": ({"network.trace": TRACE}, 0.0),
    "fleet.area_m": ({}, [500, 400]),
    "fleet.backbone_preinstalled": ({}, True),
    "fleet.starts_at_hour": ({"fleet.groups.0.availability": {"kind": "daily", "start_hour": 12}}, 14),
    "fleet.groups.profile": ({}, "phone-flagship"),
    "fleet.groups.count": ({}, 9),
    "fleet.groups.name": ({}, "handsets"),
    "fleet.groups.memory_gb": ({}, 5),
    "fleet.groups.storage_gb": ({}, 0.005),
    "fleet.groups.frequency": ({}, 0.5),
    "fleet.groups.contention": ({}, 0.5),
    "fleet.groups.throttling.after_s": ({"fleet.groups.0.throttling": {"after_s": 0, "factor": 0.5}}, 0.1),
    "fleet.groups.throttling.factor": ({"fleet.groups.0.throttling": {"after_s": 0, "factor": 0.5}}, 0.25),
    "fleet.groups.spread.speed": ({}, 0.5),
    "fleet.groups.spread.memory": ({}, 0.5),
    "fleet.groups.devices": ({}, "devices.csv"),
    "fleet.groups.battery.capacity_wh": ({"fleet.groups.0.battery": {**BATTERY, "capacity_wh": 0.01}}, 0.02),
    "fleet.groups.battery.level": ({"fleet.groups.0.battery": BATTERY}, [0.0, 0.1]),
    "fleet.groups.battery.least_level": ({"fleet.groups.0.battery": BATTERY}, 0.9),
    "fleet.groups.battery.standby_w": ({"fleet.groups.0.battery": {"capacity_wh": 0.05}}, 5.0),
    "fleet.groups.battery.charging.power_w": (
        {"fleet.groups.0.battery": {"capacity_wh": 0.2, "level": [0.1, 0.3], "charging": {"power_w": 0.001}}},
        20.0,
    ),
    "fleet.groups.battery.charging.start_hour": (
        {"fleet.groups.0.battery": {"capacity_wh": 0.2, "level": [0.1, 0.3], "charging": {"power_w": 20.0}}},
        23.0,
    ),
    "fleet.groups.battery.charging.length_h": (
        {"fleet.groups.0.battery": {"capacity_wh": 0.2, "level": [0.1, 0.3], "charging": {"power_w": 20.0}}},
        0.0002,
    ),
    "fleet.groups.mobility.speed_mps (random-waypoint)": (DRIVING, [5.0, 6.0]),
    "fleet.groups.mobility.pause_s (random-waypoint)": (DRIVING, 60.0),
    "fleet.groups.mobility.mean_speed_mps (gauss-markov)": ({"fleet.groups.0.mobility": {"kind": "gauss-markov"}}, 20),
    "fleet.groups.mobility.sigma_mps (gauss-markov)": ({"fleet.groups.0.mobility": {"kind": "gauss-markov"}}, 3.0),
    "fleet.groups.mobility.memory (gauss-markov)": ({"fleet.groups.0.mobility": {"kind": "gauss-markov"}}, 0.1),
    "fleet.groups.mobility.files (trace)": (
        {"fleet.groups.0.mobility": {"kind": "trace", "files": ["ways.csv"]}},
        ["other_ways.csv"],
    ),
    "fleet.groups.mobility.preset (trace)": (
        {"fleet.groups.0.mobility": {"kind": "trace", "files": ["ways.csv"]}},
        "swapped.yaml",
    ),
    "fleet.groups.mobility.at_end (trace)": ({"fleet.groups.0.mobility": {"kind": "trace", "files": ["ways.csv"]}}, "hold"),
    "fleet.groups.availability.start_hour (daily)": ({"fleet.groups.0.availability": {"kind": "daily"}}, 12),
    "fleet.groups.availability.start_sigma_h (daily)": ({"fleet.groups.0.availability": {"kind": "daily"}}, 0),
    "fleet.groups.availability.length_h (daily)": ({"fleet.groups.0.availability": {"kind": "daily"}}, 0.1),
    "fleet.groups.availability.length_sigma_h (daily)": ({"fleet.groups.0.availability": {"kind": "daily", "length_h": 1}}, 0),
    "fleet.groups.availability.leave (daily)": (
        {"fleet.groups.0.availability": {"kind": "daily", "start_sigma_h": 0, "length_h": 0.005, "length_sigma_h": 0}},
        "finish",
    ),
    "fleet.groups.availability.files (trace)": ({"fleet.groups.0.availability": SESSIONS}, ["other_sessions.csv"]),
    "fleet.groups.availability.preset (trace)": ({"fleet.groups.0.availability": SESSIONS}, "swapped.yaml"),
    "fleet.groups.availability.leave (trace)": ({"fleet.groups.0.availability": SESSIONS}, "finish"),
    "fleet.groups.availability.loop (trace)": ({"fleet.groups.0.availability": SESSIONS}, False),
    "server.profile": ({}, "server-t4"),
    "energy.stations": ({}, False),
    "energy.backhaul_kwh_per_gb": ({}, 0.05),
    "energy.carbon_g_per_kwh": ({}, 50),
    "energy.carbon_trace": ({}, "carbon.csv"),
    "faults.crash_per_hour": ({}, 100),
    "faults.slow_per_hour": ({}, 100),
    "faults.slow_s": ({"faults": {"slow_per_hour": 1000}}, 1.0),
    "faults.slow_factor": ({"faults": {"slow_per_hour": 1000}}, 0.1),
    "faults.link_outage_per_hour": ({}, 300),
    "faults.link_outage_s": ({"faults": {"link_outage_per_hour": 300}}, 30),
    "faults.station_outage_per_hour": ({}, 100),
    "faults.station_outage_s": ({"faults": {"station_outage_per_hour": 100}}, 3),
    "faults.station_schedule": ({}, [["north", 0, 20]]),
    "faults.server_restart_per_hour": ({}, 300),
    "faults.server_down_s": ({"faults": {"server_restart_per_hour": 300}}, 5),
    "protocol.stop_after_h (sync)": ({}, 0.008),
    "protocol.deadline.seconds (fixed)": ({"protocol": DEADLINE}, 10),
    "protocol.deadline.percentile (adaptive)": ({"protocol": ADAPTIVE}, 90),
    "protocol.deadline.slack (adaptive)": ({"protocol": ADAPTIVE}, 3),
    "protocol.over_selection (deadline)": ({"protocol": DEADLINE}, 2.0),
    "protocol.buffer (buffered)": ({"protocol": BUFFERED}, 3),
    "protocol.server_rate (buffered)": ({"protocol": BUFFERED}, 0.5),
    "protocol.staleness_exponent (buffered)": ({"protocol": BUFFERED}, 2.0),
    "protocol.mixing (async)": ({"protocol": ASYNC}, 0.3),
    "protocol.staleness_exponent (async)": ({"protocol": ASYNC}, 2.0),
    "protocol.max_staleness (async)": ({"protocol": ASYNC}, 0),
    "protocol.edge_rounds (hierarchical)": ({"protocol": HIERARCHICAL}, 1),
    "selection.candidates (best-channel|fastest|power-of-choice|availability-aware)": ({"selection": {"kind": "fastest"}}, 4),
    "selection.candidates (energy-aware)": ({"selection": {"kind": "energy-aware"}}, 4),
    "selection.battery_floor (energy-aware)": (
        {"selection": {"kind": "energy-aware"}, "fleet.groups.0.battery": {"level": [0.3, 1.0]}},
        0.9,
    ),
}
for protocol in ({"kind": "sync", "rounds": 3, "clients_per_round": 4}, DEADLINE, BUFFERED, ASYNC, HIERARCHICAL):
    for key, value in (("rounds", 2), ("clients_per_round", 3), ("evaluate_every", 2), ("stop_after_h", 0.003)):
        CASES[f"protocol.{key} ({protocol['kind']})"] = ({"protocol": protocol}, value)
for kind, layout in (("hexagonal", AS_LAYOUT), ("grid", GRIDS)):
    with_sectors = {**layout, "network.layout": {**layout["network.layout"], "station": {**HEXAGONS["station"], "sectors": 3}}}
    for key, value in (("height_m", 12), ("tx_power_dbm", 40), ("antenna_gain_dbi", 8), ("noise_figure_db", 9), ("sectors", 3)):
        CASES[f"network.layout.station.{key} ({kind})"] = (layout, value)
    for key, value in (("azimuth_deg", 90), ("downtilt_deg", 3), ("beamforming_db", 6), ("power_class", "macro")):
        CASES[f"network.layout.station.{key} ({kind})"] = (with_sectors, value)

FILES = {
    "links.csv": "t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,2\n3,a,,\n5,a,4,1\n9,a,2,1\n0,b,5,3\n6,b,9,1\n9,b,1,1\n",
    "other_links.csv": "t_s,ue_id,dl_mbps,ul_mbps\n0,a,3,2\n9,a,5,2\n",
    "ways.csv": "t_s,ue_id,x_m,y_m\n0,a,0,100\n5,a,200,0\n10,a,400,300\n0,b,400,50\n10,b,100,450\n",
    "other_ways.csv": "t_s,ue_id,x_m,y_m\n0,a,100,400\n9,a,300,300\n",
    "sessions.csv": "ue_id,start_s,end_s\na,0,12\nb,3,14\nb,20,25\n",
    "other_sessions.csv": "ue_id,start_s,end_s\na,2,30\n",
    "devices.csv": "device_id,peak_gflops_fp32\nd1,100\nd2,400\n",
    "carbon.csv": "t_s,g_per_kwh\n0,100\n15,300\n60,100\n",
    "swapped.yaml": """\
link: {columns: {t_s: t_s, ue_id: ue_id, dl_mbps: ul_mbps, ul_mbps: dl_mbps}}
mobility: {columns: {t_s: t_s, ue_id: ue_id, x_m: y_m, y_m: x_m}}
availability: {columns: {ue_id: ue_id, start_s: {column: start_s, unit: min}, end_s: {column: end_s, unit: min}}}
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (path / name).write_text(content)
    return path


@pytest.fixture(scope="module")
def rows(folder):
    known = {}

    def of(changes):
        if repr(changes) not in known:
            known[repr(changes)] = rows_of(changes, folder)
        return known[repr(changes)]

    return of


def case_of(name):
    """Return the case of a key; of one that two kinds have, that of either where the builder does not tell them apart."""
    key = KEYS[name]
    return CASES.get(name) or CASES.get(key.path)


def test_every_key_has_its_case():
    assert [name for name in KEYS if case_of(name) is None] == []
    paths = {key.path for key in KEYS.values()}
    assert [name for name in CASES if name not in KEYS and name not in paths] == []


@pytest.mark.parametrize("name", KEYS)
def test_another_value_makes_another_study(name, rows):
    changes, value = case_of(name)
    path = KEYS[name].path
    for start, item in ITEMS.items():
        path = path.replace(start, item, 1)
    assert rows({**changes, path: value}) != rows(changes)
