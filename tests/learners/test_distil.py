import copy
import math

import pytest
from tiny_families import FAMILIES_MADE, TinyBatch, inputs, make, outputs

from learners.models.families import FAMILIES
from mecsim.errors import JobError

pytestmark = [pytest.mark.learning, pytest.mark.usefixtures("one_thread")]

families = pytest.mark.parametrize("family", FAMILIES_MADE)
LAYERS = [1, 2]
NARROW = {"kind": "narrow", "keep": 0.25, "retained": [0, -1]}
DROP = {"kind": "drop", "bottom": 1, "top": 1, "keep": 0.5}


def pair(family, compression=NARROW):
    """Return a compressed student and its teacher."""
    from learners.compress.apply import compress

    return compress(make(family), compression), make(family)


def batches(family, **options):
    """Return a source of small batches of ``family``, drawn anew each time."""
    import torch

    def draw(generator):
        seed = int(torch.randint(1000, (1,), generator=generator))
        return TinyBatch(inputs(family, n=8, seed=seed, **options), torch.zeros(8, dtype=torch.long))

    return draw


def distilled(student, teacher, source, **options):
    """Run ``distil`` with this file's usual settings; return its statistics."""
    import torch

    from learners.distil import AdamW, distil, ffn_parameters

    settings = {"learning_rate": 0.01, "warmup_share": 0.1, **options.pop("adamw", {})}
    if "trainable" not in options:
        options["trainable"] = [value for _, value in ffn_parameters(student, LAYERS)]
    options = {"layers": LAYERS, "n_steps": 20, "generator": torch.Generator().manual_seed(5), **options}
    return distil(student, teacher, source, optimizer=AdamW(**settings), **options)


