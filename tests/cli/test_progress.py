"""What is shown while a study runs: the tally of trials and jobs, lines for a log, bars for a terminal."""

from io import StringIO

import pytest
import synthetic_room
from rich.console import Console
from synthetic_room import variants

from mecsim.cli.progress import Lines, Quiet, Screen, clock_text, watching
from mecsim.cli.tally import Tally
from mecsim.jobs.runner import LocalRunner
from mecsim.jobs.store import Store
from mecsim.study import run_study

SWEEP = "sweep:\n  - {key: network.carrier.bandwidth_mhz, values: [2, 20]}\n"
TWO = "schemes=[{name: fedpeft, method: lora, label: lora}, {name: fedpeft, method: bias, label: bias}]"


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "store", numerics="test")
    yield opened
    opened.close()


def study(store, progress, each=lambda: None):
    """Run four trials of which two and two share their learning; ``each`` is called after each job."""
    runner = LocalRunner(synthetic_room.execute, store)

    def executed(job):
        progress.executed(job)
        each()

    runner.on_executed = executed
    return run_study(variants(TWO, sweep=SWEEP), synthetic_room.SyntheticRoom((1e6,)), runner, progress)


def test_a_tally_ends_with_every_trial_done(store):
    seen = []
    progress = Quiet()

    def note():
        if progress.tally is not None:
            tally = progress.tally
            seen.append((tally.n_executed, tally.n_done, len(tally.running), tally.simulated_s(0)))

    study(store, progress, note)
    tally = progress.tally
    assert tally.n_trials == 4
    assert tally.n_executed == tally.n_missing == len(seen)
    assert seen[-1][1:3] == (4, 0)
    assert tally.unfinished == []
    # Both bandwidths of a scheme are done at once, as they learn the same; lora comes first.
    assert {n_done for _, n_done, _, _ in seen} == {0, 2, 4}
    assert max(n_running for _, _, n_running, _ in seen) == 2
    reached = [simulated_s for *_, simulated_s in seen]
    assert reached == sorted(reached)
    assert reached[-1] == tally.worlds.logs[0].rounds[-1].sim_time_s


def test_what_is_stored_is_not_missing(store):
    study(store, Quiet())
    again = Quiet()
    study(store, again)
    assert (again.tally.n_missing, again.tally.n_done) == (0, 4)


def test_a_trial_is_unfinished_until_its_last_job(store):
    progress = Quiet()
    study(store, progress)
    worlds = progress.tally.worlds
    last = worlds.logs[0].evaluations.jobs[-1]
    tally = Tally(worlds, [last])
    assert [str(trial) for trial in tally.unfinished] == ["lora, bandwidth_mhz=2, seed 1", "lora, bandwidth_mhz=20, seed 1"]
    assert tally.last_evaluation(0)[0] == 2  # rounds 0, 2 and 4 are evaluated
    assert tally.executed(last) == [0, 2]
    assert tally.last_evaluation(0) == (4, last)
    assert tally.executed(last) == []
    assert tally.n_executed == 1


def test_lines_for_a_log(store):
    console = Console(file=StringIO(), width=100)
    study(store, Lines(console))
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "4 trials (2 variants, 2 schemes)"
    assert lines[1].startswith("all worlds simulated; ")
    assert lines[-1].endswith("4 of 4 trials done, about 0 s left")
    assert 5 <= len(lines) <= 14


def test_bars_for_a_terminal_show_trials_jobs_and_simulated_time(store, monkeypatch):
    monkeypatch.setattr("mecsim.cli.progress._DRAW_EVERY_S", 0.0)
    console = Console(file=StringIO(), width=140, force_terminal=True, color_system=None)
    with watching(console, store.get, quiet=False) as progress:
        assert isinstance(progress, Screen)
        shown = []

        def note():
            with console.capture() as captured:
                console.print(progress._live.renderable)
            shown.append(captured.get())

        study(store, progress, note)
    middle = next(text for text in shown if "trials: 2 done, " in text and "running" in text and "bias" in text)
    assert "jobs to run" in middle
    assert "bias, bandwidth_mhz=2, seed 1" in shown[-2]
    assert "simulated" in shown[-2]
    assert "accuracy 0." in shown[-2]


def test_quiet_is_quiet(store):
    console = Console(file=StringIO())
    with watching(console, store.get, quiet=True) as progress:
        study(store, progress)
    assert console.file.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2.0 min"), (7200, "2.0 h"), (172_800, "2.0 d")]
)
def test_times(seconds, text):
    assert clock_text(seconds) == text
