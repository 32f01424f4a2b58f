"""Differentially private training by Opacus, what it costs, and the noise of FedPEFT's published code; job kind ``epsilon``.

DP-SGD (Abadi et al., 2016): batches by Poisson sampling, every sample's gradient clipped, Gaussian noise on their sum.
What is trained privately is the state alone; mean_loss and n_samples of a result are the simulator's own record and not hidden.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from learners.data.examples import Examples
from learners.per_sample import opacus, per_sample_steps
from learners.schemes.privacy_section import reference_noise_std
from learners.task import loss_of
from learners.train import TrainStats
from mecsim.errors import JobError
from mecsim.jobs.job import Result

#: Largest epsilon by accountant: beyond, privacy loss distributions take minutes and all of the memory, and protect nobody.
_LIMITS = {"rdp": sys.float_info.max, "prv": 100.0}


def train_privately(
    model: nn.Module,
    own: Examples,
    privacy: Mapping[str, Any],
    *,
    epochs: int,
    batch_size: int,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> tuple[TrainStats, dict[str, float]]:
    """Train ``model`` on ``own`` as ``privacy`` (see ``PrivacySection.spec``) says, and leave no trace of Opacus on it.

    ``generator`` draws batches and noise. For dp-sgd the numbers are ``noise_multiplier``, ``sample_rate`` and ``epsilon_turn``
    (this turn alone), and the loss of a text is the mean over its own tokens; for reference-noise the number is ``noise_std``.
    """
    model.train()
    if privacy["kind"] == "reference-noise":
        std = reference_noise_std(**{key: privacy[key] for key in ("epsilon", "delta", "max_grad_norm")})
        settings: dict[str, Any] = {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "generator": generator,
        }
        return _train_with_reference_noise(model, own, std, **settings), {"noise_std": std}
    _refuse_layers_that_mix_samples(model)
    rate, n_steps = sample_rate(len(own), batch_size), epochs * -(-len(own) // batch_size)
    sigma = noise_multiplier(privacy, n_samples=len(own), batch_size=batch_size, epochs=epochs)
    private = opacus().optimizers.DPOptimizer(
        optimizer,
        noise_multiplier=sigma,
        max_grad_norm=privacy["max_grad_norm"],
        expected_batch_size=min(batch_size, len(own)),  # sample rate times samples
        generator=generator,
    )
    loss_sum, n_seen = 0.0, 0
    with per_sample_steps(model, private) as steps:
        for _ in range(n_steps):
            index = (torch.rand(len(own), generator=generator) < rate).nonzero().flatten()
            loss_sum += steps.take(own, index)
            n_seen += len(index)
    numbers = {"noise_multiplier": sigma, "sample_rate": rate}
    if sigma > 0.0:  # without noise nothing is hidden, and there is no epsilon to tell
        numbers["epsilon_turn"] = spent(privacy, sigma=sigma, rate=rate, n_steps=n_steps)
    return TrainStats(loss_sum / max(1, n_seen), n_seen, n_steps), numbers


def run_epsilon(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    """Execute an ``epsilon`` job (see ``privacy_section.epsilon_job``): what all the steps of a client have cost it."""
    privacy, n_samples, batch_size = params["privacy"], params["n_samples"], params["batch_size"]
    sigma = noise_multiplier(privacy, n_samples=n_samples, batch_size=batch_size, epochs=params.get("epochs", 1))
    return Result({"epsilon": spent(privacy, sigma=sigma, rate=sample_rate(n_samples, batch_size), n_steps=params["steps"])})


def sample_rate(n_samples: int, batch_size: int) -> float:
    """Return the probability with which a sample is in a batch."""
    return min(1.0, batch_size / n_samples)


def noise_multiplier(privacy: Mapping[str, Any], *, n_samples: int, batch_size: int, epochs: int) -> float:
    """Return the given noise multiplier, or the one with which ``planned_turns`` turns of this client reach target_epsilon."""
    if "noise_multiplier" in privacy:
        return float(privacy["noise_multiplier"])
    n_steps = privacy["planned_turns"] * epochs * -(-n_samples // batch_size)
    rate = sample_rate(n_samples, batch_size)
    return _noise_multiplier(privacy["target_epsilon"], privacy["delta"], rate, n_steps, privacy["accountant"])


def spent(privacy: Mapping[str, Any], *, sigma: float, rate: float, n_steps: int) -> float:
    """Return epsilon after ``n_steps`` steps; JobError where that is more than the accountant can tell."""
    if n_steps == 0:
        return 0.0
    bound = _epsilon("rdp", sigma, rate, n_steps, privacy["delta"])
    if not bound <= _LIMITS[privacy["accountant"]]:
        raise JobError(
            f"{n_steps} steps with noise_multiplier {sigma:g} spend an epsilon of {bound:.4g}, more than accountant "
            f"{privacy['accountant']!r} can tell: raise noise_multiplier, or choose accountant 'rdp'"
        )
    return bound if privacy["accountant"] == "rdp" else _epsilon("prv", sigma, rate, n_steps, privacy["delta"])


@lru_cache(maxsize=4096)
def _epsilon(accountant: str, sigma: float, rate: float, n_steps: int, delta: float) -> float:
    steps = opacus().accountants.create_accountant(mechanism=accountant)
    steps.history = [(sigma, rate, n_steps)]
    with _quiet():
        return float(steps.get_epsilon(delta=delta))


@lru_cache(maxsize=1024)
def _noise_multiplier(target_epsilon: float, delta: float, rate: float, n_steps: int, accountant: str) -> float:
    wanted = {"target_epsilon": target_epsilon, "target_delta": delta, "sample_rate": rate, "steps": n_steps}
    found = opacus().accountants.utils.get_noise_multiplier
    try:
        with _quiet():
            return float(found(**wanted, accountant=accountant))
    except ValueError as error:
        raise JobError(
            f"no noise reaches target_epsilon {target_epsilon:g} (delta {delta:g}) in {n_steps} steps at sample rate "
            f"{rate:.3g}: raise target_epsilon or delta, plan fewer rounds, or choose accountant 'prv'"
        ) from error


def _train_with_reference_noise(
    model: nn.Module,
    own: Examples,
    std: float,
    *,
    epochs: int,
    batch_size: int,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> TrainStats:
    """Train plainly, with noise on each coordinate of the batch-mean gradient; nothing is clipped."""
    loss_sum, n_seen, n_steps = 0.0, 0, 0
    for _ in range(epochs):
        for index in torch.randperm(len(own), generator=generator).split(batch_size):
            batch = own.pick(index)
            loss = loss_of(model(**batch.inputs), batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for gradient in (parameter.grad for parameter in model.parameters()):
                if gradient is not None:
                    gradient += torch.normal(0.0, std, gradient.shape, generator=generator)
            optimizer.step()
            loss_sum += loss.item() * len(batch)
            n_seen += len(batch)
            n_steps += 1
    return TrainStats(loss_sum / max(1, n_seen), n_seen, n_steps)


def _refuse_layers_that_mix_samples(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise JobError(
                f"layer {name!r} normalises over the batch, so that a sample's gradient depends on the others and cannot be "
                "clipped alone: choose a model with layer or group norms, or train without privacy"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence accountants that are at the edge of their grids: their bounds hold there, and are less tight."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
