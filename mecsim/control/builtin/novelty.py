"""The policy that asks for classes: those devices whose samples the last rounds lacked."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mecsim.control.builtin.common import RenewalParams, assign_some, expected_seconds, first_feasible, place_of
from mecsim.control.observation import Bools, Observation
from mecsim.control.policy import Decision, PolicyContext, PolicyEntry


class NoveltyParams(RenewalParams):
    """How those who are asked take part."""

    choice: float | None = Field(
        default=None, description="one of the scheme's choices, where a device can do it, else its next; null: the first"
    )


@dataclass(frozen=True, slots=True)
class MostNovel:
    """Ask the ``n_asked`` devices with the most samples of classes that were merged too little lately.

    That is ``n_samples`` times ``novelty``, or ``n_samples`` alone where nothing has classes; of equal ones the lower device.
    Each gets the first choice from ``place`` on that it can do and end; who can do none is not asked. Costs do not matter.
    """

    place: int
    renew: bool

    chooses_devices = True
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return the devices that bring most, the first the most."""
        can: Bools = np.isfinite(expected_seconds(observation, renew=self.renew)[:, self.place :])
        places = self.place + first_feasible(can)
        brings = observation.n_samples * np.nan_to_num(observation.novelty, nan=1.0)
        rows = [row for row in np.argsort(-brings, kind="stable").tolist() if can[row].any()]
        return assign_some(observation, rows[: observation.n_asked], places, renew=self.renew)


def _create(params: NoveltyParams, context: PolicyContext) -> MostNovel:
    return MostNovel(0 if params.choice is None else place_of(params.choice, context), params.renews)


ENTRY = PolicyEntry(
    description="the devices with the most samples of classes that were merged too little lately",
    params=NoveltyParams,
    create=_create,
)
