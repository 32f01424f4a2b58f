"""The section ``learning.partition``: how the training samples are dealt to the devices."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, Positive

Clients = Annotated[
    int | None,
    Field(ge=1, description="Number of shards; not given, it is the number of devices, which it has to equal."),
]


class IidPartition(Config):
    """Every device draws from the same distribution."""

    kind: Literal["iid"] = Field(description="The kind of partition: every device has the same mix of classes.")
    clients: Clients = None


class DirichletPartition(Config):
    """The mix of classes of each device is drawn from a Dirichlet distribution."""

    kind: Literal["dirichlet"] = Field(description="The kind of partition: label skew drawn from a Dirichlet distribution.")
    alpha: Positive = Field(description="Concentration: below 1 devices see few classes, above 100 nearly all alike.")
    clients: Clients = None
    min_samples: int = Field(default=10, ge=1, description="The split is drawn again until every shard has this many samples.")


class GroupsPartition(Config):
    """The natural split: a device holds what one writer, source or place of the dataset gave, or several of them whole."""

    kind: Literal["groups"] = Field(
        description="The kind of partition: the dataset's own groups, dealt whole, so that devices hold much the same amount."
    )
    clients: Clients = None
    min_samples: int = Field(default=1, ge=1, description="Least samples of a shard; fewer are an error that names the shard.")
    split: bool = Field(
        default=False, description="Where there are fewer groups than devices, halve the largest until there are enough."
    )


class ShardsPartition(Config):
    """Label skew of McMahan et al. (2017): each device holds a few pieces of the sorted data."""

    kind: Literal["shards"] = Field(description="The kind of partition: equal pieces of the data sorted by label.")
    clients: Clients = None
    shards_per_client: int = Field(default=2, ge=1, description="Pieces a device holds; two show it two or three classes.")


class QuantityPartition(Config):
    """Every device has the same mix of classes, but some have far more samples than others."""

    kind: Literal["quantity"] = Field(description="The kind of partition: amounts drawn from a Dirichlet distribution.")
    alpha: Positive = Field(description="Concentration: below 1 few devices hold most samples, above 100 nearly all alike.")
    clients: Clients = None
    min_samples: int = Field(
        default=10, ge=1, description="The amounts are drawn again until every shard has this many samples."
    )


Partition = Annotated[
    IidPartition | DirichletPartition | GroupsPartition | ShardsPartition | QuantityPartition, Field(discriminator="kind")
]
