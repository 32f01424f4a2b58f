"""LoRA of several ranks in one federation: the job kinds ``truncate`` and ``pad``. Numpy alone.

LoRA's update of a matrix is scale * B A: A (rank, inputs) under names with ``lora_A``, B (outputs, rank) with ``lora_B``. Its
components, a row of A with a column of B each, stand in one order on server and devices: a device of rank k has the first k.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.states import state_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result, Tensors

_RANK_AXES = {".lora_A.": 0, ".lora_B.": 1}


def run_truncate(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute a ``truncate`` job: the state of ``inputs[0]`` with the first ``rank`` components of every update."""
    return Result({"rank": params["rank"]}, truncated(state_of(inputs[0]), params["rank"]))


def run_pad(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute a ``pad`` job: the state of ``inputs[0]`` with ``rank`` components, those that it lacks zero.

    With a second input, the components from ``kept_from`` on are those of that state in place of zeros.
    """
    rest = state_of(inputs[1]) if len(inputs) > 1 else None
    padded_state = padded(state_of(inputs[0]), params["rank"], rest=rest, kept_from=params.get("kept_from"))
    return Result({"rank": params["rank"]}, padded_state)


def truncated(state: Tensors, rank: int) -> dict[str, NDArray[Any]]:
    """Return ``state`` with the first ``rank`` components; everything else as it is. JobError if there are fewer."""
    result = {}
    for name, value in state.items():
        axis = _rank_axis(name)
        if axis is not None and value.shape[axis] < rank:
            raise JobError(f"{name} has rank {value.shape[axis]}, which cannot be truncated to {rank}: choose a rank up to it")
        result[name] = value if axis is None else _components(value, axis, 0, rank)
    return result


def padded(state: Tensors, rank: int, *, rest: Tensors | None = None, kept_from: int | None = None) -> dict[str, NDArray[Any]]:
    """Return ``state`` with ``rank`` components, the new ones zero; from ``kept_from`` on those of ``rest``, if that is given.

    ``rest`` has ``rank`` components, ``state`` at most ``kept_from``. JobError if ``state`` has more than there is room for.
    """
    start = rank if rest is None or kept_from is None else kept_from
    result = {}
    for name, value in state.items():
        axis = _rank_axis(name)
        if axis is None:
            result[name] = value
            continue
        own = value.shape[axis]
        if own > start:
            raise JobError(f"{name} has rank {own}, which does not fit into {start} components: nothing can be padded")
        shape = list(value.shape)
        shape[axis] = start - own
        parts = [value, np.zeros(shape, dtype=value.dtype)]
        if rest is not None and start < rank:
            parts.append(_components(rest[name], axis, start, rank))
        result[name] = np.concatenate(parts, axis=axis)
    return result


def _rank_axis(name: str) -> int | None:
    """Return which axis of a tensor counts LoRA's components; None for a tensor of something else."""
    return next((axis for mark, axis in _RANK_AXES.items() if mark in name), None)


def _components(value: NDArray[Any], axis: int, first: int, end: int) -> NDArray[Any]:
    return np.ascontiguousarray(value[first:end] if axis == 0 else value[:, first:end])
