"""One place where a compression's mapping becomes a change to a model, and a number of bytes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn

from learners.compress import drop, narrow, prune, quantise
from learners.compress.rules import checked, compressed_layers
from learners.models.anatomy import blocks, family_of, matrices

_COMPRESS: dict[str, Callable[[nn.Module, Mapping[str, Any]], None]] = {
    "drop": drop.compress,
    "narrow": narrow.compress,
    "prune": prune.compress,
    "quantise": quantise.compress,
}
#: Bytes of a matrix whose numbers are not stored at 4 bytes each; all kinds take the matrix, the options, and "transposed".
_STORED_BYTES: dict[str, Callable[..., int]] = {"prune": prune.stored_bytes, "quantise": quantise.stored_bytes}


def compress(model: nn.Module, compression: Mapping[str, Any] | None) -> nn.Module:
    """Change ``model`` in place as ``compression`` (see ``learners.compress.rules``) says, and return it; None changes nothing.

    Names of parameters that stay do not change. Kept whole (keep 1, sparsity 0), the model is the same bit for bit. Call it
    before a PEFT method is applied. On the meta device only shapes change. "narrow" applied twice narrows twice.
    """
    if compression is not None:
        plan = checked(compression, len(blocks(model)))
        _COMPRESS[plan["kind"]](model, plan)
    return model


def stored_bytes(
    model: nn.Module, compression: Mapping[str, Any] | None, parameters: Iterable[nn.Parameter] | None = None
) -> int:
    """Return how many bytes ``parameters`` of the compressed ``model`` take when they are sent; it may be on the meta device.

    Without ``parameters``: those of the blocks that ``compression`` works on (all blocks if it is None). Matrices that were
    pruned or quantised count as their kind says; everything else, and everything if it is None, 4 bytes a number. A shared
    parameter counts once.
    """
    layers = blocks(model)
    plan = None if compression is None else checked(compression, len(layers))
    touched = range(len(layers)) if plan is None else compressed_layers(plan, len(layers))
    if parameters is None:
        parameters = (value for index in touched for value in layers[index].parameters())
    bytes_of = _STORED_BYTES.get(plan["kind"]) if plan is not None else None
    special = {id(matrix) for index in touched for matrix in matrices(model, index)} if bytes_of else set()
    transposed = family_of(model).transposed
    return sum(
        bytes_of(value, plan, transposed) if bytes_of and key in special else 4 * value.numel()
        for key, value in {id(value): value for value in parameters}.items()
    )
