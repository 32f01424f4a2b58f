"""Means over seeds, with Student's interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: 97.5 % points of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2).
_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_Z_975 = 1.959964


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
    """Return the mean of independent values and its 95 % t-interval; NaN anywhere makes the mean NaN, without interval."""
    n = len(values)
    if n == 0 or any(math.isnan(value) for value in values):
        return Interval(math.nan, None, n)
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Interval(mean, student_975(n - 1) * math.sqrt(variance / n), n)
