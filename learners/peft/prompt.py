"""Deep visual prompts (VPT-deep, Jia et al., 2022), placed as FedPEFT does: at the end of every block's sequence."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learners.models.anatomy import blocks as blocks_of
from learners.peft.targets import chosen_blocks, train_head


class PromptedBlock(nn.Module):
    """A block that sees ``n_tokens`` learnt tokens behind its own, and drops them again from what it returns."""

    def __init__(self, block: nn.Module, *, n_tokens: int, hidden: int, bound: float, dropout: float) -> None:
        super().__init__()
        self.block = block
        self.dropout = dropout
        self.prompt = nn.Parameter(torch.empty(1, n_tokens, hidden).uniform_(-bound, bound))

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map (batch, tokens, hidden) to the same shape."""
        prompt = F.dropout(self.prompt, self.dropout, self.training) if self.dropout else self.prompt
        joined = torch.cat([hidden_states, prompt.expand(len(hidden_states), -1, -1)], dim=1)
        return self.block(joined, *args, **kwargs)[:, : hidden_states.shape[1]]


def apply(model: Any, *, n_tokens: int, dropout: float, blocks: Sequence[int] | None = None) -> None:
    """Give every block, or ``blocks``, its prompt; train the prompts and the head.

    Prompts are drawn from U(-v, v) with v = sqrt(6 / (channels * patch^2 + hidden)). FedPEFT drops prompts out at 0.1; the
    default here is 0, so that a step is a deterministic function of its batch.
    """
    config = model.config
    bound = math.sqrt(6.0 / (config.num_channels * config.patch_size**2 + config.hidden_size))
    model.requires_grad_(False)
    train_head(model)
    layers = blocks_of(model)
    for index in chosen_blocks(model, blocks):
        layers[index] = PromptedBlock(layers[index], n_tokens=n_tokens, hidden=config.hidden_size, bound=bound, dropout=dropout)
