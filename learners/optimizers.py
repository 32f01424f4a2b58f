"""The optimizers of a turn; what they remember is zero at its start, unless it is carried over."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def optimizer_of(model: nn.Module, settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Return the optimizer over what trains: SGD with momentum, or AdamW where ``optimizer`` says so."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if settings.get("optimizer", "sgd") == "adamw":
        return torch.optim.AdamW(trained, lr=settings["learning_rate"], weight_decay=settings["weight_decay"])
    return torch.optim.SGD(
        trained,
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        nesterov=settings["nesterov"],
        weight_decay=settings["weight_decay"],
    )


def momentum_of(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """Return SGD's momentum by the name of its parameter; a parameter without one is left out."""
    found = {}
    for name, parameter in model.named_parameters():
        buffer = optimizer.state.get(parameter, {}).get("momentum_buffer")
        if buffer is not None:
            found[name] = buffer.detach().clone()
    return found


def set_momentum(optimizer: torch.optim.Optimizer, model: nn.Module, momentum: Mapping[str, Tensor]) -> None:
    """Give SGD the momentum that ``momentum_of`` returned."""
    for name, parameter in model.named_parameters():
        if name in momentum:
            optimizer.state[parameter]["momentum_buffer"] = momentum[name].clone()
