"""The split of a carrier that ends all transfers together: the least time in which the last of them can end."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
RateOfShare = Callable[[float], float]  # bit/s in a part (0..1) of the band; 0 at 0, never falling

_TOLERANCE = 1e-14  # of shares, and of times as parts of the latest possible one


def min_max_split(
    left_bits: Floats, full_rate_bps: Floats, cap_bps: Floats, rate_of_share: Sequence[RateOfShare | None]
) -> tuple[float, Floats]:
    """Return the seconds after which all n flows end, and the shares (n,) with which they do; the shares sum to 1 at most.

    Where rates are proportional to shares (a share of time, or of power and band alike), the end is the sum of the times that
    each flow would take alone, and its share is its part of that sum. Where a device's power is spread over its band, its rate
    is concave in its share; then the end is bisected, with the share that each flow needs for it found likewise. The problem
    is that of the literature on federated learning over wireless links: Shi, Zhou et al., arXiv 2007.07174; Yang et al.,
    arXiv 1911.02417.

    No flow goes faster than alone or than its cap. If that alone decides the end, part of the carrier stays unused.
    """
    if not np.isfinite(cap_bps).any() and all(law is None for law in rate_of_share):
        alone_s = left_bits / full_rate_bps
        return float(alone_s.sum()), alone_s / alone_s.sum()
    fastest_bps = np.array([rate if law is None else law(1.0) for rate, law in zip(full_rate_bps, rate_of_share, strict=True)])
    if not (fastest_bps > 0.0).all():
        raise ValueError("each flow must have a positive rate on the whole carrier; park those that have none")
    within_bps = np.minimum(fastest_bps, cap_bps)

    def shares_for(end_s: float) -> Floats:
        needed_bps = np.minimum(left_bits / end_s, within_bps)
        linear = needed_bps / fastest_bps
        return np.array(
            [
                share if law is None else first_reaching(law, rate_bps, 0.0, 1.0)
                for law, rate_bps, share in zip(rate_of_share, needed_bps, linear, strict=True)
            ]
        )

    # A concave law gives at least its part of the full rate, so the time-shared end is long enough.
    latest_s = max(float((left_bits / fastest_bps).sum()), earliest_s := float((left_bits / within_bps).max()))
    if shares_for(earliest_s).sum() <= 1.0:
        end_s = earliest_s
    else:
        end_s = latest_s * first_reaching(lambda part: -shares_for(part * latest_s).sum(), -1.0, earliest_s / latest_s, 1.0)
    shares = shares_for(end_s)
    return end_s, shares / max(1.0, float(shares.sum()))


def min_max_with_ready_times(sizes_bits: ArrayLike, full_rates_bps: ArrayLike, ready_s: ArrayLike) -> tuple[float, Floats]:
    """Return when all n transfers end, and the shares (n,) that each holds from ``ready_s``, when it can start, to that end.

    Rates are proportional to shares, and the shares sum to 1: the end T solves sum of S / (R (T - a)) = 1. Later starters get
    more. A share is kept for a transfer before it starts, as when bands are assigned for a round.
    """
    alone_s = np.asarray(sizes_bits, dtype=np.float64) / np.asarray(full_rates_bps, dtype=np.float64)
    ready = np.asarray(ready_s, dtype=np.float64)
    if alone_s.ndim != 1 or alone_s.shape != ready.shape or alone_s.size == 0:
        raise ValueError(f"sizes, rates and ready times must be columns of one length, got {alone_s.shape} and {ready.shape}")
    if not (np.isfinite(alone_s) & (alone_s > 0.0)).all():
        raise ValueError("sizes_bits and full_rates_bps must be finite and positive")

    def spare(wait_s: float) -> float:
        return -float((alone_s / (wait_s + last_s - ready)).sum())

    last_s = float(ready.max())
    latest_s = float(alone_s.sum())  # after the last is ready
    earliest_s = float((ready + alone_s).max()) - last_s
    wait_s = latest_s * first_reaching(lambda part: spare(part * latest_s), -1.0, earliest_s / latest_s, 1.0)
    shares = alone_s / (wait_s + last_s - ready)
    return last_s + wait_s, shares / max(1.0, float(shares.sum()))


def first_reaching(function: RateOfShare, target: float, low: float, high: float) -> float:
    """Return the least x in [low, high], to 1e-14, at which a rising ``function`` has reached ``target``; ``high`` if nowhere.

    What is returned has reached it, unless nothing has. The ITP method (Oliveira and Takahashi, ACM Trans. Math. Softw. 47,
    2020): hardly more steps than bisection at worst, some eight for a smooth function.
    """
    below, above = function(low) - target, function(high) - target
    if below >= 0.0:
        return low
    if above < 0.0:
        return high
    n_steps = 1 + max(0, math.ceil(math.log2(max(high - low, _TOLERANCE) / (2.0 * _TOLERANCE))))
    pull = 0.2 / max(high - low, _TOLERANCE)
    for step in range(n_steps + 1):
        width = high - low
        if width <= 2.0 * _TOLERANCE:
            break
        middle = 0.5 * (low + high)
        secant = (above * low - below * high) / (above - below)
        towards_middle = math.copysign(min(pull * width * width, abs(middle - secant)), middle - secant)
        reach = max(0.0, _TOLERANCE * 2.0 ** (n_steps - step) - 0.5 * width)
        x = min(max(secant + towards_middle, middle - reach), middle + reach)
        value = function(x) - target
        if value >= 0.0:
            high, above = x, value
        else:
            low, below = x, value
    return high
