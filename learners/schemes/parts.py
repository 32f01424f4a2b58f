"""The jobs, payloads and prices that schemes are composed of. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learners.models.spec import backbone_digest, model_spec
from learners.peft.defaults import METHODS
from learners.samples import VALIDATION_STRIDE
from learners.schemes.context import LocalSettings, SchemeContext
from mecsim.federation.contract import Payload, Work
from mecsim.hashing import sha256_of
from mecsim.jobs.job import Job, job

#: How the server fits a new head on the public split: passes over it, in batches of this size.
HEAD_EPOCHS = 20
HEAD_BATCH_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A model with its method, as jobs and prices know it.

    ``frozen`` is the job that gives tensors in place of the model's own frozen ones (an aligned proxy, a distilled emulator).
    """

    spec: Mapping[str, Any]
    costs: Mapping[str, Any]
    frozen: Job | None = None

    @property
    def extra(self) -> dict[str, list[str]]:
        """Return how jobs name their inputs behind state and partition."""
        return {"extra": ["frozen"]} if self.frozen else {}

    @property
    def inputs(self) -> list[Job]:
        """Return those inputs."""
        return [self.frozen] if self.frozen else []


def part_of(
    context: SchemeContext,
    method: Mapping[str, Any],
    costs: Mapping[str, Any],
    *,
    model: str | None = None,
    pretrained: bool = True,
    compression: Mapping[str, Any] | None = None,
    frozen: Job | None = None,
) -> Part:
    """Return the scenario's model, or another ``model``, with a method and a compression."""
    spec = model_spec(
        model or context.model,
        task=context.task,
        n_classes=context.n_classes,
        method=method,
        pretrained=pretrained,
        seed=context.learning_seed,
        compression=compression,
    )
    return Part(spec=spec, costs=costs, frozen=frozen)


def start_job(part: Part, context: SchemeContext, *, head: str | None = None) -> Job:
    """Return the job of the state that training starts from; ``head`` stands in for the scenario's head_start."""
    fitted = head_job(part, context) if has_fitted_head(context, head) else None
    return job("init", {"model": part.spec}, [fitted] if fitted else [])


def has_fitted_head(context: SchemeContext, head: str | None = None) -> bool:
    """Tell whether the server fits a head first; a model of tokens has one from its pretraining."""
    return context.n_classes is not None and (head or context.head_start) == "public"


def head_job(part: Part, context: SchemeContext) -> Job:
    """Return the job that fits a new head on the backbone of ``part``, on the fitting share of the public split."""
    spec = {**part.spec, "method": {"name": "head"}}
    settings = LocalSettings(epochs=HEAD_EPOCHS, batch_size=HEAD_BATCH_SIZE)
    params = {
        "model": spec,
        "dataset": dict(context.dataset),
        "on": {"split": "public_fit"},
        "learning_rate": METHODS["head"].learning_rates["sgd"],
        **settings.as_params(),
        **part.extra,
    }
    return job("train", params, [job("init", {"model": spec}), context.partition, *part.inputs])


def train_job(
    part: Part,
    state: Job,
    context: SchemeContext,
    on: Mapping[str, Any],
    learning_rate: float,
    *,
    kept: Job | None = None,
    local: LocalSettings | None = None,
    **options: Any,
) -> Job:
    """Return the training of ``state`` on the samples ``on`` (see ``learners.samples``), with options of ``learners.train``.

    ``local`` stands in for the scenario's local settings.
    """
    params = {
        "model": part.spec,
        "dataset": dict(context.dataset),
        "on": dict(on),
        "learning_rate": learning_rate,
        **(local or context.local).as_params(),
        **options,
    }
    extra = [*part.extra.get("extra", []), *(["kept"] if kept else [])]
    if extra:
        params["extra"] = extra
    return job("train", params, [state, context.partition, *part.inputs, *([kept] if kept else [])])


def evaluate_job(
    part: Part, state: Job, context: SchemeContext, split: str = "test", *, on: Mapping[str, Any] | None = None
) -> Job:
    """Return the evaluation of ``state`` on a split, or on the samples ``on`` (see ``learners.samples``)."""
    where = {"split": split, **by_class(context, split)} if on is None else {"on": dict(on)}
    params = {"model": part.spec, "dataset": dict(context.dataset), **where, **part.extra}
    return job("evaluate", params, [state, context.partition, *part.inputs])


def by_class(context: SchemeContext, split: str) -> dict[str, bool]:
    """Return the parameter of an evaluation that counts by class: on the test split, where samples have classes.

    Accuracy by group of devices is made of these counts.
    """
    return {"by_class": True} if split == "test" and context.n_classes is not None else {}


def client_loss_job(part: Part, state: Job, context: SchemeContext, client: int) -> Job | None:
    """Return the evaluation of ``state`` on a client's own samples; None where it has none."""
    return evaluate_job(part, state, context, on={"client": client}) if context.client_samples[client] else None


def average_work(costs: Mapping[str, Any], n_states: int) -> Work:
    """Return the server's work of averaging: a product and a sum a number, all states held at once."""
    size_bytes = float(costs["state_bytes"])
    return Work(
        flop=2.0 * costs["trainable_parameters"] * n_states,
        traffic_bytes=(n_states + 1) * size_bytes,
        peak_bytes=(n_states + 1) * size_bytes,
        n_steps=1,
    )


def train_work(costs: Mapping[str, Any], n_samples: int, local: LocalSettings) -> Work:
    """Return the work of a turn's training."""
    n_steps = local.n_steps(n_samples)
    return Work(
        flop=float(costs["train_flop_per_sample"]) * n_samples * local.epochs,
        traffic_bytes=float(costs["traffic_bytes_per_step"]) * n_steps,
        peak_bytes=float(costs["peak_train_bytes"]),
        n_steps=n_steps,
        n_samples=n_samples * local.epochs,
    )


def forward_work(costs: Mapping[str, Any], n_samples: int, batch_size: int) -> Work:
    """Return the work of running the model over ``n_samples`` without training."""
    n_steps = -(-n_samples // batch_size)
    return Work(
        flop=float(costs["forward_flop_per_sample"]) * n_samples,
        traffic_bytes=float(costs["forward_traffic_bytes_per_step"]) * n_steps,
        peak_bytes=float(costs["state_bytes"] + costs["backbone_bytes"]),
        n_steps=n_steps,
        n_samples=n_samples,
    )


def head_work(costs: Mapping[str, Any], context: SchemeContext) -> Work:
    """Return the server's work of fitting the head; ``costs`` is the sheet of method "head"."""
    return train_work(costs, n_public_fit(context), LocalSettings(epochs=HEAD_EPOCHS, batch_size=HEAD_BATCH_SIZE))


def n_public_fit(context: SchemeContext) -> int:
    """Return the samples of the public split that are for fitting; the others are for choices such as FedPT's alpha."""
    return context.n_public - n_public_validation(context)


def n_public_validation(context: SchemeContext) -> int:
    """Return the samples of the public split that are for choices."""
    return -(-context.n_public // VALIDATION_STRIDE)


def backbone_payload(part: Part) -> Payload:
    """Return the frozen part as it is sent once; named by what it is, and by the job that made it where one did."""
    size_bytes = int(part.costs["backbone_bytes"])
    origin = [part.frozen.name] if part.frozen else []
    name = sha256_of(["backbone", backbone_digest(part.spec), part.spec["compression"], size_bytes, *origin])
    return Payload(name, "backbone", size_bytes)
