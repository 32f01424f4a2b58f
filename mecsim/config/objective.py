"""The section ``objective``: what one number says of a trial, and what control policies are after."""

from pydantic import Field

from mecsim.config.base import Config, NonNegative, Positive


class Objective(Config):
    """Weights and units of the cost of a round; a trial's objective is their sum until the target accuracy is reached."""

    quality: NonNegative = Field(default=1.0, description="Weight of the error (1 - accuracy) after the round.")
    time: NonNegative = Field(default=1.0, description="Weight of the round's time in units of time_scale_s.")
    energy: NonNegative = Field(default=1.0, description="Weight of the devices' energy in units of energy_scale_j.")
    time_scale_s: Positive = Field(default=60.0, description="Seconds that count as much as an error of 1, before weights.")
    energy_scale_j: Positive = Field(default=1000.0, description="Joules that count as much as an error of 1, before weights.")
