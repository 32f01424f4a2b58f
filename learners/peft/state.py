"""What of a model travels: exactly its trainable parameters."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mecsim.errors import JobError


def trainable_state(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the trainable parameters by name; a parameter that several modules share is there once.

    Buffers stay behind: those that a method needs (VeRA's projections) are drawn again from a seed that is in its options.
    """
    return {name: value.detach().clone() for name, value in model.named_parameters() if value.requires_grad}


def load_trainable_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy ``state`` into the trainable parameters; it must name all of them and nothing else."""
    own = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if own.keys() != state.keys():
        missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        raise JobError(f"the state does not belong to this model and method: missing {missing[:3]}, not known {extra[:3]}")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])
