"""Local training, evaluation and the worker around them."""

import json

import numpy as np
import pytest

from learners.data.datasets import DigitsParams, dataset_spec
from learners.data.partition import partition_job
from learners.inline import InlineRunner
from learners.models.spec import model_spec
from learners.peft.defaults import METHODS
from learners.worker import execute
from mecsim.errors import JobError, UnknownNameError
from mecsim.jobs.job import Result, job

pytestmark = pytest.mark.learning

DATASET = dataset_spec("digits", DigitsParams(train_per_class=6))
PARTITION = partition_job(DATASET, {"kind": "iid"}, n_clients=2, public_share=0.1, test_share=0.1, seed=1)
TASK = "image-classification"
SETTINGS = {
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 1e-4,
    "clip_norm": None,
}


def spec(name="lora", seed=0, **options):
    method = {"name": name, **METHODS[name].options, **options}
    return model_spec("tiny-vit-s", task=TASK, n_classes=10, method=method, pretrained=True, seed=seed)


def init(**kwargs):
    return job("init", {"model": spec(**kwargs)})


def training(client=0, *, settings=SETTINGS, after=None, **kwargs):
    params = {"model": spec(**kwargs), "dataset": DATASET, "on": {"client": client}, **settings}
    return job("train", params, [after or init(**kwargs), PARTITION])


def evaluation(state, split="test", **kwargs):
    return job("evaluate", {"model": spec(**kwargs), "dataset": DATASET, "split": split}, [state, PARTITION])


def same(one: Result, other: Result) -> bool:
    equal_keys = one.numbers == other.numbers and one.tensors.keys() == other.tensors.keys()
    return equal_keys and all(value.tobytes() == other.tensors[key].tobytes() for key, value in one.tensors.items())


@pytest.mark.parametrize("name", METHODS)
def test_a_resident_model_is_equal_to_a_fresh_build(name):
    from learners.models.resident import MODEL_CACHE

    wanted = training(name=name)
    MODEL_CACHE.clear()
    fresh = InlineRunner().demand(wanted)
    InlineRunner().demand(evaluation(training(client=1, name=name), name=name))  # leaves traces in the resident model
    resident = InlineRunner().demand(wanted)
    assert same(fresh, resident)


def test_a_resident_model_gets_its_buffers_back():
    from learners.models.resident import ModelCache

    chosen, state = spec("peft", peft_type="VERA", peft_options={"r": 4}), None
    cache = ModelCache()
    from learners.models.load import build
    from learners.peft.state import trainable_state

    state = {key: value.numpy() for key, value in trainable_state(build(chosen)).items()}
    model = cache.loaded(chosen, state)
    before = {key: value.clone() for key, value in model.named_buffers()}
    assert before
    for buffer in model.buffers():
        buffer.zero_()
    assert all(value.equal(before[key]) for key, value in cache.loaded(chosen, state).named_buffers())


def test_the_cache_drops_what_was_used_longest_ago():
    from learners.models.load import build
    from learners.models.resident import ModelCache
    from learners.peft.state import trainable_state

    state = {key: value.numpy() for key, value in trainable_state(build(spec("head"))).items()}
    cache = ModelCache(limit_bytes=250_000)  # a model has 112 kB
    first = cache.loaded(spec("head", seed=1), state)
    cache.loaded(spec("head", seed=2), state)
    assert cache.loaded(spec("head", seed=1), state) is first
    cache.loaded(spec("head", seed=3), state)
    assert cache.loaded(spec("head", seed=1), state) is first
    assert len(cache._models) == 2


def test_another_state_is_another_order_of_batches():
    runner = InlineRunner()
    one = runner.demand(training())
    other = runner.demand(training(after=training()))
    assert not same(one, other)


def test_training_takes_the_last_incomplete_batch():
    # 10 classes * 6 images over 2 clients = 30 samples: 16 + 14 an epoch, two epochs.
    assert InlineRunner().demand(training()).numbers["n_steps"] == 4
    assert InlineRunner().demand(training()).numbers["n_samples"] == 60


