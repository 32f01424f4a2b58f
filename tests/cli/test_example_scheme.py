"""The documented example of a scheme from outside runs as the README says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.learning
def test_the_example_of_the_readme_runs_and_trains_only_what_it_averages(tmp_path):
    scenario = (ROOT / "scenarios" / "quickstart.yaml").read_text().split("schemes:")[0]
    (tmp_path / "mine.yaml").write_text(
        f"plugins: [largest_half]\n{scenario}schemes:\n  - {{name: largest-half, method: head}}\n"
    )
    command = [sys.executable, "-m", "mecsim.cli.app", "run", "mine.yaml", "--out", "run", "--set", "protocol.rounds=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "docs" / "examples")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    # Of 8 updates a round 4 are averaged: partition, cost, init, 2 x (4 trainings + average), 3 evaluations.
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["jobs_run"] == 3 + 2 * 5 + 3
