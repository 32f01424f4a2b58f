"""Emulators of a model's middle: what distillation changes, what it leaves alone, and what a job gives."""

import json

import numpy as np
import pytest
from tiny_families import FAMILIES_MADE, inputs, make

from learners.catalog import LocalSettings, dataset_spec
from learners.data.datasets import DATASETS
from learners.inline import InlineRunner, inline_scheme
from learners.schemes.emulation import emulator_job

pytestmark = [pytest.mark.learning, pytest.mark.usefixtures("one_thread")]

SETTINGS = {"n_steps": 30, "batch_size": 8, "learning_rate": 0.01, "hidden_weight": 1.0, "task_weight": 0.0}
#: Of 4 blocks the adapter is the first and the last.
COMPRESSIONS = {
    "drop": {"kind": "drop", "bottom": 1, "top": 1, "keep": 0.5},
    "narrow": {"kind": "narrow", "keep": 0.5, "retained": [0, 3]},
    "prune": {"kind": "prune", "bottom": 1, "top": 1, "sparsity": 0.5},
    "quantise": {"kind": "quantise", "bottom": 1, "top": 1, "bits": 2},
}
families = pytest.mark.parametrize("family", FAMILIES_MADE)
kinds = pytest.mark.parametrize("kind", COMPRESSIONS)


def samples(family, n=24):
    """Return samples of ``family``, some of them shorter than others."""
    import torch

    from learners.data.examples import IGNORED, Examples

    given = inputs(family, n=n, padded=family != "vit")
    classes = "Classification" in FAMILIES_MADE[family][1]
    if classes:
        return Examples(given, torch.arange(n) % 3)
    return Examples(given, given["input_ids"].where(given["attention_mask"] == 1, IGNORED))


def compressed(family, kind):
    from learners.compress.apply import compress

    return compress(make(family), COMPRESSIONS[kind])


def distilled(family, kind, **settings):
    """Return an emulator, what it was before, the loss before and after."""
    import torch

    from learners.emulator import distil_middle, hidden_loss

    emulator, teacher, own = compressed(family, kind), make(family), samples(family)
    params = {**SETTINGS, "model": {"compression": COMPRESSIONS[kind]}, **settings}
    before = hidden_loss(teacher, emulator, own, 2)
    distil_middle(emulator, teacher, own, params, torch.Generator().manual_seed(3))
    return emulator, before, hidden_loss(teacher, emulator, own, 2)


def levels(matrix, transposed):
    """Return the numbers of different values in the rows of outputs."""
    return [len(row.unique()) for row in (matrix.T if transposed else matrix)]


@families
@kinds
def test_distillation_lowers_the_hidden_loss(family, kind):
    _, before, after = distilled(family, kind)
    assert after < 0.8 * before


@families
@kinds
def test_only_the_middle_changes(family, kind):
    import torch

    emulator, _, _ = distilled(family, kind)
    untouched, now = dict(compressed(family, kind).named_parameters()), dict(emulator.named_parameters())
    assert untouched.keys() == now.keys()
    blocks = ("layers.1.", "layers.2.", "layer.1.", "layer.2.", "h.1.", "h.2.")
    changed = {name for name, value in now.items() if not torch.equal(value, untouched[name])}
    assert changed
    assert all(any(block in name for block in blocks) for name in changed)


@families
def test_pruned_numbers_stay_zero(family):
    from learners.models.anatomy import matrices

    emulator, start = distilled(family, "prune")[0], compressed(family, "prune")
    for layer in (1, 2):
        for now, then in zip(matrices(emulator, layer), matrices(start, layer), strict=True):
            assert ((now == 0) == (then == 0)).all()
            assert int((now == 0).sum()) == now.numel() // 2


@families
def test_quantised_matrices_stay_on_four_levels_a_row(family):
    import torch

    from learners.models.anatomy import family_of, matrices

    emulator, start = distilled(family, "quantise")[0], compressed(family, "quantise")
    for layer in (1, 2):
        for now, then in zip(matrices(emulator, layer), matrices(start, layer), strict=True):
            assert max(levels(now, family_of(emulator).transposed)) <= 4
            assert isinstance(now, torch.nn.Parameter)
            assert not torch.equal(now, then)


