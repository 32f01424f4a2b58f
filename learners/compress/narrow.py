"""Narrower FFNs (FedPFT, Peng et al., 2024): the neurons with the largest weights stay."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learners.compress.rules import compressed_layers, rounded_share
from learners.models.anatomy import Slot, blocks, ffn_slots, n_neurons

#: What layers call the sizes of their inputs and outputs, by the axis order of their weights: Linear, Conv1D.
_SIZES = (("out_features", "in_features"), ("nx", "nf"))


def compress(model: nn.Module, plan: Mapping[str, Any]) -> None:
    """Keep max(1, round(keep * m)) neurons of m in each FFN that is not retained, in their order; the output bias stays."""
    for layer in compressed_layers(plan, len(blocks(model))):
        slots = [slot for slot in ffn_slots(model, layer) if slot.axis is not None]
        width = n_neurons(model, layer)
        n_kept = rounded_share(width, plan["keep"])
        if n_kept == width:
            continue
        kept = _largest(saliency(slots), n_kept)
        for slot in slots:
            _slice(slot, kept)


def saliency(slots: Iterable[Slot]) -> Tensor:
    """Return (neurons,): the L2 norm of each neuron's input row (gate and up together) and output column; no biases."""
    squares = [
        slot.parameter.detach().square().sum(dim=1 - slot.axis)
        for slot in slots
        if slot.axis is not None and slot.parameter.ndim == 2
    ]
    return torch.stack(squares).sum(dim=0).sqrt()


def _largest(scores: Tensor, n_kept: int) -> Tensor:
    """Return the places of the ``n_kept`` largest scores, ascending; ties go to the lower place. Without values: the first."""
    if scores.is_meta:
        return torch.arange(n_kept, device=scores.device)
    return scores.argsort(descending=True, stable=True)[:n_kept].sort().values


def _slice(slot: Slot, kept: Tensor) -> None:
    """Replace the parameter by its kept neurons, and tell its layer the new size."""
    old = slot.parameter
    new = nn.Parameter(old.detach().index_select(slot.axis or 0, kept).contiguous(), requires_grad=old.requires_grad)
    setattr(slot.owner, slot.attribute, new)
    if new.ndim == 2:
        for names in _SIZES:
            if hasattr(slot.owner, names[0]):
                setattr(slot.owner, names[slot.axis or 0], len(kept))
