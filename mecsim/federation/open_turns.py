"""The turns that run at a time: opened together or one by one, waited for, and stopped when nobody wants them any more."""

from collections.abc import Generator, Iterable, KeysView, Sequence
from typing import Any

import simpy

from mecsim.federation.contract import Scheme
from mecsim.federation.rounds import Course, updates_of
from mecsim.federation.turn import Turn, client_turn
from mecsim.nodes.instants import after_all_else, ring_after_all_else
from mecsim.nodes.stop import Stop
from mecsim.nodes.transfer import End


class OpenTurns:
    """Turns that run, and turns that have ended and have not been taken yet.

    Who waits for them is woken when an instant is over, and finds all that ended at it. They count in the order in which they
    ended; of those that ended at one instant the one that began first, and then the lower device, comes first.
    """

    def __init__(self, course: Course, scheme: Scheme, *, to: End = "server") -> None:
        self._course, self._scheme, self._to = course, scheme, to
        self._running: dict[int, simpy.Process] = {}
        self._ended: list[Turn] = []
        self._bell = course.env.event()

    @property
    def busy(self) -> KeysView[int]:
        """Return the devices whose turns run, in the order in which they began."""
        return self._running.keys()

    def open(self, devices: Iterable[int], round_number: int) -> None:
        """Let each of ``devices``, none of which is busy, begin its turn."""
        world, plan = self._course.world, self._course.plan
        devices = tuple(devices)
        world.look_at(devices)
        for device in devices:
            turn = client_turn(
                world,
                self._scheme,
                assignment=plan.assignment(device),
                n_samples=plan.n_samples(device),
                round_number=round_number,
                to=self._to,
            )
            self._running[device] = process = world.env.process(turn)
            process.callbacks.append(self._on_end)

    def take(self) -> list[Turn]:
        """Return the turns that have ended since the last call."""
        taken, self._ended = in_order_of_ends(self._ended), []
        return taken

    def some_ended(self, *until: simpy.Event) -> Generator[simpy.Event, Any, None]:
        """Wait until there is a turn to take and its instant is over, or one of ``until`` has happened. One waits at a time."""
        if not self._ended:
            self._bell = self._course.env.event()
            yield self._course.env.any_of([self._bell, *until])

    def collect(self, n_updates: float, *until: simpy.Event) -> Generator[simpy.Event, Any, list[Turn]]:
        """Wait until all turns have ended, or ``n_updates`` with an update, or one of ``until`` has happened; take them."""
        ended = self.take()
        while self._running and len(updates_of(ended)) < n_updates and not any(event.processed for event in until):
            yield from self.some_ended(*until)
            ended += self.take()
        return ended

    def stop(self, reason: str) -> Generator[simpy.Event, Any, list[Turn]]:
        """Interrupt the turns that run, which end late for this ``reason``; take all there are. No simulated time passes.

        Those that end at this very instant are in time.
        """
        yield after_all_else(self._course.env, 0.0)
        running = list(self._running.values())
        for process in running:
            process.interrupt(Stop("late", reason))
        yield self._course.env.all_of(running)
        return self.take()

    def _on_end(self, process: simpy.Event) -> None:
        if not process.ok:  # SimPy raises what went wrong
            return
        turn: Turn = process.value
        del self._running[turn.device]
        self._ended.append(turn)
        if not self._bell.triggered:
            ring_after_all_else(self._bell)


def in_order_of_ends(turns: Iterable[Turn]) -> list[Turn]:
    """Return turns in the order in which they count: by their ends, then by their beginnings, then by device."""
    return sorted(turns, key=lambda turn: (turn.end_s, turn.start_s, turn.device))


def as_asked(devices: Sequence[int], turns: Iterable[Turn]) -> list[Turn]:
    """Return one turn each of ``devices`` in their order.

    So the same updates are the same average, whatever the order in which the network let them through.
    """
    place = {device: i for i, device in enumerate(devices)}
    return sorted(turns, key=lambda turn: place[turn.device])
