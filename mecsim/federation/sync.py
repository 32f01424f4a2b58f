"""The synchronous protocol: a round opens when the one before has closed, and closes when every turn has ended."""

import math
from collections.abc import Generator
from typing import Any

import simpy

from mecsim.federation.contract import Scheme
from mecsim.federation.open_turns import OpenTurns, as_asked
from mecsim.federation.rounds import STUDY_ENDED, Course, Plan, Round, updates_of
from mecsim.nodes.world import World

__all__ = ["Round", "run_synchronous"]


def run_synchronous(world: World, scheme: Scheme, plan: Plan) -> Generator[simpy.Event, Any, None]:
    """Run the rounds of the plan, one after the other.

    The server computes alongside the devices where the scheme says so, and merges when both are done. A round without a
    single update is not merged. Updates are merged in the order of selection.
    """
    course = Course(world, scheme, plan)
    yield from course.prepare()
    for number in course.rounds():
        tuning = course.tune(number)
        devices = yield from course.asked(number, plan.n_asked)
        turns = OpenTurns(course, scheme)
        turns.open(devices, number)
        ended = yield from turns.collect(math.inf, course.end)
        is_complete = not turns.busy
        ended = as_asked(devices, [*ended, *(yield from turns.stop(STUDY_ENDED))])
        energy_j = yield tuning
        updates = updates_of(ended)
        if is_complete and updates:
            energy_j += yield from course.serve(scheme.merge(updates))
        course.close(number, ended, energy_j)