def test_the_loop_computes_nesterov_sgd():
    import torch

    from learners.data.examples import Examples
    from learners.optimizers import optimizer_of
    from learners.train import train

    class Line(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor([[0.5, -0.5]]))

        def forward(self, pixel_values):
            return type("Output", (), {"logits": pixel_values.reshape(-1, 1) @ self.weight})

    # One sample x = 1 of class 0; gradient of the weights is softmax(w) - (1, 0).
    model, weight, velocity = Line(), np.array([0.5, -0.5]), np.zeros(2)
    settings = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
    one = Examples({"pixel_values": torch.ones(1, 1, 1, 1)}, torch.zeros(1, dtype=torch.int64))
    optimizer = optimizer_of(model, settings)
    train(model, one, epochs=3, batch_size=1, optimizer=optimizer, clip_norm=None, generator=torch.Generator())
    for _ in range(3):
        gradient = np.exp(weight) / np.exp(weight).sum() - np.array([1.0, 0.0]) + 0.01 * weight
        velocity = 0.9 * velocity + gradient
        weight = weight - 0.1 * (gradient + 0.9 * velocity)
    np.testing.assert_allclose(model.weight.detach().numpy()[0], weight, rtol=1e-5)


def test_clipping_bounds_the_step():
    settings = {**SETTINGS, "epochs": 1, "batch_size": 30, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
    runner = InlineRunner()
    start = runner.demand(init()).tensors
    moved = runner.demand(training(settings={**settings, "clip_norm": 0.01})).tensors
    step = np.sqrt(sum(((moved[key] - start[key]).astype(np.float64) ** 2).sum() for key in start))
    assert step == pytest.approx(0.01 * 0.01, rel=1e-2)  # rate times the clipped norm


def test_a_diverged_training_says_the_way_out():
    with pytest.raises(JobError, match=r"on {'client': 0} with method 'lora' diverged.*lower learning_rate"):
        InlineRunner().demand(training(settings={**SETTINGS, "learning_rate": 1e18}))


def test_evaluation_by_hand():
    import torch

    from learners.data.examples import Examples
    from learners.evaluate import evaluate

    class Echo(torch.nn.Module):
        def forward(self, pixel_values):
            return type("Output", (), {"logits": pixel_values.reshape(-1, 2)})

    # Logit pairs (0, ln 3): probability 3/4 of class 1. Labels 1, 1, 0: two of three right.
    images = torch.tensor([0.0, float(np.log(3.0))]).repeat(3, 1).reshape(3, 1, 1, 2)
    numbers = evaluate(Echo(), Examples({"pixel_values": images}, torch.tensor([1, 1, 0])), torch.arange(3))
    assert numbers["accuracy"] == pytest.approx(2 / 3)
    assert numbers["n_samples"] == 3
    assert numbers["loss"] == pytest.approx((2 * -np.log(0.75) - np.log(0.25)) / 3)


def test_evaluation_is_made_in_batches_of_a_fixed_size(monkeypatch):
    from learners import evaluate

    runner = InlineRunner()
    whole = runner.demand(evaluation(init())).numbers
    monkeypatch.setattr(evaluate, "BATCH_SIZE", 50)
    pieces = InlineRunner().demand(evaluation(init())).numbers
    assert whole["n_samples"] == pieces["n_samples"] == 179
    assert whole["accuracy"] == pieces["accuracy"]
    assert whole["loss"] == pytest.approx(pieces["loss"], rel=1e-5)


def test_an_empty_split_is_refused():
    partition = partition_job(DATASET, {"kind": "iid"}, n_clients=2, public_share=0.0, test_share=0.1, seed=1)
    wanted = job("evaluate", {"model": spec(), "dataset": DATASET, "split": "public"}, [init(), partition])
    with pytest.raises(JobError, match=r"no samples for .*public"):
        InlineRunner().demand(wanted)


def test_training_improves_on_the_start():
    runner = InlineRunner()
    start = runner.demand(evaluation(init())).numbers["accuracy"]
    trained = runner.demand(evaluation(training(settings={**SETTINGS, "epochs": 8}))).numbers["accuracy"]
    assert trained > start + 0.2


def test_a_deep_graph_needs_no_recursion():
    state = init(name="head")
    for _ in range(1500):
        state = job("average", {"weights": [1]}, [state])
    assert same(InlineRunner().demand(state), Result({"n_updates": 1}, InlineRunner().demand(init(name="head")).tensors))


def test_threads_get_the_same_bytes():
    from concurrent.futures import ThreadPoolExecutor

    wanted = [training(client, name=name) for client in (0, 1) for name in ("lora", "prompt")]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: InlineRunner().demand(job), wanted))
    assert all(same(InlineRunner().demand(job), result) for job, result in zip(wanted, together, strict=True))


