"""Trials: one scheme in one variant with one seed; each has its world, which is run to its end before anything is learned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mecsim.build.energy import build_tariff
from mecsim.build.policy import asks_quality, build_policy
from mecsim.build.stage import Learning, build_stage
from mecsim.build.survey import coverage_rows, device_rows, station_rows
from mecsim.build.trial import Trial, scheme_facts
from mecsim.build.view import Demand
from mecsim.config.entries import SchemeEntry
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.config.variants import Variant
from mecsim.errors import MecsimError
from mecsim.federation.rounds import Round
from mecsim.jobs.graph import JobList
from mecsim.jobs.job import Job
from mecsim.nodes.channel import Channel
from mecsim.results.records import RoundRow, Row
from mecsim.tables import Context, world_rows


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """One scheme in one variant with one seed; ``index`` is the scheme's place in the scenario, ``replication`` from 0."""

    variant: Variant
    index: int
    replication: int

    @property
    def scenario(self) -> Scenario:
        """The scenario of the variant."""
        return self.variant.scenario

    @property
    def entry(self) -> SchemeEntry:
        """The scheme."""
        return self.scenario.schemes[self.index]

    @property
    def seed(self) -> int:
        """The seed that stands in the rows."""
        return self.scenario.seed + self.replication

    @property
    def seeds(self) -> TrialSeeds:
        """The seeds of the groups of random streams."""
        return self.scenario.trial_seeds(self.replication)

    @property
    def key(self) -> dict[str, Any]:
        """What every row of the trial begins with."""
        return {"scheme": self.entry.name, "label": self.entry.label, "variant": self.variant.name, "seed": self.seed}

    @property
    def is_first_in_its_world(self) -> bool:
        """Whether the rows of the world, the same for all schemes, are this trial's to give."""
        return self.index == 0

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.entry.label, self.variant.name, f"seed {self.seed}")))


def plan_trials(variants: Sequence[Variant]) -> list[TrialPlan]:
    """Return the trials: variant by variant, in each scheme by scheme, of each every replication."""
    return [
        TrialPlan(variant, index, replication)
        for variant in variants
        for index in range(len(variant.scenario.schemes))
        for replication in range(variant.scenario.replications)
    ]


@dataclass(frozen=True, slots=True)
class WorldTask:
    """What it takes to run the world of a trial, in this process or another; the numbers are those of the jobs before it."""

    trial: TrialPlan
    learning: Learning
    dealt: Mapping[str, Any]
    sheets: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TrialLog:
    """A trial whose world has run: its rows so far, the rounds that are to be evaluated, and by which jobs.

    ``facts`` are the columns of the summary that come from no round. ``groups`` names the group of each device where the data
    that they hold are counted by class, and is empty otherwise.
    """

    rows: Mapping[str, list[Row]]
    evaluated_rounds: tuple[int, ...]
    evaluations: JobList
    facts: Mapping[str, Any]
    groups: tuple[str, ...]

    @property
    def rounds(self) -> list[RoundRow]:
        """The rows of the rounds, not evaluated yet."""
        return [row for row in self.rows["rounds"] if isinstance(row, RoundRow)]


def asks_losses(trial: TrialPlan) -> bool:
    """Tell whether the world of a trial waits for what has been learned, so that it cannot run ahead."""
    return trial.scenario.selection.kind == "power-of-choice" or asks_quality(trial.entry.control)


def no_demand(jobs: Sequence[Job]) -> list[Mapping[str, Any]]:
    """Refuse: what a world that runs ahead is given for a demand."""
    raise MecsimError("this world was to run ahead of its learning, and now asks for results")


def run_world(task: WorldTask, demand: Demand = no_demand, on_round: Callable[[Round], None] = lambda each: None) -> TrialLog:
    """Run the world of a trial to its end. No job is executed, but for what its policy may ``demand``."""
    plan, scenario, dealt = task.trial, task.trial.scenario, task.dealt
    stage = build_stage(scenario, plan.index, task.learning, seeds=plan.seeds, dealt=dealt, sheets=task.sheets)
    trial = Trial(stage, demand=demand, policy=build_policy(stage), on_round=on_round).finish()
    rows = world_rows(Context(plan.key, trial.world, build_tariff(scenario)), trial.rounds)
    if plan.is_first_in_its_world:
        rows |= _places(plan, trial, stage.channel, dealt["n_samples"])
    due = [(log.round.number, log.round.quality) for log in trial.rounds if log.round.quality is not None]
    return TrialLog(
        rows=rows,
        evaluated_rounds=tuple(number for number, _ in due),
        evaluations=JobList(tuple(job for _, job in due)),
        facts=scheme_facts(trial, dealt["n_samples"]),
        groups=_group_names(trial) if "histogram" in dealt else (),
    )


def _group_names(trial: Trial) -> tuple[str, ...]:
    fleet = trial.world.fleet
    return tuple(fleet.group(device).name for device in range(len(fleet)))


def _places(plan: TrialPlan, trial: Trial, channel: Channel, n_samples: Sequence[int]) -> dict[str, list[Row]]:
    """Return the rows of the world itself; coverage is looked at in the first replication alone."""
    variant, seed = plan.variant.name, plan.seed
    rows: dict[str, list[Row]] = {
        "devices": list(device_rows(trial.world, n_samples, variant=variant, seed=seed)),
        "stations": list(station_rows(channel, variant=variant, seed=seed)),
    }
    if plan.replication == 0:
        rows["coverage"] = list(coverage_rows(plan.scenario, channel, variant=variant, seed=seed))
    return rows
