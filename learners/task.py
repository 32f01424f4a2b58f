"""What is predicted and what it costs to be wrong: the same few functions for classes and for tokens."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from learners.data.examples import IGNORED, Examples


def logits_of(model: nn.Module, batch: Examples) -> Tensor:
    """Return the logits (rows, outputs) of ``batch``: a row a sample, or a row a token that counts."""
    return rows_of(model(**batch.inputs), batch)


def rows_of(output: Any, batch: Examples) -> Tensor:
    """Return the logits of a model's ``output`` as ``logits_of`` does."""
    logits = output.logits
    if batch.targets.ndim == 1:
        return logits
    return logits.flatten(0, 1) if _all_count(batch) else logits[batch.targets != IGNORED]


def targets_of(batch: Examples) -> Tensor:
    """Return what the rows of ``logits_of`` should say, (rows,)."""
    if batch.targets.ndim == 1 or _all_count(batch):
        return batch.targets.flatten()
    return batch.targets[batch.targets != IGNORED]


def loss_of(output: Any, batch: Examples) -> Tensor:
    """Return the mean cross-entropy of a model's ``output`` in nats a row."""
    return F.cross_entropy(rows_of(output, batch), targets_of(batch))


def _all_count(batch: Examples) -> bool:
    """Tell whether there is no padding: without a mask there is none, and no value has to be looked at."""
    return "attention_mask" not in batch.inputs or batch.targets.is_meta
