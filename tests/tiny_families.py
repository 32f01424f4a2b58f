"""A tiny random model of every architecture family, and inputs for it; shared by the tests of what works on all families."""

from dataclasses import dataclass

SMALL = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 4}
TEXT = {"vocab_size": 23, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
CAUSAL = {**SMALL, **TEXT, "intermediate_size": 24, "num_key_value_heads": 2, "max_position_embeddings": 32}
#: By family: transformers' configuration and model class, and the arguments of the first.
FAMILIES_MADE = {
    "vit": ("ViTConfig", "ViTForImageClassification", {**SMALL, "intermediate_size": 24, "image_size": 8, "patch_size": 4}),
    "bert": ("BertConfig", "BertForSequenceClassification", {**SMALL, **TEXT, **NO_DROPOUT, "intermediate_size": 24}),
    "roberta": ("RobertaConfig", "RobertaForSequenceClassification", {**SMALL, **TEXT, **NO_DROPOUT, "intermediate_size": 24}),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", {**SMALL, **TEXT, "n_inner": 24, "n_positions": 32}),
    "opt": ("OPTConfig", "OPTForCausalLM", {**SMALL, **TEXT, "ffn_dim": 24, "word_embed_proj_dim": 16, "dropout": 0.0}),
    "llama": ("LlamaConfig", "LlamaForCausalLM", CAUSAL),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", CAUSAL),
    "mistral": ("MistralConfig", "MistralForCausalLM", CAUSAL),
}


def make(family, *, seed=0, **overrides):
    """Return a fresh model of ``family`` in eval mode; 3 classes, or a language model of 23 tokens; all weights random."""
    import torch
    import transformers

    config_class, model_class, arguments = FAMILIES_MADE[family]
    labels = {} if "Causal" in model_class or "LMHead" in model_class else {"num_labels": 3}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, model_class)(getattr(transformers, config_class)(**{**arguments, **labels, **overrides}))
        with torch.no_grad():
            for value in model.parameters():
                value.add_(torch.randn_like(value) * 0.2)  # so that biases and norms are not at their trivial values
    return model.eval()


def inputs(family, *, n=3, seed=1, padded=False):
    """Return the keyword arguments of ``n`` samples; text has 7 tokens, the last three of sample 0 missing if ``padded``."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    if family == "vit":
        return {"pixel_values": torch.randn(n, 3, 8, 8, generator=generator)}
    mask = torch.ones(n, 7, dtype=torch.long)
    if padded:
        mask[0, 4:] = 0
    ids = torch.randint(1, 23, (n, 7), generator=generator)
    return {"input_ids": ids * mask, "attention_mask": mask}


@dataclass(frozen=True)
class TinyBatch:
    """What ``learners.distil`` calls a batch."""

    inputs: dict
    targets: object


def outputs(model, family, **options):
    """Return the model's logits without gradients."""
    import torch

    with torch.no_grad():
        return model(**inputs(family, **options)).logits
