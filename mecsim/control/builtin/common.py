"""What the built-in policies share: the base of their parameters, and assignments from columns of numbers."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mecsim.control.observation import Bools, Devices, Floats, Observation
from mecsim.control.policy import Assignment, Decision, PolicyContext
from mecsim.errors import MecsimError
from mecsim.knobs import Settings

Renewal = Literal["always", "never"]
Bandwidth = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class PolicyParams(BaseModel):
    """Parameters of a policy: immutable, and an unknown key or a wrong type is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RenewalParams(PolicyParams):
    """Parameters of policies that treat all devices alike in what the server has made anew."""

    renew: Renewal = Field(
        default="always",
        description="always: every device fetches what the server has made anew; never: it goes on with the version it holds",
    )

    @property
    def renews(self) -> bool:
        """Whether devices are to fetch the newest version."""
        return self.renew == "always"


def place_of(choice: float | None, context: PolicyContext) -> int:
    """Return the place of ``choice`` among the scheme's; None is its own. A MecsimError for one that it does not have."""
    if choice is None:
        return context.default
    if choice not in context.choices:
        known = ", ".join(f"{each:g}" for each in context.choices)
        raise MecsimError(
            f"the policy's choice {choice:g} is none of the scheme's: {known} (0 alone: there is nothing to choose). "
            "Name one of these, or leave the key out for the scheme's own"
        )
    return context.choices.index(choice)


def settings_of(observation: Observation, place: int, *, renew: bool, epochs: int | None = None) -> Settings:
    """Return the settings of the choice at ``place``. Where there is one choice alone, it is left to the scheme."""
    choice = observation.choices[place] if observation.n_choices > 1 else None
    return Settings(choice=choice, renew=renew, epochs=epochs)


def assign_all(observation: Observation, places: Devices, *, renew: bool, bandwidths: Floats | None = None) -> Decision:
    """Return the decision in which every device of the observation takes part, with its place (n,) and its weight (n,)."""
    weights = np.ones(observation.n) if bandwidths is None else bandwidths
    return Decision(
        tuple(
            Assignment(device=int(device), settings=settings_of(observation, int(place), renew=renew), bandwidth=float(weight))
            for device, place, weight in zip(observation.devices, places, weights, strict=True)
        )
    )


def assign_some(observation: Observation, rows: Sequence[int], places: Devices, *, renew: bool) -> Decision:
    """Return the decision in which the devices in ``rows`` take part, in that order, each with its place (n,)."""
    return Decision(
        tuple(
            Assignment(device=int(observation.devices[row]), settings=settings_of(observation, int(places[row]), renew=renew))
            for row in rows
        )
    )


def first_feasible(feasible: Bools) -> Devices:
    """Return for each row of (n, c) the first feasible place, that is the most demanding one; the last where none is."""
    last = feasible.shape[1] - 1
    places: Devices = np.where(feasible.any(axis=1), feasible.argmax(axis=1), last)
    return places


def expected_seconds(observation: Observation, *, renew: bool) -> Floats:
    """Return the expected seconds of turns (n, c), infinite where not feasible.

    Without a renewal, what would have been fetched for it is taken off at the device's rate; protocols' overheads are not.
    """
    if renew:
        return np.where(observation.feasible, observation.expected_s, np.inf)
    saved_bits = 8.0 * (observation.download_bytes - observation.kept_download_bytes)
    rates_bps = np.where(observation.downlink_bps > 0.0, observation.downlink_bps, np.inf)[:, None]
    return np.where(observation.feasible, observation.expected_s - saved_bits / rates_bps, np.inf)
