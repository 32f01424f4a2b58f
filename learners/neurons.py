"""Neuron-level alignment (FedPFT, Peng et al., 2024): which neurons of a narrowed FFN are changed, and what moves."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from learners.compress.rules import floored_share
from learners.models.anatomy import ffn_slots, n_neurons
from mecsim.errors import JobError


def neuron_masks(
    model: nn.Module,
    layers: Sequence[int],
    counts: Mapping[int, Tensor],
    total: int | Mapping[int, int],
    proportion: float,
    generator: torch.Generator,
) -> dict[int, Tensor]:
    """Return by layer a boolean mask (neurons,): True where the neuron is updated.

    A neuron's APoZ is its zero count over ``total`` activations (per layer, or one for all). The floor(k * (1 - p)) neurons of
    the lowest APoZ, which clients use most, stay; the others are updated. Ties are broken by a shuffle from ``generator``.
    """
    masks = {}
    for layer in sorted(layers):
        width = n_neurons(model, layer)
        zeros = torch.as_tensor(counts[layer], dtype=torch.float64)
        if zeros.shape != (width,):
            raise JobError(
                f"zero counts of shape {tuple(zeros.shape)} for the {width} neurons of block {layer}: count on this model"
            )
        apoz = zeros / max(1, total if isinstance(total, int) else total[layer])
        shuffled = torch.randperm(width, generator=generator)
        most_used_first = shuffled[apoz[shuffled].argsort(stable=True)]
        masks[layer] = torch.zeros(width, dtype=torch.bool)
        masks[layer][most_used_first[width - n_updated(width, proportion) :]] = True
    return masks


def n_updated(width: int, proportion: float) -> int:
    """Return k - floor(k * (1 - p)) for k neurons and the proportion p to update, in [0, 1]."""
    if not 0 <= proportion <= 1:
        raise JobError(f"the proportion of neurons to update is in [0, 1]; got {proportion}")
    return -floored_share(-width, proportion)  # the same number, in exact decimals


def entry_masks(model: nn.Module, neurons: Mapping[int, Tensor]) -> dict[nn.Parameter, Tensor]:
    """Return, for the FFN parameters that have a neuron axis, which entries move (True); shapes broadcast to the parameter's.

    Rows of W1, entries of b1, columns of W2. The output bias and the norm behind the FFN are not among them: they move whole.
    """
    masks = {}
    for layer, chosen in neurons.items():
        for slot in ffn_slots(model, layer):
            if slot.axis is not None:
                shape = [1] * slot.parameter.ndim
                shape[slot.axis] = len(chosen)
                masks[slot.parameter] = chosen.view(shape)
    return masks


def changed_parameters(model: nn.Module, layers: Sequence[int], proportion: float) -> int:
    """Return how many numbers an alignment changes, and a downlink carries: those of the updated neurons, b2 whole, the norm.

    ``model`` is the narrowed one, on the meta device if it likes. BERT-base with k = 768 in blocks 1 to 10 and p = 0.5:
    10 * (384 * (2 * 768 + 1) + 768 + 1536) = 5,925,120.
    """
    n_changed = 0
    for layer in layers:
        width = n_neurons(model, layer)
        for slot in ffn_slots(model, layer):
            whole = slot.parameter.numel()
            n_changed += whole if slot.axis is None else whole // width * n_updated(width, proportion)
    return n_changed
