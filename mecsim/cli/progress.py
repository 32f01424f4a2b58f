"""What a terminal or a log shows while a study runs: trials, jobs, simulated and real time, and the real time left."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from mecsim.cli.tally import Tally
from mecsim.federation.rounds import Round
from mecsim.jobs.job import Job, Result
from mecsim.study import Worlds
from mecsim.trials import TrialLog, TrialPlan

#: Trials that are shown one by one.
_N_SHOWN = 8
#: A log file gets a line after so many seconds, and at every tenth of the jobs.
_LINE_EVERY_S = 60.0
#: A display is drawn again after so long.
_DRAW_EVERY_S = 0.2

Look = Callable[[Job], Result | None]
"""Returns the stored result of a job."""


class Quiet:
    """Shows nothing, and keeps the tally."""

    def __init__(self) -> None:
        self.tally: Tally | None = None

    def begins(self, trials: Sequence[TrialPlan]) -> None:
        """Do nothing."""

    def simulated(self, trial: TrialPlan, each: Round) -> None:
        """Do nothing."""

    def world_ends(self, trial: TrialPlan, log: TrialLog) -> None:
        """Do nothing."""

    def learning_begins(self, worlds: Worlds, missing: Sequence[Job]) -> None:
        """Begin to count."""
        self.tally = Tally(worlds, missing)

    def executed(self, job: Job) -> None:
        """Count a job."""
        if self.tally is not None:
            self.tally.executed(job)


class Lines(Quiet):
    """Writes a line now and then: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._n_trials = self._n_worlds = 0
        self._said_s = self._began_s = time.monotonic()
        self._tenths = 0

    def begins(self, trials: Sequence[TrialPlan]) -> None:
        """Say what there is to do."""
        self._n_trials = len(trials)
        if self._n_trials > 1:
            self._say(described(trials))

    def world_ends(self, trial: TrialPlan, log: TrialLog) -> None:
        """Count a world."""
        self._n_worlds += 1
        if time.monotonic() - self._said_s > _LINE_EVERY_S:
            self._say(f"{self._n_worlds} of {self._n_trials} worlds simulated")

    def learning_begins(self, worlds: Worlds, missing: Sequence[Job]) -> None:
        """Say what is missing."""
        super().learning_begins(worlds, missing)
        self._began_s = time.monotonic()
        self._say(f"all worlds simulated; {len(missing)} jobs to run for {self._n_trials} trials")

    def executed(self, job: Job) -> None:
        """Count a job, and say so where it is time."""
        super().executed(job)
        if (tally := self.tally) is None or not tally.n_missing:
            return
        tenths = 10 * tally.n_executed // tally.n_missing
        if tenths > self._tenths or time.monotonic() - self._said_s > _LINE_EVERY_S:
            self._tenths = tenths
            spent_s = time.monotonic() - self._began_s
            left_s = spent_s / max(1, tally.n_executed) * (tally.n_missing - tally.n_executed)
            self._say(
                f"{tally.n_executed} of {tally.n_missing} jobs run, {tally.n_done} of {tally.n_trials} trials done, "
                f"about {clock_text(left_s)} left"
            )

    def _say(self, text: str) -> None:
        self._said_s = time.monotonic()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Screen(Quiet):
    """Two bars, and a line for each of the first trials that are running."""

    def __init__(self, live: Live, look: Look) -> None:
        super().__init__()
        self._live, self._look = live, look
        self._drawn_s = 0.0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
        )
        self._bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn())
        self._worlds: TaskID | None = None
        self._jobs: TaskID | None = None
        self._accuracies: dict[int, float] = {}

    def begins(self, trials: Sequence[TrialPlan]) -> None:
        """Put up the bar of the worlds."""
        self._worlds = self._bars.add_task("worlds", total=len(trials), detail=described(trials))
        self._draw(now=True)

    def simulated(self, trial: TrialPlan, each: Round) -> None:
        """Say how far a world has come."""
        if self._worlds is not None:
            detail = f"{trial}: round {each.number}, simulated {clock_text(each.closed_at_s)}"
            self._bars.update(self._worlds, detail=detail)
            self._draw()

    def world_ends(self, trial: TrialPlan, log: TrialLog) -> None:
        """Count a world."""
        if self._worlds is not None:
            self._bars.update(self._worlds, advance=1)
            self._draw()

    def learning_begins(self, worlds: Worlds, missing: Sequence[Job]) -> None:
        """Put up the bar of the jobs in the place of the one of the worlds."""
        super().learning_begins(worlds, missing)
        if self._worlds is not None:
            self._bars.remove_task(self._worlds)
        self._jobs = self._bars.add_task("jobs to run", total=len(missing), detail="")
        self._draw(now=True)

    def executed(self, job: Job) -> None:
        """Count a job, and read the accuracy that it gave if it was an evaluation."""
        if self.tally is None or self._jobs is None:
            if self._worlds is not None:
                self._bars.update(self._worlds, detail=f"{job.kind} done")
                self._draw()
            return
        for number in self.tally.executed(job):
            last = self.tally.last_evaluation(number)
            if last is not None and last[1] == job and (result := self._look(job)) is not None:
                self._accuracies[number] = float(result.numbers["accuracy"])
        n_running = len(self.tally.running)
        detail = f"trials: {self.tally.n_done} done, {n_running} running, of {self.tally.n_trials}"
        self._bars.update(self._jobs, completed=self.tally.n_executed, detail=detail)
        self._draw()

    def _draw(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self._drawn_s > _DRAW_EVERY_S:
            self._drawn_s = time.monotonic()
            self._live.update(Group(self._bars, self._running()))

    def _running(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        if self.tally is None:
            return table
        for number in self.tally.running[:_N_SHOWN]:
            last, accuracy = self.tally.last_evaluation(number), self._accuracies.get(number)
            reached = "" if last is None else f"round {last[0]}, simulated {clock_text(self.tally.simulated_s(number))}"
            table.add_row(
                str(self.tally.worlds.trials[number]), reached, "" if accuracy is None else f"accuracy {accuracy:.3f}"
            )
        return table


def described(trials: Sequence[TrialPlan]) -> str:
    """Return how many trials there are, of what."""
    counts = {
        "variant": len({trial.variant.name for trial in trials}),
        "scheme": len({trial.entry.label for trial in trials}),
        "seed": len({trial.seed for trial in trials}),
    }
    told = [f"{count} {what}{'s' if count != 1 else ''}" for what, count in counts.items() if count > 1 or what == "scheme"]
    return f"{len(trials)} trial{'s' if len(trials) != 1 else ''} ({', '.join(told)})"


def clock_text(seconds: float) -> str:
    """Return a time in the unit that suits it: 45 s, 12.3 min, 5.2 h, 3.1 d."""
    for length_s, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.1f} {unit}"
    return f"{seconds:.0f} s"


@contextmanager
def watching(console: Console, look: Look, *, quiet: bool) -> Iterator[Quiet]:
    """Yield a live display on a terminal, lines anywhere else, and silence if asked for it."""
    if quiet:
        yield Quiet()
    elif not console.is_terminal:
        yield Lines(console)
    else:
        with Live(console=console, transient=True, auto_refresh=True, refresh_per_second=4) as live:
            yield Screen(live, look)


def drawing(console: Console, *, quiet: bool) -> AbstractContextManager[object]:
    """Return what shows on a terminal that plots and report are being made."""
    return nullcontext() if quiet or not console.is_terminal else console.status("drawing plots and report")
