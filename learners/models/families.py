"""Where things are in the architectures that can be split, narrowed and tuned: one table of module paths. No torch.

A family is a ``model_type`` of transformers. Paths of a block's parts start at the block; "{i}" is the block's number.
"""

from dataclasses import dataclass
from typing import Literal

from mecsim.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The places that PEFT methods and compressions work on.

    ``attention`` names the query, key, value and output projections; a fused projection stands there once (GPT-2).
    ``ffn_in`` are the layers whose output units are the FFN's neurons, ``ffn_out`` the one that reads them;
    ``transposed`` says that weights are stored inputs x outputs (GPT-2's Conv1D). ``post_norm`` is the norm behind the
    residual sum of the FFN, in families that have it there. ``ffn`` is the module whose output the adapter follows.
    """

    blocks: str
    attention: tuple[str, ...]
    query_value: tuple[str, ...]
    ffn: str
    ffn_in: tuple[str, ...]
    ffn_out: str
    norms: tuple[str, ...]
    final_norm: str | None
    embeddings: str
    kind: Literal["image", "encoder", "causal"]
    activation: str
    post_norm: str | None = None
    transposed: bool = False


FAMILIES: Registry[Family] = Registry("architecture family")

FAMILIES.put(
    "vit",
    Family(
        kind="image",
        blocks="vit.layers",
        attention=("attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj"),
        query_value=("attention.q_proj", "attention.v_proj"),
        ffn="mlp",
        ffn_in=("mlp.fc1",),
        ffn_out="mlp.fc2",
        activation="hidden_act",
        norms=("layernorm_before", "layernorm_after"),
        final_norm="vit.layernorm",
        embeddings="vit.embeddings",
    ),
)
for _name in ("bert", "roberta"):
    FAMILIES.put(
        _name,
        Family(
            kind="encoder",
            blocks=f"{_name}.encoder.layer",
            attention=("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
            query_value=("attention.self.query", "attention.self.value"),
            ffn="output.dense",
            ffn_in=("intermediate.dense",),
            ffn_out="output.dense",
            activation="hidden_act",
            norms=("attention.output.LayerNorm", "output.LayerNorm"),
            post_norm="output.LayerNorm",
            final_norm=None,
            embeddings=f"{_name}.embeddings",
        ),
    )
FAMILIES.put(
    "gpt2",
    Family(
        kind="causal",
        blocks="transformer.h",
        attention=("attn.c_attn", "attn.c_proj"),
        query_value=("attn.c_attn",),
        ffn="mlp",
        ffn_in=("mlp.c_fc",),
        ffn_out="mlp.c_proj",
        activation="activation_function",
        norms=("ln_1", "ln_2"),
        final_norm="transformer.ln_f",
        embeddings="transformer.wte",
        transposed=True,
    ),
)
FAMILIES.put(
    "opt",
    Family(
        kind="causal",
        blocks="model.decoder.layers",
        attention=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"),
        query_value=("self_attn.q_proj", "self_attn.v_proj"),
        ffn="fc2",
        ffn_in=("fc1",),
        ffn_out="fc2",
        activation="activation_function",
        norms=("self_attn_layer_norm", "final_layer_norm"),
        final_norm="model.decoder.final_layer_norm",
        embeddings="model.decoder.embed_tokens",
    ),
)
for _name in ("llama", "qwen2", "mistral"):
    FAMILIES.put(
        _name,
        Family(
            kind="causal",
            blocks="model.layers",
            attention=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
            query_value=("self_attn.q_proj", "self_attn.v_proj"),
            ffn="mlp",
            ffn_in=("mlp.gate_proj", "mlp.up_proj"),
            ffn_out="mlp.down_proj",
            activation="hidden_act",
            norms=("input_layernorm", "post_attention_layernorm"),
            final_norm="model.norm",
            embeddings="model.embed_tokens",
        ),
    )
