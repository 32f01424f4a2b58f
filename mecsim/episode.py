"""A trial that is played from outside: it stands still before each round's asking until somebody decides.

What a learning agent steps through. No learning library is needed here, and nothing is trained but by a quality model.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import simpy

from mecsim.build.control import Control
from mecsim.build.joules import device_j
from mecsim.build.trial import Trial
from mecsim.config.scenario import TrialSeeds
from mecsim.control.objective import Objective
from mecsim.control.observation import Observation
from mecsim.control.policy import Decision, Policy
from mecsim.errors import MecsimError
from mecsim.federation.rounds import STUDY_ENDED, BeforeAsking, Round
from mecsim.federation.turn import Turn

#: Why nothing follows: the target accuracy is reached, all rounds are over, or the time of the study is up.
Ending = Literal["target", "rounds", "time"]

#: Makes the trial, given who decides and what a round waits for before it asks.
Begin = Callable[[Policy, BeforeAsking], Trial]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvWorld:
    """A world to play in: its seeds, and the numbers of the jobs that deal its data and price its scheme."""

    seeds: TrialSeeds
    dealt: Mapping[str, Any]
    sheets: Mapping[str, Mapping[str, Any]]


class QualityModel(Protocol):
    """What the server's state is worth after each round; one object for each episode, as it follows the rounds."""

    def after(self, each: Round) -> float:
        """Return the accuracy after a round, from 0 to 1; told of all rounds in their order, round 0 first."""
        ...


class Puppet:
    """A policy that plays the decision that it was given last."""

    chooses_devices = True
    asks_quality = False  # who pulls the strings knows the quality, and adds it to what is observed

    def __init__(self) -> None:
        self.decision = Decision(())

    def decide(self, observation: Observation) -> Decision:
        """Return the given decision."""
        return self.decision


@dataclass(slots=True)
class Played:
    """What came of a decision: the turns of its round, and what that took, up to the next decision.

    ``joules`` are the devices'. Those of a radio's tail come when they are charged, as the device connects again, or at the
    end; so a part of them counts later than its turn, and their sum over an episode is exact. ``accuracy`` is that at the end,
    ``cost`` the sum over rounds of the objective's.
    """

    accuracy: float
    cost: float = 0.0
    seconds: float = 0.0
    joules: float = 0.0
    turns: list[Turn] = field(default_factory=list)


class Episode:
    """A trial under way: ``observation`` is what is to be decided on, and the last look at the world once ``ending`` is set.

    At most ``n_asked`` devices are asked in each of ``n_rounds``. Where no device could take a turn, those that are there
    refuse, without a decision. An episode ends at ``target_accuracy`` too. A MecsimError says so where it is over before the
    first decision.
    """

    observation: Observation

    def __init__(
        self,
        begin: Begin,
        quality: QualityModel,
        objective: Objective,
        *,
        n_rounds: int,
        n_asked: int,
        target_accuracy: float | None = None,
    ) -> None:
        self._quality, self._objective, self._target = quality, objective, target_accuracy
        self._n_rounds, self._n_asked = n_rounds, n_asked
        self._number, self._n_judged = 1, 0
        self._turns, self._turns_j, self._joules = list[Turn](), 0.0, 0.0
        self._gate: simpy.Event | None = None
        self.accuracy = 0.0
        self.ending: Ending | None = None
        self._puppet = Puppet()
        self.trial = begin(self._puppet, self._before_asking)
        self._go_on()
        if self.ending is not None:
            raise MecsimError(
                "the study was over before any device could take a turn: "
                "give it more time, or devices with coverage and memory enough"
            )

    def play(self, decision: Decision) -> Played:
        """Go on with ``decision``, up to the next one or the end. A ValueError says that the episode is over."""
        if self.ending is not None:
            raise ValueError("the episode is over: begin another one")
        self._puppet.decision = decision
        return self._go_on()

    def _before_asking(self, number: int) -> simpy.Event | None:
        """Let a round wait, where there is somebody to be asked."""
        self._number = number
        if self._control.somebody_there():
            self._gate = self.trial.env.event()
        return self._gate

    @property
    def _control(self) -> Control:
        control = self.trial.control
        assert control is not None  # noqa: S101 - there is a policy
        return control

    def _go_on(self) -> Played:
        """Run to the next decision, or to the end."""
        played = Played(self.accuracy)
        self._open_gate()
        while self.ending is None:
            self._run_until_something()
            if self._n_judged < len(self.trial.rounds):
                self._judge(played)
            elif not self.trial.process.is_alive:
                self.ending = self._how_it_ended()
            elif self._look().feasible.any():
                return played
            else:
                self._puppet.decision = Decision(())
                self._open_gate()
        self.trial.world.radios.settle()
        self._charge(played)
        self._number += 1
        self._look()
        return played

    def _open_gate(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.succeed()

    def _run_until_something(self) -> None:
        """Run until a round has closed, one waits for its decision, or all is over: to the event, and not to the instant."""
        env, process, rounds, n_before = self.trial.env, self.trial.process, self.trial.rounds, len(self.trial.rounds)
        while self._gate is None and len(rounds) == n_before and process.is_alive:
            env.step()

    def _judge(self, played: Played) -> None:
        """Take note of a round that has closed."""
        each = self.trial.rounds[self._n_judged].round
        self._n_judged += 1
        self.accuracy = played.accuracy = self._quality.after(each)
        if each.number == 0:
            return
        world = self.trial.world
        self._turns += each.turns
        played.turns += each.turns
        self._turns_j += sum(device_j(world, turn) - turn.radio.tail_j for turn in each.turns)
        seconds = each.closed_at_s - each.opened_at_s
        played.seconds += seconds
        self._charge(played)
        played.cost += self._objective.cost(self.accuracy, seconds, 0.0)
        if self._target is not None and self.accuracy >= self._target:
            self.ending = "target"

    def _charge(self, played: Played) -> None:
        """Count the joules that came since they were counted last."""
        joules = self._turns_j + sum(turn.radio.tail_j for turn in self._turns)
        played.joules += joules - self._joules
        played.cost += self._objective.cost(1.0, 0.0, joules - self._joules)
        self._joules = joules

    def _how_it_ended(self) -> Ending:
        last = self.trial.rounds[-1].round
        was_cut = any(turn.reason == STUDY_ENDED for turn in last.turns)
        return "rounds" if last.number == self._n_rounds and not was_cut else "time"

    def _look(self) -> Observation:
        self.observation = replace(self._control.observe(self._number, self._n_asked), accuracy=self.accuracy)
        return self.observation