def test_rounding_in_every_step_beats_rounding_at_the_end():
    import torch

    from learners.compress.apply import compress
    from learners.distil import AdamW, distil
    from learners.emulator import hidden_loss
    from learners.models.anatomy import blocks

    _, before, after = distilled("vit", "quantise")
    plain, teacher, own = compressed("vit", "quantise"), make("vit"), samples("vit")
    distil(
        plain,
        teacher,
        lambda generator: own.pick(torch.randperm(len(own), generator=generator)[:8]),
        layers=[2],
        trainable=[value for index in (1, 2) for value in blocks(plain)[index].parameters()],
        optimizer=AdamW(learning_rate=0.01, warmup_share=0.1, decay="cosine"),
        n_steps=30,
        generator=torch.Generator().manual_seed(3),
    )
    compress(plain, COMPRESSIONS["quantise"])
    assert after < hidden_loss(teacher, plain, own, 2)
    assert after < before


def test_the_hidden_loss_is_a_mean_over_samples_and_zero_for_the_middle_itself():
    import torch

    from learners import emulator as module
    from learners.distil import block_outputs, rms_normalised

    teacher, emulator, own = make("vit"), compressed("vit", "drop"), samples("vit")
    assert module.hidden_loss(teacher, make("vit"), own, 2) == 0.0
    with torch.no_grad(), block_outputs(teacher, [2]) as wanted, block_outputs(emulator, [2]) as found:
        teacher(**own.inputs)
        emulator(**own.inputs)
    assert module.hidden_loss(teacher, emulator, own, 2) == pytest.approx(float(rms_normalised(wanted[2], found[2])))


def test_the_task_alone_can_be_the_objective():
    import torch

    from learners.task import loss_of

    def loss(model):
        own = samples("llama")
        with torch.no_grad():
            return float(loss_of(model(**own.inputs), own))

    emulator, _, _ = distilled("llama", "drop", hidden_weight=0.0, task_weight=1.0)
    assert loss(emulator) < 0.9 * loss(compressed("llama", "drop"))


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def scheme(runner, **params):
    """Return FedPEAT on digits with a short distillation of a model of 4 blocks."""
    dataset = dataset_spec("digits", DATASETS["digits"].params(train_per_class=6))
    params = {"distillation": {"steps": 10}, **params}
    local = LocalSettings(epochs=1, batch_size=16)
    return inline_scheme(
        runner,
        "fedpeat",
        params,
        model="tiny-vit-l",
        dataset=dataset,
        partition={"kind": "iid"},
        n_clients=3,
        public_share=0.02,
        local=local,
    )[0]


@pytest.mark.parametrize("method", ["lora", "full", "adapter", "prompt"])
def test_a_job_gives_the_middle_blocks_by_their_own_names(runner, method):
    made = scheme(runner, method=method)
    result = runner.demand(made.emulators[0.5].frozen)
    # Of the two middle blocks, layer drop leaves the lower one.
    assert {name.split(".")[2] for name in result.tensors} == {"1"}
    assert all(name.startswith("vit.layers.1.") and "lora" not in name for name in result.tensors)
    assert result.numbers["hidden_loss_after"] < result.numbers["hidden_loss_before"]


def test_a_device_model_is_the_whole_one_save_for_its_middle(runner):
    import torch

    from learners.models.load import build

    made = scheme(runner, compression="narrow")
    emulator = made.emulators[0.5]
    result = runner.demand(emulator.frozen)
    whole = dict(build(made.part.spec).named_parameters())
    device = dict(build(emulator.spec, {k: torch.from_numpy(v) for k, v in result.tensors.items()}).named_parameters())
    assert device.keys() == whole.keys()
    for name, value in device.items():
        if name in result.tensors:
            assert np.array_equal(value.detach().numpy(), result.tensors[name])
        else:
            assert torch.equal(value, whole[name]), name


def test_equal_jobs_give_equal_bytes(runner):
    made = scheme(runner)
    distillation = made.emulators[0.5].frozen
    again = InlineRunner().demand(distillation)
    first = runner.demand(distillation)
    assert all(np.array_equal(first.tensors[name], again.tensors[name]) for name in first.tensors)


@pytest.mark.parametrize("options", [{}, {"compression": "quantise", "ladder": [0.875]}, {"compression": "prune"}])
def test_a_later_version_goes_on_from_the_last_one(runner, options):
    made = scheme(runner, **options)
    (emulator,) = made.emulators.values()
    later = emulator_job(made.part, emulator, made.state, made.context, made.distillation)
    first, second = runner.demand(emulator.frozen), runner.demand(later)
    assert json.loads(later.params)["extra"] == ["frozen"]
    # The state is the same, so the second begins exactly where the first one ended.
    assert second.numbers["hidden_loss_before"] == first.numbers["hidden_loss_after"]
    assert first.tensors.keys() == second.tensors.keys()
    assert any(not np.array_equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
