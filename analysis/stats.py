"""What is said of values over seeds or devices: means with Student's interval, bootstrap intervals, and evenness."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeVar

T = TypeVar("T")

#: 97.5 % points of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2).
_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_Z_975 = 1.959964
#: A bootstrap interval never leaves the range of what was drawn; of fewer values that range alone covers too little.
MIN_BOOTSTRAP = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the half-width of its 95 % interval; ``half`` is None for a single value."""

    mean: float
    half: float | None
    n: int


def student_975(freedom: int) -> float:
    """Return the 97.5 % point of Student's t: from the table up to 30, above it by Cornish and Fisher's expansion."""
    if freedom < 1:
        raise ValueError(f"degrees of freedom must be at least 1, got {freedom}")
    if freedom <= len(_T_975):
        return _T_975[freedom - 1]
    z = _Z_975
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of independent values and its 95 % t-interval; NaN anywhere makes the mean NaN, without interval.

    It covers 95 % of normal data with any number of values; of log-normal data (of one unit on the logarithm) 84 %.
    """
    n = len(values)
    if n == 0 or any(math.isnan(value) for value in values):
        return Interval(math.nan, None, n)
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Interval(mean, student_975(n - 1) * math.sqrt(variance / n), n)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A statistic and its 95 % bootstrap interval; ``low`` and ``high`` are None below ``MIN_BOOTSTRAP`` values."""

    value: float
    low: float | None
    high: float | None
    n: int


def resamples(n: int, n_draws: int, seed: int = 0) -> list[list[int]]:
    """Return ``n_draws`` times ``n`` of the numbers 0 to n - 1, drawn with replacement; the same ones for the same seed."""
    import numpy as np

    drawn: list[list[int]] = np.random.default_rng(seed).integers(0, n, (n_draws, n)).tolist()
    return drawn


def bootstrap(
    by_seed: Sequence[T], statistic: Callable[[Sequence[T]], float], *, n_draws: int = 2_000, seed: int = 0
) -> Bootstrap:
    """Return ``statistic`` of what each seed gave and its 95 % interval, drawing whole seeds with replacement.

    The interval is the expanded percentile one (Hesterberg, "What Teachers Should Know About the Bootstrap", The American
    Statistician 69(4), 2015): the quantiles are set further out, by Student's t and sqrt(n / (n - 1)), as plain percentiles
    are too narrow for few seeds. Of normal data it covers the mean in 91 % for n = 5 and 94 % for n = 10, of log-normal data
    in 82 % and 86 %. Below five seeds it would cover 77 to 86 %, so none is given. It is the same in every run: the draws
    come from ``seed`` alone. NaN for any draw makes the interval None. ValueError without values.
    """
    n = len(by_seed)
    if n == 0:
        raise ValueError("a bootstrap needs at least one value")
    value = statistic(by_seed)
    if n < MIN_BOOTSTRAP:
        return Bootstrap(value, None, None, n)
    drawn = sorted(statistic([by_seed[i] for i in indices]) for indices in resamples(n, n_draws, seed))
    if any(math.isnan(one) for one in drawn):
        return Bootstrap(value, None, None, n)
    tail = NormalDist().cdf(-math.sqrt(n / (n - 1)) * student_975(n - 1))
    return Bootstrap(value, _quantile(drawn, tail), _quantile(drawn, 1 - tail), n)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def jain(values: Sequence[float]) -> float:
    """Return Jain's index of fairness, (sum x)^2 / (n sum x^2): 1 where all have the same, 1/n where one has everything.

    Source: Jain, Chiu and Hawe, "A Quantitative Measure of Fairness and Discrimination for Resource Allocation in Shared
    Computer Systems", DEC-TR-301, 1984. NaN without values or where all are zero; ValueError for negative ones.
    """
    scaled = _shares_of_largest(values)
    if not scaled:
        return math.nan
    return math.fsum(scaled) ** 2 / (len(scaled) * math.fsum(value**2 for value in scaled))


def gini(values: Sequence[float]) -> float:
    """Return the Gini coefficient: 0 where all have the same, 1 - 1/n where one has everything.

    Half the mean difference between any two, over the mean (Gini, 1912), computed from the sorted values as
    2 sum(i x_i) / (n sum x) - (n + 1) / n (Sen, "On Economic Inequality", 1973). It is the population's coefficient: no
    correction for small n. NaN without values or where all are zero; ValueError for negative ones.
    """
    scaled = sorted(_shares_of_largest(values))
    if not scaled:
        return math.nan
    n = len(scaled)
    return 2 * math.fsum(i * value for i, value in enumerate(scaled, 1)) / (n * math.fsum(scaled)) - (n + 1) / n


def _shares_of_largest(values: Sequence[float]) -> list[float]:
    """Return the values over their largest, so that no square overflows or vanishes; empty where there is nothing to share."""
    if any(value < 0 for value in values):
        raise ValueError(f"evenness is of amounts, which are not negative, got {min(values)}")
    largest = max(values, default=0.0)
    return [value / largest for value in values] if largest > 0 else []
