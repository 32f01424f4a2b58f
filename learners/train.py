"""A client's local training: a plain loop, and the job kind ``train``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learners.data.load import tensors
from learners.data.partition import shard_of
from learners.models.resident import MODEL_CACHE
from learners.peft.state import trainable_state
from mecsim.errors import JobError
from mecsim.hashing import seed_of
from mecsim.jobs.job import Result


@dataclass(frozen=True, slots=True)
class TrainStats:
    """Mean loss over the samples as they were met, samples seen, optimizer steps taken."""

    mean_loss: float
    n_samples: int
    n_steps: int


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute a ``train`` job: the state of ``inputs[0]`` on the client's shard of ``inputs[1]``; ``name`` is its seed."""
    state, partition = inputs
    model = MODEL_CACHE.loaded(params["model"], state.tensors)
    images, labels = tensors(params["dataset"])
    shard = torch.from_numpy(shard_of(partition, params["client"]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("dropout", name))
        stats = train(
            model,
            images[shard],
            labels[shard],
            epochs=params["epochs"],
            batch_size=params["batch_size"],
            optimizer=sgd(model, params),
            clip_norm=params["clip_norm"],
            generator=torch.Generator().manual_seed(seed_of("shuffle", name)),
        )
    if not torch.tensor(stats.mean_loss).isfinite():
        raise JobError(
            f"training of client {params['client']} with method {params['model']['method']['name']!r} diverged: its loss is "
            f"{stats.mean_loss}; lower learning_rate ({params['learning_rate']}) or set learning.local.clip_norm"
        )
    numbers = {"mean_loss": stats.mean_loss, "n_samples": stats.n_samples, "n_steps": stats.n_steps}
    return Result(numbers, {key: value.numpy() for key, value in trainable_state(model).items()})


def sgd(model: nn.Module, settings: Mapping[str, Any]) -> torch.optim.SGD:
    """Return the optimizer of a turn over what trains; its momentum starts from zero."""
    return torch.optim.SGD(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        nesterov=settings["nesterov"],
        weight_decay=settings["weight_decay"],
    )


def train(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    batch_size: int,
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    generator: torch.Generator,
) -> TrainStats:
    """Take ``epochs`` passes over ``images`` (n, channels, height, width) in an order drawn anew each pass.

    The last batch of a pass may be smaller, and is used.
    """
    model.train()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    loss_sum, n_seen, n_steps = 0.0, 0, 0
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=generator).split(batch_size):
            loss = F.cross_entropy(model(pixel_values=images[batch]).logits, labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(trainable, clip_norm)
            optimizer.step()
            loss_sum += loss.item() * len(batch)
            n_seen += len(batch)
            n_steps += 1
    return TrainStats(loss_sum / max(1, n_seen), n_seen, n_steps)
