"""mecsim from Python: the same as from the command line, and nothing is loaded before it is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_scenarios import MADE_UP

import mecsim
from mecsim.errors import MecsimError, RunFolderError, ScenarioError


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "made-up.yaml"
    path.write_text(MADE_UP)
    return path


@pytest.fixture(scope="module")
def run(scenario):
    folder = scenario.parent
    return mecsim.run(scenario, out=folder / "run", store=folder / "store", report=False, quiet=True)


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, mecsim; sys.exit(str({'torch', 'numpy', 'pandas', 'pydantic', 'typer', 'rich'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_what_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        mecsim.rum  # noqa: B018


def test_a_scenario_is_loaded_with_its_variants(scenario):
    loaded = mecsim.load_scenario(str(scenario), ["protocol.rounds=2"])
    assert loaded.scenario.protocol.rounds == 2
    assert loaded.variants[0].name == "bandwidth_mhz=5, asked=few"
    with pytest.raises(ScenarioError, match="there is no such key here"):
        mecsim.load_scenario(scenario, ["protocol.rouds=2"])


def test_a_run_has_frames_figures_and_findings(run):
    assert run.variants[-1] == "bandwidth_mhz=20, asked=many"
    assert run.manifest["name"] == "made-up"
    assert len(run.frame("summary")) == 16
    assert any("small" in sentence for sentence in run.findings())
    assert run.plot("accuracy_time", variant="bandwidth_mhz=5, asked=few").axes
    assert run.plot("sweep_time", size="page").get_size_inches()[0] == pytest.approx(7.2)
    with pytest.raises(MecsimError, match="no figure called 'acuracy_time'"):
        run.plot("acuracy_time")


def test_a_run_shows_itself(run):
    shown = run._repr_html_()
    assert shown.startswith("<h4>made-up</h4><ul><li>")
    assert shown.count("<tr") == 1 + 8
    assert repr(run) == f"<run {run.folder}>"


def test_a_loaded_scenario_runs_too_and_some_of_its_variants(scenario, tmp_path, run):
    loaded = mecsim.load_scenario(scenario)
    some = mecsim.run(
        loaded, variants=["asked=few"], out=tmp_path / "some", store=tmp_path / "store", workers=2, report=False, quiet=True
    )
    assert some.variants == ("bandwidth_mhz=5, asked=few", "bandwidth_mhz=20, asked=few")
    whole = run.frame("rounds")
    part = whole[whole["variant"].isin(some.variants)].reset_index(drop=True)
    assert part.equals(some.frame("rounds"))
    with pytest.raises(ValueError, match="overrides are for a file"):
        mecsim.run(loaded, overrides=["seed=2"])


def test_a_run_is_opened_again(run, tmp_path):
    again = mecsim.open_run(run.folder)
    assert again.frame("clients").equals(run.frame("clients"))
    with pytest.raises(RunFolderError, match="there is no run folder"):
        mecsim.open_run(tmp_path / "none")


def test_messages_go_to_stderr_and_only_if_wanted(scenario, tmp_path, capsys):
    mecsim.run(scenario, variants=["asked=few"], out=tmp_path / "quiet", store=tmp_path / "store", report=False, quiet=True)
    assert capsys.readouterr() == ("", "")
    mecsim.run(scenario, variants=["asked=few"], out=tmp_path / "told", store=tmp_path / "store", report=False)
    told = capsys.readouterr()
    assert told.out == ""
    assert "8 trials (2 variants, 2 schemes, 2 seeds)" in told.err
    assert Path("runs/made-up").exists() is False
