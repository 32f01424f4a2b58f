"""Hidden-state distillation of a compressed model towards the full one: the maths, and a plain loop.

Layer-level (FedPFT, Peng et al., 2024): every compressed block is matched, the student on its own hidden states. Emulator-level
(offsite-tuning, Xiao et al., 2023): ``layers`` is the last middle block alone, and the task's loss may be added.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from learners.models.anatomy import FfnMaps, blocks, ffn_maps, ffn_slots
from mecsim.errors import JobError


class Batch(Protocol):
    """Some samples: the keyword arguments of the model, and what the task's loss compares with."""

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        """Return arguments by name; an attention_mask (batch, tokens) says which tokens are there."""

    @property
    def targets(self) -> Tensor:
        """Return the targets; read by the task's loss alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW:
    """AdamW's settings. The rate rises over ``warmup_share`` of the steps, then falls to zero behind the last (or stays)."""

    learning_rate: float
    weight_decay: float = 0.0
    warmup_share: float = 0.0
    clip_norm: float | None = 1.0
    decay: Literal["linear", "cosine", "constant"] = "linear"

    def rate(self, step: int, n_steps: int) -> float:
        """Return the learning rate of ``step`` (from 0) of ``n_steps``; never zero, so that a single step is a whole one."""
        n_warmup = round(self.warmup_share * n_steps)
        if step < n_warmup:
            return self.learning_rate * (step + 1) / n_warmup
        left = (n_steps - step) / (n_steps - n_warmup)
        factor = {"linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2, "constant": 1.0}[self.decay]
        return self.learning_rate * factor


@dataclass(frozen=True, slots=True)
class DistilStats:
    """The loss at the first and the last step and its mean; the mean of its hidden part (unweighted); steps and samples."""

    first_loss: float
    last_loss: float
    mean_loss: float
    mean_hidden_loss: float
    n_steps: int
    n_samples: int


def rms_normalised(teacher: Tensor, student: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return mean(((t - s) / rms(t))^2), rms and mean over all elements; with a ``mask`` (batch, tokens), over its tokens'."""
    if mask is not None:
        teacher, student = teacher[mask.bool()], student[mask.bool()]
    rms = teacher.square().mean().sqrt()
    return ((teacher - student) / rms).square().mean()


def linearised_ffn_loss(teacher: FfnMaps, student: FfnMaps) -> Tensor:
    """Return the rms-normalised distance of the products W2 @ W1 (hidden, hidden): how far the FFNs differ as linear maps.

    The number of neurons may differ. Gradients reach the student's matrices (in FedPFT's published code they do not).
    """
    return rms_normalised(teacher.w_out @ teacher.w_in, student.w_out @ student.w_in)


@contextmanager
def block_outputs(model: nn.Module, layers: Iterable[int]) -> Iterator[dict[int, Tensor]]:
    """Record what the blocks ``layers`` return, (batch, tokens, hidden) each: the dictionary holds the latest forward pass."""
    outputs: dict[int, Tensor] = {}

    def record(layer: int, _block: nn.Module, _args: Any, output: Any) -> None:
        outputs[layer] = output[0] if isinstance(output, tuple) else output

    handles = [blocks(model)[layer].register_forward_hook(partial(record, layer)) for layer in layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def ffn_parameters(model: nn.Module, layers: Iterable[int]) -> list[tuple[str, nn.Parameter]]:
    """Return what FedPFT's distillation trains: FFN weights and biases of ``layers``, and the norm behind the FFN if any.

    Names are those before any PEFT method, as ``build`` takes them in ``frozen``.
    """
    return [(slot.name, slot.parameter) for layer in layers for slot in ffn_slots(model, layer)]


def non_zero_masks(parameters: Iterable[nn.Parameter]) -> dict[nn.Parameter, Tensor]:
    """Return where each matrix is not zero: as ``masks`` of ``distil`` they keep a pruned student pruned."""
    return {value: value.detach() != 0 for value in parameters if value.ndim > 1}


def distil(
    student: nn.Module,
    teacher: nn.Module,
    batches: Callable[[torch.Generator], Batch],
    *,
    layers: Sequence[int],
    trainable: Iterable[nn.Parameter],
    optimizer: AdamW,
    n_steps: int,
    generator: torch.Generator,
    hidden_weight: float = 1.0,
    task_weight: float = 0.0,
    weight_alpha: float = 0.0,
    task_loss: Callable[[Any, Batch], Tensor] | None = None,
    masks: Mapping[nn.Parameter, Tensor] | None = None,
) -> DistilStats:
    """Change ``trainable`` of ``student`` in ``n_steps`` steps on ``batches(generator)``, and nothing else.

    Loss: mean over ``layers`` of hidden_weight * L_hidden + weight_alpha * L_w, plus task_weight * task_loss(output, batch).
    Both models run end to end, without dropout. Where ``masks`` has a parameter, its entries that are False keep their bits.
    Which parameters of the student require gradients is afterwards as it was. JobError if the loss stops being finite.
    """
    if task_weight and task_loss is None:
        raise JobError(f"task_weight is {task_weight}, but no task_loss was given: give one, or set task_weight to 0")
    objective = _Objective(teacher, student, layers, hidden_weight, task_weight, weight_alpha, task_loss)
    losses, hidden_losses, n_samples = [], [], 0
    with _only_training(student, trainable) as chosen:
        update = _Update(chosen, optimizer, n_steps, masks or {})
        for step in range(n_steps):
            batch = batches(generator)
            loss, hidden = objective(batch)
            update(step, loss)
            losses.append(loss.item())
            hidden_losses.append(hidden.item())
            n_samples += len(batch.targets)
            if not math.isfinite(losses[-1]):
                raise JobError(
                    f"distillation diverged at step {step + 1}: its loss is {losses[-1]}; "
                    f"lower its learning_rate ({optimizer.learning_rate})"
                )
    if not losses:
        return DistilStats(math.nan, math.nan, math.nan, math.nan, 0, 0)
    mean_hidden = sum(hidden_losses) / n_steps
    return DistilStats(losses[0], losses[-1], sum(losses) / n_steps, mean_hidden, n_steps, n_samples)


class _Objective:
    """The loss of a batch; the teacher's weight products are computed once."""

    def __init__(
        self,
        teacher: nn.Module,
        student: nn.Module,
        layers: Sequence[int],
        hidden_weight: float,
        task_weight: float,
        weight_alpha: float,
        task_loss: Callable[[Any, Batch], Tensor] | None,
    ) -> None:
        self.teacher, self.student, self.layers = teacher.eval(), student.eval(), list(layers)
        self.hidden_weight, self.task_weight, self.weight_alpha = hidden_weight, task_weight, weight_alpha
        self.task_loss = task_loss
        with torch.no_grad():
            maps = {layer: ffn_maps(teacher, layer) for layer in self.layers} if weight_alpha else {}
            self.products = {layer: ffn.w_out @ ffn.w_in for layer, ffn in maps.items()}

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss to minimise, and its hidden part without a weight."""
        with torch.no_grad(), block_outputs(self.teacher, self.layers) as wanted:
            self.teacher(**batch.inputs)
        with block_outputs(self.student, self.layers) as found:
            output = self.student(**batch.inputs)
        mask = batch.inputs.get("attention_mask")
        hidden = torch.stack([rms_normalised(wanted[layer], found[layer], mask) for layer in self.layers]).mean()
        loss = self.hidden_weight * hidden
        if self.weight_alpha:
            loss = loss + self.weight_alpha * torch.stack([self._weight_loss(layer) for layer in self.layers]).mean()
        if self.task_weight and self.task_loss is not None:
            loss = loss + self.task_weight * self.task_loss(output, batch)
        return loss, hidden.detach()

    def _weight_loss(self, layer: int) -> Tensor:
        student = ffn_maps(self.student, layer)
        return rms_normalised(self.products[layer], student.w_out @ student.w_in)


class _Update:
    """A clipped AdamW step that leaves masked entries untouched."""

    def __init__(
        self, trainable: list[nn.Parameter], settings: AdamW, n_steps: int, masks: Mapping[nn.Parameter, Tensor]
    ) -> None:
        self.trainable, self.settings, self.n_steps = trainable, settings, n_steps
        self.masks = {value: masks[value] for value in trainable if value in masks}
        self.before = {value: value.detach().clone() for value in self.masks}
        self.adamw = torch.optim.AdamW(trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay)

    def __call__(self, step: int, loss: Tensor) -> None:
        if not loss.requires_grad:
            raise JobError("nothing that trains has an influence on the matched blocks: match the trained blocks or later ones")
        self.adamw.zero_grad(set_to_none=True)
        loss.backward()
        for value, mask in self.masks.items():
            if value.grad is not None:
                value.grad.mul_(mask)  # before clipping: entries that do not move have no part in the norm
        if self.settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.trainable, self.settings.clip_norm)
        for group in self.adamw.param_groups:
            group["lr"] = self.settings.rate(step, self.n_steps)
        self.adamw.step()
        with torch.no_grad():
            for value, mask in self.masks.items():
                value.copy_(torch.where(mask, value, self.before[value]))  # weight decay moves what has no gradient


@contextmanager
def _only_training(model: nn.Module, trainable: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Let only ``trainable`` require gradients, without duplicates; put every flag back afterwards."""
    flags = [(value, value.requires_grad) for value in model.parameters()]
    chosen = list(dict.fromkeys(trainable))
    if not chosen:
        raise JobError("there is nothing to distil: no trainable parameters were given")
    model.requires_grad_(False)
    for value in chosen:
        value.requires_grad_(True)
    try:
        yield chosen
    finally:
        for value, flag in flags:
            value.requires_grad_(flag)
            value.grad = None
