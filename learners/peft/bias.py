"""Bias tuning (BitFit, Ben Zaken et al., 2022): every bias of the network."""

from torch import nn


def apply(model: nn.Module) -> None:
    """Mark every parameter with "bias" in its name as trainable, and the classifier.

    That is the linear layers, the layer norms, the patch convolution; scales, class token and positions stay frozen.
    """
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("bias" in name)
    model.classifier.requires_grad_(True)
