"""Local training, on a device or on the server: a plain loop, and the job kind ``train``."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from learners.apoz import ZeroCounter, zero_counts
from learners.data.examples import Examples, examples
from learners.models.resident import MODEL_CACHE
from learners.optimizers import momentum_of, optimizer_of, set_momentum
from learners.peft.state import as_tensors, trainable_state
from learners.samples import samples_of
from learners.states import KEPT, STATISTICS, extra_inputs, kept_of, state_of
from learners.task import loss_of
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
    """Execute a ``train`` job: the state of ``inputs[0]`` on the samples ``on`` of ``inputs[1]``; ``name`` is its seed.

    ``extra`` names further inputs: "frozen" (tensors in place of the model's own frozen ones), "kept" (the device's own last
    training, whose momentum goes on). With ``count_zeros`` ({layers, threshold}) the result has statistics of the FFN neurons'
    activations, with ``momentum_kept`` what the device keeps.
    """
    state, partition = inputs[:2]
    extra = extra_inputs(params, inputs)
    frozen = as_tensors(state_of(extra["frozen"])) if "frozen" in extra else None
    model = MODEL_CACHE.loaded(params["model"], state_of(state), frozen=frozen)
    chosen = torch.from_numpy(samples_of(partition, params["on"]))
    own = examples(params["dataset"], params["model"]).pick(chosen)
    optimizer = optimizer_of(model, params)
    if "kept" in extra:
        set_momentum(optimizer, model, as_tensors(kept_of(extra["kept"])))
    counting = _counting(model, params.get("count_zeros"))
    with torch.random.fork_rng(devices=[]), counting as counter:
        torch.manual_seed(seed_of("dropout", name))
        generator = torch.Generator().manual_seed(seed_of("shuffle", name))
        stats, numbers = _trained(model, own, params, optimizer, generator)
    if not torch.tensor(stats.mean_loss).isfinite():
        raise JobError(
            f"training on {params['on']} with method {params['model']['method']['name']!r} diverged: its loss is "
            f"{stats.mean_loss}; lower learning_rate ({params['learning_rate']}) or set learning.local.clip_norm"
        )
    tensors = {key: value.numpy() for key, value in trainable_state(model).items()}
    if counter is not None:
        tensors |= {f"{STATISTICS}{key}": value.numpy() for key, value in zero_counts(counter).items()}
    if params.get("momentum_kept"):
        tensors |= {f"{KEPT}{key}": value.numpy() for key, value in momentum_of(optimizer, model).items()}
    return Result({"mean_loss": stats.mean_loss, "n_samples": stats.n_samples, "n_steps": stats.n_steps, **numbers}, tensors)


def train(
    model: nn.Module,
    own: Examples,
    *,
    epochs: int,
    batch_size: int,
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    generator: torch.Generator,
    proximal: float = 0.0,
) -> TrainStats:
    """Take ``epochs`` passes over ``own`` in an order drawn anew each pass; the last batch may be smaller, and is used.

    ``proximal`` mu adds mu/2 times the squared distance from the start to the loss (FedProx, Li et al., 2020).
    """
    model.train()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    start = [parameter.detach().clone() for parameter in trainable] if proximal else []
    loss_sum, n_seen, n_steps = 0.0, 0, 0
    for _ in range(epochs):
        for index in torch.randperm(len(own), generator=generator).split(batch_size):
            batch = own.pick(index)
            loss = loss_of(model(**batch.inputs), batch)
            optimizer.zero_grad(set_to_none=True)
            (loss + 0.5 * proximal * _squared_distance(trainable, start) if proximal else loss).backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(trainable, clip_norm)
            optimizer.step()
            loss_sum += loss.item() * len(batch)
            n_seen += len(batch)
            n_steps += 1
    return TrainStats(loss_sum / max(1, n_seen), n_seen, n_steps)


def _trained(
    model: nn.Module,
    own: Examples,
    params: Mapping[str, Any],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> tuple[TrainStats, dict[str, float]]:
    """Train plainly, or privately where ``privacy`` says so; return also what privacy has to say."""
    if privacy := params.get("privacy"):
        from learners.privacy import train_privately

        if params["clip_norm"] is not None or params.get("proximal") or params.get("count_zeros"):
            raise JobError(
                "private training clips each sample by max_grad_norm, and has no proximal term and no counts: leave "
                "learning.local.clip_norm out, or train without privacy"
            )

        return train_privately(
            model,
            own,
            privacy,
            epochs=params["epochs"],
            batch_size=params["batch_size"],
            optimizer=optimizer,
            generator=generator,
        )
    stats = train(
        model,
        own,
        epochs=params["epochs"],
        batch_size=params["batch_size"],
        optimizer=optimizer,
        clip_norm=params["clip_norm"],
        generator=generator,
        proximal=params.get("proximal", 0.0),
    )
    return stats, {}


def _counting(model: nn.Module, settings: Mapping[str, Any] | None) -> AbstractContextManager[ZeroCounter | None]:
    if settings is None:
        return nullcontext(None)
    return ZeroCounter(model, settings["layers"], threshold=settings["threshold"])


def _squared_distance(now: Sequence[Tensor], start: Sequence[Tensor]) -> Tensor:
    return torch.stack([(a - b).square().sum() for a, b in zip(now, start, strict=True)]).sum()
