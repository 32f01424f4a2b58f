"""From samples with gaps to a function of time that is constant between its steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.traces.table import Floats

#: What a value is: measured, the last measured one held over a short gap, or the zero of a longer one.
MEASURED, HELD, OUTAGE = 0, 1, 2

_SAME_TIME_S = 1e-9  # a gap that is shorter comes of adding up decimal fractions


@dataclass(frozen=True, slots=True)
class Steps:
    """Values from each of ``starts_s`` (increasing, the first is 0) to the next one; ``state`` says what each is."""

    starts_s: Floats
    values: Floats
    state: NDArray[np.int64]


def fill_gaps(times_s: Floats, values: Floats, *, end_s: float, hold_s: float, sample_s: float | None = None) -> Steps:
    """Return ``values``, taken at the increasing ``times_s``, as a function on [0, ``end_s``), which may be infinite.

    A value is in force until the next sample or, with ``sample_s``, for so long. What is left is missing, as are samples of
    nan: the last value is held for at most ``hold_s`` from where the gap begins, then there is nothing, which is 0. So it is
    before the first value.
    """
    if hold_s < 0.0:
        raise ValueError(f"hold_s must not be negative, got {hold_s}")
    times_s, values = _with_gaps_marked(times_s, values, end_s, sample_s)
    gap = np.isnan(values)
    begins = gap & ~np.concatenate(([False], gap[:-1]))  # of a row of missing samples, the first
    next_valid = np.append(times_s, end_s)[_next_valid(gap)]
    at = np.flatnonzero(begins)
    last = np.concatenate(([np.nan], values[:-1]))[at]
    held = at[~np.isnan(last) & (hold_s > 0.0)]
    hold = np.where(np.isnan(last), 0.0, hold_s)
    out_s = times_s[at] + hold
    lasting = next_valid[at] > out_s
    starts = np.concatenate((times_s[~gap], times_s[held], out_s[lasting]))
    filled = np.concatenate((values[~gap], values[held - 1], np.zeros(lasting.sum())))
    state = np.repeat([MEASURED, HELD, OUTAGE], [(~gap).sum(), len(held), lasting.sum()])
    order = np.argsort(starts, kind="stable")
    return Steps(starts[order], filled[order], state[order])


def look_up(steps: Steps, times_s: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return values and states at ``times_s``, none of them negative."""
    at = np.searchsorted(steps.starts_s, times_s, side="right") - 1
    return steps.values[at], steps.state[at]


def _with_gaps_marked(times_s: Floats, values: Floats, end_s: float, sample_s: float | None) -> tuple[Floats, Floats]:
    """Add a missing sample wherever a gap begins that no row marks."""
    marks = np.zeros(0) if len(times_s) and times_s[0] <= 0.0 else np.zeros(1)
    if sample_s is not None:
        expires_s = times_s + sample_s
        marks = np.append(marks, expires_s[expires_s + _SAME_TIME_S < np.append(times_s[1:], end_s)])
    times_s = np.concatenate((times_s, marks))
    values = np.concatenate((values, np.full(len(marks), np.nan)))
    order = np.argsort(times_s, kind="stable")
    return times_s[order], values[order]


def _next_valid(gap: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each sample the index of the first one from it on that is no gap, or their number."""
    index = np.where(gap, len(gap), np.arange(len(gap)))
    return np.minimum.accumulate(index[::-1])[::-1]
