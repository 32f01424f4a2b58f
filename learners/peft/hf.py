"""Any Hugging Face peft method that fits the network."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from learners.models.anatomy import family_of
from learners.peft.targets import block_pattern, module_pattern, train_head
from mecsim.errors import JobError

_NEEDS_A_SCHEDULE = ("ADALORA",)


def apply(model: nn.Module, *, peft_type: str, peft_options: Mapping[str, Any], blocks: Sequence[int] | None = None) -> None:
    """Apply peft's ``peft_type`` with ``peft_options``; train what it marks, and the head.

    Known to fit: LORA (with use_dora or use_rslora too), IA3, VERA, LN_TUNING, OFT. VeRA's shared projections are buffers,
    drawn from its option projection_prng_key (0 unless told), and do not travel. Targets that the options leave out come from
    the table of families; ``blocks`` restricts them, and those that the options name.
    """
    from peft import get_peft_config, get_peft_model
    from peft.utils.peft_types import PeftType

    if peft_type not in list(PeftType.__members__):
        raise JobError(f"peft knows no type {peft_type!r}; it has {', '.join(sorted(PeftType.__members__))}")
    if peft_type in _NEEDS_A_SCHEDULE:
        raise JobError(f"{peft_type} changes ranks on a schedule of its own, which a federated average would mix up: use LORA")
    options = {**_places(model, peft_type, blocks), **_restricted(model, peft_options, blocks)}
    try:
        config = get_peft_config({"peft_type": peft_type, **_without_unknown_targets(peft_type, options, peft_options)})
        if config.is_prompt_learning:
            raise ValueError(
                "prompts need peft's wrapper around the model: vision models have method 'prompt', text models lora"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers 5 for a property of its version 4
            warnings.filterwarnings("ignore", "Unsupported layer type")  # said of layer norms, which LN_TUNING is for
            get_peft_model(model, config)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, NotImplementedError) as error:
        raise JobError(f"peft's {peft_type} does not fit this model with {dict(peft_options)}: {error}") from error
    train_head(model)


def _places(model: nn.Module, peft_type: str, blocks: Sequence[int] | None) -> dict[str, Any]:
    """Return where a type goes when its options do not say so."""
    family = family_of(model)
    if peft_type == "IA3":
        keys_and_values = family.attention[1:3] if len(family.attention) == 4 else family.attention[:1]
        feed_forward = module_pattern(model, [family.ffn_out], blocks)
        found = {
            "target_modules": module_pattern(model, [*keys_and_values, family.ffn_out], blocks),
            "feedforward_modules": feed_forward,
        }
    elif peft_type == "LN_TUNING":
        norms = module_pattern(model, family.norms, blocks)
        last = f"|{family.final_norm}" if family.final_norm and blocks is None else ""
        found = {"target_modules": f"(?:{norms}){last}"}
    else:
        found = {"target_modules": module_pattern(model, family.query_value, blocks)}
    return {**found, "fan_in_fan_out": True} if family.transposed else found


def _restricted(model: nn.Module, options: Mapping[str, Any], blocks: Sequence[int] | None) -> dict[str, Any]:
    """Keep the targets that the user names inside ``blocks``."""
    if blocks is None or "target_modules" not in options:
        return dict(options)
    named = options["target_modules"]
    inside = named if isinstance(named, str) else rf".*\.(?:{'|'.join(named)})"
    return {**options, "target_modules": rf"(?={block_pattern(model, blocks)}\.)(?:{inside})"}


def _without_unknown_targets(peft_type: str, options: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Leave our own defaults out where the type's configuration has no such field."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    known = PEFT_TYPE_TO_CONFIG_MAPPING[peft_type].__dataclass_fields__
    return {key: value for key, value in options.items() if key in known or key in asked}
