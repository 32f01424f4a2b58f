"""Building a model and keeping it built: frozen tensors, compression, memory."""

import pytest

from learners.models.spec import model_spec
from learners.peft.defaults import METHODS
from mecsim.errors import JobError

pytestmark = pytest.mark.learning


def spec(name="head", *, seed=0, model="tiny-vit-s", pretrained=False, compression=None):
    return model_spec(
        model,
        task="image-classification",
        n_classes=10,
        method={"name": name, **METHODS[name].options},
        pretrained=pretrained,
        seed=seed,
        compression=compression,
    )


def drawn(model, *, seed=0):
    """Return random tensors for two of the backbone's parameters, by their names before any method."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    own = dict(model.named_parameters())
    names = ("vit.layers.1.mlp.fc1.weight", "vit.layers.0.attention.q_proj.bias")
    return {name: torch.randn(own[name].shape, generator=generator) for name in names}


@pytest.mark.parametrize("name", ["lora", "adapter", "prompt", "head"])
def test_frozen_tensors_take_the_place_of_the_model_s_own(name):
    from learners.models.anatomy import blocks, part, plain
    from learners.models.load import build
    from learners.peft.state import trainable_state

    frozen = drawn(build(spec("head")))
    model, without = build(spec(name), frozen), build(spec(name))
    assert plain(part(blocks(model)[1], "mlp.fc1")).weight.equal(frozen["vit.layers.1.mlp.fc1.weight"])
    assert plain(part(blocks(model)[0], "attention.q_proj")).bias.equal(frozen["vit.layers.0.attention.q_proj.bias"])
    assert all(value.equal(trainable_state(model)[key]) for key, value in trainable_state(without).items())


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [("vit.layers.7.mlp.fc1.bias", (128,), "no such parameter"), ("vit.layers.0.mlp.fc1.bias", (64,), r"which has \(128,\)")],
)
def test_frozen_tensors_that_do_not_fit_are_refused(name, shape, reason):
    import torch

    from learners.models.load import build

    with pytest.raises(JobError, match=f"{name}.*{reason}"):
        build(spec("head"), {name: torch.zeros(shape)})


def test_resident_models_are_told_apart_by_their_frozen_tensors():
    from learners.models.load import build
    from learners.models.resident import ModelCache
    from learners.peft.state import trainable_state

    cache, state = ModelCache(), {key: value.numpy() for key, value in trainable_state(build(spec("head"))).items()}
    one, other = drawn(build(spec("head")), seed=1), drawn(build(spec("head")), seed=2)
    first = cache.loaded(spec("head"), state, frozen=one)
    second = cache.loaded(spec("head"), state, frozen=other)
    bare = cache.loaded(spec("head"), state)
    for model, wanted in ((first, one), (second, other)):
        own = dict(model.named_parameters())
        assert all(own[name].equal(value) for name, value in wanted.items())
    assert cache.loaded(spec("head"), state, frozen={key: value.clone() for key, value in one.items()}) is first
    assert cache.loaded(spec("head"), state, frozen={}) is bare


def test_memory_of_resident_models_is_bounded():
    from learners.models.load import build
    from learners.models.resident import ModelCache
    from learners.peft.state import trainable_state

    cache, state = ModelCache(limit_bytes=300_000), {k: v.numpy() for k, v in trainable_state(build(spec("head"))).items()}
    models = [cache.loaded(spec("head", seed=seed), state) for seed in range(4)]  # some 112 kB each: two fit
    assert cache.loaded(spec("head", seed=3), state) is models[3]
    assert cache.loaded(spec("head", seed=2), state) is models[2]
    assert cache.loaded(spec("head", seed=0), state) is not models[0]


def test_a_compressed_model_has_the_backbone_and_head_of_the_whole_one():
    from learners.models.load import build

    whole = build(spec("head", model="tiny-vit-l", pretrained=True))
    dropped = {"kind": "drop", "bottom": 1, "top": 1, "keep": 0.5}
    part = dict(build(spec("head", model="tiny-vit-l", pretrained=True, compression=dropped)).named_parameters())
    assert 0 < len(part) < len(dict(whole.named_parameters()))
    assert all(value.equal(dict(whole.named_parameters())[name]) for name, value in part.items())


def test_no_dropout_is_left_in_any_family():
    import torch

    from learners.models.architectures import Architecture
    from learners.models.network import network

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30}
    for family, config in [
        ("bert", {**small, "hidden_dropout_prob": 0.3, "classifier_dropout": 0.4}),
        ("roberta", {**small, "bos_token_id": 0}),
        ("gpt2", {"n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 30}),
        ("opt", {**small, "ffn_dim": 16, "layerdrop": 0.5, "attention_dropout": 0.2}),
        ("llama", {**small, "attention_dropout": 0.5}),
    ]:
        shape = Architecture(description="tiny", family=family, config=config)
        model = network(shape, "text-classification", 2, attention="sdpa").train()
        tokens = torch.arange(3, 9).reshape(1, 6)
        assert model(input_ids=tokens).logits.equal(model(input_ids=tokens).logits), family
