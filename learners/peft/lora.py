"""LoRA (Hu et al., 2022) on the query and value projections, by Hugging Face peft."""

from torch import nn


def apply(model: nn.Module, *, rank: int, alpha: float) -> None:
    """Add rank-``rank`` updates, scaled by alpha / rank, to q and v of every block; train them and the classifier."""
    from peft import LoraConfig, inject_adapter_in_model

    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=["q_proj", "v_proj"]), model)
    model.classifier.requires_grad_(True)
