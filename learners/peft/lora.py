"""LoRA (Hu et al., 2022) on the attention's projections, or on all linear layers of the blocks, by Hugging Face peft."""

from collections.abc import Sequence

from torch import nn

from learners.models.anatomy import family_of
from learners.models.families import Family
from learners.peft.targets import chosen_blocks, module_pattern, train_head
from mecsim.errors import JobError, suggestion


def apply(model: nn.Module, *, rank: int, alpha: float, targets: str = "qv", blocks: Sequence[int] | None = None) -> None:
    """Add rank-``rank`` updates, scaled by alpha / rank, to every block or to ``blocks``; train them and the head.

    ``targets`` are "qv": query and value; "qkvo": the attention's four; "linear": these and the FFN's. A projection that a
    family fuses (GPT-2's query, key and value) is one target in each.
    """
    from peft import LoraConfig, inject_adapter_in_model

    family = family_of(model)
    if not chosen_blocks(model, blocks):
        model.requires_grad_(False)
    else:
        pattern = module_pattern(model, target_paths(family, targets), blocks)
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=pattern, fan_in_fan_out=family.transposed)
        inject_adapter_in_model(config, model)
    train_head(model)


def target_paths(family: Family, targets: str) -> tuple[str, ...]:
    """Return the paths inside a block that ``targets`` ("qv", "qkvo", "linear") stands for."""
    paths = {
        "qv": family.query_value,
        "qkvo": family.attention,
        "linear": (*family.attention, *family.ffn_in, family.ffn_out),
    }
    if targets not in paths:
        raise JobError(f"lora has no targets {targets!r}. {suggestion(targets, paths)}")
    return paths[targets]
