"""Sweeps as a user runs them, without torch: workers, dry runs, some of the variants, runs that never ended, mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_scenarios import MADE_UP

from mecsim.results.underway import underway_file, underway_text, write_underway


@pytest.fixture
def mecsim(tmp_path):
    (tmp_path / "made-up.yaml").write_text(MADE_UP)

    def call(*args):
        command = [sys.executable, "-m", "mecsim.cli.app", *args]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    return call


def tables_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def test_a_sweep_from_the_command_line(mecsim, tmp_path):
    one = mecsim("run", "made-up.yaml", "--workers", "1", "--no-report")
    assert one.returncode == 0, one.stderr
    assert "16 trials (4 variants, 2 schemes, 2 seeds)" in one.stderr
    assert "bandwidth_mhz=20, asked=many" in one.stdout
    manifest = json.loads((tmp_path / "runs" / "made-up" / "manifest.json").read_text())
    assert manifest["variants_in_scenario"] == len(manifest["variants"]) == 4
    # Asking more devices is another history; another bandwidth is not.
    new = {name: counts["new"] for name, counts in manifest["jobs_by_variant"].items()}
    assert [new[name] > 0 for name in manifest["variants"]] == [True, True, False, False]
    assert not underway_file(tmp_path / "runs" / "made-up").exists()
    two = mecsim("run", "made-up.yaml", "--workers", "2", "--out", "two", "--store", "other", "--no-report")
    assert two.returncode == 0, two.stderr
    assert tables_of(tmp_path / "two") == tables_of(tmp_path / "runs" / "made-up")


def test_some_of_the_variants(mecsim, tmp_path):
    done = mecsim("run", "made-up.yaml", "--workers", "1", "--variant", "asked=few", "--no-report")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").glob("made-up__*")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["variants"] == ["bandwidth_mhz=5, asked=few", "bandwidth_mhz=20, asked=few"]
    assert manifest["variants_in_scenario"] == 4
    wrong = mecsim("run", "made-up.yaml", "--variant", "asked=fw")
    assert wrong.returncode == 2
    assert "no variant called 'asked=fw'" in wrong.stderr


def test_a_scenario_without_a_sweep_has_no_variants(mecsim):
    done = mecsim("run", "made-up.yaml", "--set", "sweep=[]", "--variant", "asked=few")
    assert done.returncode == 2
    assert "this scenario has no sweep, so it has no variant 'asked=few'" in done.stderr


def test_a_dry_run_counts_and_writes_nothing(mecsim, tmp_path):
    before = mecsim("run", "made-up.yaml", "--workers", "1", "--dry-run")
    assert before.returncode == 0, before.stderr
    assert "16 trials (4 variants, 2 schemes, 2 seeds); nothing was trained" in before.stdout
    assert not (tmp_path / "runs").exists()
    together = next(line for line in before.stdout.splitlines() if line.startswith("together")).split()
    assert int(together[3]) > 0
    mecsim("run", "made-up.yaml", "--workers", "1", "--no-report")
    after = mecsim("run", "made-up.yaml", "--workers", "1", "--dry-run").stdout
    together = next(line for line in after.splitlines() if line.startswith("together")).split()
    assert together[1:] == [together[1], together[1], "0"]
    assert "2 of 4 variants have jobs that no variant before them has" in after


def test_validate_lists_the_variants(mecsim):
    done = mecsim("validate", "made-up.yaml")
    assert "The sweep has 4 variants, each of them valid:\n  bandwidth_mhz=5, asked=few\n" in done.stderr


def test_an_invalid_variant_is_named_before_anything_runs(mecsim, tmp_path):
    text = MADE_UP.replace("values: [5, 20]", "values: [5, 0]")
    (tmp_path / "made-up.yaml").write_text(text)
    done = mecsim("run", "made-up.yaml")
    assert done.returncode == 2
    assert (
        "network.carrier.bandwidth_mhz: must be greater than 0, got 0 (in the variant 'bandwidth_mhz=0, asked=few' and 1"
        in done.stderr
    )
    assert not (tmp_path / "runs").exists()


def test_the_report_of_a_run_that_never_ended_says_what_is_missing(mecsim, tmp_path):
    (tmp_path / "runs").mkdir()
    missing = [f"lora, bandwidth_mhz={mhz}, seed 1" for mhz in range(7)]
    write_underway(
        Path(tmp_path / "runs" / "made-up"), command="mecsim run x.yaml", started_at="2026-11-21", n_trials=9, missing=missing
    )
    done = mecsim("report", "runs/made-up")
    assert done.returncode == 2
    assert "Of its 9 trials, 7 miss results: lora, bandwidth_mhz=0, seed 1;" in done.stderr
    assert "and 2 more" in done.stderr
    assert "the same command goes on: mecsim run x.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_said_of_a_run_that_was_never_begun(tmp_path):
    assert underway_text(tmp_path / "none") == ""
    underway_file(tmp_path / "odd").write_text("{")
    assert underway_text(tmp_path / "odd") == ""
