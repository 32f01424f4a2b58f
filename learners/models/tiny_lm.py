"""The shapes of the embedded tiny language models: they read and write bytes."""

#: The symbol that every window starts with, behind the 256 bytes.
BOS = 256

_SHARED: dict[str, int | str | None] = {
    "model_type": "llama",
    "vocab_size": 257,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
    "bos_token_id": BOS,
    "eos_token_id": None,
    "pad_token_id": None,
}

#: Architecture arguments of each embedded model; the rest is LlamaConfig's default: rotary positions, no biases, SwiGLU.
TINY_LMS: dict[str, dict[str, int | str | None]] = {
    "tiny-lm-s": {
        **_SHARED,
        "hidden_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
    },
    "tiny-lm-l": {
        **_SHARED,
        "hidden_size": 128,
        "num_hidden_layers": 8,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "intermediate_size": 256,
    },
}
