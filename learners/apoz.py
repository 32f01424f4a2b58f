"""Which neurons of an FFN are idle on a client's data: how often an activation is zero, counted while the model runs."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from learners.models.anatomy import blocks, family_of, n_neurons, part
from mecsim.errors import JobError

#: What a counting device sends for a block: an int32 a neuron under the one name, an int64 under the other.
ZEROS, TOTAL = "zeros.", "total."
_INT32_MAX = 2**31 - 1


class ZeroCounter:
    """Counts, while it is entered, per neuron how often |activation| <= ``threshold``; 0 means exact zeros.

    An activation is what the FFN's last layer reads: the activation function's value, times the path that it gates where there
    is a gate. Of inputs that come with a two-dimensional attention_mask, only the tokens that it marks count.
    """

    def __init__(self, model: nn.Module, layers: Sequence[int], threshold: float = 0.0) -> None:
        self._model, self._threshold = model, threshold
        self._mask: Tensor | None = None
        self._handles: list[RemovableHandle] = []
        #: By layer: (neurons,) whole numbers, and how many activations of each neuron were met.
        self.zeros = {layer: torch.zeros(n_neurons(model, layer), dtype=torch.int64) for layer in layers}
        self.totals = dict.fromkeys(layers, 0)

    def __enter__(self) -> Self:
        path, all_blocks = family_of(self._model).ffn_out, blocks(self._model)
        self._handles = [self._model.register_forward_pre_hook(self._remember_mask, with_kwargs=True)]
        for layer in self.zeros:
            self._handles.append(part(all_blocks[layer], path).register_forward_pre_hook(partial(self._count, layer)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _remember_mask(self, _model: nn.Module, _args: Any, kwargs: Mapping[str, Any]) -> None:
        mask = kwargs.get("attention_mask")
        self._mask = mask.flatten().bool() if mask is not None and mask.ndim == 2 else None

    def _count(self, layer: int, _module: nn.Module, args: tuple[Any, ...]) -> None:
        activation = args[0].detach().flatten(end_dim=-2)  # OPT's FFN sees tokens in one row already
        if self._mask is not None:
            if len(self._mask) != len(activation):
                raise JobError(
                    f"block {layer} met {len(activation)} tokens for a mask of {len(self._mask)}: count zeros with a "
                    "method that adds no tokens (prompt does)"
                )
            activation = activation[self._mask]
        idle = activation == 0 if self._threshold == 0 else activation.abs() <= self._threshold
        self.zeros[layer] += idle.sum(dim=0).cpu()
        self.totals[layer] += len(activation)


def zero_counts(counter: ZeroCounter) -> dict[str, Tensor]:
    """Return what a device sends of its counts: by block int32 (neurons,) of zeros, and int64 (1,) of activations a neuron."""
    sent = {}
    for layer, zeros in counter.zeros.items():
        if counter.totals[layer] > _INT32_MAX:
            raise JobError(f"{counter.totals[layer]} activations of a neuron do not fit a 32-bit count: use fewer local epochs")
        sent[f"{ZEROS}{layer}"] = zeros.to(torch.int32)
        sent[f"{TOTAL}{layer}"] = torch.tensor([counter.totals[layer]])
    return sent


def summed(statistics: Iterable[Mapping[str, NDArray[Any]]]) -> tuple[dict[int, Tensor], dict[int, int]]:
    """Return by block the zeros of each neuron (int64) and the activations met, added up over clients."""
    zeros: dict[int, Tensor] = {}
    totals: dict[int, int] = {}
    for own in statistics:
        for name, value in own.items():
            if name.startswith(ZEROS):
                layer = int(name.removeprefix(ZEROS))
                zeros[layer] = zeros.get(layer, 0) + torch.from_numpy(value).long()
                totals[layer] = totals.get(layer, 0) + int(own[f"{TOTAL}{layer}"][0])
    return zeros, totals
