"""Laws of durations: how long something stays as it is."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Law(Protocol):
    """A distribution of durations in seconds."""

    @property
    def mean_s(self) -> float:
        """The mean."""
        ...

    def draw_s(self, generator: np.random.Generator) -> float:
        """Draw a duration."""
        ...

    def draw_rest_s(self, generator: np.random.Generator) -> float:
        """Draw what is left of the duration that is under way at a moment long after the beginning.

        It has the density P(duration > t) / mean: a moment falls into a long duration more often than into a short one
        (renewal theory's stationary excess; Cox, Renewal Theory, 1962, section 5.2).
        """
        ...


@dataclass(frozen=True, slots=True)
class Exponential:
    """Without memory: what is left has the law of the whole."""

    mean_s: float

    def __post_init__(self) -> None:
        _check_mean(self.mean_s)

    def draw_s(self, generator: np.random.Generator) -> float:
        """Draw a duration."""
        return float(generator.exponential(self.mean_s))

    def draw_rest_s(self, generator: np.random.Generator) -> float:
        """Draw what is left of a duration under way."""
        return self.draw_s(generator)


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    mean_s: float

    def __post_init__(self) -> None:
        _check_mean(self.mean_s)

    def draw_s(self, generator: np.random.Generator) -> float:
        """Return the duration; nothing is drawn."""
        return self.mean_s

    def draw_rest_s(self, generator: np.random.Generator) -> float:
        """Draw what is left of a duration under way: uniform up to the whole."""
        return self.mean_s * float(generator.random())


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Log-normal, with a mean and the deviation ``sigma`` of the logarithm."""

    mean_s: float
    sigma: float

    def __post_init__(self) -> None:
        _check_mean(self.mean_s)
        if not 0.0 <= self.sigma < math.inf:
            raise ValueError(f"sigma must be finite and at least 0, got {self.sigma}")

    def draw_s(self, generator: np.random.Generator) -> float:
        """Draw a duration."""
        return self.mean_s * math.exp(self.sigma * float(generator.standard_normal()) - self.sigma**2 / 2.0)

    def draw_rest_s(self, generator: np.random.Generator) -> float:
        """Draw what is left of a duration under way: a uniform part of a duration weighted by its length.

        Weighting by the length moves the mean of the logarithm by sigma^2.
        """
        whole_s = self.mean_s * math.exp(self.sigma * float(generator.standard_normal()) + self.sigma**2 / 2.0)
        return whole_s * float(generator.random())


def _check_mean(mean_s: float) -> None:
    if not 0.0 <= mean_s < math.inf:
        raise ValueError(f"mean_s must be finite and at least 0, got {mean_s}")
