"""Traffic of others that competes for a cell: transfers that come at random and are nobody's turn."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import simpy
from numpy.typing import ArrayLike, NDArray

from mecsim.radio.flows import Flow, Link
from mecsim.units import BITS_PER_BYTE

Floats = NDArray[np.float64]
OWNER = "background"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTraffic:
    """Poisson arrivals of transfers whose sizes have the mean ``mean_bytes``, whatever their law.

    A Pareto law has few large sizes among many small ones; its shape must be above 1, and up to 2 its variance is infinite.
    ``weight`` counts on a link that shares by weights.
    """

    arrivals_per_s: float
    size_law: Literal["fixed", "pareto", "exponential"]
    mean_bytes: float
    pareto_shape: float = 1.5
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.arrivals_per_s) and self.arrivals_per_s >= 0.0):
            raise ValueError(f"arrivals_per_s must be finite and not negative, got {self.arrivals_per_s}")
        if not (math.isfinite(self.mean_bytes) and self.mean_bytes > 0.0):
            raise ValueError(f"mean_bytes must be finite and positive, got {self.mean_bytes}")
        if self.size_law not in ("fixed", "pareto", "exponential"):
            raise ValueError(f"size_law must be fixed, pareto or exponential, got {self.size_law!r}")
        if self.size_law == "pareto" and not self.pareto_shape > 1.0:
            raise ValueError(f"pareto_shape must be above 1 for the sizes to have a mean, got {self.pareto_shape}")
        if not (math.isfinite(self.weight) and self.weight > 0.0):
            raise ValueError(f"weight must be finite and positive, got {self.weight}")

    def size_bytes(self, uniform: ArrayLike) -> Floats:
        """Return the sizes that are not reached with probabilities ``uniform`` in [0, 1): the law's quantiles."""
        u = np.asarray(uniform, dtype=np.float64)
        if self.size_law == "fixed":
            return np.full(u.shape, self.mean_bytes)
        if self.size_law == "exponential":
            return np.asarray(-self.mean_bytes * np.log1p(-u))
        least_bytes = self.mean_bytes * (self.pareto_shape - 1.0) / self.pareto_shape
        return np.asarray(least_bytes * (1.0 - u) ** (-1.0 / self.pareto_shape))

    def load(self, rates_bps: ArrayLike) -> float:
        """Return the part of a link's airtime that the traffic asks for, each rate being as likely as the others.

        From 1 on, the link never catches up: more and more transfers are under way at once.
        """
        return float(self.arrivals_per_s * self.mean_bytes * BITS_PER_BYTE * np.mean(1.0 / _positive(rates_bps)))


def run_background(
    env: simpy.Environment,
    link: Link,
    traffic: BackgroundTraffic,
    rates_bps: ArrayLike,
    generator: np.random.Generator,
    log: list[tuple[float, Flow]] | None = None,
) -> Generator[simpy.Event, Any, None]:
    """Start transfers on a link for ever; each has one of ``rates_bps``, its full rate, with equal probability.

    A SimPy process. It takes three uniform numbers an arrival (gap, size, rate), so another law of sizes moves no arrival.
    ``log`` gets the time and the flow of each.
    """
    rates = _positive(rates_bps)
    while traffic.arrivals_per_s > 0.0:
        gap, size, rate = generator.random(3)
        yield env.timeout(-math.log1p(-gap) / traffic.arrivals_per_s)
        bits = BITS_PER_BYTE * float(traffic.size_bytes(size))
        flow = link.start(bits, float(rates[int(rate * len(rates))]), weight=traffic.weight, owner=OWNER)
        if log is not None:
            log.append((float(env.now), flow))


def _positive(rates_bps: ArrayLike) -> Floats:
    rates = np.asarray(rates_bps, dtype=np.float64)
    if rates.ndim != 1 or rates.size == 0 or not (np.isfinite(rates) & (rates > 0.0)).all():
        raise ValueError(f"rates_bps must be a column of finite, positive rates, got {rates}")
    return rates
