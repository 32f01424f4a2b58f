"""Fewer bits for the middle blocks' matrices: each output row has its own grid of 2^bits values."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learners.compress.rules import compressed_layers
from learners.models.anatomy import blocks, family_of, matrices


def compress(model: nn.Module, plan: Mapping[str, Any]) -> None:
    """Round each matrix to its grid; the model computes with the rounded values in single precision."""
    transposed = family_of(model).transposed
    for layer in compressed_layers(plan, len(blocks(model))):
        for matrix in matrices(model, layer):
            if not matrix.is_meta:
                with torch.no_grad():
                    matrix.copy_(rounded(matrix.T, plan["bits"]).T if transposed else rounded(matrix, plan["bits"]))


def rounded(matrix: Tensor, bits: int) -> Tensor:
    """Return ``matrix`` (rows, columns) with each row on the 2^bits values from its least to its largest, evenly spaced.

    The error is at most half a step, (largest - least) / (2^bits - 1) / 2; a constant row stays as it is.
    """
    least, largest = matrix.amin(dim=1, keepdim=True), matrix.amax(dim=1, keepdim=True)
    step = (largest - least) / (2**bits - 1)
    level = ((matrix - least) / step.where(step > 0, 1.0)).round().clamp(0, 2**bits - 1)
    return least + level * step


def stored_bytes(matrix: nn.Parameter, plan: Mapping[str, Any], transposed: bool) -> int:
    """Return bits / 8 for each number (whole bytes a matrix) and two single-precision numbers a row: least and step."""
    n_rows = matrix.shape[1 if transposed else 0]
    return -(-matrix.numel() * plan["bits"] // 8) + 8 * n_rows
