"""From a scenario to the rows of its run folder: worlds run first, then the learning that their reports ask for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mecsim.build.energy import build_tariff
from mecsim.build.network import build_channel
from mecsim.build.trial import Learning, Simulated, scheme_facts, simulate
from mecsim.build.view import Demand
from mecsim.config.entries import SchemeEntry
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.federation.rounds import Round
from mecsim.jobs.job import Job, Result
from mecsim.jobs.runner import Runner
from mecsim.nodes.channel import Channel
from mecsim.results.records import TABLES, Trial
from mecsim.rng import Streams
from mecsim.tables import Context, Quality, trial_rows


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """One scheme with one seed."""

    index: int
    entry: SchemeEntry
    seed: int
    seeds: TrialSeeds


class Progress(Protocol):
    """Who watches a study; every call is made in the thread that runs it."""

    def simulated(self, trial: TrialPlan, each: Round) -> None:
        """Say that a round of a trial's world has closed; nothing is learned of it yet."""
        ...

    def learning_begins(self, trials: Sequence[TrialPlan], n_rounds: int, n_missing: int) -> None:
        """Say that the worlds have run and that ``n_missing`` jobs are to be executed."""
        ...

    def evaluated(self, trial: TrialPlan, each: Round, accuracy: float) -> None:
        """Say what a round's evaluation gave."""
        ...


@dataclass(frozen=True, slots=True)
class Study:
    """All rows of the run folder by table, and how many jobs they stand on."""

    rows: dict[str, list[Trial]]
    n_jobs: int


def plan_trials(scenario: Scenario) -> list[TrialPlan]:
    """Return the trials in the order of the scenario: every replication of a scheme, then the next scheme."""
    return [
        TrialPlan(index, entry, scenario.seed + replication, scenario.trial_seeds(replication))
        for index, entry in enumerate(scenario.schemes)
        for replication in range(scenario.replications)
    ]


def run_study(scenario: Scenario, learning: Learning, runner: Runner, progress: Progress) -> Study:
    """Run every trial and return its rows. Only what the rows need is executed, and only once."""
    trials = plan_trials(scenario)
    partitions = {trial.seeds: learning.partition(scenario, trial.seeds) for trial in trials}
    sheets = [learning.cost_sheets(scenario, index) for index in range(len(scenario.schemes))]
    dealt = dict(zip(partitions, runner.demand(list(partitions.values())), strict=True))
    priced = [demanded(runner, of_scheme) for of_scheme in sheets]
    channels = {seed: build_channel(scenario, Streams(seed)) for seed in dict.fromkeys(trial.seeds.world for trial in trials)}
    tariff = build_tariff(scenario)

    def losses(jobs: list[Job]) -> list[float]:
        return [float(result.numbers["loss"]) for result in runner.demand(jobs)]

    worlds = [
        _simulated(
            scenario, learning, trial, channels[trial.seeds.world], dealt[trial.seeds], priced[trial.index], losses, progress
        )
        for trial in trials
    ]
    wanted = [log.round.quality for world in worlds for log in world.rounds if log.round.quality is not None]
    progress.learning_begins(trials, scenario.protocol.rounds, runner.missing(wanted))
    rows: dict[str, list[Trial]] = {table: [] for table in TABLES}
    for trial, world in zip(trials, worlds, strict=True):
        key = {"scheme": trial.entry.name, "label": trial.entry.label, "variant": "", "seed": trial.seed}
        context = Context(key, world.world, tariff)
        evaluations = _evaluations(trial, world, runner, progress)
        facts = scheme_facts(world, dealt[trial.seeds].numbers["n_samples"])
        of_trial = trial_rows(context, world.rounds, evaluations, target_accuracy=scenario.target_accuracy, facts=facts)
        for table, new in of_trial.items():
            rows[table].extend(new)
    return Study(
        rows, count_jobs([*partitions.values(), *(job for of_scheme in sheets for job in of_scheme.values()), *wanted])
    )


def demanded(runner: Runner, jobs: Mapping[str, Job]) -> dict[str, Mapping[str, Any]]:
    """Return the numbers of the results of ``jobs`` by name."""
    return {name: result.numbers for name, result in zip(jobs, runner.demand(list(jobs.values())), strict=True)}


def count_jobs(wanted: Iterable[Job]) -> int:
    """Return how many different jobs stand behind ``wanted``, these included."""
    pending, seen = list(wanted), set[str]()
    while pending:
        job = pending.pop()
        if job.name not in seen:
            seen.add(job.name)
            pending.extend(job.inputs)
    return len(seen)


def _simulated(
    scenario: Scenario,
    learning: Learning,
    trial: TrialPlan,
    channel: Channel,
    dealt: Result,
    sheets: Mapping[str, Mapping[str, Any]],
    demand: Demand,
    progress: Progress,
) -> Simulated:
    scheme = learning.scheme(scenario, trial.index, trial.seeds, dealt.numbers, sheets)
    n_asked = trial.entry.clients_per_round or scenario.protocol.clients_per_round
    n_samples = dealt.numbers["n_samples"]
    return simulate(
        scenario,
        scheme,
        channel,
        seeds=trial.seeds,
        n_samples=n_samples,
        n_asked=n_asked,
        demand=demand,
        on_round=lambda each: progress.simulated(trial, each),
    )


def _evaluations(trial: TrialPlan, world: Simulated, runner: Runner, progress: Progress) -> dict[int, Quality]:
    found = {}
    for each in (log.round for log in world.rounds):
        if each.quality is None:
            continue
        (result,) = runner.demand([each.quality])
        found[each.number] = Quality.of(result.numbers)
        progress.evaluated(trial, each, found[each.number].accuracy)
    return found
