"""One place where a method's name becomes a change to a model."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from learners.peft import adapter, bias, full, head, hf, lora, prompt
from learners.peft.defaults import METHODS

_APPLY: dict[str, Callable[..., None]] = {
    "full": full.apply,
    "head": head.apply,
    "bias": bias.apply,
    "lora": lora.apply,
    "adapter": adapter.apply,
    "prompt": prompt.apply,
    "peft": hf.apply,
}


def apply_method(model: nn.Module, method: Mapping[str, Any]) -> nn.Module:
    """Insert the modules of ``method`` ({name, options}) and mark what trains; what trains is what travels."""
    name = method["name"]
    if name not in _APPLY:
        METHODS[name]  # raises with suggestions
    _APPLY[name](model, **{key: value for key, value in method.items() if key != "name"})
    return model
