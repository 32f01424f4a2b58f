"""The embedded tiny vision transformers: shapes, and the network of transformers that carries them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import ViTConfig

IMAGE_PX = 28

#: Architecture arguments of each embedded model; the rest is ViTConfig's default.
TINY_VITS: dict[str, dict[str, int]] = {
    "tiny-vit-s": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128},
    "tiny-vit-l": {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 384},
}


def tiny_vit_config(name: str, n_classes: int) -> "ViTConfig":
    """Return the transformers configuration of ``name``: 28x28 grey images in patches of 7, no dropout."""
    from transformers import ViTConfig

    return ViTConfig(
        **TINY_VITS[name],
        image_size=IMAGE_PX,
        patch_size=7,
        num_channels=1,
        num_labels=n_classes,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
