"""Which parts of a model a method works on: its blocks, the modules inside them, and what trains in any case."""

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from learners.models.anatomy import blocks, family_of, head_of, present
from mecsim.errors import JobError


def chosen_blocks(model: nn.Module, wanted: Sequence[int] | None) -> list[int]:
    """Return the numbers of the blocks to work on: ``wanted`` or all, without those that a compression dropped."""
    n_blocks = len(blocks(model))
    outside = [index for index in wanted or () if not 0 <= index < n_blocks]
    if outside:
        raise JobError(f"there is no block {outside[0]}: the model has {n_blocks}, counted from 0")
    return [index for index in present(model) if wanted is None or index in wanted]


def block_pattern(model: nn.Module, wanted: Sequence[int] | None) -> str:
    """Return a regular expression for the names of the chosen blocks, with nothing behind the number."""
    numbers = "|".join(str(index) for index in chosen_blocks(model, wanted))
    return rf"{re.escape(family_of(model).blocks)}\.(?:{numbers})"


def module_pattern(model: nn.Module, paths: Sequence[str], wanted: Sequence[int] | None) -> str:
    """Return a regular expression for the full names of the modules at ``paths`` of the chosen blocks."""
    return rf"{block_pattern(model, wanted)}\.(?:{'|'.join(map(re.escape, paths))})"


def train_head(model: nn.Module) -> None:
    """Mark the head as trainable; a language model has none of its own."""
    head = head_of(model)
    if head is not None:
        head.requires_grad_(True)


def output_layer(model: Any) -> nn.Module:
    """Return the head, or the output matrix of a language model (its embeddings too, where they are tied)."""
    return head_of(model) or model.get_output_embeddings()
