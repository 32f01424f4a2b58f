"""What the protocols without rounds share: devices are always at work, and the server merges every so many updates."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import simpy

from mecsim.federation.contract import Scheme, ServerStep, Update
from mecsim.federation.open_turns import OpenTurns, in_order_of_ends
from mecsim.federation.rounds import STUDY_ENDED, Course, Plan, updates_of
from mecsim.federation.turn import Turn
from mecsim.nodes.world import World

# So many turns a place may end without an update, one after the other, before the server stops asking until the next merge:
# a default of this project, for fleets of which nobody can do the work.
_PATIENCE = 10


def staleness_weight(staleness: int, exponent: float) -> float:
    """Return (1 + staleness) ** -exponent: 1 for a fresh update.

    The polynomial rule of FedAsync (Xie, Koyejo and Gupta, 2019); with 0.5 also FedBuff's (Nguyen et al., AISTATS 2022).
    """
    return float((1.0 + staleness) ** -exponent)


def keep_merging(
    world: World,
    scheme: Scheme,
    plan: Plan,
    *,
    concurrency: int,
    n_updates: int,
    merge: Callable[[Sequence[Update]], ServerStep],
    max_staleness: int | None = None,
) -> Generator[simpy.Event, Any, None]:
    """Keep ``concurrency`` devices at work, and ``merge`` whenever ``n_updates`` are there: each merge closes a round.

    While the server merges, updates wait and no turn begins, as the state to begin from is not there yet. Staleness is
    the number of merges since the turn began; an update of more than ``max_staleness`` is late and dropped. Where no further
    update can come, as everybody has been asked or failed, what is there is merged; a round without an update is not.
    A turn is recorded with the round that its update entered; those that end with the study, with its last one.
    """
    course = Course(world, scheme, plan)
    yield from course.prepare()
    crew = _Crew(course, concurrency, max_staleness)
    for number in course.rounds():
        turns = yield from crew.gather(number, n_updates)
        energy_j = 0.0
        if updates := updates_of(turns):
            energy_j = yield from course.serve(merge(updates))
            crew.n_merges += 1
        if course.ends_with(number):
            turns += yield from crew.stop()
        course.close(number, turns, energy_j)


class _Crew:
    """Devices at work: as soon as a turn ends, another device begins.

    A device begins once between two merges at most: from the same state it would train the same again, or fail again.
    """

    def __init__(self, course: Course, concurrency: int, max_staleness: int | None) -> None:
        self.n_merges = 0
        self._course, self._concurrency, self._max_staleness = course, concurrency, max_staleness
        self._open = OpenTurns(course, course.scheme)
        self._began_at: dict[int, int] = {}  # by device: the merges when its turn began
        self._waiting: list[tuple[int, Turn]] = []  # with updates, in the order of arrival
        self._fruitless: list[Turn] = []  # without, since the last merge
        self._n_failed_in_a_row = 0
        self._n_askings = 0
        self._asked: set[int] = set()  # since the last merge
        self._last_asked_s = 0.0

    def gather(self, number: int, n_updates: int) -> Generator[simpy.Event, Any, list[Turn]]:
        """Return the turns of the next round, in the order in which they ended: ``n_updates`` with an update, if they come.

        There are none with an update where the study ends before.
        """
        yield from self._course.breathe()
        env, self._last_asked_s = self._course.env, self._course.env.now
        self._asked, self._n_failed_in_a_row = set(), 0
        self._sort()
        while not self._course.over:
            look_again_s = self._fill(number)
            if len(self._waiting) >= n_updates:
                yield env.timeout(0.0)  # who has just begun gets the state as it is now
                break
            if not self._open.busy and look_again_s == math.inf:
                break
            timer = [env.timeout(look_again_s - env.now)] if look_again_s < math.inf else []
            yield from self._open.some_ended(self._course.end, *timer)
            self._sort()
            if len(self._waiting) >= n_updates:
                break  # who begins next gets the state behind the merge
        n_merged = 0 if self._course.over and len(self._waiting) < n_updates else n_updates
        turns = [*self._fruitless, *(turn for _, turn in self._waiting[:n_merged])]
        self._waiting, self._fruitless = self._waiting[n_merged:], []
        return in_order_of_ends(turns)

    def stop(self) -> Generator[simpy.Event, Any, list[Turn]]:
        """End the turns that run, and return them with those whose update was never merged."""
        unmerged = [turn for _, turn in self._waiting]
        return unmerged + (yield from self._open.stop(STUDY_ENDED))

    def _fill(self, number: int) -> float:
        """Let devices begin in the free places, and return when to look for more: infinity for not before a turn ends."""
        course, n_free = self._course, self._concurrency - len(self._open.busy)
        taken = self._open.busy | self._asked
        is_hopeless = self._n_failed_in_a_row >= _PATIENCE * self._concurrency or len(taken) >= len(course.world.fleet)
        if n_free == 0 or is_hopeless:
            return math.inf
        self._n_askings += 1
        devices = tuple(course.plan.select(self._n_askings, n_free, taken))
        self._open.open(devices, number)
        self._asked.update(devices)
        self._began_at.update(dict.fromkeys(devices, self.n_merges))
        if devices:
            self._last_asked_s = course.env.now
        return math.inf if len(devices) == n_free else course.look_again_s(self._last_asked_s)

    def _sort(self) -> None:
        """Put the turns that have ended where they belong, and note how stale their updates are by now."""
        arrived = [(self._began_at.pop(turn.device), turn) for turn in self._open.take()]
        for _, turn in arrived:
            self._n_failed_in_a_row = 0 if turn.update is not None else self._n_failed_in_a_row + 1
        earlier, self._waiting = self._waiting, []
        for began_at, turn in [*earlier, *arrived]:
            self._note_staleness(turn, self.n_merges - began_at)
            if turn.update is None:
                self._fruitless.append(turn)
            else:
                self._waiting.append((began_at, turn))

    def _note_staleness(self, turn: Turn, staleness: int) -> None:
        if turn.update is None:
            return
        turn.update = replace(turn.update, staleness=staleness)
        if self._max_staleness is not None and staleness > self._max_staleness:
            turn.end(turn.end_s, "late", f"stale: {staleness} merges behind, at most {self._max_staleness}")
            turn.update = None
