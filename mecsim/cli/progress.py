"""What a terminal shows while a study runs: each trial's round, simulated time and accuracy, and the time left."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mecsim.federation.rounds import Round
from mecsim.jobs.job import Job
from mecsim.study import TrialPlan


class Quiet:
    """Shows nothing: what a log file gets."""

    def simulated(self, trial: TrialPlan, each: Round) -> None:
        """Do nothing."""

    def learning_begins(self, trials: Sequence[TrialPlan], n_rounds: int, n_missing: int) -> None:
        """Do nothing."""

    def evaluated(self, trial: TrialPlan, each: Round, accuracy: float) -> None:
        """Do nothing."""

    def executed(self, job: Job) -> None:
        """Do nothing."""


class Live(Quiet):
    """A line a trial, and one over all jobs with the real time left."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[tuple[str, int], TaskID] = {}
        self._total: TaskID | None = None
        self._preparing = display.add_task("simulating the worlds", total=None, detail="", eta=False)

    def simulated(self, trial: TrialPlan, each: Round) -> None:
        """Say how far a world has come."""
        detail = f"{trial.entry.label}: round {each.number}, simulated {each.closed_at_s / 60.0:.1f} min"
        self._display.update(self._preparing, detail=detail)

    def learning_begins(self, trials: Sequence[TrialPlan], n_rounds: int, n_missing: int) -> None:
        """Put up the lines."""
        self._display.remove_task(self._preparing)
        for trial in trials:
            self._tasks[trial.entry.label, trial.seed] = self._display.add_task(trial.entry.label, total=n_rounds, detail="")
        self._total = self._display.add_task("[bold]jobs to run", total=n_missing, detail=f"{n_missing} not in the store")

    def evaluated(self, trial: TrialPlan, each: Round, accuracy: float) -> None:
        """Move a trial's line."""
        detail = f"round {each.number}, simulated {each.closed_at_s / 60.0:.1f} min, accuracy {accuracy:.3f}"
        self._display.update(self._tasks[trial.entry.label, trial.seed], completed=each.number, detail=detail)

    def executed(self, job: Job) -> None:
        """Count a job."""
        if self._total is None:
            self._display.update(self._preparing, detail=f"{job.kind} done")
        else:
            self._display.update(self._total, advance=1)


@contextmanager
def watching(console: Console, *, quiet: bool) -> Iterator[Quiet]:
    """Yield a live display on a terminal, and a silent one anywhere else."""
    if quiet or not console.is_terminal:
        yield Quiet()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as display:
        yield Live(display)


def drawing(console: Console, *, quiet: bool) -> AbstractContextManager[object]:
    """Return what shows on a terminal that plots and report are being made."""
    return nullcontext() if quiet or not console.is_terminal else console.status("drawing plots and report")
