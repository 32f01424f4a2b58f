"""What a job says of its model: enough to build it again, bit for bit, and nothing that needs torch."""

from collections.abc import Mapping
from typing import Any

from learners.data.content import Task
from learners.models.sources import WEIGHTS, architecture_of_model, job_name, weights_digest, weights_path
from mecsim.errors import JobError
from mecsim.hashing import sha256_of

__all__ = ["WEIGHTS", "backbone_digest", "check_task", "model_spec", "weights_digest", "weights_path"]


def model_spec(
    model: str,
    *,
    task: Task,
    n_classes: int | None,
    method: Mapping[str, Any],
    pretrained: bool,
    seed: int,
    compression: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the model's part of a job's parameters.

    ``n_classes`` is left out of what a language model is (None). ``seed`` draws what is random at the start: the new head, the
    inserted modules, and the backbone where ``pretrained`` is false. ``weights`` is the digest of their content, or None.
    """
    architecture = architecture_of_model(model)
    check_task(model, architecture.kind, task, architecture.tasks)
    return {
        "name": job_name(model),
        "family": architecture.family,
        "weights": weights_digest(model) if pretrained else None,
        "task": task,
        "n_classes": None if task == "language-modelling" else n_classes,
        "method": dict(method),
        "compression": None if compression is None else dict(compression),
        "seed": seed,
    }


def check_task(name: str, kind: str, task: str, tasks: tuple[str, ...]) -> None:
    """Raise a JobError if a network of ``kind``, which can do ``tasks``, is asked for another."""
    if task not in tasks:
        raise JobError(f"{name!r} is a network of kind {kind!r}, which cannot do {task}; it can do {', '.join(tasks)}")


def backbone_digest(spec: Mapping[str, Any]) -> str:
    """Return the name of the backbone: its weights' digest, or what a random one was drawn from."""
    return spec["weights"] or sha256_of(["random backbone", spec["name"], spec["seed"]])