def test_an_unknown_kind_is_answered_with_the_known():
    with pytest.raises(UnknownNameError, match="no kind of job called 'distill'"):
        execute(job("distill", {}), [])


def test_another_process_gets_the_same_bytes():
    import hashlib
    import subprocess
    import sys

    def digest(result):
        return hashlib.sha256(
            b"".join(key.encode() + result.tensors[key].tobytes() for key in sorted(result.tensors))
        ).hexdigest()

    wanted = training(name="adapter")
    code = (
        "import hashlib, json, sys; from learners.inline import InlineRunner; from mecsim.jobs.job import job\n"
        "make = lambda t: job(t[0], t[1], [make(i) for i in t[2]])\n"
        "tensors = InlineRunner().demand(make(json.load(sys.stdin))).tensors\n"
        "print(hashlib.sha256(b''.join(k.encode() + tensors[k].tobytes() for k in sorted(tensors))).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(tree(wanted)), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest(InlineRunner().demand(wanted))


def tree(job):
    return [job.kind, json.loads(job.params), [tree(needed) for needed in job.inputs]]


def test_momentum_goes_on_where_it_was_carried():
    runner = InlineRunner()
    first = training(settings={**SETTINGS, "momentum_kept": True})
    kept = {key for key in runner.demand(first).tensors if key.startswith("kept/")}
    assert {key.removeprefix("kept/") for key in kept} == set(runner.demand(init()).tensors)
    params = {"model": spec(), "dataset": DATASET, "on": {"client": 0}, **SETTINGS, "extra": ["kept"]}
    carried = runner.demand(job("train", params, [first, PARTITION, first]))
    reset = runner.demand(job("train", {**params, "extra": []}, [first, PARTITION]))
    assert not same(carried, reset)


def test_a_proximal_term_holds_the_state_near_its_start():
    runner = InlineRunner()
    start = runner.demand(init()).tensors

    def moved(**settings):
        tensors = runner.demand(training(settings={**SETTINGS, **settings})).tensors
        return sum(float(((tensors[key] - start[key]) ** 2).sum()) for key in start)

    assert moved(proximal=10.0) < 0.7 * moved()


def test_adamw_trains():
    runner = InlineRunner()
    start = runner.demand(evaluation(init())).numbers["loss"]
    trained = training(settings={**SETTINGS, "epochs": 4, "optimizer": "adamw"})
    assert runner.demand(evaluation(trained)).numbers["loss"] < start


def test_evaluation_of_text_tells_bits_a_byte_and_perplexity():
    import torch

    from learners.data.examples import Examples
    from learners.evaluate import evaluate

    class Even(torch.nn.Module):
        def forward(self, input_ids):
            return type("Output", (), {"logits": torch.zeros(*input_ids.shape, 256)})

    # Four tokens of one byte each, all 256 symbols alike: 8 bits a byte.
    windows = torch.zeros(1, 4, dtype=torch.int64)
    numbers = evaluate(Even(), Examples({"input_ids": windows}, windows, torch.tensor([4])), torch.arange(1))
    assert numbers["bits_per_byte"] == pytest.approx(8.0)
    assert numbers["perplexity"] == pytest.approx(256.0, rel=1e-5)


def test_several_evaluations_are_told_as_one():
    from learners import collect

    plug_in, emulator = Result({"accuracy": 0.9, "n_samples": 5}), Result({"accuracy": 0.7, "n_samples": 5})
    params = {"prefixes": ["", "emulator_"], "differences": {"gap": ["accuracy", "emulator_accuracy"]}}
    told = collect.run(params, [plug_in, emulator]).numbers
    assert told == {"accuracy": 0.9, "n_samples": 5, "emulator_accuracy": 0.7, "gap": pytest.approx(0.2)}
    assert collect.run({"means": True}, [plug_in, emulator]).numbers["accuracy"] == pytest.approx(0.8)
