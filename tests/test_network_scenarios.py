"""Every scenario of scenarios/network/ validates, and runs to its end in a shortened form."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from mecsim.cli.names import build_catalog
from mecsim.cli.run import run
from mecsim.config.loader import load_scenario
from mecsim.config.synthetic import SyntheticLearning
from mecsim.errors import ScenarioError
from mecsim.results.reader import open_run

FOLDER = Path(__file__).parent.parent / "scenarios" / "network"
TRACE = "real_5g_trace"
NAMES = ("bandwidth", "batteries", "macro", "mobility", "small_cells", "stragglers")
SHORT = ("replications=1", "protocol.rounds=2", "protocol.clients_per_round=3", "protocol.evaluate_every=2")
WALKING = "fleet.groups.0.mobility={kind: random-waypoint, speed_mps: [0.8, 2]}"
DRIVING = "fleet.groups.0.mobility={kind: random-waypoint, speed_mps: [8, 17]}"
LOG_HEADER = (
    "Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,RSRQ,SNR,CQI,RSSI,DL_bitrate,UL_bitrate,State"
)

#: What the headers and the pictures set, as far as nothing has to be trained for it.
VARIANTS = [
    ("macro", ()),
    ("small_cells", ()),
    ("small_cells", ("network.layout.rows=2", "network.layout.columns=2", "network.layout.spacing_m=450")),
    ("mobility", ()),
    ("mobility", (WALKING,)),
    ("mobility", (DRIVING, "network.handover.transfers=fail")),
]

#: Protocols and policies, for which something trains.
TRAINED = [
    ("bandwidth", ()),
    ("batteries", ()),
    ("batteries", ("selection={kind: energy-aware, battery_floor: 0.25, candidates: 24}",)),
    ("stragglers", ()),
    (
        "stragglers",
        (
            "protocol={kind: deadline, rounds: 2, clients_per_round: 3, over_selection: 1.5, "
            "deadline: {kind: adaptive, percentile: 60}}",
        ),
    ),
    ("stragglers", ("protocol={kind: buffered, rounds: 2, clients_per_round: 3, buffer: 2}",)),
    ("stragglers", ("protocol={kind: async, rounds: 4, clients_per_round: 3, evaluate_every: 2}",)),
]


@pytest.fixture(autouse=True)
def no_report(monkeypatch):
    """Leave out plots and report, which take longer than the worlds and have tests of their own."""
    monkeypatch.setattr("analysis.report.build.add_analysis", lambda folder: None)


def load(name, overrides=()):
    return load_scenario(FOLDER / f"{name}.yaml", build_catalog(), overrides)


def finished(name, overrides, folder):
    run(FOLDER / f"{name}.yaml", [*SHORT, *overrides], folder / "run", folder / "store", workers=1, quiet=True)
    return open_run(folder / "run")


def write_log(path, generator, n_seconds=120):
    """Write a made-up drive as G-NetTrack logs one: two rows at some seconds, and some rates missing."""
    rows = [LOG_HEADER]
    for second in range(n_seconds):
        stamp = f"2020.02.27_17.{30 + second // 60:02d}.{second % 60:02d}"
        rates = generator.integers(200, 40_000, size=2)
        for rate in rates[: 1 + (second % 7 == 0)]:
            text = "-" if second % 11 == 10 else str(rate)
            rows.append(f"{stamp},-8.39,51.93,3,B,13,5G,-99,-12,-1.0,14,-105,{text},94,D")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture
def logs(tmp_path):
    generator = np.random.default_rng(3)
    for number in range(3):
        write_log(tmp_path / f"B_2020.02.27_17.30.0{number}.csv", generator)
    return f"network.trace.files=[{tmp_path}/*.csv]"


def test_no_scenario_is_left_out():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*NAMES, TRACE}


@pytest.mark.parametrize("name", NAMES)
def test_each_is_valid_and_says_how_it_is_run_and_what_it_asks(name):
    assert load(name).seed == 1
    first, second, *_ = (FOLDER / f"{name}.yaml").read_text().splitlines()
    assert first.startswith(f"# mecsim run scenarios/network/{name}.yaml      about ")
    assert " on 2 cores" in first
    assert second == "#"


def test_mast_and_small_cells_differ_in_the_network_alone():
    mast, cells = (yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) for name in ("macro", "small_cells"))
    for document in (mast, cells):
        for key in ("name", "network"):
            document.pop(key)
    assert mast["fleet"].pop("area_m") == [900, 900]
    assert mast == cells
    layout = load("small_cells").network.layout
    assert (layout.columns * layout.spacing_m, layout.rows * layout.spacing_m) == (900, 900)


@pytest.mark.parametrize(("name", "overrides"), VARIANTS)
def test_what_trains_nothing_runs_to_its_end(name, overrides, tmp_path):
    assert isinstance(load(name).learning, SyntheticLearning)
    summary = finished(name, overrides, tmp_path).frame("summary").iloc[0]
    assert summary["turns"] == 6
    assert summary["sim_time_s"] > 0.0


def test_the_mast_and_the_small_cells_meet_the_same_devices(tmp_path):
    turns = [finished(name, (), tmp_path / name).frame("clients") for name in ("macro", "small_cells")]
    assert turns[0]["device"].tolist() == turns[1]["device"].tolist()
    assert turns[0]["n_samples"].tolist() == turns[1]["n_samples"].tolist()
    assert turns[0]["upload_s"].tolist() != turns[1]["upload_s"].tolist()


@pytest.mark.learning
@pytest.mark.parametrize(("name", "overrides"), TRAINED)
def test_what_trains_runs_to_its_end(name, overrides, tmp_path):
    summary = finished(name, overrides, tmp_path).frame("summary")
    assert (summary["turns"] >= 4).all()
    assert summary["final_accuracy"].notna().all()


def test_without_its_logs_the_trace_study_says_what_is_missing():
    with pytest.raises(ScenarioError) as error:
        load(TRACE, ("network.trace.files=[nowhere/*.csv]",))
    assert "network.trace.files" in str(error.value)


def test_the_trace_study_follows_logs_of_that_format(tmp_path, logs):
    rows = finished(TRACE, (logs,), tmp_path).frame("summary").set_index("label")
    assert rows["turns"].tolist() == [6, 6]
    # Much more to send takes longer at measured rates.
    assert rows.loc["20 MB each way", "sim_time_s"] > rows.loc["1.5 MB each way", "sim_time_s"]


def test_the_trace_study_runs_on_the_radio_model_without_its_trace(tmp_path):
    assert load(TRACE, ("network.trace=null",)).network.trace is None
    assert finished(TRACE, ("network.trace=null",), tmp_path).frame("summary")["completed"].tolist() == [6, 6]
