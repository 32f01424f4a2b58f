"""The policy that draws everything: who takes part, each device's choice, whether it renews, and its bandwidth."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mecsim.control.builtin.common import Bandwidth, PolicyParams, settings_of
from mecsim.control.observation import Observation
from mecsim.control.policy import Assignment, Decision, PolicyContext, PolicyEntry
from mecsim.rng import Streams


class RandomParams(PolicyParams):
    """What is drawn beside devices, choices and renewals."""

    vary_number: bool = Field(
        default=False, description="draw how many are asked, from 1 to as many as may be; false: as many as may be"
    )
    bandwidths: list[Bandwidth] = Field(
        default_factory=list, description="weights to draw from, for the division of the cell; []: all alike"
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """Draws with equal chances among what is feasible, from the stream ``control`` of the round.

    A device that holds a version of its choice renews or not by the throw of a coin; one that holds none has no such choice.
    Every device has numbers of its own, so that what one of them can do changes no other's draws.
    """

    params: RandomParams
    streams: Streams

    chooses_devices = True
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return at most ``n_asked`` devices that have a feasible choice, in the order of the draw."""
        generator = self.streams.get("control", observation.round_number)
        n = observation.n
        number = int(generator.integers(1, observation.n_asked + 1))
        order = np.argsort(generator.random(n), kind="stable")
        places = np.where(observation.feasible, generator.random((n, observation.n_choices)), -1.0).argmax(axis=1)
        coins = generator.random(n) < 0.5
        weights = generator.choice(self.params.bandwidths or [1.0], size=n)
        can = np.flatnonzero(observation.feasible.any(axis=1))
        asked = order[np.isin(order, can)][: number if self.params.vary_number else observation.n_asked]
        holds = ~np.isnan(observation.age[np.arange(n), places])
        renews = coins | ~holds if observation.renews else np.ones(n, dtype=bool)
        return Decision(
            tuple(
                Assignment(
                    device=int(observation.devices[row]),
                    settings=settings_of(observation, int(places[row]), renew=bool(renews[row])),
                    bandwidth=float(weights[row]),
                )
                for row in asked
            )
        )


def _create(params: RandomParams, context: PolicyContext) -> Drawn:
    return Drawn(params, context.streams)


ENTRY = PolicyEntry(
    description="devices and choices at random, of those that are feasible",
    params=RandomParams,
    create=_create,
    divides=lambda params: bool(params.bandwidths),
)
