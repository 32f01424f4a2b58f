"""Small federations of a small model beside a large one, on digits or on text; shared by the tests of those schemes."""

import json
from functools import cache

from learners.data.datasets import DigitsParams, dataset_spec
from learners.data.docstrings import DocstringsParams
from learners.data.partition import partition_job
from learners.schemes.context import CostQuestion, LocalSettings, SchemeContext
from mecsim.federation.contract import ClientView, Update

QUALITY = ("accuracy", "loss")
LOCAL = LocalSettings(epochs=1, batch_size=16)


@cache
def digits():
    return dataset_spec("digits", DigitsParams(train_per_class=6))


@cache
def text():
    """Windows of 32 bytes of three packages' docstrings."""
    options = {
        "packages": ("jinja2", "rich", "joblib"),
        "window": 32,
        "groups": 3,
        "bytes_per_group": 4096,
        "public_bytes": 4096,
    }
    return dataset_spec("docstrings", DocstringsParams(**options))


def partition_of(dataset, *, n_clients=3, public_share=0.1):
    return partition_job(dataset, {"kind": "iid"}, n_clients=n_clients, public_share=public_share, test_share=0.1, seed=1)


def federated(
    runner,
    entry,
    params,
    *,
    model="tiny-vit-l",
    dataset=None,
    account_as=None,
    public_share=0.1,
    head_start="random",
    controlled=False,
):
    """Return a scheme over three devices, with its context."""
    validated = entry.params.model_validate(params)
    dataset = dataset or digits()
    shared = {
        "model": model,
        "account_as": account_as,
        "task": dataset["task"],
        "n_classes": None if dataset["task"] == "language-modelling" else dataset["n_classes"],
        "head_start": head_start,
    }
    ask = CostQuestion(
        **shared,
        batch_size=LOCAL.batch_size,
        length=dataset.get("window", dataset.get("max_length")),
        optimizer=LOCAL.optimizer,
    )
    partition = partition_of(dataset, public_share=public_share)
    dealt = runner.demand(partition).numbers
    context = SchemeContext(
        **shared,
        dataset=dataset,
        partition=partition,
        client_samples=tuple(dealt["n_samples"]),
        n_public=dealt["n_public"],
        n_test=dealt["n_test"],
        n_rounds=4,
        local=LOCAL,
        learning_seed=0,
        costs={name: runner.demand(sheet).numbers for name, sheet in entry.cost_jobs(validated, ask).items()},
        backbone_preinstalled=False,
        controlled=controlled,
    )
    return entry.create(validated, context), context


def offer(scheme, context, client=0, number=1):
    n_samples = context.client_samples[client]
    return scheme.offer(ClientView(client=client, round=number, n_samples=n_samples, memory_budget_bytes=1e15))


def run_round(scheme, context, number=1):
    """Let every device take part; return the server's step. Nothing is executed."""
    samples = context.client_samples
    offers = [offer(scheme, context, client, number) for client in range(len(samples))]
    return scheme.merge([Update(client=client, n_samples=samples[client], job=made.job) for client, made in enumerate(offers)])


def after(runner, entry, params, *, n_rounds=1, **options):
    """Return a scheme after so many rounds, its context, and the numbers of its quality."""
    scheme, context = federated(runner, entry, params, **options)
    for number in range(1, n_rounds + 1):
        run_round(scheme, context, number)
    return scheme, context, runner.demand(scheme.quality()).numbers


def same(one, other, names=QUALITY, *, prefix=""):
    """Tell whether the numbers of ``one`` under a prefix are those of ``other``, to the last bit."""
    return all(one[f"{prefix}{name}"] == other[name] for name in names)


def said_by(runner, scheme, tuned):
    """Return what the three models say of the fitting samples, with ``tuned`` for the small one, and the samples."""
    import torch

    from learners.proxy_scores import Trio
    from learners.samples import samples_of

    inputs = [runner.demand(needed) for needed in (scheme.large_state, tuned, scheme.start, scheme.context.partition)]
    trio = Trio({"large": scheme.large.spec, "small": scheme.part.spec, "dataset": dict(scheme.context.dataset)}, inputs)
    return trio(torch.from_numpy(samples_of(inputs[3], {"split": "public_fit"})))


def distances_to_teacher(runner, scheme):
    """Return the loss towards the teacher over all fitting samples, before and after the distillation."""
    from learners.proxy_scores import distil_loss, teacher_scores

    params = json.loads(scheme.state.params)
    answers, batch = said_by(runner, scheme, scheme.tuned)
    distilled, _ = said_by(runner, scheme, scheme.state)
    teacher = teacher_scores(answers, 1.0, params["max_drift"])
    return [distil_loss(said, teacher, batch.targets, 2.0, 0.0).item() for said in (answers.small, distilled.small)]
