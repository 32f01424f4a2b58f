"""Bias tuning (BitFit, Ben Zaken et al., 2022): every bias of the network."""

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from learners.peft.targets import block_pattern, train_head
from mecsim.errors import JobError


def apply(model: Any, *, blocks: Sequence[int] | None = None) -> None:
    """Mark every parameter with "bias" in its name as trainable, or those of ``blocks``, and the head.

    That is the linear layers, the layer norms, the patch convolution; scales, class token and positions stay frozen.
    """
    pattern = re.compile(".*" if blocks is None else rf"{block_pattern(model, blocks)}\..*")
    chosen = {name: "bias" in name and pattern.fullmatch(name) is not None for name, _ in _backbone(model)}
    if not any(chosen.values()):
        raise JobError(
            f"method 'bias' finds no biases in this {model.config.model_type} network: choose lora or adapter, or method peft "
            "with peft_type LN_TUNING, which trains the norms' scales"
        )
    model.requires_grad_(False)
    for name, parameter in _backbone(model):
        parameter.requires_grad_(chosen[name])
    train_head(model)


def _backbone(model: Any) -> list[tuple[str, nn.Parameter]]:
    return [(name, value) for name, value in model.named_parameters() if name.startswith(f"{model.base_model_prefix}.")]
