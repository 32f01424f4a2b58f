"""The policy of the documentation runs in a scenario that names it, and decides as its page says."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from observed import observed
from worlds import BASE

from mecsim.control.policy import POLICIES

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"


def page_entries():
    """Return the plugins that the page names, and the entries of its schemes."""
    page = (ROOT / "docs" / "extend" / "policy.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    keys = yaml.safe_load(shown)
    return keys["plugins"], keys["schemes"]


def command(folder, *words):
    """Run mecsim in ``folder`` as a user would, with the examples on the path."""
    called = [sys.executable, "-m", "mecsim.cli.app", *words]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    return subprocess.run(called, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def written(folder, control, **changes):
    """Write the small scenario with a synthetic scheme of three choices under ``control``."""
    plugins, _ = page_entries()
    data = {**yaml.safe_load(BASE), "plugins": plugins, **changes}
    data["schemes"] = [{**data["schemes"][0], "choices": [1.0, 0.5, 0.25], "control": control, "label": "mine"}]
    (folder / "mine.yaml").write_text(yaml.safe_dump(data, sort_keys=False))


def test_a_scenario_runs_the_policy_that_it_names(tmp_path):
    """3 rounds of 4 of 12 devices: each once, and the smallest choice ends soonest."""
    written(tmp_path, page_entries()[1][0]["control"])
    done = command(tmp_path, "run", "mine.yaml", "--out", "run", "--quiet", "--no-report")
    assert done.returncode == 0, done.stdout + done.stderr
    turns = pq.read_table(tmp_path / "run" / "clients.parquet").to_pylist()
    assert sorted(turn["device"] for turn in turns) == list(range(12))
    assert [turn["round"] for turn in turns] == [1] * 4 + [2] * 4 + [3] * 4
    assert {(turn["choice"], turn["outcome"]) for turn in turns} == {(0.25, "completed")}


def test_its_parameters_are_checked_like_those_of_mecsim_s_own(tmp_path):
    written(tmp_path, {"name": "least-asked", "longest_s": -1.0, "shortest_s": 1.0})
    told = command(tmp_path, "validate", "mine.yaml")
    assert told.returncode != 0
    said = told.stdout + told.stderr
    assert "schemes.0.control.longest_s" in said
    assert "schemes.0.control.shortest_s" in said


def test_the_page_s_scenario_is_valid(tmp_path):
    plugins, schemes = page_entries()
    quickstart = yaml.safe_load((ROOT / "scenarios" / "quickstart.yaml").read_text(encoding="utf-8"))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**quickstart, "plugins": plugins, "schemes": schemes}))
    told = command(tmp_path, "validate", "mine.yaml")
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.fixture
def policy(monkeypatch):
    """Return what makes the example's policy; what it registers is forgotten after the test."""
    monkeypatch.setattr(POLICIES, "_items", dict(POLICIES.items()))
    spec = importlib.util.spec_from_file_location("least_asked", EXAMPLES / "least_asked.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda **params: POLICIES["least-asked"].create(POLICIES["least-asked"].params(**params), None)


def test_it_prefers_the_least_asked_then_the_soonest(policy, two_of_four):
    """Device 3 has nothing feasible; 1 and 2 are equally soon, 0 is last."""
    mine = policy()
    assert [mine.decide(two_of_four).devices for _ in range(3)] == [(1, 2), (0, 1), (2, 0)]
    assert [each.settings.choice for each in policy().decide(two_of_four).assignments] == [0.5, 0.0]


def test_it_leaves_out_what_takes_too_long(policy, two_of_four):
    assert policy(longest_s=4.0).decide(two_of_four).devices == (1, 2)
    assert [policy(longest_s=2.0).decide(two_of_four).devices] == [()]


@pytest.fixture
def two_of_four():
    expected_s = [[9.0, 8.0], [4.0, 3.0], [3.0, 4.0], [1.0, 1.0]]
    feasible = [[True, True], [True, True], [True, True], [False, False]]
    return observed(4, (0.0, 0.5), n_asked=2, expected_s=expected_s, feasible=feasible)
