"""The command that writes this machine's profile."""

from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from mecsim.cli.calibrate import calibrate, to_profile
from mecsim.errors import MecsimError
from mecsim.nodes.compute import compute_time_s
from mecsim.nodes.profile_file import read_profile

app = typer.Typer()
app.command()(calibrate)

MEASURED = {
    "matrix_flops": 400e9,
    "training_flops": 100e9,
    "launch_s": 0.01,
    "copy_bytes_per_s": 20e9,
    "memory_bytes": 16.123456e9,
    "n_threads": 4,
    "idle_w": 5.0,
    "active_w": 25.0,
    "large_step_s": 0.05,
    "large_step_flop": 4e9,
    "large_step_traffic_bytes": 2e8,
}


def profile_of(**changes):
    return to_profile("mine", SimpleNamespace(**MEASURED | changes))


def test_figures_are_those_that_were_measured():
    profile, notes = profile_of()
    assert (profile.peak_flops, profile.efficiency) == (400e9, 0.25)
    assert (profile.memory_bandwidth_bytes_per_s, profile.bandwidth_efficiency) == (20e9, 1.0)
    assert profile.memory_bytes == 16.12e9
    assert (profile.idle_w, profile.active_w, profile.launch_s) == (5.0, 25.0, 0.01)
    assert "by RAPL" in profile.source
    # 4e9 / 100e9 s of arithmetic and 10 ms.
    assert "took 50 ms; a simulated device of this profile takes 50 ms" in " ".join(notes)


def test_a_simulated_step_takes_as_long_as_the_measured_one():
    profile, _ = profile_of()
    simulated_s = compute_time_s(profile, flop=4e9, traffic_bytes=2e8, n_steps=1)
    assert simulated_s == pytest.approx(MEASURED["large_step_s"])


def test_powers_that_cannot_be_read_are_said_to_be_a_stand_in():
    profile, notes = profile_of(idle_w=None, active_w=None)
    assert (profile.idle_w, profile.active_w) == (7.0, 41.6)
    assert "powers not readable: those of laptop-cpu" in profile.source
    assert "those of laptop-cpu (7 W idle, 41.6 W computing)" in notes[-1]


def test_training_that_is_faster_than_products_of_matrices_is_the_peak():
    profile, _ = profile_of(training_flops=500e9)
    assert (profile.peak_flops, profile.efficiency) == (500e9, 1.0)


def test_a_busy_processor_that_draws_no_more_than_an_idle_one_has_no_negative_power():
    profile, _ = profile_of(idle_w=9.0, active_w=8.5)
    assert profile.dynamic_w == 0.0


def test_something_else_is_not_overwritten(tmp_path):
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("schema: 1\n")
    result = CliRunner().invoke(app, ["--out", str(scenario)])
    assert isinstance(result.exception, MecsimError)
    assert "left alone" in str(result.exception)
    assert scenario.read_text() == "schema: 1\n"


@pytest.mark.learning
def test_this_machine_becomes_a_profile(tmp_path):
    path = tmp_path / "this-machine.yaml"
    result = CliRunner().invoke(app, ["--out", str(path), "--seconds", "1"], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"profile: path:{path}" in result.output
    profile = read_profile(path)
    assert profile.name == "this-machine"
    assert profile.source.startswith("measured by 'mecsim calibrate'")
    assert path.read_text().startswith("# Products of matrices reached ")
