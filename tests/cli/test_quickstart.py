"""The first study that everybody runs shows what it is meant to show."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.learning
def test_the_quickstart_shows_what_fedpeft_is_about(tmp_path):
    command = [sys.executable, "-m", "mecsim.cli.app", "run", str(ROOT / "scenarios" / "quickstart.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    summary = {row["label"]: row for row in pq.read_table(tmp_path / "runs" / "quickstart" / "summary.parquet").to_pylist()}
    assert set(summary) == {"lora", "bias", "adapter", "prompt", "head", "full"}
    assert summary["lora"]["final_accuracy"] >= 0.80
    assert all(row["final_accuracy"] >= 0.5 for row in summary.values()), "chance is 0.1"
    for method in ("bias", "lora"):
        assert summary["full"]["uplink_bytes"] > 100 * summary[method]["uplink_bytes"]
    phones = 8 / 24
    assert summary["full"]["refused_device_share"] == pytest.approx(phones)
    assert all(row["lost"] == 0 for row in summary.values())
