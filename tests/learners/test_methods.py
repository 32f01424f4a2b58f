import hashlib

import numpy as np
import pytest

from learners.models.architectures import ARCHITECTURES, as_params
from learners.models.spec import model_spec
from learners.peft.defaults import METHODS
from mecsim.errors import JobError, UnknownNameError

pytestmark = pytest.mark.learning

# Counted by hand from the definitions for ViT-B/16 (hidden 768, 12 blocks, FFN 3072), new head included.
VIT_B_COUNTS = {
    100: {"full": 85_875_556, "head": 76_900, "bias": 179_812, "adapter": 225_220, "prompt": 169_060},
    45: {"full": 85_833_261, "head": 34_605, "bias": 137_517, "adapter": 182_925, "prompt": 126_765},
    2: {"full": 85_800_194, "head": 1_538, "bias": 104_450, "adapter": 149_858, "prompt": 93_698},
}


def method(name, **options):
    return {"name": name, **METHODS[name].options, **options}


def spec(name="lora", *, seed=0, model="tiny-vit-s", pretrained=False, **options):
    chosen = method(name, **options)
    return model_spec(
        model,
        task="image-classification",
        n_classes=10,
        method=chosen,
        pretrained=pretrained,
        seed=seed,
    )


def counted(architecture, n_classes, chosen):
    """Return the trainable parameters of ``architecture`` with the method ``chosen``, on the meta device."""
    from learners.models.load import build_meta

    shape = as_params(ARCHITECTURES[architecture])
    return n_trainable(build_meta(shape, task="image-classification", n_classes=n_classes, method=chosen))


def n_trainable(model):
    return sum(value.numel() for value in model.parameters() if value.requires_grad)


def take_steps(model, n_steps=2):
    import torch

    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(8, 1, 28, 28, generator=generator), torch.arange(8)
    optimizer = torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=0.1)
    for _ in range(n_steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(pixel_values=images).logits, labels).backward()
        optimizer.step()


def digest(tensors):
    hashed = hashlib.sha256()
    for name, value in tensors:
        hashed.update(name.encode() + value.detach().numpy().tobytes())
    return hashed.hexdigest()


@pytest.mark.parametrize("n_classes", VIT_B_COUNTS)
@pytest.mark.parametrize("name", VIT_B_COUNTS[2])
def test_vit_b_counts(n_classes, name):
    assert counted("vit-base-16", n_classes, method(name)) == VIT_B_COUNTS[n_classes][name]


def test_vit_b_counts_with_an_adapter_for_each_block_and_with_lora():
    assert counted("vit-base-16", 100, method("adapter", shared=False)) == 1_856_740
    # rank 8 on q and v: 12 blocks * 2 * 2 * 8 * 768
    assert counted("vit-base-16", 100, method("lora")) == 294_912 + 76_900


@pytest.mark.parametrize("name", METHODS)
def test_what_travels_is_what_trains(name):
    from learners.models.load import build
    from learners.peft.state import trainable_state

    model = build(spec(name))
    trained = {key for key, value in model.named_parameters() if value.requires_grad}
    assert set(trainable_state(model)) == trained
    assert any("classifier" in key for key in trained)


@pytest.mark.parametrize("name", METHODS)
def test_training_moves_everything_that_travels_and_nothing_else(name):
    from learners.models.load import build
    from learners.peft.state import trainable_state

    model = build(spec(name))
    before, still = trainable_state(model), lambda: [(k, v) for k, v in model.named_parameters() if not v.requires_grad]
    frozen = digest(still())
    take_steps(model, n_steps=3)
    assert digest(still()) == frozen
    # A key's bias shifts all scores of a query alike, which softmax does not see: its gradient is zero up to rounding.
    stuck = [key for key, value in trainable_state(model).items() if value.equal(before[key]) and "k_proj.bias" not in key]
    assert stuck == []


@pytest.mark.parametrize("shared", [True, False])
def test_both_matrices_of_an_adapter_learn(shared):
    from learners.models.load import build

    model = build(spec("adapter", shared=shared))
    adapter = model.vit.layers[0].mlp.adapter
    down, up = adapter.down.weight.detach().clone(), adapter.up.weight.detach().clone()
    assert not up.any()
    take_steps(model, n_steps=2)
    assert not adapter.down.weight.equal(down)
    assert adapter.down.weight.grad.any()
    assert adapter.up.weight.grad.any()
    assert (model.vit.layers[1].mlp.adapter is adapter) == shared


