"""The deadline protocol: a round asks more devices than it needs, and closes when enough have answered or time is up."""

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.federation.contract import Scheme
from mecsim.federation.open_turns import OpenTurns, as_asked
from mecsim.federation.rounds import STUDY_ENDED, Course, Plan, updates_of
from mecsim.federation.turn import Turn
from mecsim.nodes.instants import after_all_else
from mecsim.nodes.world import World


class Deadline(Protocol):
    """How long a round may take."""

    def after_s(self, devices: Sequence[int]) -> float:
        """Return the seconds from the opening of a round of ``devices`` to its deadline; infinity: there is none."""
        ...

    def learn(self, turns: Iterable[Turn]) -> None:
        """Look at the turns of the round, now that it has closed."""
        ...


def run_deadline(
    world: World, scheme: Scheme, plan: Plan, *, deadline: Deadline, over_selection: float = 1.3, minimum: int = 1
) -> Generator[simpy.Event, Any, None]:
    """Ask ``over_selection`` times the ``n_asked`` devices that a round needs, and drop the others when these have answered.

    Bonawitz et al., "Towards federated learning at scale: system design", MLSys 2019, section 2.2. An update that arrives
    exactly at the deadline, or at the same instant as the last one needed, is in time. The others are interrupted: late. A
    round with fewer than ``minimum`` updates is not merged. Updates are merged in the order of selection.
    """
    course = Course(world, scheme, plan)
    yield from course.prepare()
    for number in course.rounds():
        tuning = course.tune(number)
        devices = yield from course.asked(number, n_with_spares(plan.n_asked, over_selection))
        allowed_s = deadline.after_s(devices)
        due_s, turns = course.env.now + allowed_s, OpenTurns(course, scheme)
        turns.open(devices, number)
        ended = yield from turns.collect(plan.n_asked, after_all_else(course.env, allowed_s), course.end)
        enough = len(updates_of(ended)) >= plan.n_asked
        closed = enough or course.env.now >= due_s or not turns.busy
        late = "spare: enough others had answered" if enough else f"deadline: {allowed_s:.6g} s" if closed else STUDY_ENDED
        ended = as_asked(devices, [*ended, *(yield from turns.stop(late))])
        deadline.learn(ended)
        energy_j = yield tuning
        if closed and len(updates_of(ended)) >= max(1, minimum):
            energy_j += yield from course.serve(scheme.merge(updates_of(ended)))
        course.close(number, ended, energy_j)


def n_with_spares(n: int, over_selection: float) -> int:
    """Return ``n`` times ``over_selection``, rounded up: 100 x 1.1 is 110, whatever the last bit of 1.1."""
    return math.ceil(round(n * over_selection, 9))


@dataclass(frozen=True, slots=True)
class FixedDeadline:
    """The same time for every round."""

    seconds: float

    def after_s(self, devices: Sequence[int]) -> float:
        """Return the fixed time."""
        return self.seconds

    def learn(self, turns: Iterable[Turn]) -> None:
        """Learn nothing."""


class AdaptiveDeadline:
    """A percentile of the turn times that the devices of a round are expected to need, with some slack.

    ``expected_turn_s`` is a device's cost model: the time alone in its cell. What a turn took in truth corrects it by a factor:
    the device's own last one, or the median of those seen where it has none, as all suffer from a crowded cell alike. A turn
    that was cut short counts as twice the time that it was given, as retransmission timers back off: if it did not count, a
    deadline could only shrink. Devices of which nothing finite is expected do not count.
    """

    def __init__(
        self, percentile: float, expected_turn_s: Callable[[NDArray[np.int64]], NDArray[np.float64]], *, slack: float = 1.0
    ) -> None:
        self._percentile, self._slack = percentile, slack
        self._expected_turn_s = expected_turn_s
        self._asked: dict[int, float] = {}
        self._factor: dict[int, float] = {}

    def after_s(self, devices: Sequence[int]) -> float:
        """Return the percentile over ``devices``; there is no deadline where nothing finite is expected."""
        expected_s = self._expected_turn_s(np.array(devices, dtype=np.int64))
        self._asked = dict(zip(devices, map(float, expected_s), strict=True))
        usual = float(np.median(list(self._factor.values()))) if self._factor else 1.0
        corrected_s = [self._factor.get(device, usual) * alone_s for device, alone_s in self._asked.items()]
        finite_s = [seconds for seconds in corrected_s if math.isfinite(seconds)]
        return self._slack * float(np.percentile(finite_s, self._percentile)) if finite_s else math.inf

    def learn(self, turns: Iterable[Turn]) -> None:
        """Correct the expectation of those that completed or were late; nobody else's turn says how long one takes."""
        for turn in turns:
            needed_s = (turn.end_s - turn.start_s) * {"completed": 1.0, "late": 2.0}.get(turn.outcome, 0.0)
            alone_s = self._asked[turn.device]
            if needed_s > 0.0 and 0.0 < alone_s < math.inf:
                self._factor[turn.device] = needed_s / alone_s
