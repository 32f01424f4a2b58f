"""Runs with real training, as a user starts them: reuse, equal bytes, another bandwidth, Ctrl-C."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mecsim.results.records import TABLES
from mecsim.results.underway import underway_text

ROOT = Path(__file__).parent.parent.parent
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
SMALL = ("--set", "protocol.rounds=3", "--set", "protocol.clients_per_round=4", "--out", "run")

pytestmark = pytest.mark.learning


def mecsim(cwd, *args, **kwargs):
    command = [sys.executable, "-m", "mecsim.cli.app", "run", str(QUICKSTART), *SMALL, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, **kwargs)


def finished(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def tables_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    out = finished(mecsim(folder))
    return folder, out, tables_of(folder / "run")


def test_a_run_ends_with_table_report_and_plots(first):
    folder, out, tables = first
    assert set(tables) == {f"{name}.parquet" for name in TABLES}
    assert "Report: run/report.html" in out
    assert (folder / "run" / "report.html").stat().st_size > 10_000
    assert {path.suffix for path in (folder / "run" / "plots").iterdir()} == {".svg", ".png", ".pdf"}
    assert manifest_of(folder / "run")["jobs_run"] > 0


def test_the_same_command_again_trains_nothing_and_gives_the_same_bytes(first):
    folder, _, tables = first
    out = finished(mecsim(folder, "--no-report"))
    assert "nothing was trained" in out
    assert out.endswith("Run: run\n")
    assert not (folder / "run" / "report.html").exists()
    assert manifest_of(folder / "run")["jobs_run"] == 0
    assert tables_of(folder / "run") == tables


def test_an_empty_store_gives_the_same_bytes_again(first, tmp_path):
    _, _, tables = first
    finished(mecsim(tmp_path, "--no-report"))
    assert tables_of(tmp_path / "run") == tables


def test_another_bandwidth_moves_times_and_energies_and_trains_nothing(first):
    folder, _, _ = first
    wide = pq.read_table(folder / "run" / "rounds.parquet").to_pylist()
    finished(mecsim(folder, "--set", "network.carrier.bandwidth_mhz=2", "--out", "narrow", "--no-report"))
    narrow = pq.read_table(folder / "narrow" / "rounds.parquet").to_pylist()
    assert manifest_of(folder / "narrow")["jobs_run"] == 0
    assert [row["accuracy"] for row in narrow] == [row["accuracy"] for row in wide]
    took_part = [(a, b) for a, b in zip(wide, narrow, strict=True) if a["completed"]]
    assert took_part
    assert all(a["sim_time_s"] < b["sim_time_s"] for a, b in took_part)
    assert all(a["device_radio_energy_j"] < b["device_radio_energy_j"] for a, b in took_part)


def count_results(store):
    try:
        with sqlite3.connect(f"file:{store / 'index.sqlite'}?mode=ro", uri=True) as index:
            return index.execute("SELECT COUNT(*) FROM results").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_ctrl_c_leaves_nothing_half_written_and_the_next_run_goes_on(first, tmp_path):
    _, _, tables = first
    process = mecsim(tmp_path, start_new_session=True)
    deadline = time.monotonic() + 200.0
    while count_results(tmp_path / ".mecsim" / "store") < 30 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    kept = count_results(tmp_path / ".mecsim" / "store")
    assert process.returncode == 130, err
    assert "goes on from there" in err
    assert "Traceback" not in err
    assert kept >= 30
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mecsim", ".run.underway.json"]
    assert "miss results" in underway_text(tmp_path / "run")
    assert not list((tmp_path / ".mecsim").rglob("*.tmp"))
    finished(mecsim(tmp_path, "--no-report"))
    facts = manifest_of(tmp_path / "run")
    assert facts["jobs_reused"] >= kept
    assert facts["jobs_run"] > 0
    assert tables_of(tmp_path / "run") == tables