@pytest.mark.parametrize("name", ["lora", "adapter"])
def test_what_is_inserted_changes_nothing_before_it_has_learnt(name):
    import torch

    from learners.models.load import build

    images = torch.linspace(-1, 1, 2 * 784).reshape(2, 1, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(
            build(spec(name))(pixel_values=images).logits, build(spec("head"))(pixel_values=images).logits, rtol=0, atol=1e-6
        )


def test_prompts_are_seen_by_every_block_and_dropped_behind_it():
    import torch

    from learners.models.load import build

    model = build(spec("prompt", n_tokens=3))
    seen = []
    for prompted in model.vit.layers:
        prompted.block.register_forward_hook(lambda block, inputs, output: seen.append(output.shape[1]))
    model(pixel_values=torch.zeros(2, 1, 28, 28))
    assert seen == [17 + 3, 17 + 3]
    bound = (6 / (1 * 7 * 7 + 32)) ** 0.5
    assert 0.9 * bound < model.vit.layers[0].prompt.abs().max() <= bound


def test_prompt_dropout_works_in_training_only():
    import torch

    from learners.models.load import build

    model, images = build(spec("prompt", dropout=0.5)), torch.zeros(1, 1, 28, 28)
    assert model.eval()(pixel_values=images).logits.equal(model(pixel_values=images).logits)
    assert not model.train()(pixel_values=images).logits.equal(model(pixel_values=images).logits)


def test_a_state_of_another_method_is_refused():
    from learners.models.load import build
    from learners.peft.state import load_trainable_state, trainable_state

    with pytest.raises(JobError, match=r"does not belong to this model and method: missing .*lora_A"):
        load_trainable_state(build(spec("lora")), trainable_state(build(spec("head"))))


def test_an_unknown_method_is_answered_with_the_nearest():
    from learners.peft.apply import apply_method

    with pytest.raises(UnknownNameError, match="Did you mean 'adapter'"):
        apply_method(None, {"name": "adaptor"})


# Type, options, trainable parameters beside the head's 330, on tiny-vit-s (hidden 32, 2 blocks, FFN 128).
PEFT_TYPES = [
    ("LORA", {"r": 4}, 2 * 2 * 2 * 4 * 32),
    ("LORA", {"r": 4, "use_dora": True}, 2 * 2 * (2 * 4 * 32 + 32)),
    ("LORA", {"r": 4, "use_rslora": True}, 2 * 2 * 2 * 4 * 32),
    ("IA3", {}, 2 * (32 + 32 + 128)),
    ("VERA", {"r": 16}, 2 * 2 * (16 + 32)),
    ("LN_TUNING", {}, (2 * 2 + 1) * 2 * 32),
    ("OFT", {"oft_block_size": 8}, 2 * 2 * 4 * 28),
]


@pytest.mark.parametrize(("peft_type", "options", "expected"), PEFT_TYPES)
def test_peft_types_that_fit(peft_type, options, expected):
    from learners.models.load import build
    from learners.peft.state import trainable_state

    chosen = method("peft", peft_type=peft_type, peft_options=options)
    model = build(spec("peft", peft_type=peft_type, peft_options=options))
    assert n_trainable(model) == expected + 330
    assert counted("tiny-vit-s", 10, chosen) == expected + 330
    take_steps(model, n_steps=3)
    assert trainable_state(model).keys() == {key for key, value in model.named_parameters() if value.grad is not None}
    assert all(value.grad.any() for value in model.parameters() if value.requires_grad)


def test_vera_s_shared_projections_are_drawn_again_and_do_not_travel():
    from learners.models.load import build

    one, other = (build(spec("peft", seed=seed, peft_type="VERA", peft_options={"r": 4})) for seed in (1, 2))
    projections = {name: value for name, value in one.named_buffers() if "vera_" in name}
    assert projections
    assert all(dict(other.named_buffers())[name].equal(value) for name, value in projections.items())


@pytest.mark.parametrize(
    ("peft_type", "options", "reason"),
    [
        ("LORRA", {}, "peft knows no type 'LORRA'; it has .*LORA"),
        ("PROMPT_TUNING", {"num_virtual_tokens": 4}, "does not fit this model.*method 'prompt'"),
        ("LORA", {"rank": 4}, "does not fit this model.*rank"),
        ("LORA", {"target_modules": ["query"]}, "does not fit this model.*query"),
        ("ADALORA", {"total_step": 10}, "schedule of its own"),
    ],
)
def test_a_peft_type_that_does_not_fit_says_why(peft_type, options, reason):
    from learners.models.load import build

    with pytest.raises(JobError, match=reason):
        build(spec("peft", peft_type=peft_type, peft_options=options))


def test_methods_of_one_seed_meet_the_same_backbone_and_head():
    from learners.models.load import build

    one, other = build(spec("head", seed=5)), build(spec("prompt", seed=5))
    assert one.classifier.weight.equal(other.classifier.weight)
    assert one.vit.embeddings.cls_token.equal(other.vit.embeddings.cls_token)
    assert not build(spec("head", seed=6)).classifier.weight.equal(one.classifier.weight)


def test_building_leaves_the_global_generator_alone():
    import torch

    from learners.models.load import build

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    build(spec("lora"))
    assert torch.rand(1).equal(expected)


def test_embedded_weights_are_loaded_and_their_digest_verified():
    from safetensors.numpy import load_file

    from learners.models.load import build
    from learners.models.spec import weights_path

    model = build(spec("head", pretrained=True))
    stored = load_file(weights_path("tiny-vit-s"))
    assert np.array_equal(
        model.vit.embeddings.cls_token.detach().numpy(), stored["vit.embeddings.cls_token"].astype(np.float32)
    )
    with pytest.raises(JobError, match="the job was named with 000000000000"):
        build({**spec("head"), "weights": "0" * 64})
