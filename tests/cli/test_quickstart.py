"""The first study that everybody runs shows what it is meant to show."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.learning
def test_the_quickstart_compares_the_four_papers_schemes(tmp_path):
    command = [sys.executable, "-m", "mecsim.cli.app", "run", str(ROOT / "scenarios" / "quickstart.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    summary = {row["label"]: row for row in pq.read_table(tmp_path / "runs" / "quickstart" / "summary.parquet").to_pylist()}
    assert set(summary) == {"lora", "bias", "full", "fedpeat", "fedot", "fedpft", "fedpt"}
    assert all(row["final_accuracy"] >= 0.85 for row in summary.values()), "chance is 0.1"
    for method in ("bias", "lora"):
        assert summary["full"]["uplink_bytes"] > 100 * summary[method]["uplink_bytes"]
    phones = 8 / 24
    assert summary["full"]["refused_device_share"] == pytest.approx(phones)
    assert all(summary[label]["refused_device_share"] == 0.0 for label in set(summary) - {"full"})
    assert all(row["lost"] == 0 for row in summary.values())
    # Emulators and proxies are lighter on the device than the model; the small one is lightest; the server pays for that.
    assert summary["fedpt"]["turn_flop"] < summary["fedpeat"]["turn_flop"] < summary["lora"]["turn_flop"]
    assert summary["fedpft"]["peak_memory_bytes"] < summary["lora"]["peak_memory_bytes"]
    assert summary["fedpeat"]["server_energy_j"] > 100 * summary["lora"]["server_energy_j"]
    found = pq.read_table(tmp_path / "runs" / "quickstart" / "diagnostics.parquet").to_pylist()
    told = {label: {row["name"] for row in found if row["label"] == label} for label in summary}
    assert {"emulator_accuracy", "gap"} <= told["fedpeat"] & told["fedot"]
    assert {"proxy_accuracy", "gap"} <= told["fedpft"]
    assert {"large_accuracy", "small_accuracy", "mixture_accuracy", "drift"} <= told["fedpt"]
