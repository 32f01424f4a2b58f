"""Bottleneck adapters (Houlsby et al., 2019), placed as FedPEFT does: after each block's MLP, before the residual sum."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """up(gelu(down(h))): zero at the start, as ``up`` is; ``down`` is random, so that both learn from the second step on."""

    def __init__(self, hidden: int, reduction: int) -> None:
        super().__init__()
        width = max(1, hidden // reduction)
        self.down = nn.Linear(hidden, width)
        self.up = nn.Linear(width, hidden)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, h: Tensor) -> Tensor:
        """Map (batch, tokens, hidden) to the same shape."""
        return self.up(F.gelu(self.down(h)))


class AdaptedMlp(nn.Module):
    """A block's MLP with an adapter behind it; the block adds its residual to what comes out: x + h + adapter(h)."""

    def __init__(self, mlp: nn.Module, adapter: Bottleneck) -> None:
        super().__init__()
        self.mlp = mlp
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, tokens, hidden) to the same shape."""
        h = self.mlp(x)
        return h + self.adapter(h)


def apply(model: Any, *, reduction: int, shared: bool) -> None:
    """Insert bottlenecks of width hidden / reduction, one for all blocks if ``shared``; train them and the classifier."""
    hidden = model.config.hidden_size
    model.requires_grad_(False)
    model.classifier.requires_grad_(True)
    adapter = Bottleneck(hidden, reduction)
    for block in model.vit.layers:
        block.mlp = AdaptedMlp(block.mlp, adapter if shared else Bottleneck(hidden, reduction))
