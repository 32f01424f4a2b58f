"""What a scheme is built from, and how it is listed: plain values, no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from mecsim.federation.contract import Scheme
from mecsim.jobs.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """How a client trains, the same for every scheme: SGD, a constant rate within the turn, momentum from zero each turn."""

    epochs: int = 1
    batch_size: int = 16
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(f"epochs and batch_size must be at least 1, got {self.epochs} and {self.batch_size}")
        if self.nesterov and self.momentum <= 0.0:
            raise ValueError("nesterov needs a momentum above 0")

    def n_steps(self, n_samples: int) -> int:
        """Return the optimizer steps on ``n_samples``; the last batch of an epoch may be smaller and counts."""
        return self.epochs * -(-n_samples // self.batch_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeContext:
    """Everything beside its own parameters that a scheme may depend on.

    ``costs`` are the numbers of the scheme's cost job. ``dataset`` is a ``dataset_spec``; ``partition`` the partition job.
    """

    model: str
    account_as: str | None
    n_classes: int
    dataset: Mapping[str, Any]
    partition: Job
    client_samples: tuple[int, ...]
    local: LocalSettings
    learning_seed: int
    costs: Mapping[str, Any]
    backbone_preinstalled: bool


class CostJob(Protocol):
    """Names the job whose numbers a scheme needs to be built; the builder demands it first."""

    def __call__(self, params: Any, *, model: str, account_as: str | None, n_classes: int, batch_size: int) -> Job:
        """Return the cost job of a scheme with ``params``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeEntry:
    """A scheme as the catalogue lists it.

    ``reconstruction`` is true where the published description was not enough and parts are our own reading of it.
    """

    description: str
    params: type[BaseModel]
    create: Callable[[Any, SchemeContext], Scheme]
    cost_job: CostJob
    reconstruction: bool
