"""Private training: clipping, noise, sampling and accounting, each against what can be worked out by hand."""

import math
import sys

import pytest
import tiny_families
import torch
from private_training import METHODS_TRIED, PLAIN, copied, flat, network, nudged, pictures, privacy, privately, trained

from learners import per_sample
from learners.data.datasets import DigitsParams, dataset_spec
from learners.data.examples import IGNORED, Examples
from learners.data.partition import partition_job
from learners.inline import InlineRunner
from learners.models.spec import model_spec
from learners.optimizers import optimizer_of
from learners.peft.defaults import METHODS
from learners.per_sample import losses_of, per_sample_steps
from learners.privacy import sample_rate
from learners.schemes.privacy_section import PrivacySection
from learners.task import loss_of
from learners.train import train
from mecsim.errors import JobError
from mecsim.jobs.job import job

pytestmark = pytest.mark.learning

every_method = pytest.mark.parametrize("method", METHODS_TRIED.values(), ids=METHODS_TRIED)


@pytest.fixture(autouse=True)
def _deterministic():
    torch.use_deterministic_algorithms(True)


def texts(n, *, causal, seed=1):
    """Return texts of different lengths, with their padding."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.arange(n) % 4 + 3
    mask = (torch.arange(6) < lengths[:, None]).long()
    tokens = torch.randint(1, 23, (n, 6), generator=generator) * mask
    targets = torch.where(mask == 1, tokens.roll(-1, 1), IGNORED) if causal else torch.arange(n) % 3
    return Examples({"input_ids": tokens, "attention_mask": mask}, targets)


def clipped_by_hand(model, own, clip):
    """Return the sum over samples of their gradients, each cut to norm ``clip``, one autograd call a sample."""
    parameters = list(trained(model).values())
    total = torch.zeros(sum(parameter.numel() for parameter in parameters))
    norms = []
    for index in torch.arange(len(own)).split(1):
        sample = own.pick(index)
        loss = loss_of(model(**sample.inputs), sample)
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        gradient = torch.cat([value.flatten() for value in found])
        norms.append(float(gradient.norm()))
        total += gradient * min(1.0, clip / norms[-1])
    return total, norms


@every_method
def test_a_step_is_the_sum_of_gradients_clipped_by_hand(method):
    model, own = network(method), pictures(9)
    _, norms = clipped_by_hand(model, own, 1.0)
    clip = sorted(norms)[4]  # some gradients are cut, some are not
    by_hand, _ = clipped_by_hand(model, own, clip)
    _, _, moved = privately(model, own, privacy(clip=clip))
    assert (flat(moved) * len(own) + by_hand).abs().max() < 1e-5


@every_method
def test_no_sample_moves_the_sum_by_more_than_the_bound(method):
    for k in range(4):
        model, own = network(method), pictures(1, seed=k)
        _, (norm,) = clipped_by_hand(model, own, 1.0)
        bound = 0.3 * norm
        _, _, moved = privately(model, own, privacy(clip=bound))
        assert 0.999 * bound < flat(moved).norm() <= bound * (1 + 1e-5)


@every_method
def test_without_noise_and_with_a_bound_beyond_all_gradients_it_is_plain_training(method):
    own = pictures(9)
    private, plain = network(method), network(method)
    _, _, moved = privately(private, own, privacy(clip=1e9))
    before = copied(plain)
    generator, optimizer = torch.Generator().manual_seed(5), optimizer_of(plain, PLAIN)
    train(plain, own, epochs=1, batch_size=9, optimizer=optimizer, clip_norm=None, generator=generator)
    expected = {name: value - before[name] for name, value in copied(plain).items()}
    assert (flat(moved) - flat(expected)).abs().max() < 1e-5


def test_the_noise_has_the_announced_standard_deviation():
    own, sigma, clip = pictures(4), 3.0, 0.5
    _, _, quiet = privately(network("full"), own, privacy(clip=clip))
    _, _, noisy = privately(network("full"), own, privacy(clip=clip, noise=sigma))
    noise = (flat(noisy) - flat(quiet)) * len(own)
    n = len(noise)
    assert n > 20_000
    # Five standard errors of a mean and of a standard deviation over n independent coordinates.
    assert abs(noise.mean()) < 5 * sigma * clip / math.sqrt(n)
    assert abs(noise.std() / (sigma * clip) - 1) < 5 / math.sqrt(2 * n)


def test_batches_are_poisson_samples():
    own, batch_size, epochs = pictures(30), 6, 20
    stats, numbers, _ = privately(network("head"), own, privacy(clip=1e-6), epochs=epochs, batch_size=batch_size)
    assert stats.n_steps == epochs * 5
    assert numbers["sample_rate"] == sample_rate(30, 6) == 0.2
    expected, spread = stats.n_steps * batch_size, math.sqrt(stats.n_steps * 30 * 0.2 * 0.8)
    assert abs(stats.n_samples - expected) < 5 * spread
    assert stats.n_samples != expected  # of a fixed batch size there would be exactly so many
    other, _, _ = privately(network("head"), own, privacy(clip=1e-6), epochs=epochs, batch_size=batch_size, seed=1)
    assert other.n_samples != stats.n_samples


@pytest.mark.parametrize("method", ["lora", "prompt"])
def test_a_step_on_an_empty_batch_is_noise_alone(method):
    from opacus.optimizers import DPOptimizer

    for sigma in (0.0, 1.0):
        model = network(METHODS_TRIED[method])
        before = copied(model)
        private = DPOptimizer(
            optimizer_of(model, PLAIN),
            noise_multiplier=sigma,
            max_grad_norm=1.0,
            expected_batch_size=4,
            generator=torch.Generator().manual_seed(0),
        )
        with per_sample_steps(model, private) as steps:
            assert steps.take(pictures(4), torch.arange(0)) == 0.0
        moved = flat({name: value - before[name] for name, value in copied(model).items()})
        assert moved.std() == 0.0 if sigma == 0.0 else abs(4 * moved.std() - 1.0) < 0.1


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "llama", "opt"])
def test_texts_are_clipped_by_hand_too(family):
    """Everything trains: position embeddings, whose gradient Opacus' hooks do not tell a sample, and tied embeddings."""
    model = nudged(tiny_families.make(family))
    own = texts(7, causal=family not in ("bert", "roberta"))
    dropouts = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    for module in dropouts:
        module.p = 0.0
    if hasattr(model.config, "attn_pdrop"):
        model.config.attn_pdrop = 0.0
    _, norms = clipped_by_hand(model, own, 1.0)
    clip = sorted(norms)[3]
    by_hand, _ = clipped_by_hand(model, own, clip)
    _, _, moved = privately(model, own, privacy(clip=clip))
    assert (flat(moved) * len(own) + by_hand).abs().max() < 1e-5


