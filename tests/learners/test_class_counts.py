"""Evaluations that count by class: what is counted, in which jobs, and what becomes of the counts on their way."""

import json

import numpy as np
import pytest
from small_federations import after, federated, text

from learners import collect
from learners.data.datasets import DATASETS, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round
from learners.schemes import fedpeft, fedpt, mixture
from learners.schemes.context import LocalSettings
from learners.schemes.parts import client_loss_job, evaluate_job
from mecsim.groups import group_rows
from mecsim.jobs.job import Result, job
from mecsim.knobs import Settings

pytestmark = pytest.mark.learning

LORA = {"method": "lora"}
SMALL = {"small": "tiny-vit-s", "method": "lora"}
KEY = {"scheme": "s", "label": "s", "variant": "", "seed": 1}


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def digits_federation(runner, name, params, **options):
    dataset = dataset_spec("digits", DATASETS["digits"].params(train_per_class=6))
    options = {"partition": {"kind": "iid"}, "local": LocalSettings(epochs=1, batch_size=16), "n_clients": 3, **options}
    return inline_scheme(runner, name, params, model="tiny-vit-l", dataset=dataset, **options)


def test_counts_by_hand():
    import torch

    from learners.data.examples import Examples
    from learners.evaluate import evaluate

    class Echo(torch.nn.Module):
        def forward(self, pixel_values):
            return type("Output", (), {"logits": pixel_values.reshape(-1, 4)})

    # Said: 0 2 2 1 0; true: 0 2 1 1 1. None is of class 3.
    images = torch.eye(4)[torch.tensor([0, 2, 2, 1, 0])].reshape(5, 1, 1, 4)
    numbers = evaluate(Echo(), Examples({"pixel_values": images}, torch.tensor([0, 2, 1, 1, 1])), torch.arange(5), 4)
    assert (numbers["class_n"], numbers["class_right"]) == ([1, 3, 1, 0], [1, 1, 1, 0])
    assert (numbers["n_samples"], numbers["accuracy"]) == (5, 3 / 5)


def test_counts_are_those_of_the_split_whatever_the_batches(runner, monkeypatch):
    from learners import evaluate
    from learners.data.load import content

    scheme, context = federated(runner, fedpeft.ENTRY, LORA)
    wanted = scheme.quality()
    numbers = runner.demand(wanted).numbers
    labels = content(context.dataset).labels[runner.demand(context.partition).tensors["test"]]
    assert numbers["class_n"] == np.bincount(labels, minlength=10).tolist()
    assert sum(numbers["class_right"]) == pytest.approx(numbers["accuracy"] * numbers["n_samples"])
    assert all(0 <= right <= n for right, n in zip(numbers["class_right"], numbers["class_n"], strict=True))
    monkeypatch.setattr(evaluate, "BATCH_SIZE", 7)
    pieces = InlineRunner().demand(wanted).numbers
    assert (pieces["class_n"], pieces["class_right"]) == (numbers["class_n"], numbers["class_right"])


def test_counting_changes_no_other_number(runner):
    scheme, _ = federated(runner, fedpeft.ENTRY, LORA)
    counted = scheme.quality()
    params = {name: value for name, value in json.loads(counted.params).items() if name != "by_class"}
    plain = runner.demand(job(counted.kind, params, counted.inputs)).numbers
    told = runner.demand(counted).numbers
    assert told.keys() - plain.keys() == {"class_n", "class_right"}
    assert {name: told[name] for name in plain} == plain


def test_only_the_test_split_is_counted_by_class(runner):
    scheme, context = federated(runner, fedpeft.ENTRY, LORA)
    asked = [evaluate_job(scheme.part, scheme.state, context, split) for split in ("test", "public")]
    asked.append(client_loss_job(scheme.part, scheme.state, context, 0))
    assert [json.loads(each.params).get("by_class") for each in asked] == [True, None, None]


