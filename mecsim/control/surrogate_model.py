"""How the error of each class moves when a round is merged: the formula of the surrogate of quality, for one trial or many.

A model of this project, with few coefficients that are fitted to real trials. Each class c has an error e_c; the accuracy is
one minus their mean over the fleet's samples. A device's exposure to a class is the class's share of its samples over that of
the fleet's, the exposure of a round that of its samples taken together. With g(s) = log((s + least) / (1 + least)), x_c is g of
the exponential mean of the rounds' exposures so far, and y_c that of the devices' own g, weighted by samples::

    log r_c = rate_level  + (rate_local + rate_start_local e) log(local / 100) + rate_updates log(updates / 4)
              + rate_exposure x_c + rate_device_exposure y_c + rate_age log(1 + age) + rate_choice
    log f_c = floor_level + floor_updates log(updates / 4)
              - floor_exposure x_c - floor_device_exposure y_c + floor_age log(1 + age) + floor_choice
    e_c    <- f_c + (e_c - f_c) exp(-r_c)

``e`` is the error over all classes before the round, ``local`` the mean number of samples of a device and ``updates`` the
effective number of updates (one over the sum of squared shares); ``local``, log(1 + age) and the choices' coefficients are
means by samples, as in federated averaging. So what is merged rarely is learned slowly and to a higher floor, and is forgotten
again; averaging devices that know different classes is worse than devices that know all of them.
"""

from dataclasses import dataclass

import numpy as np

from mecsim.control.observation import Bools, Floats

#: What a typical round is, so that the levels are those of one.
_TYPICAL_LOCAL = 100.0
_TYPICAL_UPDATES = 4.0

#: A rate of exp(3) takes a round all the way to its floor.
_HIGHEST_LOG_RATE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """What is fitted; all without a unit. Choices have a coefficient each, the first choice's are 0."""

    rate_level: float
    rate_local: float
    rate_start_local: float
    rate_updates: float
    rate_exposure: float
    rate_device_exposure: float
    rate_age: float
    floor_level: float
    floor_updates: float
    floor_exposure: float
    floor_device_exposure: float
    floor_age: float
    memory: float
    """What a round counts in the exponential mean, above 0 and at most 1: the last round alone."""
    log_least_exposure: float
    rate_choice: tuple[float, ...]
    floor_choice: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds to be merged, of b trials side by side, from k devices each (or fewer: shares of 0); c choices and n classes."""

    is_merged: Bools
    """(b,) whether anything came back."""
    log_local: Floats
    """(b,) of the mean number of samples over a typical one."""
    log_updates: Floats
    """(b,) of the effective number of updates over a typical one."""
    log_age: Floats
    """(b,) the mean of log(1 + age)."""
    choice_shares: Floats
    """(b, c) by samples."""
    shares: Floats
    """(b, k) of the merged samples."""
    exposures: Floats
    """(b, k, n) 1 where a device has the fleet's mix."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Where b trials are: the error of each class, and what they were exposed to so far."""

    mix: Floats
    """(b, n) the classes' shares of the fleet's samples."""
    errors: Floats
    """(b, n)"""
    pooled: Floats
    """(b, n) exponential sum of the rounds' exposures."""
    by_device: Floats
    """(b, n) exponential sum of the devices' mean g(exposure)."""
    weight: Floats
    """(b,) of the rounds in these sums, from 0 to 1."""

    @property
    def error(self) -> Floats:
        """Over all classes, (b,)."""
        mean: Floats = (self.errors * self.mix).sum(axis=1)
        return mean


def nothing_known(mix: Floats, error: float) -> Knowledge:
    """Return the start of trials with these shares of classes, (b, n), and an error of all of them."""
    nothing = np.zeros_like(mix)
    return Knowledge(mix, np.full_like(mix, error), nothing, nothing, np.zeros(len(mix)))


