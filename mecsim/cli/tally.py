"""How far a study is: which trials are done, what is still to be executed for the others."""

from collections.abc import Sequence

from mecsim.jobs.graph import in_order
from mecsim.jobs.job import Job
from mecsim.study import Worlds
from mecsim.trials import TrialPlan


class Tally:
    """Counts executed jobs against those that are missing when the worlds have run; a trial is done when it misses none."""

    def __init__(self, worlds: Worlds, missing: Sequence[Job]) -> None:
        self.worlds = worlds
        self.n_missing, self.n_executed = len(missing), 0
        names = {job.name for job in missing}
        self._left: list[set[str]] = []
        self._trials_of: dict[str, list[int]] = {}
        for number in range(len(worlds.trials)):
            own = {job.name for job in in_order(worlds.jobs_of(number), skip=lambda job: job.name not in names)} & names
            self._left.append(own)
            for name in own:
                self._trials_of.setdefault(name, []).append(number)
        self._begun: set[int] = set()

    def executed(self, job: Job) -> list[int]:
        """Count a job; return the trials that it was missing for."""
        concerned = self._trials_of.pop(job.name, [])
        self.n_executed += bool(concerned)
        for number in concerned:
            self._left[number].discard(job.name)
            self._begun.add(number)
        return concerned

    @property
    def n_trials(self) -> int:
        """How many trials there are."""
        return len(self._left)

    @property
    def n_done(self) -> int:
        """How many trials have all their results."""
        return sum(not left for left in self._left)

    @property
    def running(self) -> list[int]:
        """The trials for which something has been executed, and something is still missing."""
        return [number for number in sorted(self._begun) if self._left[number]]

    @property
    def unfinished(self) -> list[TrialPlan]:
        """The trials that miss something."""
        return [trial for trial, left in zip(self.worlds.trials, self._left, strict=True) if left]

    def simulated_s(self, number: int) -> float:
        """Return up to which simulated time a trial is evaluated, from its first evaluation on without a gap."""
        log = self.worlds.logs[number]
        ends_s = {row.round: row.sim_time_s for row in log.rounds}
        reached = 0.0
        for round_number, job in zip(log.evaluated_rounds, log.evaluations.jobs, strict=True):
            if job.name in self._left[number]:
                break
            reached = ends_s[round_number]
        return reached

    def last_evaluation(self, number: int) -> tuple[int, Job] | None:
        """Return the last round of a trial that is evaluated, and the job."""
        log = self.worlds.logs[number]
        known = [
            (of, job)
            for of, job in zip(log.evaluated_rounds, log.evaluations.jobs, strict=True)
            if job.name not in self._left[number]
        ]
        return known[-1] if known else None
