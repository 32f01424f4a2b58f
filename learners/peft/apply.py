"""One place where a method's name becomes a change to a model."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from learners.models.anatomy import family_of
from learners.peft import adapter, bias, full, head, hf, lora, prompt
from learners.peft.defaults import METHODS, check_fit

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
    """Insert the modules of ``method`` ({name, options}) and mark what trains; what trains is what travels.

    Beside its own options every method takes "blocks": the numbers of the blocks that it is restricted to.
    """
    name = method["name"]
    METHODS[name]  # raises with suggestions
    check_fit(name, family_of(model).kind)
    _APPLY[name](model, **{key: value for key, value in method.items() if key != "name"})
    return model
