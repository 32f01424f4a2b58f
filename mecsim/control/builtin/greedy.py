"""The policies that ask for what is expected to cost least now: seconds, or joules."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mecsim.control.builtin.common import RenewalParams, assign_some, expected_seconds
from mecsim.control.observation import Floats, Observation
from mecsim.control.policy import Decision, PolicyContext, PolicyEntry


class GreedyParams(RenewalParams):
    """Whether devices renew."""


@dataclass(frozen=True, slots=True)
class Greedy:
    """Each device's cheapest feasible choice, and the ``n_asked`` devices whose cheapest costs least.

    Of equal ones, the earlier choice and the lower device. A turn that could not end (infinite) is not asked for. ``cost``
    returns a column (n, c) of an observation, infinite where not feasible.
    """

    cost: Callable[[Observation], Floats]
    renew: bool

    chooses_devices = True
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return the devices of least cost, the least first."""
        cost = self.cost(observation)
        places = cost.argmin(axis=1)
        least = cost[np.arange(observation.n), places]
        order = np.argsort(least, kind="stable")
        rows = order[np.isfinite(least[order])][: observation.n_asked]
        return assign_some(observation, rows.tolist(), places, renew=self.renew)


def _by_finish(params: GreedyParams, context: PolicyContext) -> Greedy:
    return Greedy(lambda observation: expected_seconds(observation, renew=params.renews), params.renews)


def _by_energy(params: GreedyParams, context: PolicyContext) -> Greedy:
    return Greedy(_joules, params.renews)


def _joules(observation: Observation) -> Floats:
    # Of a turn that renews; how many joules a device would save otherwise, the server does not know.
    return np.where(observation.feasible, observation.expected_j, np.inf)


FINISH = PolicyEntry(
    description="the devices and choices that are expected to finish first",
    params=GreedyParams,
    create=_by_finish,
)
ENERGY = PolicyEntry(
    description="the devices and choices that are expected to take least energy",
    params=GreedyParams,
    create=_by_energy,
)
