"""A trial whose quality a surrogate foretells: the world is played in full, and nothing is trained."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

from mecsim.build.joules import device_j
from mecsim.build.observing import NO_KNOB
from mecsim.build.stage import Stage
from mecsim.build.trial import Trial
from mecsim.config.scenario import Scenario
from mecsim.control.objective import Objective
from mecsim.control.observation import Observation
from mecsim.control.policy import Decision, Policy, Script
from mecsim.control.surrogate import Merged, Surrogate
from mecsim.errors import MecsimError
from mecsim.federation.contract import Knob
from mecsim.federation.rounds import STUDY_ENDED, Round
from mecsim.jobs.job import Job


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a rehearsal: the objective, and accuracy, clock and the devices' joules up to each round, 1 first.

    ``n_refused`` turns were refused. The objective ends where the target accuracy is reached; the rounds do not.
    """

    objective: float
    accuracies: tuple[float, ...]
    clock_s: tuple[float, ...]
    joules: tuple[float, ...]
    n_refused: int


class Foretold:
    """The accuracies that a surrogate foretells from what is merged.

    ``choices`` are those of the scheme's knob, ``dealt`` the numbers of the job that dealt the data.
    """

    def __init__(self, surrogate: Surrogate, choices: Sequence[float], dealt: Mapping[str, Any]) -> None:
        self._surrogate, self._choices, self._dealt = surrogate, choices, dealt
        self._state = surrogate.start(total_of(dealt))

    @property
    def accuracy(self) -> float:
        """The accuracy now."""
        return self._state.accuracy

    def after(self, each: Round) -> float:
        """Return the accuracy after a round; one that the end of the study cut short merged nothing."""
        was_cut = any(turn.reason == STUDY_ENDED for turn in each.turns)
        brought = [] if was_cut else [turn for turn in each.turns if turn.update is not None]
        self._state = self._surrogate.step(self._state, merged_of(brought, self._choices, self._dealt))
        return self._state.accuracy


class Scripted:
    """Plays the decisions of a script, the last one for ever."""

    chooses_devices = True
    asks_quality = False

    def __init__(self, script: Script) -> None:
        self._script = script

    def decide(self, observation: Observation) -> Decision:
        """Return the round's decision, without devices that are not there."""
        return self.planned(observation.round_number, set(map(int, observation.devices[observation.available])))

    def planned(self, round_number: int, there: Set[int]) -> Decision:
        """Return the same, without an observation: a search rehearses thousands of scripts."""
        decision = self._script[min(round_number, len(self._script)) - 1]
        return Decision(tuple(each for each in decision.assignments if each.device in there))


def rehearse(stage: Stage, policy: Policy | None, surrogate: Surrogate) -> Rehearsed:
    """Play the trial under ``policy``, with the accuracies that ``surrogate`` foretells; a policy that asks is told these."""
    foretold = Foretold(surrogate, (stage.make_scheme().knob() or NO_KNOB).choices, stage.dealt)
    accuracies: list[float] = []

    def told(jobs: Sequence[Job]) -> list[Mapping[str, Any]]:
        return [{"accuracy": foretold.accuracy} for _ in jobs]

    def note(each: Round) -> None:
        accuracies.append(foretold.after(each))

    trial = Trial(stage, demand=told, policy=policy, on_round=note).finish()
    rounds = [log.round for log in trial.rounds[1:]]
    joules = [sum(device_j(trial.world, turn) for turn in each.turns) for each in rounds]
    seconds = [each.closed_at_s - each.opened_at_s for each in rounds]
    return Rehearsed(
        objective=_objective(stage.scenario, accuracies, seconds, joules),
        accuracies=tuple(accuracies[1:]),
        clock_s=tuple(each.closed_at_s for each in rounds),
        joules=tuple(sum(joules[: i + 1]) for i in range(len(joules))),
        n_refused=sum(turn.outcome == "refused" for each in rounds for turn in each.turns),
    )


def check_choices(surrogate: Surrogate, knob: Knob | None) -> None:
    """Raise a MecsimError where ``surrogate`` was fitted for other choices than those of a scheme's ``knob``; None has none."""
    if knob is None or knob.choices == surrogate.choices:
        return
    theirs, ours = (", ".join(f"{one:g}" for one in choices) for choices in (surrogate.choices, knob.choices))
    raise MecsimError(
        f"the surrogate of quality was fitted for the choices {theirs}, and the scheme's {knob.name} has {ours}: "
        "name one of these choices, or train a policy for this scheme"
    )


def objective_of(scenario: Scenario) -> Objective:
    """Return the objective of the scenario; MecsimError where it has none."""
    if scenario.objective is None:
        raise MecsimError("this needs an objective: add the section objective, such as objective: {time_scale_s: 60}")
    return Objective(**scenario.objective.model_dump())


def total_of(dealt: Mapping[str, Any]) -> list[int]:
    """Return the samples of the whole fleet by class; their number alone where there are no classes."""
    histogram = dealt.get("histogram")
    return [sum(dealt["n_samples"])] if histogram is None else [sum(column) for column in zip(*histogram, strict=True)]


class Contribution(Protocol):
    """What a turn, or its row in the run folder, tells of the update that it brought."""

    @property
    def device(self) -> int:
        """Whose it is."""
        ...

    @property
    def choice(self) -> float | None:
        """What the device was told to do, by the scheme's knob; None where there is none."""
        ...

    @property
    def age(self) -> int:
        """By how many versions what it trained around was behind."""
        ...

    @property
    def n_samples(self) -> int:
        """How many samples it was trained on."""
        ...


def merged_of(brought: Iterable[Contribution], choices: Sequence[float], dealt: Mapping[str, Any]) -> list[Merged]:
    """Return the updates of a round as a surrogate reads them."""
    histogram = dealt.get("histogram")
    return [
        Merged(
            choice=0 if each.choice is None else choices.index(each.choice),
            age=each.age,
            n_samples=each.n_samples,
            histogram=() if histogram is None else tuple(histogram[each.device]),
        )
        for each in brought
    ]


def _objective(scenario: Scenario, accuracies: Sequence[float], seconds: Sequence[float], joules: Sequence[float]) -> float:
    """Return the sum up to the target; ``accuracies`` begin with that before the first round, which costs nothing."""
    objective, target, total = objective_of(scenario), scenario.target_accuracy, 0.0
    for before, accuracy, round_s, round_j in zip(accuracies[:-1], accuracies[1:], seconds, joules, strict=True):
        if target is not None and before >= target:
            break
        total += objective.cost(accuracy, round_s, round_j)
    return total
