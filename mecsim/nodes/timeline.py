"""Quantities that change by steps in simulated time; random ones are drawn as far as somebody asks."""

import math
import operator
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import Literal, Protocol

import numpy as np

from mecsim.nodes.durations import Law


class Timeline(Protocol):
    """A quantity that is constant between changes, as a function of simulated time in seconds, from 0 on.

    The answers do not depend on who asks, how often, or in which order.
    """

    def at(self, t: float) -> float:
        """Return the value at ``t``; at a change, the new one."""
        ...

    def next_change(self, t: float) -> float:
        """Return a time after ``t``, never ``t`` itself, up to which the value is constant; inf if it never changes.

        It is a change, but for two exceptions: in a product another factor may keep the value at 0, and a time down of no
        length leaves none behind.
        """
        ...


class Constant:
    """Never changes."""

    def __init__(self, value: float) -> None:
        self._value = value

    def at(self, t: float) -> float:
        """Return the value."""
        return self._value

    def next_change(self, t: float) -> float:
        """Return inf."""
        return math.inf


class Steps:
    """``values[i]`` from ``times_s[i]`` on; before the first time it is ``before``, or the first value where none is given.

    With a ``period_s`` all begins again after it, and before the first time of a period the last value goes on. Times are
    increasing and, with a period, from 0 to less than the period; ValueError otherwise.
    """

    def __init__(
        self,
        times_s: Sequence[float],
        values: Sequence[float],
        *,
        before: float | None = None,
        period_s: float | None = None,
    ) -> None:
        _check_steps(times_s, values, before, period_s)
        self._period_s = period_s
        self._before = values[-1] if period_s is not None else values[0] if before is None else before
        self._times_s, self._values = array("d"), array("d")
        for time_s, value in zip(times_s, values, strict=True):
            if value != (self._values[-1] if self._values else self._before):  # a step of height 0 is no change
                self._times_s.append(time_s)
                self._values.append(value)

    def at(self, t: float) -> float:
        """Return the value at ``t``."""
        # The times are moved to t, rather than t into the period: a change is then exactly where it was announced.
        i = bisect_right(self._times_s, t, key=partial(operator.add, self._cycle_s(t)))
        return self._values[i - 1] if i else self._before

    def next_change(self, t: float) -> float:
        """Return the first change after ``t``."""
        start_s = self._cycle_s(t)
        i = bisect_right(self._times_s, t, key=partial(operator.add, start_s))
        if i < len(self._times_s):
            return start_s + self._times_s[i]
        if self._period_s is None or not self._times_s:
            return math.inf
        return cycle_start_s(t, self._period_s, later=1) + self._times_s[0]

    def _cycle_s(self, t: float) -> float:
        return 0.0 if self._period_s is None else cycle_start_s(t, self._period_s)


