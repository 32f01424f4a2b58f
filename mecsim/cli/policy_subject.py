"""For which scheme a policy is trained, in which worlds, and with which numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mecsim.build.observing import NO_KNOB
from mecsim.build.stage import Learning
from mecsim.cli.learning import room_of
from mecsim.config.entries import ControlEntry, SchemeEntry
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.episode import EnvWorld
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.federation.contract import Knob
from mecsim.jobs.runner import Runner

#: Training meets no world of the study: its seeds are so far from the scenario's.
FIRST_SEED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every number that changes what comes of a training.

    ``trials`` are trained for real, for the surrogate; the agent plays ``steps`` rounds in ``worlds`` with their own data, side
    by side in ``environments``, and the best state is chosen in ``judged`` others. In between, ``refits`` times, its best state
    so far is tried in ``own_trials`` trained for real, which join those of the surrogate. ``bandwidths`` are weights to choose
    among.
    """

    seed: int = 0
    trials: int = 64
    worlds: int = 48
    judged: int = 24
    steps: int = 200_000
    refits: int = 1
    own_trials: int = 16
    environments: int = 4
    bandwidths: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, slots=True)
class Subject:
    """The scheme for which a policy is trained: a scenario whose worlds are those of the training, and a place in it."""

    scenario: Scenario
    index: int
    learning: Learning

    @property
    def entry(self) -> SchemeEntry:
        """The scheme."""
        return self.scenario.schemes[self.index]

    def under(self, control: ControlEntry, label: str, **changes: Any) -> SchemeEntry:
        """Return the scheme under another policy."""
        return self.entry.model_copy(update={"label": label, "control": control, **changes})


def subject_of(scenario: Scenario, label: str | None) -> Subject:
    """Return the scheme called ``label``, by default the only one with a learned policy, in the worlds of the training."""
    if scenario.objective is None:
        raise MecsimError("a policy learns to lower the objective, and the scenario has none: add the section objective")
    index = _index(scenario, label)
    entry = scenario.schemes[index]
    if entry.control is None:
        raise MecsimError(f"nobody decides for {entry.label!r}: give the scheme a control, such as control: {{name: random}}")
    return moved(scenario, index, FIRST_SEED)


def moved(scenario: Scenario, index: int, by: int) -> Subject:
    """Return scheme ``index`` in worlds whose seeds are ``by`` higher than the scenario's, without a sweep."""
    shifted = {group: None if seed is None else seed + by for group, seed in scenario.seeds.model_dump().items()}
    seeds = scenario.seeds.model_copy(update=shifted)
    there = scenario.model_copy(update={"seed": scenario.seed + by, "seeds": seeds, "sweep": ()})
    return Subject(there, index, room_of(scenario))


def _index(scenario: Scenario, label: str | None) -> int:
    labels = [entry.label for entry in scenario.schemes]
    if label is not None:
        if label not in labels:
            raise UnknownNameError("scheme", label, labels)
        return labels.index(label)
    learned = [i for i, entry in enumerate(scenario.schemes) if entry.control and entry.control.name == "learned"]
    if len(learned) != 1:
        raise MecsimError(f"{len(learned)} schemes have the policy learned: name one with --scheme ({', '.join(labels)})")
    return learned[0]


def knob_of(subject: Subject, runner: Runner) -> Knob:
    """Return the knob of the subject's scheme; one without a name where it has none."""
    (world,) = env_worlds(subject, runner, [0])
    scheme = subject.learning.scheme(subject.scenario, subject.index, world.seeds, world.dealt, world.sheets)
    return scheme.knob() or NO_KNOB


def env_worlds(subject: Subject, runner: Runner, places: Sequence[int]) -> list[EnvWorld]:
    """Return worlds of the training by their numbers: those of the scenario's replications."""
    sheets = subject.learning.cost_sheets(subject.scenario, subject.index)
    numbers = [result.numbers for result in runner.demand(list(sheets.values()))]
    priced = dict(zip(sheets, numbers, strict=True))
    return [
        EnvWorld(seeds=seeds, dealt=dealt_in(subject, seeds, runner), sheets=priced)
        for seeds in map(subject.scenario.trial_seeds, places)
    ]


def dealt_in(subject: Subject, seeds: TrialSeeds, runner: Runner) -> Mapping[str, Any]:
    """Return the numbers of the job that deals the data of a world."""
    (result,) = runner.demand([subject.learning.partition(subject.scenario, seeds)])
    return result.numbers
