"""The state of a training in one safetensors file: tensors of network and optimizer, and the rest as JSON in its header."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn, optim

_NETWORK, _OPTIMIZER, _FACTS = "network/", "optimizer/", "facts"


def write(path: Path, network: nn.Module, optimizer: optim.Optimizer, facts: Mapping[str, Any]) -> None:
    """Write the state. A reader sees the old file or the new one, never half of it."""
    tensors = {_NETWORK + name: value.detach().contiguous() for name, value in network.state_dict().items()}
    for place, state in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{place}/{name}": torch.as_tensor(value).contiguous() for name, value in state.items()}
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={_FACTS: json.dumps(facts, allow_nan=False)})
    partial.replace(path)


def read_facts(path: Path) -> dict[str, Any]:
    """Return the facts of a state."""
    with safe_open(path, framework="pt") as file:
        facts: dict[str, Any] = json.loads(file.metadata()[_FACTS])
    return facts


def restore(path: Path, network: nn.Module, optimizer: optim.Optimizer) -> None:
    """Give a network and its optimizer the state that was written."""
    network.load_state_dict(network_of(path))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _tensors(path, _OPTIMIZER).items():
        place, _, entry = name.partition("/")
        state.setdefault(int(place), {})[entry] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def network_of(path: Path) -> dict[str, Tensor]:
    """Return the network's tensors by their names in it."""
    return _tensors(path, _NETWORK)


def _tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name.removeprefix(prefix): file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118
