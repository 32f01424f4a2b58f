"""The section ``learning``: what is learned, from which data, and how a device trains."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from mecsim.config.base import PATH, Config, Known, NonNegative
from mecsim.config.entries import DatasetEntry
from mecsim.config.partition import Partition
from mecsim.config.synthetic import SyntheticLearning


class LocalTraining(Config):
    """How a device trains in its turn: the same for all schemes."""

    epochs: int = Field(default=1, ge=1, description="Passes over the device's own samples in a turn.")
    batch_size: int = Field(default=16, ge=1, description="Samples in a step.")
    optimizer: Literal["sgd", "adamw"] = Field(default="sgd", description="The optimizer: SGD with momentum, or AdamW.")
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0, description="Momentum of SGD; AdamW has its own.")
    nesterov: bool = Field(default=True, description="Nesterov's form of the momentum.")
    weight_decay: NonNegative = Field(default=1e-4, description="Weight decay of the optimizer.")
    clip_norm: float | None = Field(
        default=None, gt=0.0, description="Largest norm of a gradient; null: gradients are not clipped."
    )


ModelName = Annotated[str, Known("model", "models", prefixes=(PATH, "hub:"))]
ArchitectureName = Annotated[str, Known("architecture", "architectures", prefixes=(PATH,))]


class Learning(Config):
    """What is learned, from which data, and how a device trains."""

    kind: Literal["trained"] = Field(default="trained", description="The kind of learning: real training (the default).")
    model: ModelName = Field(
        description="The model that really trains: a name, path:FOLDER (Hugging Face format) or hub:OWNER/NAME."
    )
    account_as: ArchitectureName | None = Field(
        default=None,
        description="Architecture whose FLOPs, bytes and memory are counted instead: a name, or path:FILE of a config.json; "
        "null: the model's own.",
    )
    dataset: DatasetEntry = Field(description="The dataset: its name, and the keys that the dataset defines.")
    partition: Partition = Field(description="How the training samples are dealt to the devices.")
    public_share: float = Field(
        default=0.1, ge=0.0, le=0.5, description="Share of the samples that the server holds as public data."
    )
    test_share: float = Field(default=0.2, gt=0.0, le=0.5, description="Share of the samples kept for evaluation.")
    head_start: Literal["random", "public"] = Field(
        default="random",
        description="Where the new head of a classifier begins: random, or fitted by the server on the public split first.",
    )
    local: LocalTraining = Field(default=LocalTraining(), description="How a device trains in its turn.")


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return "trained" if kind is None else str(kind)


AnyLearning = Annotated[
    Annotated[Learning, Tag("trained")] | Annotated[SyntheticLearning, Tag("synthetic")], Discriminator(_kind_of)
]
