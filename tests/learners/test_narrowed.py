"""FedPFT's proxy has the full model's neurons; distillation brings it nearer; an alignment moves what it may and no more."""

import csv

import numpy as np
import pytest

from learners.data.datasets import DATASETS, dataset_spec
from learners.data.partition import partition_job
from learners.inline import InlineRunner
from learners.models.spec import model_spec
from learners.worker import execute
from mecsim.errors import JobError
from mecsim.jobs.job import Result, job

pytestmark = pytest.mark.learning

NARROW = {"kind": "narrow", "keep": 0.25, "retained": [0, -1]}
HEAD = {"name": "head"}
LORA = {"name": "lora", "rank": 4, "alpha": 8.0, "targets": "qkvo"}
DISTIL = {
    "steps": 60,
    "batch_size": 16,
    "learning_rate": 6e-4,
    "warmup_share": 0.048,
    "weight_decay": 0.01,
    "weight_alpha": 0.01,
}
ALIGN = {"steps": 3, "batch_size": 16, "learning_rate": 6e-4, "warmup_share": 0.048, "proportion": 0.5, "student": "aggregate"}
WORDS = ["good", "bad", "fine", "awful", "film", "plot", "actor", "scene", "very", "not"]


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def digits(runner, **shares):
    dataset = dataset_spec("digits", DATASETS["digits"].params(train_per_class=6))
    shares = {"public_share": 0.1, "test_share": 0.1, **shares}
    return dataset, runner.demand(partition_job(dataset, {"kind": "iid"}, n_clients=3, seed=1, **shares))


def vit(method=HEAD, **compression):
    return model_spec(
        "tiny-vit-l",
        task="image-classification",
        n_classes=10,
        method=method,
        pretrained=True,
        seed=0,
        compression={**NARROW, **compression},
    )


def whole(spec):
    return {**spec, "compression": None}


def distilled(runner, spec, **settings):
    dataset, partition = digits(runner)
    return execute(job("narrowed", {"model": spec, "dataset": dataset, **DISTIL, **settings}), [partition])


def hidden_loss(spec, frozen, samples, layers):
    """Measure how far the narrowed blocks are from the full model's, without the code that trains them."""
    import torch

    from learners.distil import block_outputs, rms_normalised
    from learners.models.load import build

    teacher, student = build(whole(spec)).eval(), build(spec, frozen).eval()
    with torch.no_grad(), block_outputs(teacher, layers) as wanted, block_outputs(student, layers) as found:
        teacher(**samples.inputs)
        student(**samples.inputs)
    return float(sum(rms_normalised(wanted[layer], found[layer]) for layer in layers)) / len(layers)


def tensors(arrays):
    import torch

    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def test_before_distillation_the_proxy_has_the_teachers_own_neurons():
    import torch

    from learners.models.load import build

    spec = vit()
    teacher, proxy = dict(build(whole(spec)).named_parameters()), dict(build(spec).named_parameters())
    for layer in (1, 2):
        into, out = f"vit.layers.{layer}.mlp.fc1", f"vit.layers.{layer}.mlp.fc2"
        both = torch.cat([teacher[f"{into}.weight"], teacher[f"{out}.weight"].T], dim=1)
        kept = both.norm(dim=1).topk(96).indices.sort().values  # a quarter of 384, by input row and output column together
        assert torch.equal(proxy[f"{into}.weight"], teacher[f"{into}.weight"][kept])
        assert torch.equal(proxy[f"{into}.bias"], teacher[f"{into}.bias"][kept])
        assert torch.equal(proxy[f"{out}.weight"], teacher[f"{out}.weight"][:, kept])
    narrowed = {f"vit.layers.{layer}.mlp.fc{which}" for layer in (1, 2) for which in (1, 2)}
    others = [name for name in teacher if name.rpartition(".")[0] not in narrowed or name.endswith("fc2.bias")]
    assert len(others) == len(teacher) - 6
    assert all(torch.equal(proxy[name], teacher[name]) for name in others)