def snapshot(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def moved(before, model):
    return {name for name, value in model.named_parameters() if (value != before[name]).any()}


def test_normalised_distance_by_hand():
    import torch

    from learners.distil import rms_normalised

    teacher, student = torch.tensor([[[3.0], [4.0]]]), torch.tensor([[[3.0], [0.0]]])
    assert rms_normalised(teacher, student).item() == pytest.approx((16 / 12.5) / 2)
    assert rms_normalised(teacher, student, torch.tensor([[0, 1]])).item() == pytest.approx(1.0)
    assert rms_normalised(teacher, student, torch.tensor([[1, 0]])) == 0
    assert rms_normalised(10 * teacher, 10 * student).item() == pytest.approx((16 / 12.5) / 2)


@families
def test_linearised_loss_has_a_gradient_and_cares_for_the_map_alone(family):
    import torch

    from learners.distil import linearised_ffn_loss
    from learners.models.anatomy import FfnMaps, ffn_maps

    student, teacher = pair(family)
    loss = linearised_ffn_loss(ffn_maps(teacher, 1), ffn_maps(student, 1))
    loss.backward()
    trained = [FAMILIES[family].ffn_in[-1], FAMILIES[family].ffn_out]
    for path in trained:
        assert student.get_parameter(f"{FAMILIES[family].blocks}.1.{path}.weight").grad.abs().max() > 0
    w_in, w_out = ffn_maps(teacher, 1)
    order = torch.randperm(24)
    shuffled = FfnMaps(2.0 * w_in[order], 0.5 * w_out[:, order])
    assert linearised_ffn_loss(ffn_maps(teacher, 1), shuffled).item() < 1e-10
    product = w_out @ w_in
    half = linearised_ffn_loss(ffn_maps(teacher, 1), FfnMaps(0.5 * w_in, w_out))
    assert half.item() == pytest.approx(0.25, rel=1e-4), product.shape  # a distance of half, squared


@families
def test_distillation_lowers_the_distance_and_moves_only_the_ffns(family):
    import torch

    from learners.distil import block_outputs, ffn_parameters, rms_normalised

    student, teacher = pair(family)
    before, teacher_before = snapshot(student), snapshot(teacher)
    names = {name for name, _ in ffn_parameters(student, LAYERS)}

    def distance():
        with torch.no_grad(), block_outputs(teacher, [2]) as wanted, block_outputs(student, [2]) as found:
            held_out = inputs(family, n=32, seed=9999)
            teacher(**held_out), student(**held_out)
        return rms_normalised(wanted[2], found[2]).item()

    far = distance()
    stats = distilled(student, teacher, batches(family), n_steps=60)
    assert distance() < 0.7 * far
    assert stats.last_loss < stats.first_loss
    assert (stats.n_steps, stats.n_samples) == (60, 480)
    assert stats.mean_hidden_loss == pytest.approx(stats.mean_loss)  # the hidden loss is all there was
    assert moved(before, student) == names
    assert moved(teacher_before, teacher) == set()
    assert all(value.requires_grad and value.grad is None for value in student.parameters())


@families
def test_what_fedpft_trains(family):
    from learners.distil import ffn_parameters

    student, _ = pair(family)
    names = {name for name, _ in ffn_parameters(student, LAYERS)}
    assert names <= {name for name, _ in student.named_parameters()}
    assert not any("attention" in name or "attn" in name for name in names)
    norms = {name for name in names if "norm" in name.lower()}
    assert len(norms) == (4 if family in ("bert", "roberta") else 0)


def test_a_student_equal_to_its_teacher_has_nothing_to_learn():
    student, teacher = pair("bert", None)
    stats = distilled(student, teacher, batches("bert"), n_steps=1, weight_alpha=0.5)
    assert stats.first_loss == 0.0


def test_the_loss_is_the_mean_over_blocks_of_both_parts():
    import torch

    from learners.distil import block_outputs, linearised_ffn_loss, rms_normalised
    from learners.models.anatomy import ffn_maps

    student, teacher = pair("gpt2")
    batch = TinyBatch(inputs("gpt2", padded=True), torch.zeros(3))
    with torch.no_grad(), block_outputs(teacher, LAYERS) as wanted, block_outputs(student, LAYERS) as found:
        teacher(**batch.inputs), student(**batch.inputs)
        mask = batch.inputs["attention_mask"]
        hidden = [rms_normalised(wanted[i], found[i], mask).item() for i in LAYERS]
        weights = [linearised_ffn_loss(ffn_maps(teacher, i), ffn_maps(student, i)).item() for i in LAYERS]
    stats = distilled(student, teacher, lambda _: batch, n_steps=1, hidden_weight=3.0, weight_alpha=0.2)
    assert stats.first_loss == pytest.approx(3 * sum(hidden) / 2 + 0.2 * sum(weights) / 2, rel=1e-5)
    assert stats.mean_hidden_loss == pytest.approx(sum(hidden) / 2, rel=1e-5)


@pytest.mark.parametrize("family", ["bert", "gpt2", "opt", "llama"])
def test_what_stands_at_padded_positions_is_of_no_account(family):
    import torch

    results = []
    for garbage in (0, 11):
        student, teacher = pair(family)
        arguments = inputs(family, padded=True)
        arguments["input_ids"] = arguments["input_ids"].where(arguments["attention_mask"] == 1, garbage)
        distilled(student, teacher, lambda _, given=arguments: TinyBatch(given, torch.zeros(3)), n_steps=3)
        results.append(snapshot(student))
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())


@families
def test_an_emulator_learns_at_its_last_block_with_the_task(family):
    import torch
    import torch.nn.functional as F

    from learners.models.anatomy import blocks

    student, teacher = pair(family, DROP)
    emulator = list(blocks(student)[1].parameters())
    before = snapshot(student)
    calls = []

    def task_loss(output, batch):
        calls.append(batch)
        scores = output.logits if output.logits.ndim == 2 else output.logits[:, -1]
        return F.cross_entropy(scores, batch.targets)

    stats = distilled(
        student, teacher, batches(family), layers=[2], trainable=emulator, task_weight=0.1, task_loss=task_loss, n_steps=40
    )
    assert stats.last_loss < stats.first_loss
    assert stats.mean_loss > stats.mean_hidden_loss
    assert len(calls) == 40
    own = {name for name, value in student.named_parameters() if any(value is each for each in emulator)}
    changed = moved(before, student)
    assert changed <= own
    assert len(changed) >= len(own) - 1  # a key's bias has no influence on attention
    assert torch.equal(outputs(teacher, family), outputs(make(family), family))


