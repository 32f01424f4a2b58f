"""The shapes of the embedded tiny vision transformers."""

IMAGE_PX = 28

#: Architecture arguments of each embedded model; the rest is ViTConfig's default.
TINY_VITS: dict[str, dict[str, int]] = {
    "tiny-vit-s": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128},
    "tiny-vit-l": {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 384},
}
