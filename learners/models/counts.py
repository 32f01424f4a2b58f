"""What a configuration says of a network's shape, and how many parameters that is: formulas, no torch.

Configurations leave out what is the default of transformers' class; the defaults that shape a network stand here again, and a
test compares them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mecsim.errors import JobError

Config = Mapping[str, Any]

_BERT = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "is_decoder": False,
    "add_cross_attention": False,
}
_LLAMA = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "max_position_embeddings": 2048,
    "head_dim": None,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": None,
}

#: By family: the defaults of what shapes a network.
DEFAULTS: dict[str, dict[str, Any]] = {
    "vit": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "image_size": 224,
        "patch_size": 16,
        "num_channels": 3,
        "qkv_bias": True,
    },
    "bert": {**_BERT, "vocab_size": 30522, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": None},
    "roberta": {**_BERT, "vocab_size": 50265, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
    "gpt2": {
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": None,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
        "bos_token_id": 50256,
        "eos_token_id": 50256,
        "pad_token_id": None,
    },
    "opt": {
        "vocab_size": 50272,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "ffn_dim": 3072,
        "max_position_embeddings": 2048,
        "do_layer_norm_before": True,
        "_remove_final_layer_norm": False,
        "word_embed_proj_dim": None,
        "num_attention_heads": 12,
        "enable_bias": True,
        "layer_norm_elementwise_affine": True,
        "tie_word_embeddings": True,
        "bos_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 1,
    },
    "llama": {**_LLAMA, "attention_bias": False, "mlp_bias": False},
    "mistral": {**_LLAMA, "intermediate_size": 14336, "num_key_value_heads": 8, "max_position_embeddings": 131072},
    "qwen2": {
        **{key: value for key, value in _LLAMA.items() if key != "head_dim"},
        "vocab_size": 151936,
        "intermediate_size": 22016,
        "num_key_value_heads": 32,
        "max_position_embeddings": 32768,
        "bos_token_id": None,
        "eos_token_id": None,
    },
}

#: Variants of a family that its table of places does not describe: these settings must be as they stand here.
_REQUIRED: dict[str, dict[str, Any]] = {
    "bert": {"is_decoder": False, "add_cross_attention": False},
    "roberta": {"is_decoder": False, "add_cross_attention": False},
    "gpt2": {"add_cross_attention": False},
    "opt": {"enable_bias": True, "layer_norm_elementwise_affine": True},
}


def completed(family: str, config: Config) -> dict[str, Any]:
    """Return ``config`` with the family's defaults filled in; a variant that cannot be counted or split is refused."""
    full = {**DEFAULTS[family], **config}
    required = _REQUIRED.get(family, {})
    wrong = {key: full[key] for key, wanted in required.items() if full[key] != wanted}
    if wrong:
        raise JobError(f"{family} models with {wrong} are not supported; needed: { {key: required[key] for key in wrong} }")
    return full


def backbone_parameters(family: str, config: Config) -> int:
    """Return the number of parameters without a task's head, from a completed configuration.

    With BERT's pooler, which its classifier reads. A causal model counts whole, its output matrix too unless it is tied to the
    embeddings.
    """
    return _COUNT[family](config)


def _vit(c: Config) -> int:
    h, f = c["hidden_size"], c["intermediate_size"]
    patch = c["num_channels"] * c["patch_size"] ** 2 * h + h
    tokens = (c["image_size"] // c["patch_size"]) ** 2 + 1
    attention = 4 * h**2 + h + (3 * h if c["qkv_bias"] else 0)
    block = attention + _feed_forward(h, f) + 4 * h
    return patch + h + tokens * h + c["num_hidden_layers"] * block + 2 * h


def _roberta(c: Config) -> int:
    h = c["hidden_size"]
    embeddings = (c["vocab_size"] + c["max_position_embeddings"] + c["type_vocab_size"]) * h + 2 * h
    block = 4 * (h**2 + h) + _feed_forward(h, c["intermediate_size"]) + 4 * h
    return embeddings + c["num_hidden_layers"] * block


def _bert(c: Config) -> int:
    h = c["hidden_size"]
    return _roberta(c) + h**2 + h


def _gpt2(c: Config) -> int:
    h = c["n_embd"]
    block = 4 * (h**2 + h) + _feed_forward(h, c["n_inner"] or 4 * h) + 4 * h
    return (c["vocab_size"] + c["n_positions"]) * h + c["n_layer"] * block + 2 * h + _untied(c, h)


def _opt(c: Config) -> int:
    h = c["hidden_size"]
    symbol = c["word_embed_proj_dim"] or h  # OPT-350m embeds at half its width
    positions = c["max_position_embeddings"] + 2  # the class keeps two rows that no token reaches
    block = 4 * (h**2 + h) + _feed_forward(h, c["ffn_dim"]) + 4 * h
    final_norm = 2 * h if c["do_layer_norm_before"] and not c["_remove_final_layer_norm"] else 0
    projections = 2 * symbol * h if symbol != h else 0
    embeddings = c["vocab_size"] * symbol + positions * h
    return embeddings + projections + c["num_hidden_layers"] * block + final_norm + _untied(c, symbol)


def _llama(c: Config, *, qkv_bias: bool = False) -> int:
    h, f, heads = c["hidden_size"], c["intermediate_size"], c["num_attention_heads"]
    width = c.get("head_dim") or h // heads
    queries, keys = heads * width, (c["num_key_value_heads"] or heads) * width
    attention = 2 * h * queries + 2 * h * keys
    every_bias = c.get("attention_bias", False)
    attention += (queries + 2 * keys if qkv_bias or every_bias else 0) + (h if every_bias else 0)
    feed_forward = 3 * h * f + (2 * f + h if c.get("mlp_bias", False) else 0)
    block = attention + feed_forward + 2 * h
    return c["vocab_size"] * h + c["num_hidden_layers"] * block + h + _untied(c, h)


def _qwen2(c: Config) -> int:
    return _llama({**c, "head_dim": None, "attention_bias": False, "mlp_bias": False}, qkv_bias=True)


def _mistral(c: Config) -> int:
    return _llama({**c, "attention_bias": False, "mlp_bias": False})


def _feed_forward(h: int, f: int) -> int:
    return 2 * h * f + f + h


def _untied(c: Config, width: int) -> int:
    return 0 if c["tie_word_embeddings"] else c["vocab_size"] * width


_COUNT: dict[str, Callable[[Config], int]] = {
    "vit": _vit,
    "bert": _bert,
    "roberta": _roberta,
    "gpt2": _gpt2,
    "opt": _opt,
    "llama": _llama,
    "qwen2": _qwen2,
    "mistral": _mistral,
}
