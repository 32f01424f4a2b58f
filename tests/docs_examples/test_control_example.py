"""The loop over the environment runs as the page on control says, and what it pays is the scenario's objective."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("gymnasium")

from control_world import BASE, SCHEME, control_env, drawn
from worlds import CATALOG, text

from mecsim.config.loader import parse_scenario

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLE = DOCS / "examples" / "play_rounds.py"


def played(folder, seed):
    """Return the rounds that the example tells, as (devices, seconds, joules, accuracy), and its last line."""
    (folder / "mine.yaml").write_text(
        text({**BASE, "schemes.0": {**SCHEME, "label": "mine"}, "target_accuracy": 0.55}), encoding="utf-8"
    )
    command = [sys.executable, EXAMPLE, "mine.yaml", "mine", str(seed)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    *rounds, last = done.stdout.splitlines()
    told = [re.fullmatch(r"devices \[(.*)\]: (.*) s, (.*) J, accuracy (.*)", line).groups() for line in rounds]
    return [([int(device) for device in devices.split(",")], *map(float, rest)) for devices, *rest in told], last


def test_it_plays_rounds_that_cost_what_the_objective_says(tmp_path):
    rounds, last = played(tmp_path, 3)
    assert all(1 <= len(set(devices)) == len(devices) <= 4 for devices, *_ in rounds)
    accuracies = [accuracy for *_, accuracy in rounds]
    assert accuracies == sorted(accuracies)
    reached = accuracies[-1] >= 0.55
    assert reached or len(rounds) == 6
    cost = sum((1.0 - accuracy) + seconds / 30.0 + joules / 500.0 for _, seconds, joules, accuracy in rounds)
    objective, ending = re.fullmatch(r"objective (.*), the end: (.*)", last).groups()
    assert float(objective) == pytest.approx(cost, abs=1e-3)
    assert ending == ("target" if reached else "rounds")


def test_its_seed_is_all_that_it_depends_on(tmp_path):
    assert played(tmp_path, 3) == played(tmp_path, 3)
    assert played(tmp_path, 3) != played(tmp_path, 4)


def test_the_scenario_of_the_page_is_valid():
    page = (DOCS / "control.md").read_text(encoding="utf-8")
    first, _ = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    quickstart = yaml.safe_load((DOCS.parent / "scenarios" / "quickstart.yaml").read_text(encoding="utf-8"))
    whole = yaml.safe_dump({**quickstart, **yaml.safe_load(first)}, sort_keys=False)
    schemes = parse_scenario(whole, "mine.yaml", CATALOG).schemes
    assert [entry.control.name for entry in schemes] == ["fixed", "memory", "greedy-finish"]


def test_the_page_tells_what_a_step_and_a_reset_say():
    page = (DOCS / "control.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `info` \|(.*)\|$", page, re.MULTILINE)
    of_step, of_reset = (re.findall(r"`(\w+)`", part) for part in row.split("of a reset"))
    env = control_env()
    _, first = env.reset(seed=0)
    *_, info = env.step(drawn(env, np.random.default_rng(0)))
    assert set(of_reset) == first.keys()
    assert set(of_step) - {"target", "rounds", "time"} == info.keys()
    for part in env.observation_space:
        assert f"`{part}`" in page
    assert all(f"`{name}` (" in page for name in env.branches.names)