def test_text_without_classes_is_not_counted(runner):
    params = {"small": "tiny-lm-s", "method": "lora"}
    _, _, numbers = after(runner, mixture.ENTRY, params, model="tiny-lm-l", dataset=text())
    assert not [name for name in numbers if "class" in name]
    assert group_rows(KEY, 1, numbers, [[1]], ["a"]) == []


@pytest.mark.parametrize(("entry", "options"), [(fedpt.ENTRY, {"proxy_alpha": "tuned"}), (mixture.ENTRY, {})])
def test_two_models_together_are_counted_as_one(runner, entry, options):
    _, context, numbers = after(runner, entry, {**SMALL, **options})
    assert [name for name in sorted(numbers) if "class" in name] == ["class_n", "class_right"]
    assert sum(numbers["class_n"]) == context.n_test
    assert sum(numbers["class_right"]) / context.n_test == numbers["accuracy"] != numbers["small_accuracy"]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("fedpeat", {"ladder": [0.0, 0.5], "distillation": {"steps": 0}}),
        ("fedpft", {"arm": "N"}),
    ],
)
def test_an_emulator_and_a_proxy_leave_the_counts_to_what_is_deployed(runner, name, params):
    scheme, context = digits_federation(runner, name, params, controlled=True)
    take_round(scheme, context, 1, range(3), settings={0: Settings(choice=0.5)} if name == "fedpeat" else {})
    numbers = runner.demand(scheme.quality()).numbers
    plugged = runner.demand(scheme.quality().inputs[0]).numbers
    assert [each for each in sorted(numbers) if isinstance(numbers[each], list)] == ["class_n", "class_right"]
    assert numbers["class_right"] == plugged["class_right"]
    assert sum(numbers["class_right"]) / sum(numbers["class_n"]) == pytest.approx(numbers["accuracy"])


def test_devices_of_their_own_are_each_judged_by_their_own_model(runner):
    """Two classes a device: on these, each one's own model is far better than the mean of all devices on all classes."""
    scheme, context = digits_federation(
        runner, "local-only", LORA, partition={"kind": "shards", "shards_per_client": 2}, n_clients=5,
        local=LocalSettings(epochs=4, batch_size=4),
    )  # fmt: skip
    for number in (1, 2, 3):
        take_round(scheme, context, number, range(5))
    quality = scheme.quality()
    numbers = runner.demand(quality).numbers
    single = [runner.demand(each).numbers for each in quality.inputs]
    assert numbers["class_right"] == [each["class_right"] for each in single]
    histogram = runner.demand(context.partition).numbers["histogram"]
    rows = group_rows(KEY, 3, numbers, histogram, ["a", "a", "b", "b", "b"])
    by_hand = []
    for of, held in zip(single, histogram, strict=True):
        recall = np.array(of["class_right"]) / np.array(of["class_n"])
        by_hand.append((float(recall @ held), sum(held)))
    for row, (first, last) in zip(rows, ((0, 2), (2, 5)), strict=True):
        right, n_samples = (sum(column) for column in zip(*by_hand[first:last], strict=True))
        assert (row.n_samples, row.accuracy) == (n_samples, pytest.approx(right / n_samples))
        assert row.accuracy > numbers["accuracy"] + 0.2


def test_a_mean_sets_counts_side_by_side():
    one, other = (
        {"accuracy": a, "n_samples": 4, "class_n": [3, 1], "class_right": right} for a, right in ((0.5, [1, 1]), (1.0, [3, 1]))
    )
    told = collect.run({"means": True}, [Result(one), Result(other)]).numbers
    assert told == {"accuracy": 0.75, "n_samples": 4.0, "class_n": [[3, 1], [3, 1]], "class_right": [[1, 1], [3, 1]]}
    side = collect.run({"prefixes": ["", "proxy_"]}, [Result(one), Result(other)]).numbers
    assert side == {**one, "proxy_accuracy": 1.0}