def test_distillation_brings_the_narrowed_blocks_nearer_on_samples_that_it_did_not_see(runner):
    import torch

    from learners.data.examples import examples
    from learners.samples import samples_of

    spec, (dataset, partition) = vit(), digits(runner)
    result = distilled(runner, spec)
    assert set(result.tensors) == {
        f"vit.layers.{layer}.mlp.fc{which}.{kind}" for layer in (1, 2) for which in (1, 2) for kind in ("weight", "bias")
    }
    assert result.numbers["last_loss"] < 0.5 * result.numbers["first_loss"]
    unseen = examples(dataset, spec).pick(torch.from_numpy(samples_of(partition, {"split": "public_validation"})))
    before, after = (hidden_loss(spec, frozen, unseen, [1, 2]) for frozen in (None, tensors(result.tensors)))
    assert after < 0.5 * before
    assert distilled(runner, spec).tensors.keys() == result.tensors.keys()


def test_distillation_is_a_function_of_its_name_and_of_the_weight_term(runner):
    def learnt(**settings):
        return distilled(runner, vit(), steps=3, **settings).tensors["vit.layers.1.mlp.fc1.weight"].tobytes()

    assert learnt() == learnt()
    assert learnt() != learnt(note="another job")  # its name draws the batches
    assert learnt() != learnt(weight_alpha=0.0)  # the term has gradients


@pytest.mark.parametrize("keep", [1.0, 0.9999])
def test_a_proxy_with_all_neurons_is_left_as_it_is(runner, keep):
    import torch

    from learners.models.load import build

    spec = vit(keep=keep)
    result = distilled(runner, spec)
    teacher = dict(build(whole(spec)).named_parameters())
    assert result.numbers["n_steps"] == 0
    assert len(result.tensors) == 8
    assert all(torch.equal(teacher[name], value) for name, value in tensors(result.tensors).items())


def test_a_language_model_is_distilled_too(runner):
    dataset = dataset_spec("docstrings", DATASETS["docstrings"].params(window=32, public_bytes=20_000, bytes_per_group=4096))
    partition = runner.demand(partition_job(dataset, {"kind": "iid"}, n_clients=2, public_share=0.1, test_share=0.1, seed=1))
    spec = model_spec(
        "tiny-lm-s", task="language-modelling", n_classes=None, method=LORA, pretrained=False, seed=0, compression=NARROW
    )
    params = {"model": spec, "dataset": dataset, **DISTIL, "steps": 20, "learning_rate": 3e-3}
    result = execute(job("narrowed", params), [partition])
    assert set(result.tensors) == {
        f"model.layers.{layer}.mlp.{which}_proj.weight" for layer in (1, 2) for which in ("gate", "up", "down")
    }
    assert result.numbers["last_loss"] < result.numbers["first_loss"]


def aligned(runner, spec, zeros, *, frozen=None, states=None, dataset=None, partition=None, total=100, **settings):
    """Align the proxy of ``spec`` by what clients counted: ``zeros`` has a mapping of blocks to counts for each of them."""
    from learners.models.load import build
    from learners.peft.state import trainable_state

    if dataset is None:
        dataset, partition = digits(runner)
    start = {name: value.numpy() for name, value in trainable_state(build(spec)).items()}
    states = states or [start] * (len(zeros) + 1)
    updates = [Result({}, {**state, **statistics(counts, total)}) for state, counts in zip(states[1:], zeros, strict=True)]
    inputs = [Result({}, states[0]), partition, *([Result({}, frozen)] if frozen else []), *updates]
    params = {"model": spec, "dataset": dataset, **ALIGN, **settings, **({"extra": ["frozen"]} if frozen else {})}
    return execute(job("align", params), inputs)


