"""FedPFT as it learns: the proxy is the full model where nothing is narrowed, and what travels is what was announced."""

import numpy as np
import pytest

from learners.data.datasets import DATASETS, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round, view
from learners.schemes.context import LocalSettings
from learners.states import sent_bytes, state_of, statistics_of

pytestmark = pytest.mark.learning


def federated(runner, *, n_clients=3, local=None, **params):
    """Return a real scheme over a few digits."""
    return inline_scheme(
        runner,
        "fedpft",
        params,
        model="tiny-vit-l",
        dataset=dataset_spec("digits", DATASETS["digits"].params(train_per_class=6)),
        partition={"kind": "iid"},
        n_clients=n_clients,
        local=local or LocalSettings(),
    )


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def test_the_state_is_the_same_in_proxy_and_full_model(runner):
    from learners.models.load import build
    from learners.peft.state import trainable_state

    of, _ = federated(runner)
    proxy, full = (trainable_state(build(part.spec)) for part in (of.part, of.full))
    assert proxy.keys() == full.keys()
    assert all((proxy[name] == full[name]).all() for name in full)  # shapes and first values
    assert sum("lora" in name for name in full) == 4 * 4 * 2


def test_a_proxy_with_all_neurons_trains_as_the_full_model_does(runner):
    import torch

    from learners.data.examples import examples
    from learners.models.load import build
    from learners.optimizers import optimizer_of
    from learners.peft.state import trainable_state
    from learners.train import train

    of, context = federated(runner, keep=1.0, align_every=1)
    settings = {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    own = examples(context.dataset, of.full.spec).pick(torch.arange(40))

    def trained(part):
        model = build(part.spec)
        train(
            model,
            own,
            epochs=1,
            batch_size=16,
            optimizer=optimizer_of(model, settings),
            clip_norm=None,
            generator=torch.Generator().manual_seed(3),
        )
        return trainable_state(model)

    proxy, full, start = trained(of.part), trained(of.full), trainable_state(build(of.full.spec))
    assert all(torch.equal(proxy[name], full[name]) for name in full)
    assert all(not torch.equal(full[name], start[name]) for name in full)
    take_round(of, context, 1, range(3))
    numbers = runner.demand(of.quality()).numbers
    assert (numbers["proxy_accuracy"], numbers["proxy_loss"]) == (numbers["accuracy"], numbers["loss"])
    assert numbers["gap"] == 0.0


def test_a_narrowed_proxy_is_another_model_and_its_average_fits_the_full_one(runner):
    of, context = federated(runner, align_every=1, distillation={"steps": 10}, align={"steps": 2})
    before = runner.demand(of.quality()).numbers
    assert before["proxy_loss"] != before["loss"]
    for number in (1, 2):
        take_round(of, context, number, range(3))
    after = runner.demand(of.quality()).numbers
    assert after["loss"] < before["loss"]
    assert after["gap"] == after["accuracy"] - after["proxy_accuracy"]
    by_class = {"class_n", "class_right"}
    assert set(after) == {"accuracy", "loss", "n_samples", "proxy_accuracy", "proxy_loss", "gap"} | by_class


def test_uploads_and_server_steps_are_those_that_were_announced(runner):
    of, context = federated(runner, align_every=2, distillation={"steps": 3}, align={"steps": 2, "batch_size": 500})
    assert runner.demand(of.part.frozen).numbers["n_steps"] == of.prepare().work.n_steps == 3
    for number in (1, 2):
        announced = of.offer(view(context, 0, number))
        assert sent_bytes(runner.demand(announced.job)) == announced.sends.size_bytes
        take_round(of, context, number, range(3))
    sheets, numbers = context.costs, runner.demand(of.part.frozen).numbers
    per_sample = sheets["full"]["forward_flop_per_sample"] + 3 * sheets["device"]["forward_flop_per_sample"]
    assert numbers["n_steps"] == 2
    assert of._matching_work(of.part, of.params.align).flop == numbers["n_samples"] * per_sample
    assert numbers["n_neurons"] == 2 * 48


def test_devices_count_what_their_own_forward_passes_met(runner):
    of, context = federated(runner, n_clients=2, align_every=1, zero_threshold=1e-3, local=LocalSettings(epochs=2))
    sent = [statistics_of(runner.demand(offer.job)) for offer in (of.offer(view(context, client, 1)) for client in (0, 1))]
    for client, counts in enumerate(sent):
        assert counts["total.1"] == counts["total.2"] == 2 * context.client_samples[client] * 17  # epochs, samples, tokens
        assert counts["zeros.1"].dtype == np.int32
        assert 0 < counts["zeros.1"].sum() < 96 * counts["total.1"]
    plain = of.offer(view(context, 0, 0)).job  # round 0 is never aligned
    assert not statistics_of(runner.demand(plain))
    assert state_of(runner.demand(plain)).keys() == state_of(runner.demand(of.offer(view(context, 0, 1)).job)).keys()


def test_a_threshold_of_zero_counts_exact_zeros_alone(runner):
    of, context = federated(runner, n_clients=2, align_every=1, zero_threshold=0.0)
    loose, _ = federated(runner, n_clients=2, align_every=1, zero_threshold=0.1)
    exact, near = (statistics_of(runner.demand(one.offer(view(context, 0, 1)).job))["zeros.1"].sum() for one in (of, loose))
    assert exact < near


def test_a_language_model_is_tuned_through_its_proxy_too(runner):
    options = DATASETS["docstrings"].params(window=32, public_bytes=20_000, bytes_per_group=4096, groups=4)
    settings = {"align_every": 1, "distillation": {"steps": 20}, "align": {"steps": 2}, "zero_threshold": 0.01}
    of, context = inline_scheme(
        runner,
        "fedpft",
        settings,
        model="tiny-lm-s",
        dataset=dataset_spec("docstrings", options),
        partition={"kind": "iid"},
        n_clients=4,
        local=LocalSettings(),
    )
    before = runner.demand(of.quality()).numbers
    announced = of.offer(view(context, 0, 1))
    assert sent_bytes(runner.demand(announced.job)) == announced.sends.size_bytes
    take_round(of, context, 1, range(2))
    after = runner.demand(of.quality()).numbers
    assert after["bits_per_byte"] < before["bits_per_byte"]
    assert before["proxy_loss"] > before["loss"]
    assert runner.demand(of.part.frozen).numbers["n_neurons"] == 2 * 16  # 32 of 128 neurons are there, and half of them move