def test_the_loss_of_a_text_does_not_depend_on_the_lengths_of_others():
    model, own = tiny_families.make("llama"), texts(7, causal=True)
    alone = [loss_of(model(**sample.inputs), sample) for sample in map(own.pick, torch.arange(7).split(1))]
    torch.testing.assert_close(losses_of(model, own), torch.stack(alone))


def left_behind(model):
    """Return everything that hangs on a model's modules and parameters."""
    modules = {
        name: {
            key: len(value) if key.endswith("_hooks") else value
            for key, value in vars(module).items()
            if key[0] != "_" or "hook" in key
        }
        for name, module in model.named_modules()
    }
    parameters = {name: sorted(vars(parameter)) for name, parameter in model.named_parameters()}
    return {name: sorted(map(str, items.items())) for name, items in modules.items()}, parameters


@every_method
def test_the_model_comes_back_clean(method):
    model = network(method)
    before = left_behind(model)
    privately(model, pictures(5), privacy(noise=1.0), batch_size=2)
    assert left_behind(model) == before
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_comes_back_clean_from_an_error(monkeypatch):
    model = network(METHODS_TRIED["lora"])
    before = left_behind(model)
    monkeypatch.setattr(per_sample.PerSampleSteps, "_right", lambda _self, _n_samples: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        privately(model, pictures(5), privacy())
    assert left_behind(model) == before
    monkeypatch.undo()
    privately(model, pictures(5), privacy())  # and it can be used again


@pytest.mark.parametrize("method", ["lora", "adapter", "bias", "head", "adapter-each"])
def test_hooks_are_enough_where_layers_are_plain(method, monkeypatch):
    """They are faster; what they cannot do goes sample by sample, as the tests above see."""
    monkeypatch.setattr(per_sample.PerSampleSteps, "_one", lambda *_args, **_kwargs: pytest.fail("not by hooks"))
    privately(network(METHODS_TRIED[method]), pictures(5), privacy())


def test_batch_norm_is_refused():
    model = network("head")
    model.classifier = torch.nn.Sequential(torch.nn.BatchNorm1d(32), torch.nn.Linear(32, 10))
    with pytest.raises(
        JobError, match=r"layer 'classifier.0' normalises over the batch.*choose a model with layer or group norms"
    ):
        privately(model, pictures(5), privacy())


def test_without_opacus_there_is_a_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(JobError, match=r"needs Opacus: pip install 'mecsim\[dp\]'"):
        privately(network("head"), pictures(3), privacy(noise=1.0))


def test_reference_noise_is_added_to_the_batch_mean_and_nothing_is_clipped():
    own = pictures(8)
    spec = PrivacySection(kind="reference-noise").spec(1)
    _, numbers, noisy = privately(network("full"), own, spec)
    _, _, quiet = privately(network("full"), own, {**spec, "epsilon": 1e20})
    std = pytest.approx(3.378, abs=1e-3)
    assert numbers == {"noise_std": std}
    noise = flat(noisy) - flat(quiet)
    assert abs(noise.std() / 3.3779 - 1) < 5 / math.sqrt(2 * len(noise))
    plain = network("full")
    by_hand, norms = clipped_by_hand(plain, own, 1e9)
    assert max(norms) > 1.0  # C would cut them
    assert (flat(quiet) * len(own) + by_hand).abs().max() < 1e-4


def digits_training(how, *, seed=0, client=0):
    dataset = dataset_spec("digits", DigitsParams(train_per_class=6))
    partition = partition_job(dataset, {"kind": "iid"}, n_clients=2, public_share=0.1, test_share=0.1, seed=1)
    method = {"name": "lora", **METHODS["lora"].options}
    spec = model_spec("tiny-vit-s", task="image-classification", n_classes=10, method=method, pretrained=True, seed=seed)
    params = {
        "model": spec,
        "dataset": dataset,
        "on": {"client": client},
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 0.01,
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 1e-4,
        "clip_norm": None,
    }
    return job("train", params | ({"privacy": how} if how else {}), [job("init", {"model": spec}), partition])


def in_bytes(result):
    return result.numbers, {name: value.tobytes() for name, value in result.tensors.items()}


@pytest.mark.parametrize("section", [{"kind": "dp-sgd", "noise_multiplier": 1.0}, {"kind": "reference-noise"}])
def test_a_job_gives_the_same_bytes_and_another_job_others(section):
    how = PrivacySection.model_validate(section).spec(3)
    one, again = InlineRunner(), InlineRunner()
    result = one.demand(digits_training(how))
    again.demand(digits_training(None))  # other work in between leaves no trace
    assert in_bytes(again.demand(digits_training(how))) == in_bytes(result)
    assert in_bytes(one.demand(digits_training(how, client=1)))[1] != in_bytes(result)[1]
    assert in_bytes(one.demand(digits_training(None)))[1] != in_bytes(result)[1]
    expected = {"noise_multiplier", "sample_rate", "epsilon_turn"} if section["kind"] == "dp-sgd" else {"noise_std"}
    assert result.numbers.keys() == {"mean_loss", "n_samples", "n_steps", *expected}