def statistics(counts, total):
    sent = {}
    for layer, zeros in counts.items():
        sent[f"statistics/zeros.{layer}"] = np.asarray(zeros, dtype=np.int32)
        sent[f"statistics/total.{layer}"] = np.asarray([total], dtype=np.int64)
    return sent


def test_an_alignment_moves_the_idle_half_and_the_output_bias_bit_for_bit(runner):
    spec = vit(LORA)
    before = distilled(runner, {**spec, "method": HEAD}, steps=5).tensors
    idle = {1: np.arange(96) % 2 == 0, 2: np.arange(96) < 48}
    result = aligned(runner, spec, [{layer: 90 * mask for layer, mask in idle.items()}], frozen=before)
    assert result.tensors.keys() == before.keys()
    assert result.numbers["n_neurons"] == 96
    for layer, mask in idle.items():
        into, out = f"vit.layers.{layer}.mlp.fc1", f"vit.layers.{layer}.mlp.fc2"
        pairs = [(before[name], result.tensors[name]) for name in (f"{into}.weight", f"{into}.bias", f"{out}.weight")]
        pairs[2] = tuple(value.T for value in pairs[2])
        for old, new in pairs:
            assert (old[~mask] == new[~mask]).all()
            assert (old[mask] != new[mask]).mean() > 0.99
        assert (before[f"{out}.bias"] != result.tensors[f"{out}.bias"]).all()


def test_what_an_alignment_changes_is_what_its_delta_counts(runner):
    from learners.models.load import build
    from learners.neurons import changed_parameters

    spec = vit(LORA)
    before = distilled(runner, {**spec, "method": HEAD}, steps=5).tensors
    counts = np.random.default_rng(0).integers(0, 50, 96)
    result = aligned(runner, spec, [{1: counts, 2: counts}], frozen=before, proportion=0.3)
    n_changed = sum(int((before[name] != value).sum()) for name, value in result.tensors.items())
    announced = changed_parameters(build(spec), [1, 2], 0.3)
    assert announced == 2 * (29 * (2 * 96 + 1) + 96)  # 96 - floor(0.7 * 96) = 29 neurons
    assert 0.99 * announced < n_changed <= announced


def test_counts_of_clients_add_up(runner):
    # Each client alone would call another neuron idle than both together do.
    one, other = np.zeros(96), np.zeros(96)
    one[:48], other[24:72] = 60, 50
    one[24:48], other[24:48] = 40, 45
    both = one + other  # 60 for 0..23, 85 for 24..47, 50 for 48..71, 0 behind
    spec = vit(LORA)
    together = aligned(runner, spec, [{1: one, 2: one}, {1: other, 2: other}]).tensors
    at_once = aligned(runner, spec, [{1: both, 2: both}]).tensors
    alone = aligned(runner, spec, [{1: other, 2: other}]).tensors
    assert all((together[name] == at_once[name]).all() for name in together)
    assert any((together[name] != alone[name]).any() for name in together)


def test_sums_are_those_of_all_clients():
    from learners.apoz import summed

    sent = [
        {"zeros.3": np.array([1, 2], np.int32), "total.3": np.array([10])},
        {"zeros.3": np.array([2**31 - 1, 0], np.int32), "total.3": np.array([2**31 - 1])},
    ]
    zeros, totals = summed(sent)
    assert zeros[3].tolist() == [2**31, 2]
    assert totals == {3: 2**31 + 9}


def test_the_student_holds_the_aggregate_or_the_last_clients_state(runner):
    from learners.models.load import build
    from learners.peft.state import trainable_state

    spec, counts = vit(LORA), {1: np.zeros(96), 2: np.zeros(96)}
    start = {name: value.numpy() for name, value in trainable_state(build(spec)).items()}
    moved = {name: value + 0.1 for name, value in start.items()}
    further = {name: value + 0.2 for name, value in start.items()}

    def learnt(states, **settings):
        result = aligned(runner, spec, [counts, counts], states=states, **settings)
        return result.tensors["vit.layers.1.mlp.fc1.weight"].tobytes()

    aggregate = learnt([start, moved, further])
    assert aggregate == learnt([start, further, moved])  # clients' own states do not matter
    last = learnt([start, moved, further], student="last-client")
    assert last == learnt([start, start, further], student="last-client")
    assert len({aggregate, last, learnt([start, further, moved], student="last-client")}) == 3


