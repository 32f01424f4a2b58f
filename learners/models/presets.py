"""Public configurations by name, as arguments of transformers' configuration classes: data alone.

The large ones are counted and never trained here. What is left out is the class's default, which ``counts`` knows.
"""

from typing import Any

from learners.models.tiny_lm import TINY_LMS
from learners.models.tiny_vit import IMAGE_PX, TINY_VITS

#: Name: family, description, configuration.
PRESETS: dict[str, tuple[str, str, dict[str, Any]]] = {
    # Dosovitskiy et al., 2021, table 1.
    "vit-base-16": (
        "vit",
        "ViT-B/16 at 224 pixels",
        {
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "image_size": 224,
            "patch_size": 16,
            "num_channels": 3,
        },
    ),
    "vit-tiny-16": (
        "vit",
        "ViT-Ti/16 at 224 pixels (DeiT-Ti, Touvron et al., 2021)",
        {
            "hidden_size": 192,
            "num_hidden_layers": 12,
            "num_attention_heads": 3,
            "intermediate_size": 768,
            "image_size": 224,
            "patch_size": 16,
            "num_channels": 3,
        },
    ),
    "vit-small-16": (
        "vit",
        "ViT-S/16 at 224 pixels (DeiT-S, Touvron et al., 2021)",
        {
            "hidden_size": 384,
            "num_hidden_layers": 12,
            "num_attention_heads": 6,
            "intermediate_size": 1536,
            "image_size": 224,
            "patch_size": 16,
            "num_channels": 3,
        },
    ),
    "vit-large-16": (
        "vit",
        "ViT-L/16 at 224 pixels",
        {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
            "image_size": 224,
            "patch_size": 16,
            "num_channels": 3,
        },
    ),
    "bert-base": (
        "bert",
        "BERT base, uncased",
        {
            "vocab_size": 30522,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "max_position_embeddings": 512,
            "type_vocab_size": 2,
        },
    ),
    "minilm": (
        "bert",
        "MiniLM with 6 layers, the encoder of all-MiniLM-L6-v2",
        {
            "vocab_size": 30522,
            "hidden_size": 384,
            "num_hidden_layers": 6,
            "num_attention_heads": 12,
            "intermediate_size": 1536,
            "max_position_embeddings": 512,
            "type_vocab_size": 2,
        },
    ),
    "roberta-base": (
        "roberta",
        "RoBERTa base",
        {
            "vocab_size": 50265,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "max_position_embeddings": 514,
            "type_vocab_size": 1,
            "layer_norm_eps": 1e-5,
        },
    ),
    "gpt2-xl": ("gpt2", "GPT-2 XL", {"vocab_size": 50257, "n_positions": 1024, "n_embd": 1600, "n_layer": 48, "n_head": 25}),
    "opt-1.3b": (
        "opt",
        "OPT-1.3B",
        {
            "vocab_size": 50272,
            "hidden_size": 2048,
            "num_hidden_layers": 24,
            "num_attention_heads": 32,
            "ffn_dim": 8192,
            "max_position_embeddings": 2048,
            "word_embed_proj_dim": 2048,
        },
    ),
    "llama-2-7b": (
        "llama",
        "Llama 2 7B",
        {
            "vocab_size": 32000,
            "hidden_size": 4096,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "intermediate_size": 11008,
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
        },
    ),
    "llama-2-13b": (
        "llama",
        "Llama 2 13B",
        {
            "vocab_size": 32000,
            "hidden_size": 5120,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "num_key_value_heads": 40,
            "intermediate_size": 13824,
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
        },
    ),
    "tinyllama-1.1b": (
        "llama",
        "TinyLlama 1.1B",
        {
            "vocab_size": 32000,
            "hidden_size": 2048,
            "num_hidden_layers": 22,
            "num_attention_heads": 32,
            "num_key_value_heads": 4,
            "intermediate_size": 5632,
            "max_position_embeddings": 2048,
            "rms_norm_eps": 1e-5,
        },
    ),
    "smollm2-135m": (
        "llama",
        "SmolLM2 135M",
        {
            "vocab_size": 49152,
            "hidden_size": 576,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "intermediate_size": 1536,
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-5,
            "rope_theta": 100000.0,
            "tie_word_embeddings": True,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 2,
        },
    ),
    "qwen2.5-0.5b": (
        "qwen2",
        "Qwen2.5 0.5B",
        {
            "vocab_size": 151936,
            "hidden_size": 896,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "intermediate_size": 4864,
            "max_position_embeddings": 32768,
            "rms_norm_eps": 1e-6,
            "rope_theta": 1000000.0,
            "tie_word_embeddings": True,
            "bos_token_id": 151643,
            "eos_token_id": 151643,
        },
    ),
}

for _name, _shape in TINY_VITS.items():
    PRESETS[_name] = (
        "vit",
        f"tiny vision transformer, width {_shape['hidden_size']}, {_shape['num_hidden_layers']} layers",
        {**_shape, "image_size": IMAGE_PX, "patch_size": 7, "num_channels": 1},
    )
for _name, _arguments in TINY_LMS.items():
    PRESETS[_name] = (
        str(_arguments["model_type"]),
        f"tiny language model over bytes, width {_arguments['hidden_size']}, {_arguments['num_hidden_layers']} layers",
        {key: value for key, value in _arguments.items() if key != "model_type"},
    )
