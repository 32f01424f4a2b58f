"""What of a model travels: exactly its trainable parameters."""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mecsim.errors import JobError


def trainable_state(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the trainable parameters by name; a parameter that several modules share is there once.

    Buffers stay behind: those that a method needs (VeRA's projections) are drawn again from a seed that is in its options.
    """
    return {name: value.detach().clone() for name, value in model.named_parameters() if value.requires_grad}


def as_tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Return the arrays of a result as tensors that share their memory."""
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def load_trainable_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy ``state`` into the trainable parameters; it must name all of them and nothing else."""
    own = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if own.keys() != state.keys():
        missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        raise JobError(f"the state does not belong to this model and method: missing {missing[:3]}, not known {extra[:3]}")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])
