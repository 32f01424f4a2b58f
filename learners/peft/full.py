"""Full fine-tuning: everything trains."""

from collections.abc import Sequence

from torch import nn

from learners.models.anatomy import blocks as blocks_of
from learners.peft.targets import chosen_blocks, train_head


def apply(model: nn.Module, *, blocks: Sequence[int] | None = None) -> None:
    """Mark every parameter as trainable, or those of ``blocks`` and the head."""
    model.requires_grad_(blocks is None)
    if blocks is not None:
        for index in chosen_blocks(model, blocks):
            blocks_of(model)[index].requires_grad_(True)
        train_head(model)
