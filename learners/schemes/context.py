"""What a scheme is built from, and how it is listed: plain values, no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from learners.compress.scale import scaled
from learners.data.content import Task
from learners.models.architectures import architecture_of, as_params
from learners.models.sources import architecture_of_model
from mecsim.federation.contract import PROTOCOLS, Scheme
from mecsim.jobs.job import Job, job


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """How a client trains, the same for every scheme, at a constant rate within the turn; momentum starts from zero."""

    epochs: int = 1
    batch_size: int = 16
    optimizer: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(f"epochs and batch_size must be at least 1, got {self.epochs} and {self.batch_size}")
        if self.optimizer == "sgd" and self.nesterov and self.momentum <= 0.0:
            raise ValueError("nesterov needs a momentum above 0")

    def n_steps(self, n_samples: int) -> int:
        """Return the optimizer steps on ``n_samples``; the last batch of an epoch may be smaller and counts."""
        return self.epochs * -(-n_samples // self.batch_size)

    def as_params(self) -> dict[str, Any]:
        """Return the settings by name, as jobs carry them; as many jobs are named, nothing is copied deeply."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeContext:
    """Everything beside its own parameters that a scheme may depend on.

    ``costs`` are the numbers of the scheme's cost jobs by its own names. ``dataset`` is a ``dataset_spec``; ``partition`` the
    partition job, ``n_public`` and ``n_test`` the sizes of its splits. ``n_classes`` is None where tokens are predicted.
    ``head_start`` is "random" or "public": fitted by the server on the public split. ``controlled``: a control policy decides
    for each device, so that a scheme makes ready all that its knob offers.
    """

    model: str
    account_as: str | None
    task: Task
    n_classes: int | None
    dataset: Mapping[str, Any]
    partition: Job
    client_samples: tuple[int, ...]
    n_public: int
    n_test: int
    n_rounds: int
    local: LocalSettings
    learning_seed: int
    costs: Mapping[str, Mapping[str, Any]]
    backbone_preinstalled: bool
    head_start: str
    controlled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuestion:
    """What a scheme may ask to be counted: sheets for the accounted architecture, batches and texts of the scenario's size."""

    model: str
    account_as: str | None
    task: Task
    n_classes: int | None
    batch_size: int
    length: int | None
    optimizer: str
    head_start: str

    def sheet(
        self,
        method: Mapping[str, Any],
        *,
        compression: Mapping[str, Any] | None = None,
        ends: tuple[int, int] | None = None,
        model: str | None = None,
        account_as: str | None = None,
        per_sample: bool = False,
    ) -> Job:
        """Return the job that counts ``method`` on the accounted architecture (see ``learners.costs``).

        ``model`` with its own ``account_as`` stands in for the scenario's. ``ends`` restricts the method to the first and last
        so many blocks; these counts, and those in ``compression``, are of the trained model, and scaled to the accounted depth.
        ``per_sample`` holds a gradient for each sample of a batch.
        """
        trained = architecture_of_model(model or self.model)
        stand_in = account_as if model else self.account_as
        counted = architecture_of(stand_in) if stand_in else trained
        params: dict[str, Any] = {
            "architecture": as_params(counted),
            "task": self.task,
            "n_classes": self.n_classes,
            "method": {**method, **blocks_at_ends(ends, trained.n_layers, counted.n_layers)},
            "batch_size": self.batch_size,
            "optimizer": self.optimizer,
        }
        if per_sample:
            params["per_sample"] = True
        if self.length is not None:
            params["length"] = self.length
        if compression is not None:
            params["compression"] = scaled(compression, trained.n_layers, counted.n_layers)
        return job("cost", params)

    def head_sheet(self, *, model: str | None = None, account_as: str | None = None) -> dict[str, Job]:
        """Return, as "head", the sheet of the new head that the server fits first; nothing where it begins at random."""
        if self.head_start != "public":
            return {}
        return {"head": self.sheet({"name": "head"}, model=model, account_as=account_as)}


def blocks_at_ends(ends: tuple[int, int] | None, n_layers: int, n_counted: int) -> dict[str, Any]:
    """Return a method's option ``blocks`` for the first and last so many of ``n_layers``, scaled to ``n_counted`` layers."""
    if ends is None:
        return {}
    both = scaled({"kind": "drop", "bottom": ends[0], "top": ends[1], "keep": 1.0}, n_layers, n_counted)
    return {"blocks": [*range(both["bottom"]), *range(n_counted - both["top"], n_counted)]}


class CostJobs(Protocol):
    """Names the jobs whose numbers a scheme needs to be built; the builder demands them first."""

    def __call__(self, params: Any, ask: CostQuestion) -> dict[str, Job]:
        """Return the cost jobs of a scheme with ``params`` by the scheme's own names; "device" is what a device trains."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeEntry:
    """A scheme as the catalogue lists it.

    ``reconstruction`` is true where the published description was not enough and parts are our own reading of it.
    ``holds_backbone`` is false where devices get along with less than the scenario's model. ``protocols_of`` says from the
    parameters which of ``PROTOCOLS`` the scheme makes sense under; under another one it raises a SchemeError. ``learns`` is
    false for what stands in for a scheme where ``learning.kind`` is synthetic, and goes with nothing else. ``choices_of`` lists
    from the parameters the choices of the scheme's knob.
    """

    description: str
    params: type[BaseModel]
    create: Callable[[Any, SchemeContext], Scheme]
    cost_jobs: CostJobs
    reconstruction: bool
    holds_backbone: bool = True
    protocols_of: Callable[[Any], frozenset[str]] = lambda params: frozenset(PROTOCOLS)
    learns: bool = True
    choices_of: Callable[[Any], Sequence[float]] = lambda params: ()