class Renewal:
    """1 while up and ``down_value`` while down, in turn; each duration is drawn from the law of its state.

    "stationary" starts as if this had gone on for ever: up with the probability mean_up / (mean_up + mean_down), and with what
    is left of that state's duration. "up" starts with a whole duration up.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        up: Law,
        down: Law,
        *,
        down_value: float = 0.0,
        start: Literal["stationary", "up"] = "stationary",
    ) -> None:
        if up.mean_s <= 0.0:
            raise ValueError(f"the mean time up must be positive, got {up.mean_s} s")
        self._generator = generator
        self._laws = (down, up)
        self._down_value = down_value
        self._starts_up = start == "up" or generator.random() < up.mean_s / (up.mean_s + down.mean_s)
        first = self._laws[self._starts_up]
        self._changes_s = array("d", [first.draw_s(generator) if start == "up" else first.draw_rest_s(generator)])

    def at(self, t: float) -> float:
        """Return the value at ``t``."""
        return 1.0 if self._is_up_after(self._changes_until(t)) else self._down_value

    def next_change(self, t: float) -> float:
        """Return the first change after ``t``."""
        return self._changes_s[self._changes_until(t)]

    def next_fall(self, t: float) -> float:
        """Return the first time after ``t`` at which it goes down, were it for no time at all."""
        n_past = self._changes_until(t)
        if self._is_up_after(n_past):
            return self._changes_s[n_past]
        if len(self._changes_s) == n_past + 1:
            self._draw_change()
        return self._changes_s[n_past + 1]

    def _is_up_after(self, n_changes: int) -> bool:
        return self._starts_up == (n_changes % 2 == 0)

    def _changes_until(self, t: float) -> int:
        """Return the number of changes up to ``t``; the one that follows is drawn."""
        _check_time(t)
        while self._changes_s[-1] <= t:
            self._draw_change()
        return bisect_right(self._changes_s, t)

    def _draw_change(self) -> None:
        law = self._laws[self._is_up_after(len(self._changes_s))]
        self._changes_s.append(self._changes_s[-1] + law.draw_s(self._generator))


class Product:
    """The product of timelines: 1 while all of several things work."""

    def __init__(self, timelines: Sequence[Timeline]) -> None:
        self._timelines = tuple(timelines)

    def at(self, t: float) -> float:
        """Return the value at ``t``; that of no timelines is 1."""
        return math.prod(timeline.at(t) for timeline in self._timelines)

    def next_change(self, t: float) -> float:
        """Return a time up to which the value is constant. While a factor is 0, no change of another one matters."""
        zeros = [timeline.next_change(t) for timeline in self._timelines if timeline.at(t) == 0.0]
        return max(zeros) if zeros else min((timeline.next_change(t) for timeline in self._timelines), default=math.inf)


class PoissonTimes:
    """The times of a Poisson process from time 0 on."""

    def __init__(self, generator: np.random.Generator, rate_per_s: float) -> None:
        if not 0.0 <= rate_per_s < math.inf:
            raise ValueError(f"rate_per_s must be finite and at least 0, got {rate_per_s}")
        self._generator = generator
        self._rate_per_s = rate_per_s
        self._times_s = array("d", [0.0])

    def next_after(self, t: float) -> float:
        """Return the first time after ``t``; inf at rate 0."""
        _check_time(t)
        if self._rate_per_s == 0.0:
            return math.inf
        while self._times_s[-1] <= t:
            self._times_s.append(self._times_s[-1] + float(self._generator.exponential(1.0 / self._rate_per_s)))
        return self._times_s[max(bisect_right(self._times_s, t), 1)]


def next_positive(timeline: Timeline, t: float) -> float:
    """Return the first time from ``t`` on, ``t`` included, at which the value is above 0; inf if that never comes."""
    while t < math.inf and timeline.at(t) <= 0.0:
        t = timeline.next_change(t)
    return t


def cycle_start_s(t: float, period_s: float, later: int = 0) -> float:
    """Return the last multiple of ``period_s`` that is not after ``t``, or the ``later``-th one behind it."""
    n = math.floor(t / period_s)
    # The quotient is rounded: it may be one off where t is next to a multiple.
    if n * period_s > t:
        n -= 1
    elif (n + 1) * period_s <= t:
        n += 1
    return (n + later) * period_s


def _check_steps(times_s: Sequence[float], values: Sequence[float], before: float | None, period_s: float | None) -> None:
    if len(times_s) != len(values) or len(times_s) == 0:
        raise ValueError(
            f"there must be a value for each time and at least one, got {len(times_s)} times, {len(values)} values"
        )
    if not np.all(np.isfinite(times_s)) or np.any(np.diff(times_s) <= 0.0):
        raise ValueError("times_s must be finite and increasing")
    if period_s is not None and not 0.0 <= times_s[0] <= times_s[-1] < period_s:
        raise ValueError(f"times_s must be from 0 to less than period_s, got {times_s[0]} to {times_s[-1]} of {period_s}")
    if period_s is not None and before is not None:
        raise ValueError("with period_s, what is before the first time is the last value; leave before out")


def _check_time(t: float) -> None:
    if not t < math.inf:  # not a number either
        raise ValueError(f"t must be a finite time, got {t}")
