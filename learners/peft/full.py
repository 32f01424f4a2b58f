"""Full fine-tuning: everything trains."""

from torch import nn


def apply(model: nn.Module) -> None:
    """Mark every parameter as trainable."""
    model.requires_grad_(True)
