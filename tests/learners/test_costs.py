import json

import pytest

from learners.peft.defaults import METHODS

pytestmark = pytest.mark.learning


def method(name, **options):
    return {"name": name, **METHODS[name].options, **options}


def vit_forward_flop(*, hidden, layers, ffn, patches, patch_values, n_classes, extra_tokens=0):
    """Two FLOPs a multiply-add: patch convolution, then q k v o, scores, mixing and MLP of every block, then the head."""
    tokens = patches + 1 + extra_tokens
    block = 4 * tokens * hidden**2 + 2 * tokens**2 * hidden + 2 * tokens * hidden * ffn
    return 2 * (patches * patch_values * hidden + layers * block + hidden * n_classes)


VIT_B = {"hidden": 768, "layers": 12, "ffn": 3072, "patches": 196, "patch_values": 3 * 256, "n_classes": 100}
TINY_S = {"hidden": 32, "layers": 2, "ffn": 128, "patches": 16, "patch_values": 49, "n_classes": 10}


@pytest.fixture(scope="module")
def sheet():
    from functools import cache

    from learners.costs import cost_sheet
    from learners.models.architectures import architecture_of, as_params

    @cache
    def counted(architecture, n_classes, name, batch_size, device="meta", **options):
        shape = architecture_of(architecture)
        defaults = {"task": shape.tasks[-1], "length": None if shape.kind == "image" else 32}
        return cost_sheet(
            architecture=as_params(shape),
            n_classes=n_classes,
            method=method(name),
            batch_size=batch_size,
            device=device,
            **{**defaults, **{key: json.loads(value) for key, value in options.items()}},
        )

    return counted


def test_forward_flop_of_vit_b_are_the_analytic_ones(sheet):
    assert sheet("vit-base-16", 100, "bias", 2)["forward_flop_per_sample"] == vit_forward_flop(**VIT_B)


@pytest.mark.parametrize("batch_size", [1, 16])
def test_forward_flop_of_the_tiny_one_are_the_analytic_ones(sheet, batch_size):
    assert sheet("tiny-vit-s", 10, "full", batch_size)["forward_flop_per_sample"] == vit_forward_flop(**TINY_S)


def test_prompts_lengthen_every_block(sheet):
    assert sheet("tiny-vit-s", 10, "prompt", 4)["forward_flop_per_sample"] == vit_forward_flop(**TINY_S, extra_tokens=10)


def test_a_full_step_is_three_forwards_less_the_gradient_of_the_pixels(sheet):
    counted = sheet("tiny-vit-s", 10, "full", 4)
    convolution = 2 * 16 * 49 * 32
    assert counted["train_flop_per_sample"] == 3 * counted["forward_flop_per_sample"] - convolution


def test_a_head_step_is_a_forward_and_the_head_s_weight_gradient(sheet):
    counted = sheet("tiny-vit-s", 10, "head", 4)
    assert counted["train_flop_per_sample"] == counted["forward_flop_per_sample"] + 2 * 32 * 10


def test_a_bias_step_saves_the_weight_gradients(sheet):
    full, bias = (sheet("vit-base-16", 100, name, 2) for name in ("full", "bias"))
    assert 1.95 < bias["train_flop_per_sample"] / bias["forward_flop_per_sample"] < 2.05
    assert bias["state_bytes"] == 4 * 179_812
    assert bias["state_bytes"] + bias["backbone_bytes"] == full["state_bytes"] == 4 * 85_875_556
    assert bias["head_parameters"] == 76_900


@pytest.mark.parametrize("name", METHODS)
def test_the_meta_device_counts_what_the_processor_counts(sheet, name):
    assert sheet("tiny-vit-s", 10, name, 4) == sheet("tiny-vit-s", 10, name, 4, device="cpu")


