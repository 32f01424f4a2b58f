"""The policy that treats all devices alike, in every round."""

from dataclasses import dataclass

from pydantic import Field

from mecsim.control.builtin.common import RenewalParams, place_of, settings_of
from mecsim.control.observation import Observation
from mecsim.control.policy import Assignment, Decision, PolicyContext, PolicyEntry


class FixedParams(RenewalParams):
    """What all devices get."""

    choice: float | None = Field(default=None, description="one of the scheme's choices; null: its own")
    epochs: int | None = Field(default=None, ge=1, description="passes over a device's own samples; null: the scenario's")
    power_db: float = Field(
        default=0.0, le=0.0, allow_inf_nan=False, description="added to the devices' largest transmit power; 0: all of it"
    )


@dataclass(frozen=True, slots=True)
class Fixed:
    """One choice for everybody whom the selection asks, feasible or not."""

    params: FixedParams
    place: int

    chooses_devices = False
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return the same settings for every device of the observation."""
        params = self.params
        settings = settings_of(observation, self.place, renew=params.renews, epochs=params.epochs)
        return Decision(
            tuple(Assignment(device=int(device), settings=settings, power_db=params.power_db) for device in observation.devices)
        )


def _create(params: FixedParams, context: PolicyContext) -> Fixed:
    return Fixed(params, place_of(params.choice, context))


ENTRY = PolicyEntry(
    description="one choice for all devices, in every round",
    params=FixedParams,
    create=_create,
    powers=lambda params: params.power_db < 0.0,
)
