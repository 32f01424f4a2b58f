"""What all protocols are made of: the plan of a study, the record of a round, and the course from the first to the last."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from mecsim.control.policy import Assignment
from mecsim.federation.contract import Scheme, ServerStep, Update
from mecsim.federation.turn import Turn
from mecsim.jobs.job import Job
from mecsim.nodes.instants import after_all_else
from mecsim.nodes.world import World

STUDY_ENDED = "end: the study ended"

# A server that finds nobody to ask looks again in a minute, and for a week: then the round closes empty. Both are defaults of
# this project. When a device is known to come back is waited for exactly, as nothing can happen before.
LOOK_AGAIN_S = 60.0
GIVE_UP_S = 7 * 86_400.0

#: Who is asked: (number of the asking, how many, who is not to be asked) -> at most so many devices.
Select = Callable[[int, int, Set[int]], Sequence[int]]

#: What a round waits for before its devices are chosen; None: for nothing. Called with the round's number.
BeforeAsking = Callable[[int], simpy.Event | None]


def as_it_is(device: int) -> Assignment:
    """Return the assignment of a device for which nobody decides."""
    return Assignment(device=device)


def at_once(number: int) -> None:
    """Wait for nothing before a round asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round left behind. Round 0 is the server's preparation, before any training.

    Where updates are merged one by one or in buffers, a round is the time up to a merge. ``quality`` is the evaluation of the
    state at the round's end, None where none is due.
    """

    number: int
    opened_at_s: float
    closed_at_s: float
    turns: tuple[Turn, ...]
    server_energy_j: float
    quality: Job | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What every protocol is told: how many rounds, who is asked, and when to stop.

    A study ends with its last round, or at ``stop_at_s``: then running turns are interrupted and the open round is not merged.
    What ends at that very instant is in time, and what the servers have begun by then is finished. Quality is asked for at
    round 0, every ``evaluate_every`` rounds, and at the end. ``assignment`` says how a device that was selected takes its turn.
    """

    n_rounds: int
    evaluate_every: int
    n_asked: int
    select: Select
    n_samples: Callable[[int], int]
    log: Callable[[Round], None]
    stop_at_s: float = math.inf
    assignment: Callable[[int], Assignment] = as_it_is
    before_asking: BeforeAsking = at_once


def updates_of(turns: Iterable[Turn]) -> list[Update]:
    """Return what came back, in the order of the turns."""
    return [turn.update for turn in turns if turn.update is not None]


class Course:
    """A study's way through its rounds: preparation, opening, waiting for devices, closing."""

    def __init__(self, world: World, scheme: Scheme, plan: Plan) -> None:
        self.world, self.scheme, self.plan = world, scheme, plan
        self.env: simpy.Environment = world.env
        self.end = after_all_else(self.env, plan.stop_at_s - self.env.now)
        self._opened_at_s = float(self.env.now)
        self._was_in_vain = False

    @property
    def over(self) -> bool:
        """Tell whether the time of the study is up."""
        # The clock too: at that instant the event itself comes last.
        return bool(self.end.processed) or self.env.now >= self.plan.stop_at_s

    def ends_with(self, number: int) -> bool:
        """Tell whether no round follows on this one, if it closes now."""
        return number == self.plan.n_rounds or self.over

    def prepare(self) -> Generator[simpy.Event, Any, None]:
        """Let the server do its work before the first round, and record that as round 0."""
        energy_j = yield from self.serve(self.scheme.prepare())
        self.close(0, (), energy_j)

    def rounds(self) -> Iterator[int]:
        """Open the rounds, one after the other, from 1 on."""
        for number in range(1, self.plan.n_rounds + 1):
            if self.over:
                return
            self._opened_at_s = float(self.env.now)
            yield number

    def tune(self, number: int) -> simpy.Process:
        """Begin what the server computes alongside a round; the process returns the joules."""
        return self.env.process(self.serve(self.scheme.alongside(number)))

    def serve(self, step: ServerStep) -> Generator[simpy.Event, Any, float]:
        """Let the server compute ``step``, and return the joules."""
        work = step.work
        done = yield from self.world.serve(
            flop=work.flop, traffic_bytes=work.traffic_bytes, n_steps=work.n_steps, n_samples=work.n_samples
        )
        return float(done.energy_j)

    def asked(self, number: int, n: int) -> Generator[simpy.Event, Any, tuple[int, ...]]:
        """Return the devices of a round, at most ``n``; wait while nobody can be asked.

        There are none if the study ends meanwhile, or if nobody could be asked for a week.
        """
        yield from self.breathe()
        since_s = self.env.now
        while not self.over:
            if (decided := self.plan.before_asking(number)) is not None:
                yield decided
            devices = tuple(self.plan.select(number, n, frozenset()))
            look_again_s = math.inf if devices else self.look_again_s(since_s)
            if look_again_s == math.inf:
                return devices
            yield self.env.any_of([self.end, self.env.timeout(look_again_s - self.env.now)])
        return ()

    def breathe(self) -> Generator[simpy.Event, Any, None]:
        """Wait a minute if the round before took no time as nobody could be reached, or as the batteries were low.

        A refusal for want of memory would only be repeated: it takes no time at all.
        """
        if self._was_in_vain:
            yield self.env.any_of([self.end, self.env.timeout(LOOK_AGAIN_S)])

    def look_again_s(self, since_s: float) -> float:
        """Return when it is worth looking again for somebody to ask, where that was in vain since ``since_s``.

        That is in a minute, or when the first device is back where there is none; infinity when a week is over.
        """
        now_s = float(self.env.now)
        if now_s >= since_s + GIVE_UP_S:
            return math.inf
        soon_s = now_s + LOOK_AGAIN_S
        everybody = np.arange(len(self.world.fleet))
        if not self.world.available(everybody, now_s).any():
            back_s = min((self.world.next_available(int(device), now_s) for device in everybody), default=math.inf)
            soon_s = back_s if back_s > now_s else soon_s
        return min(soon_s, since_s + GIVE_UP_S)

    def close(self, number: int, turns: Iterable[Turn], server_energy_j: float) -> None:
        """Record a round that ends now."""
        due = number % self.plan.evaluate_every == 0 or self.ends_with(number)
        each = Round(
            number=number,
            opened_at_s=self._opened_at_s,
            closed_at_s=float(self.env.now),
            turns=tuple(turns),
            server_energy_j=server_energy_j,
            quality=self.scheme.quality() if due else None,
        )
        self._was_in_vain = any(map(_may_pass, each.turns)) and all(turn.end_s == turn.start_s for turn in each.turns)
        self.plan.log(each)


def _may_pass(turn: Turn) -> bool:
    """Tell whether what kept a device from its work may be over soon."""
    return turn.outcome in ("lost", "offline") or (turn.outcome == "refused" and turn.reason.startswith("battery"))