def test_flags_of_a_tuned_student_are_put_back():
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from learners.peft.state import trainable_state

    student, teacher = pair("vit")
    for model in (student, teacher):
        torch.manual_seed(3)
        inject_adapter_in_model(LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False), model)
    before = trainable_state(student)
    distilled(student, teacher, batches("vit"), n_steps=2)
    after = trainable_state(student)
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_pruned_student_stays_pruned():
    import torch

    from learners.distil import non_zero_masks
    from learners.models.anatomy import matrices

    student, teacher = pair("vit", {"kind": "prune", "bottom": 1, "top": 1, "sparsity": 0.5})
    trainable = [value for layer in LAYERS for value in matrices(student, layer)]
    gone = [value.detach() == 0 for value in trainable]
    masks = non_zero_masks(trainable)
    distilled(student, teacher, batches("vit"), trainable=trainable, masks=masks, n_steps=3)
    assert all(torch.equal(value == 0, zero) for value, zero in zip(trainable, gone, strict=True))


def test_the_learning_rate_rises_and_falls_and_is_never_zero():
    from learners.distil import AdamW

    linear = AdamW(learning_rate=1.0, warmup_share=0.2)
    assert [linear.rate(step, 10) for step in range(10)] == [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
    assert linear.rate(0, 1) == 1.0
    cosine = AdamW(learning_rate=2.0, decay="cosine")
    assert [cosine.rate(step, 4) for step in range(4)] == pytest.approx([2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5)])
    assert AdamW(learning_rate=2.0, decay="constant").rate(3, 4) == 2.0


def test_a_step_is_clipped_adamw():
    import torch

    student, teacher = pair("vit")
    value = student.vit.layers[2].mlp.fc2.bias
    before = value.detach().clone()
    distilled(student, teacher, batches("vit"), trainable=[value, value], n_steps=1, adamw={"warmup_share": 0.0})
    torch.testing.assert_close((value - before).abs(), torch.full((16,), 0.01))  # Adam's first step is the rate itself


def test_gradients_are_clipped_to_their_norm_and_frozen_entries_have_no_part_in_it():
    import torch
    from torch import nn

    from learners.distil import AdamW, _Update

    settings = AdamW(learning_rate=0.01, decay="constant")
    scalar = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    update = _Update([scalar], settings, 2, {})
    for step, slope in enumerate((1.0, 100.0)):
        update(step, (slope * scalar).sum())
    assert scalar.item() == pytest.approx(-0.02)  # both slopes were 1 for Adam
    entries = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    masked = _Update([entries], settings, 1, {entries: torch.tensor([True, False])})
    masked(0, (entries * torch.tensor([1e-6, 1e6])).sum())
    assert entries.tolist() == pytest.approx([-0.01, 0.0], rel=0.02)  # not scaled down to Adam's epsilon by the other


def test_distillation_is_a_function_of_its_arguments():
    import torch

    results = []
    for _ in range(2):
        student, teacher = pair("gpt2")  # gpt2 has dropout by default; it is off while distilling
        distilled(student.train(), teacher.train(), batches("gpt2"), n_steps=3)
        results.append(snapshot(student))
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())


def test_hooks_are_taken_away():
    from learners.distil import block_outputs

    model = make("vit")
    with block_outputs(model, [0, 3]) as found:
        model(**inputs("vit"))
    kept = dict(found)
    model(**inputs("vit", seed=2))
    assert found == kept
    assert not any(block._forward_hooks for block in model.vit.layers)


def test_what_cannot_be_distilled_is_said():
    student, teacher = pair("vit")
    late = list(student.vit.layers[3].parameters())
    with pytest.raises(JobError, match="match the trained blocks or later"):
        distilled(student, teacher, batches("vit"), trainable=late)
    with pytest.raises(JobError, match="nothing to distil"):
        distilled(student, teacher, batches("vit"), trainable=[])
    with pytest.raises(JobError, match="set task_weight to 0"):
        distilled(student, teacher, batches("vit"), task_weight=1.0)
    broken = copy.deepcopy(student)
    broken.vit.layers[1].mlp.fc2.bias.data.fill_(math.inf)
    with pytest.raises(JobError, match="diverged at step 1"):
        distilled(broken, teacher, batches("vit"))
