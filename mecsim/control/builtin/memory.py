"""The policy by what a device can hold: the most demanding choice that fits it."""

from dataclasses import dataclass

from mecsim.control.builtin.common import RenewalParams, assign_all, first_feasible
from mecsim.control.observation import Observation
from mecsim.control.policy import Decision, PolicyContext, PolicyEntry


class MemoryParams(RenewalParams):
    """Whether devices renew."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of those whom the selection asks, each gets its first feasible choice; one that has none gets the last, and refuses."""

    renew: bool

    chooses_devices = False
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return the most demanding feasible choice of every device of the observation."""
        return assign_all(observation, first_feasible(observation.feasible), renew=self.renew)


def _create(params: MemoryParams, context: PolicyContext) -> Memory:
    return Memory(params.renews)


ENTRY = PolicyEntry(
    description="each device the most demanding choice that its memory, storage and charge allow",
    params=MemoryParams,
    create=_create,
)
