"""The networks of an agent: one encoder for all devices, a head for each branch, and a value.

The same formulas run in numpy in ``mecsim.control.learned``; a test holds them together.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """Encodes every device with the same layers, and the fleet as mean and maximum of the codes of those available."""

    def __init__(self, n_inputs: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.encoder = stack(n_inputs, hidden)
        self.critic = stack(2 * hidden[-1], hidden)
        self.value = _linear(hidden[-1], 1, gain=1.0)

    def codes(self, devices: Tensor, of_round: Tensor, available: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (b, n, h) codes of devices and the (b, 2h) code of the fleet.

        ``devices`` is (b, n, F), ``of_round`` (b, G), ``available`` (b, n) of ones and zeros; where nobody is, all count.
        """
        inputs = torch.cat([devices, of_round.unsqueeze(1).expand(-1, devices.shape[1], -1)], dim=2)
        codes = run(self.encoder, inputs)
        counted = (available > 0.5) | (available.sum(dim=1, keepdim=True) < 0.5)
        weight = counted.unsqueeze(2)
        mean = (codes * weight).sum(dim=1) / weight.sum(dim=1)
        maximum = codes.masked_fill(~weight, -math.inf).amax(dim=1)
        return codes, torch.cat([mean, maximum], dim=1)

    def value_of(self, fleet: Tensor) -> Tensor:
        """Return the (b, 1) value of the fleet's (b, 2h) code."""
        values: Tensor = self.value(run(self.critic, fleet))
        return values


class BranchingNetwork(Encoder):
    """One head a branch on the code of a device beside that of the fleet, shared by all devices: action branching.

    The order of devices does not matter, and their number is free.
    """

    def __init__(self, n_inputs: int, hidden: Sequence[int], sizes: Mapping[str, int]) -> None:
        super().__init__(n_inputs, hidden)
        self.combiner = stack(3 * hidden[-1], hidden)
        self.heads = nn.ModuleDict({name: _linear(hidden[-1], size, gain=0.01) for name, size in sizes.items()})

    def forward(self, devices: Tensor, of_round: Tensor, available: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the (b, n, size) logits of each branch and the (b, 1) values."""
        codes, fleet = self.codes(devices, of_round, available)
        beside = fleet.unsqueeze(1).expand(-1, codes.shape[1], -1)
        combined = run(self.combiner, torch.cat([codes, beside], dim=2))
        return [head(combined) for head in self.heads.values()], self.value_of(fleet)


class JointNetwork(Encoder):
    """One head for all joint actions. It reads the devices' codes one behind the other, since a joint action tells them apart.

    (The pooled code alone would not know which device is which.)
    """

    def __init__(self, n_inputs: int, hidden: Sequence[int], n_devices: int, n_actions: int) -> None:
        super().__init__(n_inputs, hidden)
        self.combiner = stack((n_devices + 2) * hidden[-1], hidden)
        self.joint = _linear(hidden[-1], n_actions, gain=0.01)

    def forward(self, devices: Tensor, of_round: Tensor, available: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the (b, 1, actions) logits, as of one device with one branch, and the (b, 1) values."""
        codes, fleet = self.codes(devices, of_round, available)
        combined = run(self.combiner, torch.cat([codes.flatten(1), fleet], dim=1))
        return [self.joint(combined).unsqueeze(1)], self.value_of(fleet)


def stack(n_inputs: int, hidden: Sequence[int]) -> nn.ModuleList:
    """Return linear layers of the widths ``hidden``."""
    widths = [n_inputs, *hidden]
    return nn.ModuleList(_linear(before, after, gain=math.sqrt(2.0)) for before, after in itertools.pairwise(widths))


def run(layers: nn.ModuleList, values: Tensor) -> Tensor:
    """Return ``values`` behind the layers, each followed by tanh."""
    for layer in layers:
        values = torch.tanh(layer(values))
    return values


def _linear(n_inputs: int, n_outputs: int, *, gain: float) -> nn.Linear:
    layer = nn.Linear(n_inputs, n_outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer
