"""The section ``learning``: what is learned, from which data, and how a device trains."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, Known, NonNegative
from mecsim.config.entries import DatasetEntry


class IidPartition(Config):
    """Every device draws from the same distribution."""

    kind: Literal["iid"] = Field(description="The kind of partition: every device has the same mix of classes.")
    clients: int | None = Field(
        default=None, ge=1, description="Number of shards; not given, it is the number of devices, which it has to equal."
    )


class DirichletPartition(Config):
    """The mix of classes of each device is drawn from a Dirichlet distribution."""

    kind: Literal["dirichlet"] = Field(description="The kind of partition: label skew drawn from a Dirichlet distribution.")
    alpha: float = Field(gt=0.0, description="Concentration: below 1 devices see few classes, above 100 nearly all alike.")
    clients: int | None = Field(
        default=None, ge=1, description="Number of shards; not given, it is the number of devices, which it has to equal."
    )
    min_samples: int = Field(default=10, ge=1, description="The split is drawn again until every shard has this many samples.")


Partition = Annotated[IidPartition | DirichletPartition, Field(discriminator="kind")]


class LocalTraining(Config):
    """How a device trains in its turn: the same for all schemes."""

    epochs: int = Field(default=1, ge=1, description="Passes over the device's own samples in a turn.")
    batch_size: int = Field(default=16, ge=1, description="Samples in a step.")
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0, description="Momentum of the SGD optimizer.")
    nesterov: bool = Field(default=True, description="Nesterov's form of the momentum.")
    weight_decay: NonNegative = Field(default=1e-4, description="Weight decay of the optimizer.")
    clip_norm: float | None = Field(
        default=None, gt=0.0, description="Largest norm of a gradient; null: gradients are not clipped."
    )


class Learning(Config):
    """What is learned, from which data, and how a device trains."""

    model: Annotated[str, Known("model", "models")] = Field(description="The model that really trains.")
    account_as: Annotated[str, Known("architecture", "architectures")] | None = Field(
        default=None, description="Architecture whose FLOPs, bytes and memory are counted instead; null: the model's own."
    )
    dataset: DatasetEntry = Field(description="The dataset: its name, and the keys that the dataset defines.")
    partition: Partition = Field(description="How the training samples are dealt to the devices.")
    public_share: float = Field(
        default=0.1, ge=0.0, le=0.5, description="Share of the samples that the server holds as public data."
    )
    test_share: float = Field(default=0.2, gt=0.0, le=0.5, description="Share of the samples kept for evaluation.")
    local: LocalTraining = Field(default=LocalTraining(), description="How a device trains in its turn.")
