"""Head only: the backbone is a fixed feature extractor."""

from torch import nn


def apply(model: nn.Module) -> None:
    """Mark the classifier alone as trainable."""
    model.requires_grad_(False)
    model.classifier.requires_grad_(True)
