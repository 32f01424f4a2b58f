"""From the variants of a scenario to the rows of its run folder: worlds run first, then the learning that they ask for."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mecsim.build.rehearsal import objective_of
from mecsim.build.stage import Learning
from mecsim.config.variants import Variant
from mecsim.control.surrogate import Surrogate
from mecsim.evidence import foretold_rows, named_surrogates, shipped_rows, surrogates_of
from mecsim.federation.rounds import Round
from mecsim.groups import group_rows
from mecsim.jobs.graph import in_order
from mecsim.jobs.job import Job, Result
from mecsim.jobs.runner import Runner
from mecsim.results.records import TABLES, Row, VariantRow
from mecsim.tables import Quality, learned_rows
from mecsim.trials import TrialLog, TrialPlan, WorldTask, asks_losses, plan_trials, run_world

#: Worlds are run in this process for so long before it pays to start workers for the others.
_ALONE_S = 2.0


class Progress(Protocol):
    """Who watches a study; every call is made in the thread that runs it."""

    def begins(self, trials: Sequence[TrialPlan]) -> None:
        """Say which trials there are."""
        ...

    def simulated(self, trial: TrialPlan, each: Round) -> None:
        """Say that a round of a trial's world has closed, where that world runs in this process."""
        ...

    def world_ends(self, trial: TrialPlan, log: TrialLog) -> None:
        """Say that the world of a trial has run to its end; nothing is learned of it yet."""
        ...

    def learning_begins(self, worlds: "Worlds", missing: Sequence[Job]) -> None:
        """Say that all worlds have run, and which jobs are to be executed."""
        ...


@dataclass(frozen=True, slots=True)
class JobCounts:
    """The jobs of a study: what its trials ask for one by one, how many of those differ, and what each variant adds.

    ``by_variant`` has for each variant its own jobs, and those among them that no variant before it has.
    """

    asked: int
    distinct: int
    by_variant: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Study:
    """All rows of the run folder by table, and the jobs that they stand on."""

    rows: dict[str, list[Row]]
    jobs: JobCounts


@dataclass(slots=True)
class Worlds:
    """Trials whose worlds have run, and the jobs before them: data dealt, costs counted."""

    trials: Sequence[TrialPlan]
    logs: Sequence[TrialLog]
    before: Mapping[int, list[Job]] = field(repr=False)
    dealt: Mapping[int, Mapping[str, Any]] = field(repr=False)

    @property
    def evaluations(self) -> list[Job]:
        """Every evaluation that the rows need, trial by trial."""
        return [job for log in self.logs for job in log.evaluations.jobs]

    def jobs_of(self, number: int) -> list[Job]:
        """Return the jobs that a trial's rows stand on."""
        return [*self.before[number], *self.logs[number].evaluations.jobs]


def run_study(variants: Sequence[Variant], learning: Learning, runner: Runner, progress: Progress) -> Study:
    """Run every trial and return its rows. Only what the rows need is executed, and only once."""
    worlds = run_worlds(variants, learning, runner, progress)
    wanted = worlds.evaluations
    progress.learning_begins(worlds, runner.missing(wanted))
    results = dict(zip(wanted, runner.demand(wanted), strict=True))
    rows: dict[str, list[Row]] = {table: [] for table in TABLES}
    rows["variants"] = list(variant_rows(variants))
    names = named_surrogates(variant.scenario for variant in variants)
    surrogates = {path: Surrogate.load(path) for path in names}
    brought = {variant.name: surrogates_of(variant.scenario) for variant in variants}
    for path, label in names.items():
        for table, shipped in shipped_rows(label, path).items():
            rows[table].extend(shipped)
    for number, (trial, log) in enumerate(zip(worlds.trials, worlds.logs, strict=True)):
        evaluated = {of: results[job] for of, job in zip(log.evaluated_rounds, log.evaluations.jobs, strict=True)}
        complete = _complete(trial, log, evaluated, worlds.dealt[number])
        for table, new in complete.items():
            rows[table].extend(new)
        for path in _surrogates(trial, brought[trial.variant.name]):
            foretold = foretold_rows(names[path], surrogates[path], complete, worlds.dealt[number])
            rows["surrogate"].extend(foretold)
    return Study(rows, count_jobs(worlds))


