"""The section ``learning`` where nothing is trained: a curve stands in for learning, and only the network is studied."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mecsim.config.base import Config, NonNegative, Positive

AtLeastOne = Annotated[float, Field(ge=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class FixedSamples(Config):
    """Every device has as many samples."""

    kind: Literal["fixed"] = Field(description="The law of the numbers of samples: the same for all.")
    mean: AtLeastOne = Field(default=100.0, description="Samples of a device; rounded.")


class LognormalSamples(Config):
    """Numbers of samples whose logarithm is normal."""

    kind: Literal["lognormal"] = Field(description="The law of the numbers of samples: log-normal.")
    mean: AtLeastOne = Field(default=100.0, description="Mean samples of a device; a device has at least one.")
    sigma: NonNegative = Field(default=1.0, description="Standard deviation of the number's logarithm.")


class ZipfSamples(Config):
    """Few devices have very many samples: of rank r, in proportion to r ** (-1 / exponent)."""

    kind: Literal["zipf"] = Field(description="The law of the numbers of samples: a power law.")
    mean: AtLeastOne = Field(default=100.0, description="Mean samples of a device; a device has at least one.")
    exponent: float = Field(
        default=2.0, gt=1.0, description="The share of devices with more than x samples falls as x ** -exponent."
    )


Samples = Annotated[FixedSamples | LognormalSamples | ZipfSamples, Field(discriminator="kind")]


class Curve(Config):
    """What accuracy and loss are after so much progress p: what is left of the way is (1 + p / half) ** -exponent.

    The defaults are those of no measurement. With exponent 1, half of the way is gone at ``half``.
    """

    accuracy_start: Share = Field(default=0.1, description="Accuracy before anything is learned.")
    accuracy_end: Share = Field(default=0.95, description="Accuracy that learning comes near to.")
    loss_start: Positive = Field(default=2.3, description="Loss before anything is learned.")
    loss_end: NonNegative = Field(default=0.2, description="Loss that learning comes near to.")
    half: Positive = Field(default=1.0, description="Scale of the progress, in passes over the samples of all devices.")
    exponent: Positive = Field(default=1.0, description="How steep the curve is.")

    @model_validator(mode="after")
    def _leads_upwards(self) -> Self:
        if self.accuracy_end < self.accuracy_start:
            raise ValueError(f"accuracy_end ({self.accuracy_end:g}) is below accuracy_start ({self.accuracy_start:g})")
        if self.loss_end > self.loss_start:
            raise ValueError(f"loss_end ({self.loss_end:g}) is above loss_start ({self.loss_start:g})")
        return self


class SyntheticLearning(Config):
    """A curve in the place of learning: for questions about the network, and for fleets too large to train for.

    Progress counts passes over the samples of all devices as they enter the server's state. Accuracy and loss are a stand-in,
    and no statement about any scheme.
    """

    kind: Literal["synthetic"] = Field(description="The kind of learning: none; a curve stands in for it.")
    samples: Samples = Field(default=FixedSamples(kind="fixed"), description="How many samples each device has.")
    curve: Curve = Field(default=Curve(), description="What accuracy and loss are after so much progress.")
    epochs: int = Field(default=1, ge=1, description="Passes over the device's own samples in a turn.")
    batch_size: int = Field(default=16, ge=1, description="Samples in a step.")
    staleness_exponent: NonNegative = Field(
        default=0.5, description="An update that is s merges behind is worth (1 + s) ** -this of a fresh one's progress."
    )
    loss_spread: NonNegative = Field(
        default=0.5,
        description="Standard deviation of the logarithm of a device's own loss over the mean: for power-of-choice.",
    )
