"""Magnitude pruning of the middle blocks' matrices: the smallest numbers become zero."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from learners.compress.rules import compressed_layers, floored_share
from learners.models.anatomy import blocks, matrices


def compress(model: nn.Module, plan: Mapping[str, Any]) -> None:
    """Set the floor(sparsity * n) numbers of least magnitude of each matrix to zero; ties go by place; vectors stay."""
    for layer in compressed_layers(plan, len(blocks(model))):
        for matrix in matrices(model, layer):
            n_zero = floored_share(matrix.numel(), plan["sparsity"])
            if n_zero and not matrix.is_meta:
                with torch.no_grad():
                    smallest = matrix.abs().flatten().argsort(stable=True)[:n_zero]
                    matrix.view(-1)[smallest] = 0.0


def stored_bytes(matrix: nn.Parameter, plan: Mapping[str, Any], _transposed: bool) -> int:
    """Return 4 bytes for each number left and a bit for each place; counted, not looked up, so it works without values."""
    n = matrix.numel()
    return 4 * (n - floored_share(n, plan["sparsity"])) + -(-n // 8)