def test_frozen_training_needs_less_memory(sheet):
    full, lora, head = (sheet("tiny-vit-l", 10, name, 8)["peak_train_bytes"] for name in ("full", "lora", "head"))
    assert head < lora < full
    # Weights, gradients and momentum are a lower bound.
    assert full > 3 * sheet("tiny-vit-l", 10, "full", 8)["state_bytes"]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_peak_of_a_net_counted_by_hand(device):
    import torch

    from learners.memory import LiveBytes

    # Three float32 vectors of 1000: x; a = x * 2; b = a + 1, and a goes when b is there; c = b.exp().
    x = torch.ones(1000, device=device)
    with LiveBytes() as memory:
        memory.follow([x])
        a = x * 2
        view = a[:10]
        b = a + 1
        assert memory.live_bytes == 12_000
        del a
        assert memory.live_bytes == 12_000  # the view keeps the storage
        del view
        assert memory.live_bytes == 8_000
        c = b.exp()
        del b, c
    assert memory.live_bytes == 4_000
    assert memory.peak_bytes == 12_000


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_peak_of_a_training_step_counted_by_hand(device):
    import torch

    from learners.memory import LiveBytes

    # x (50, 100) and W (20, 100) have 20,000 + 8,000 bytes. Forward makes y = x W^T (4,000) and its sum (4), which keeps no y.
    # Backward makes the gradient of the sum (4), a view of it for y, and W's gradient (8,000).
    weight = torch.ones(20, 100, device=device, requires_grad=True)
    x = torch.ones(50, 100, device=device)
    with LiveBytes() as memory:
        memory.follow([weight, x])
        loss = (x @ weight.T).sum()
        assert memory.live_bytes == 28_000 + 4
        loss.backward()
    assert memory.peak_bytes == 28_000 + max(4_000 + 4, 4 + 4 + 8_000)


def test_traffic_follows_its_formula(sheet):
    counted = sheet("tiny-vit-s", 10, "lora", 16)
    weights = counted["state_bytes"] + counted["backbone_bytes"]
    saved = counted["traffic_bytes_per_step"] - 2 * weights - 5 * counted["state_bytes"]
    assert 0 < saved < 2 * counted["peak_train_bytes"]


def test_forward_flop_of_bert_base_are_the_analytic_ones(sheet):
    # 12 blocks over 32 tokens, the pooler on the first one, the head.
    tokens, hidden = 32, 768
    block = 4 * tokens * hidden**2 + 2 * tokens**2 * hidden + 2 * tokens * hidden * 3072
    expected = 2 * (12 * block + hidden**2 + hidden * 2)
    assert sheet("bert-base", 2, "lora", 2)["forward_flop_per_sample"] - expected == pytest.approx(
        2 * 12 * 2 * tokens * 2 * 8 * hidden  # LoRA: two projections, down and up
    )


def test_adamw_holds_two_moments_where_sgd_holds_one(sheet):
    sgd, adamw = (sheet("tiny-vit-l", 10, "full", 1, optimizer=f'"{name}"') for name in ("sgd", "adamw"))
    assert adamw["peak_train_bytes"] - sgd["peak_train_bytes"] == pytest.approx(sgd["state_bytes"], rel=0.02)


def test_a_sample_travels_as_bytes_of_pixels_or_four_a_token(sheet):
    assert sheet("vit-base-16", 10, "head", 1)["sample_bytes"] == 3 * 224 * 224
    assert sheet("tiny-lm-s", None, "lora", 1)["sample_bytes"] == 4 * 32


def test_dropped_blocks_cost_nothing(sheet):
    whole = sheet("vit-base-16", 10, "head", 1)
    half = sheet("vit-base-16", 10, "head", 1, compression='{"kind": "drop", "bottom": 1, "top": 1, "keep": 0.5}')
    block_bytes = 4 * (4 * (768**2 + 768) + 2 * 768 * 3072 + 3072 + 768 + 4 * 768)
    assert whole["backbone_bytes"] - half["backbone_bytes"] == 5 * block_bytes
    block_flop = 2 * (4 * 197 * 768**2 + 2 * 197**2 * 768 + 2 * 197 * 768 * 3072)
    assert whole["forward_flop_per_sample"] - half["forward_flop_per_sample"] == 5 * block_flop


def test_quantised_blocks_are_sent_and_held_with_their_bits(sheet):
    whole, eight = (
        sheet("vit-base-16", 10, "head", 1, compression=f'{{"kind": "quantise", "bottom": 1, "top": 1, "bits": {bits}}}')
        for bits in (8, 4)
    )
    numbers = 10 * (4 * 768**2 + 2 * 768 * 3072)
    assert whole["backbone_bytes"] - eight["backbone_bytes"] == numbers // 2
    assert whole["peak_train_bytes"] - eight["peak_train_bytes"] == numbers // 2


def test_pruned_blocks_are_sent_sparse_and_held_dense(sheet):
    dense, sparse = (
        sheet("vit-base-16", 10, "head", 1, compression=f'{{"kind": "prune", "bottom": 1, "top": 1, "sparsity": {share}}}')
        for share in ("0.0", "0.5")
    )
    assert sparse["backbone_bytes"] < 0.7 * dense["backbone_bytes"]
    assert sparse["peak_train_bytes"] == dense["peak_train_bytes"]