def run_worlds(variants: Sequence[Variant], learning: Learning, runner: Runner, progress: Progress) -> Worlds:
    """Run the world of every trial to its end; of the learning only what worlds ask for is done: data, costs, losses."""
    trials = plan_trials(variants)
    progress.begins(trials)
    deals = [learning.partition(trial.scenario, trial.seeds) for trial in trials]
    sheets = [learning.cost_sheets(trial.scenario, trial.index) for trial in trials]
    before = {i: [deal, *sheet.values()] for i, (deal, sheet) in enumerate(zip(deals, sheets, strict=True))}
    numbers = _numbers(runner, [job for jobs in before.values() for job in jobs])
    tasks = [
        WorldTask(trial, learning, numbers[deal], {name: numbers[job] for name, job in sheet.items()})
        for trial, deal, sheet in zip(trials, deals, sheets, strict=True)
    ]
    logs: dict[int, TrialLog] = {}
    for number, log in _run_all(tasks, runner, progress):
        logs[number] = log
        progress.world_ends(trials[number], log)
    return Worlds(trials, [logs[i] for i in range(len(trials))], before, {i: numbers[deal] for i, deal in enumerate(deals)})


def _numbers(runner: Runner, jobs: Sequence[Job]) -> dict[Job, Mapping[str, Any]]:
    """Return the numbers of the results of ``jobs``; their tensors are not kept."""
    distinct = list(dict.fromkeys(jobs))
    return {job: result.numbers for job, result in zip(distinct, runner.demand(distinct), strict=True)}


def _run_all(tasks: Sequence[WorldTask], runner: Runner, progress: Progress) -> Iterator[tuple[int, TrialLog]]:
    """Yield the logs of all worlds as they end: from workers where there are some, and that pays."""

    def numbers(jobs: list[Job]) -> list[Mapping[str, Any]]:
        return [result.numbers for result in runner.demand(jobs)]

    left, began_s = list(range(len(tasks))), time.monotonic()
    waiting = {i for i in left if asks_losses(tasks[i].trial)}
    while left:
        apart = [i for i in left if i not in waiting]
        if runner.n_workers > 1 and len(apart) > 1 and time.monotonic() - began_s > _ALONE_S:
            yield from ((apart[i], log) for i, log in runner.map(run_world, [tasks[i] for i in apart]))
            left = [i for i in left if i not in apart]
        else:
            number = left.pop(0)
            yield number, run_world(tasks[number], numbers, partial(progress.simulated, tasks[number].trial))


def _complete(
    trial: TrialPlan, log: TrialLog, evaluated: Mapping[int, Result], dealt: Mapping[str, Any]
) -> dict[str, list[Row]]:
    """Return all rows of a trial, now that its evaluations are there."""
    qualities = {number: Quality.of(result.numbers) for number, result in evaluated.items()}
    learned = learned_rows(
        trial.key,
        log.rounds,
        qualities,
        target_accuracy=trial.scenario.target_accuracy,
        facts=log.facts,
        objective=None if trial.scenario.objective is None else objective_of(trial.scenario),
    )
    groups = [
        row
        for number, result in evaluated.items()
        for row in group_rows(trial.key, number, result.numbers, dealt.get("histogram"), log.groups)
    ]
    return {**log.rows, **learned, "groups": list(groups)}


def _surrogates(trial: TrialPlan, brought: Mapping[str, Path]) -> list[Path]:
    """Return the surrogates that tell of a trial: those that its scenario has brought, where the trial's scheme is theirs."""
    return [
        path
        for label, path in brought.items()
        if any(entry.label == label and entry.name == trial.entry.name for entry in trial.scenario.schemes)
    ]


def variant_rows(variants: Iterable[Variant]) -> Iterator[VariantRow]:
    """Yield where each variant stands on each axis."""
    for variant in variants:
        for place in variant.places:
            yield VariantRow(variant=variant.name, **asdict(place))


def count_jobs(worlds: Worlds) -> JobCounts:
    """Return how many jobs the trials stand on."""
    seen, asked, by_variant = set[str](), 0, dict[str, tuple[int, int]]()
    of_variant: dict[str, set[str]] = {}
    for number, trial in enumerate(worlds.trials):
        names = {job.name for job in in_order(worlds.jobs_of(number))}
        asked += len(names)
        of_variant.setdefault(trial.variant.name, set()).update(names)
    for name, names in of_variant.items():
        by_variant[name] = (len(names), len(names - seen))
        seen |= names
    return JobCounts(asked, len(seen), by_variant)
