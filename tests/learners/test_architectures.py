"""Shapes without torch: every preset against transformers on the meta device, and configurations from files."""

import json

import pytest

from learners.models.architectures import ARCHITECTURES, MODELS, Architecture, architecture_of, as_params
from learners.models.counts import DEFAULTS
from learners.models.families import FAMILIES
from learners.models.presets import PRESETS
from mecsim.errors import JobError, UnknownNameError

# Known from the papers' and the models' own pages (BERT with pooler, RoBERTa without, language models with tied matrices once).
PUBLISHED = {
    "vit-base-16": 85_798_656,
    "bert-base": 109_482_240,
    "roberta-base": 124_055_040,
    "gpt2-xl": 1_557_611_200,
    "opt-1.3b": 1_315_758_080,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "tinyllama-1.1b": 1_100_048_384,
    "smollm2-135m": 134_515_008,
    "qwen2.5-0.5b": 494_032_768,
    "tiny-lm-s": 180_864,
    "tiny-lm-l": 1_345_792,
}

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 20}
#: Settings that change the count.
VARIANTS = [
    ("vit", {**SMALL, "image_size": 8, "patch_size": 4, "num_channels": 2, "qkv_bias": False}),
    ("bert", {**SMALL, "vocab_size": 30, "type_vocab_size": 3}),
    ("gpt2", {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 30, "n_positions": 9}),
    ("gpt2", {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 30, "n_inner": 20, "tie_word_embeddings": False}),
    ("opt", {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 20, "vocab_size": 30}),
    (
        "opt",
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "ffn_dim": 20,
            "vocab_size": 30,
            "word_embed_proj_dim": 8,
            "do_layer_norm_before": False,
        },
    ),
    ("llama", {**SMALL, "vocab_size": 30, "num_key_value_heads": 2, "attention_bias": True, "mlp_bias": True}),
    ("llama", {**SMALL, "vocab_size": 30, "head_dim": 8, "tie_word_embeddings": True}),
    ("mistral", {**SMALL, "vocab_size": 30, "num_key_value_heads": 2, "head_dim": 2}),
    ("qwen2", {**SMALL, "vocab_size": 30, "num_key_value_heads": 2}),
]


def counted(architecture):
    """Return the parameters of transformers' network without its head, on the meta device."""
    import torch

    from learners.models.anatomy import head_of
    from learners.models.network import network

    task = architecture.tasks[-1]
    with torch.device("meta"):
        model = network(architecture, task, None if task == "language-modelling" else 2, attention="eager")
    head = head_of(model)
    return sum(value.numel() for value in model.parameters()) - sum(
        value.numel() for value in (head.parameters() if head else ())
    )


@pytest.mark.learning
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_exactly_the_parameters_of_transformers_network(name):
    assert ARCHITECTURES[name].backbone_parameters == counted(ARCHITECTURES[name])


@pytest.mark.learning
@pytest.mark.parametrize(("family", "config"), VARIANTS)
def test_settings_that_change_the_count_are_counted(family, config):
    architecture = Architecture(description="variant", family=family, config=config)
    assert architecture.backbone_parameters == counted(architecture)


@pytest.mark.parametrize(("name", "n_parameters"), PUBLISHED.items())
def test_presets_have_the_published_sizes(name, n_parameters):
    assert ARCHITECTURES[name].backbone_parameters == n_parameters


@pytest.mark.learning
@pytest.mark.parametrize("family", FAMILIES)
def test_defaults_are_those_of_transformers(family):
    from transformers import CONFIG_MAPPING

    fields = {key: getattr(CONFIG_MAPPING[family], key) for key in DEFAULTS[family]}
    assert fields == DEFAULTS[family]


@pytest.mark.learning
def test_rotary_bases_reach_the_network():
    from learners.models.network import network

    for name, base in (("smollm2-135m", 100_000.0), ("llama-2-7b", 10_000.0), ("qwen2.5-0.5b", 1_000_000.0)):
        import torch

        with torch.device("meta"):
            model = network(ARCHITECTURES[name], "language-modelling", None, attention="eager")
        assert model.config.rope_parameters["rope_theta"] == base


def test_shapes_read_from_each_family():
    vit, bert, roberta, gpt2, opt, llama = (
        ARCHITECTURES[name] for name in ("tiny-vit-s", "bert-base", "roberta-base", "gpt2-xl", "opt-1.3b", "tinyllama-1.1b")
    )
    assert (vit.hidden, vit.n_layers, vit.n_heads, vit.ffn, vit.image_px, vit.n_channels) == (32, 2, 2, 128, 28, 1)
    assert (vit.vocab, vit.max_length, vit.pad_token, vit.kind) == (None, None, None, "image")
    assert (bert.vocab, bert.max_length, bert.kind, bert.image_px) == (30522, 512, "encoder", None)
    assert roberta.max_length == 512
    assert (gpt2.hidden, gpt2.n_layers, gpt2.n_heads, gpt2.ffn, gpt2.max_length) == (1600, 48, 25, 6400, 1024)
    assert (opt.ffn, opt.max_length, opt.pad_token) == (8192, 2048, 1)
    assert (llama.n_heads, llama.ffn, llama.kind, llama.pad_token) == (32, 5632, "causal", 2)
    assert ARCHITECTURES["tiny-lm-s"].pad_token == 256


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_architecture_and_tasks(name):
    entry = MODELS[name]
    assert entry.tasks == architecture_of(entry.architecture).tasks
    assert entry.embedded == (entry.package is None)
    assert bool(entry.requires) == (entry.package is not None)


def test_params_of_a_job_are_plain():
    params = as_params(ARCHITECTURES["bert-base"])
    assert params == json.loads(json.dumps(params))
    assert params["family"] == "bert"
    assert Architecture(description="", **params).backbone_parameters == PUBLISHED["bert-base"]


def written(tmp_path, **values):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_a_config_file_or_its_folder_gives_the_shape_alone(tmp_path):
    path = written(
        tmp_path,
        model_type="bert",
        hidden_size=384,
        num_hidden_layers=6,
        intermediate_size=1536,
        _name_or_path="/home/somebody",
        torch_dtype="float16",
        architectures=["BertModel"],
    )
    assert architecture_of(path).backbone_parameters == ARCHITECTURES["minilm"].backbone_parameters
    assert architecture_of(str(tmp_path)).config == {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model_type": "mamba"}, "a 'mamba' model, which has no table of places here; known families: bert, gpt2, llama"),
        ({"hidden_size": 3}, "it needs JSON with a 'model_type'"),
        ({"model_type": "llama", "quantization_config": {"bits": 4}}, "quantised: use the model in plain floating point"),
        ({"model_type": "bert", "is_decoder": True}, r"bert models with \{'is_decoder': True\} are not supported"),
        ({"model_type": "opt", "enable_bias": False}, r"needed: \{'enable_bias': True\}"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(tmp_path, values, reason):
    with pytest.raises(JobError, match=reason):
        architecture_of(written(tmp_path, **values))


def test_text_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("model_type: bert")
    with pytest.raises(JobError, match="is not the configuration of a model"):
        architecture_of(str(tmp_path))


def test_an_unknown_architecture_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'llama-2-7b'"):
        architecture_of("llama-7b")