def test_a_device_sends_four_bytes_a_neuron_and_eight_a_block():
    import torch

    from learners.apoz import ZeroCounter, zero_counts
    from learners.models.load import build

    model = build(vit(LORA))
    counter = ZeroCounter(model, [1, 2])
    with counter, torch.no_grad():
        model(pixel_values=torch.zeros(3, 1, 28, 28))
    sent = zero_counts(counter)
    assert {name: (value.dtype, tuple(value.shape)) for name, value in sent.items()} == {
        "zeros.1": (torch.int32, (96,)),
        "total.1": (torch.int64, (1,)),
        "zeros.2": (torch.int32, (96,)),
        "total.2": (torch.int64, (1,)),
    }
    assert int(sent["total.1"]) == 3 * 17
    counter.totals[2] = 2**31
    with pytest.raises(JobError, match="do not fit a 32-bit count"):
        zero_counts(counter)


def test_counts_of_another_model_are_refused(runner):
    with pytest.raises(JobError, match="zero counts of shape"):
        aligned(runner, vit(LORA), [{1: np.zeros(384), 2: np.zeros(384)}])


@pytest.fixture(scope="module")
def bert_texts(tmp_path_factory):
    """Return a folder with a tiny BERT and its tokenizer, and a table of texts of different lengths."""
    from tiny_families import make
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    make("bert", num_hidden_layers=3).save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    rng = np.random.default_rng(0)
    with (folder / "texts.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for row in range(120):
            writer.writerow([" ".join(rng.choice(WORDS, rng.integers(1, 8))), row % 2])
    return folder


def test_the_norm_behind_the_ffn_moves_whole_in_bert(runner, bert_texts):
    dataset = dataset_spec("table", DATASETS["table"].params(path=bert_texts / "texts.csv", text="text", max_length=16))
    partition = runner.demand(partition_job(dataset, {"kind": "iid"}, n_clients=2, public_share=0.4, test_share=0.1, seed=1))
    spec = model_spec(
        f"path:{bert_texts}",
        task="text-classification",
        n_classes=2,
        method=LORA,
        pretrained=True,
        seed=0,
        compression={**NARROW, "keep": 0.5, "retained": [0]},
    )
    idle = np.arange(12) < 6
    zeros = dict.fromkeys((1, 2), 9 * idle)
    before = aligned(runner, spec, [zeros], dataset=dataset, partition=partition, steps=1, learning_rate=1e-9).tensors
    result = aligned(runner, spec, [zeros], dataset=dataset, partition=partition, frozen=before).tensors
    for layer in (1, 2):
        block = f"bert.encoder.layer.{layer}"
        into, out = f"{block}.intermediate.dense.weight", f"{block}.output.dense.weight"
        assert (before[into][~idle] == result[into][~idle]).all()
        assert (before[out][:, ~idle] == result[out][:, ~idle]).all()
        assert (before[into][idle] != result[into][idle]).mean() > 0.99
        assert (before[out][:, idle] != result[out][:, idle]).mean() > 0.99
        for whole_part in ("output.dense.bias", "output.LayerNorm.weight", "output.LayerNorm.bias"):
            assert (before[f"{block}.{whole_part}"] != result[f"{block}.{whole_part}"]).mean() > 0.9


def test_without_public_samples_there_is_a_way_out(runner):
    dataset, partition = digits(runner, public_share=0.0)
    with pytest.raises(JobError, match=r"learning\.public_share"):
        execute(job("narrowed", {"model": vit(), "dataset": dataset, **DISTIL}), [partition])
