"""The policy that divides the cell so that all who take part end together, as early as possible."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mecsim.control.allocation import min_max_bandwidth
from mecsim.control.builtin.common import RenewalParams, assign_all, first_feasible, place_of
from mecsim.control.observation import Devices, Floats, Observation
from mecsim.control.policy import Decision, PolicyContext, PolicyEntry

#: What a device gets that is expected to refuse its turn, as a part of the mean share: a weight has to be above 0.
_LEAST = 0.001


class MinMaxDelayParams(RenewalParams):
    """What devices do; how the cell is divided follows from it."""

    choice: float | None = Field(
        default=None, description="one of the scheme's choices; null: each device's most demanding feasible one"
    )


@dataclass(frozen=True, slots=True)
class MinMaxDelay:
    """Weights of bandwidth after ``min_max_bandwidth``, for those whom the selection asks.

    The optimum among shares that are held for a whole round, also while a device computes. Ways of sharing that give the cell
    to those who transfer just then hold nothing back, and may well end sooner. All are taken to be in one cell, at their
    present rates; of several cells each is divided by the same weights, which is then no optimum. Latency and protocols'
    overheads are left out.

    ``place`` is the one choice of all, None the first feasible one of each. Who is out of coverage gets the mean share, as it
    may come back; who would refuse for other reasons, and who has nothing to transfer, a thousandth of that.
    """

    place: int | None
    renew: bool

    chooses_devices = False
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return every device of the observation with its choice and its weight; the weights are 1 in the mean."""
        feasible = observation.feasible
        places = first_feasible(feasible) if self.place is None else np.full(observation.n, self.place)
        return assign_all(observation, places, renew=self.renew, bandwidths=self._weights(observation, places))

    def _weights(self, observation: Observation, places: Devices) -> Floats:
        row = np.arange(observation.n)
        takes_part = observation.feasible[row, places]
        fetches_bytes = observation.download_bytes if self.renew else observation.kept_download_bytes
        _, shares = min_max_bandwidth(
            observation.compute_s[row, places][takes_part],
            8.0 * fetches_bytes[row, places][takes_part],
            observation.downlink_bps[takes_part],
            8.0 * observation.upload_bytes[row, places][takes_part],
            observation.uplink_bps[takes_part],
        )
        weights = np.where(observation.downlink_bps > 0.0, _LEAST, 1.0)
        if shares.any():
            weights[takes_part] = np.maximum(shares / shares.mean(), _LEAST)
        else:  # nobody has anything to transfer
            weights[takes_part] = 1.0
        return weights


def _create(params: MinMaxDelayParams, context: PolicyContext) -> MinMaxDelay:
    place = None if params.choice is None else place_of(params.choice, context)
    return MinMaxDelay(place, params.renews)


ENTRY = PolicyEntry(
    description="the cell divided so that all end together, as early as possible",
    params=MinMaxDelayParams,
    create=_create,
    divides=lambda params: True,
)
