"""Bottleneck adapters (Houlsby et al., 2019), placed as FedPEFT does: after each block's FFN, before the residual sum."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from learners.models.anatomy import blocks as blocks_of
from learners.models.anatomy import family_of, part, set_part
from learners.peft.targets import chosen_blocks, train_head


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
    """A block's FFN, or the last layer of it, with an adapter behind; the block adds its residual: x + h + adapter(h).

    Where the sum is normed (BERT), the norm comes behind it as before.
    """

    def __init__(self, mlp: nn.Module, adapter: Bottleneck) -> None:
        super().__init__()
        self.mlp = mlp
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, tokens, hidden) to the same shape."""
        h = self.mlp(x)
        return h + self.adapter(h)


def apply(model: Any, *, reduction: int, shared: bool, blocks: Sequence[int] | None = None) -> None:
    """Insert bottlenecks of width hidden / reduction, one for all blocks if ``shared``; train them and the head.

    ``blocks`` restricts them to some blocks.
    """
    hidden, path = model.config.hidden_size, family_of(model).ffn
    model.requires_grad_(False)
    train_head(model)
    adapter = Bottleneck(hidden, reduction)
    for index in chosen_blocks(model, blocks):
        block = blocks_of(model)[index]
        set_part(block, path, AdaptedMlp(part(block, path), adapter if shared else Bottleneck(hidden, reduction)))