def advance(coefficients: Coefficients, known: Knowledge, rounds: Rounds) -> Knowledge:
    """Return where the trials are after the rounds; where nothing was merged they stay."""
    merged = rounds.is_merged
    step = np.where(merged, coefficients.memory, 0.0)
    keep, take = (1.0 - step)[:, None], step[:, None]
    shares = rounds.shares[:, None, :]
    pooled = keep * known.pooled + take * (shares @ rounds.exposures)[:, 0, :]
    own = (shares @ _scaled(rounds.exposures, coefficients))[:, 0, :]
    by_device = keep * known.by_device + take * own
    weight = (1.0 - step) * known.weight + step
    whole = np.where(weight > 0.0, weight, 1.0)[:, None]
    log_rate, log_floor = _logarithms(
        coefficients, rounds, known.error, _scaled(pooled / whole, coefficients), by_device / whole
    )
    floor = np.exp(np.minimum(log_floor, 0.0))
    rate = np.exp(np.minimum(log_rate, _HIGHEST_LOG_RATE))
    errors = np.where(merged[:, None], floor + (known.errors - floor) * np.exp(-rate), known.errors)
    return Knowledge(known.mix, errors, pooled, by_device, weight)


def _logarithms(
    coefficients: Coefficients, rounds: Rounds, error: Floats, pooled: Floats, by_device: Floats
) -> tuple[Floats, Floats]:
    """Return the logarithms of rates and of floors, each (b, n)."""
    c = coefficients
    rate = (
        c.rate_level
        + (c.rate_local + c.rate_start_local * error) * rounds.log_local
        + c.rate_updates * rounds.log_updates
        + c.rate_age * rounds.log_age
        + rounds.choice_shares @ np.array(c.rate_choice)
    )
    floor = (
        c.floor_level
        + c.floor_updates * rounds.log_updates
        + c.floor_age * rounds.log_age
        + rounds.choice_shares @ np.array(c.floor_choice)
    )
    log_rate = rate[:, None] + c.rate_exposure * pooled + c.rate_device_exposure * by_device
    log_floor = floor[:, None] - c.floor_exposure * pooled - c.floor_device_exposure * by_device
    return log_rate, log_floor


def rounds_of(shares: Floats, n_samples: Floats, ages: Floats, choices: Floats, exposures: Floats, limits: "Limits") -> Rounds:
    """Return rounds as the formula wants them.

    ``shares``, ``n_samples`` and ``ages`` are (b, k), ``choices`` (b, k, c) ones and zeros, ``exposures`` (b, k, n).
    """
    is_merged = shares.sum(axis=1) > 0.0
    local = np.where(is_merged, (shares * n_samples).sum(axis=1), _TYPICAL_LOCAL)
    updates = 1.0 / np.where(is_merged, (shares**2).sum(axis=1), 1.0 / _TYPICAL_UPDATES)
    return Rounds(
        is_merged=is_merged,
        log_local=np.clip(np.log(local / _TYPICAL_LOCAL), *limits.log_local),
        log_updates=np.clip(np.log(updates / _TYPICAL_UPDATES), *limits.log_updates),
        log_age=np.minimum((shares * np.log1p(ages)).sum(axis=1), limits.log_age),
        choice_shares=(shares[:, None, :] @ choices)[:, 0, :],
        shares=shares,
        exposures=exposures,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the rounds were like that the coefficients are from; others are taken as the nearest of these.

    So no policy gains from where the formula only continues.
    """

    log_local: tuple[float, float] = (-20.0, 20.0)
    log_updates: tuple[float, float] = (-20.0, 20.0)
    log_age: float = 20.0


def _scaled(exposures: Floats, coefficients: Coefficients) -> Floats:
    """Return g(exposure): 0 at 1, and log_least_exposure, about, where there is none."""
    least = np.exp(coefficients.log_least_exposure)
    scaled: Floats = np.log((exposures + least) / (1.0 + least))
    return scaled
