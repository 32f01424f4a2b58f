"""Any Hugging Face peft method that fits a vision transformer classifier."""

import warnings
from collections.abc import Mapping
from typing import Any

from torch import nn

from mecsim.errors import JobError

#: Where a type goes when its options do not say so.
_TARGETS: dict[str, dict[str, Any]] = {
    "IA3": {"target_modules": ["k_proj", "v_proj", "fc2"], "feedforward_modules": ["fc2"]},
    "LN_TUNING": {"target_modules": ["layernorm_before", "layernorm_after", "layernorm"]},
}
_ATTENTION = {"target_modules": ["q_proj", "v_proj"]}
_NEEDS_A_SCHEDULE = ("ADALORA",)


def apply(model: nn.Module, *, peft_type: str, peft_options: Mapping[str, Any]) -> None:
    """Apply peft's ``peft_type`` with ``peft_options``; train what it marks, and the classifier.

    Known to fit: LORA (with use_dora or use_rslora too), IA3, VERA, LN_TUNING, OFT. VeRA's shared projections are buffers,
    drawn from its option projection_prng_key (0 unless told), and do not travel.
    """
    from peft import get_peft_config, get_peft_model
    from peft.utils.peft_types import PeftType

    if peft_type not in list(PeftType.__members__):
        raise JobError(f"peft knows no type {peft_type!r}; it has {', '.join(sorted(PeftType.__members__))}")
    if peft_type in _NEEDS_A_SCHEDULE:
        raise JobError(f"{peft_type} changes ranks on a schedule of its own, which a federated average would mix up: use LORA")
    options = {**_TARGETS.get(peft_type, _ATTENTION), **peft_options}
    try:
        config = get_peft_config({"peft_type": peft_type, **_without_unknown_targets(peft_type, options, peft_options)})
        if config.is_prompt_learning:
            raise ValueError("prompts for language models need token embeddings; method 'prompt' is the one for vision models")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers 5 for a property of its version 4
            warnings.filterwarnings("ignore", "Unsupported layer type")  # said of layer norms, which LN_TUNING is for
            get_peft_model(model, config)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, NotImplementedError) as error:
        raise JobError(f"peft's {peft_type} does not fit this model with {dict(peft_options)}: {error}") from error
    model.classifier.requires_grad_(True)


def _without_unknown_targets(peft_type: str, options: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Leave our own defaults out where the type's configuration has no such field."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    known = PEFT_TYPE_TO_CONFIG_MAPPING[peft_type].__dataclass_fields__
    return {key: value for key, value in options.items() if key in known or key in asked}
