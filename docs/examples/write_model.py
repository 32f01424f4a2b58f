"""A model of your own: a folder in Hugging Face's format, here a small vision transformer with random weights.

``python write_model.py my-vit`` writes it; a scenario then says ``model: path:my-vit``.
"""

import sys
from pathlib import Path

import torch
from transformers import ViTConfig, ViTForImageClassification


def write_model(folder: Path, seed: int = 0) -> None:
    """Write config.json and model.safetensors into ``folder``."""
    torch.manual_seed(seed)
    shape = ViTConfig(
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=3,
        intermediate_size=192,
        image_size=28,
        patch_size=7,
        num_channels=1,
    )
    model = ViTForImageClassification(shape)
    # Pretrain it here, on whatever you like: what is written is what every study starts from.
    model.save_pretrained(folder)


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
