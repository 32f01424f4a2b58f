"""Head only: the backbone is a fixed feature extractor."""

from collections.abc import Sequence

from torch import nn

from learners.peft.targets import output_layer


def apply(model: nn.Module, *, blocks: Sequence[int] | None = None) -> None:
    """Mark the head alone as trainable, in a language model the output matrix; ``blocks`` has nothing to restrict."""
    model.requires_grad_(False)
    output_layer(model).requires_grad_(True)
