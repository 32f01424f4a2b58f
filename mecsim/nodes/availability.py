"""When devices can be asked to take part: columns for the whole fleet, and no event until somebody asks."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.nodes.timeline import cycle_start_s

Floats = NDArray[np.float64]
Devices = NDArray[np.integer[Any]]

DAY_S = 86_400.0
_HOUR_S = 3_600.0


class Availability(Protocol):
    """Which devices are there, as a function of simulated time in seconds; devices are numbers of the whole fleet."""

    def available(self, devices: Devices, t: float) -> NDArray[np.bool_]:
        """Return for each of ``devices`` whether it is there at ``t``; at the end of a window it is not."""
        ...

    def next_change(self, device: int, t: float) -> float:
        """Return the first time after ``t`` at which a device comes or goes; inf if it never does again."""
        ...


def next_available(availability: Availability, device: int, t: float) -> float:
    """Return the first time from ``t`` on, ``t`` included, at which a device is there; inf if it never is again."""
    while t < math.inf and not availability.available(np.array([device]), t)[0]:
        t = availability.next_change(device, t)
    return t


class Always:
    """Every device, at all times."""

    def available(self, devices: Devices, t: float) -> NDArray[np.bool_]:
        """Return True for each."""
        return np.ones(len(devices), dtype=np.bool_)

    def next_change(self, device: int, t: float) -> float:
        """Return inf."""
        return math.inf


class Daily:
    """A window every day, of its own for each device: from ``opens_s`` after time 0 for ``length_s``, every 24 hours.

    The columns have a row a device; ``length_s`` is from 0, never, to 24 hours, always.
    """

    def __init__(self, opens_s: ArrayLike, length_s: ArrayLike) -> None:
        self._opens_s = np.asarray(opens_s, dtype=np.float64)
        self._length_s = np.asarray(length_s, dtype=np.float64)
        if self._opens_s.ndim != 1 or self._opens_s.shape != self._length_s.shape:
            raise ValueError(f"opens_s and length_s must be columns of one length, got {opens_s!r} and {length_s!r}")
        if not np.all(np.isfinite(self._opens_s)) or not np.all((self._length_s >= 0.0) & (self._length_s <= DAY_S)):
            raise ValueError("opens_s must be finite, and length_s from 0 to 24 hours")

    @classmethod
    def drawn(
        cls,
        generator: np.random.Generator,
        n_devices: int,
        *,
        start_h: ArrayLike,
        start_sigma_h: ArrayLike,
        length_h: ArrayLike,
        length_sigma_h: ArrayLike,
        clock_h: float = 0.0,
    ) -> "Daily":
        """Draw a window for each device: the hour at which it opens and its length are normal; a length is cut to 0 to 24 h.

        Means and deviations are numbers, or columns where they differ. ``clock_h`` is the hour of the day at time 0.
        """
        start, length = generator.standard_normal((n_devices, 2)).T
        opens_h = np.asarray(start_h) - clock_h + np.asarray(start_sigma_h) * start
        hours = np.clip(np.asarray(length_h) + np.asarray(length_sigma_h) * length, 0.0, 24.0)
        return cls(opens_h * _HOUR_S % DAY_S, hours * _HOUR_S)

    def available(self, devices: Devices, t: float) -> NDArray[np.bool_]:
        """Return for each device whether its window is open."""
        length_s = self._length_s[devices]
        open_now = t < _latest_start_s(self._opens_s[devices], DAY_S, t) + length_s
        return np.asarray(open_now | (length_s == DAY_S), dtype=np.bool_)

    def next_change(self, device: int, t: float) -> float:
        """Return when the window of a device next opens or closes."""
        length_s = float(self._length_s[device])
        if length_s in (0.0, DAY_S):
            return math.inf
        opened_s = _latest_start_s(self._opens_s[device], DAY_S, t)
        closes_s = float(opened_s + length_s)
        return closes_s if t < closes_s else float(_latest_start_s(self._opens_s[device], DAY_S, t, later=1))


class Intervals:
    """Sessions from a table of any order: its trace ``trace[i]`` is there from ``start_s[i]`` until ``end_s[i]``.

    Sessions of a trace may overlap; a trace without one is never there. With a ``period_s``, one for all or a column by trace,
    all begins again after it. ``trace_of`` says which trace a device follows; without it device i follows trace i, from the
    first one again where they run out. ValueError for a session that ends before it starts, or is outside the period.
    """

    def __init__(
        self,
        trace: ArrayLike,
        start_s: ArrayLike,
        end_s: ArrayLike,
        *,
        n_traces: int | None = None,
        period_s: ArrayLike | None = None,
        trace_of: Devices | None = None,
    ) -> None:
        traces, starts_s, ends_s = np.asarray(trace, dtype=np.int64), np.asarray(start_s, float), np.asarray(end_s, float)
        self._n_traces = n_traces if n_traces is not None else int(traces.max(initial=-1)) + 1
        self._period_s = None if period_s is None else np.broadcast_to(np.asarray(period_s, float), (self._n_traces,))
        self._trace_of = trace_of
        self._check(traces, starts_s, ends_s)
        # Starts and ends of a trace in turn: it is there after an odd number of them.
        self._bounds_s, self._offsets = _merged(traces, starts_s, ends_s, self._n_traces)

    def available(self, devices: Devices, t: float) -> NDArray[np.bool_]:
        """Return for each device whether a session is under way."""
        traces = self._trace_of[devices] if self._trace_of is not None else np.asarray(devices) % self._n_traces
        base_s = np.zeros(len(traces)) if self._period_s is None else _latest_start_s(0.0, self._period_s[traces], t)
        low, high = self._offsets[traces], self._offsets[traces + 1]
        first = low
        while np.any(low < high):  # bisection in all traces at once
            middle = (low + high) // 2
            past = (low < high) & (base_s + self._bounds_s[np.minimum(middle, len(self._bounds_s) - 1)] <= t)
            low, high = np.where(past, middle + 1, low), np.where(past, high, np.minimum(middle, high))
        return np.asarray((low - first) % 2 == 1, dtype=np.bool_)

    def next_change(self, device: int, t: float) -> float:
        """Return the next start or end of a session of a device."""
        trace = int(self._trace_of[device]) if self._trace_of is not None else device % self._n_traces
        bounds_s = self._bounds_s[self._offsets[trace] : self._offsets[trace + 1]]
        if self._period_s is None:
            i = int(np.searchsorted(bounds_s, t, side="right"))
            return float(bounds_s[i]) if i < len(bounds_s) else math.inf
        period_s = float(self._period_s[trace])
        begins_s, ends_s = cycle_start_s(t, period_s), cycle_start_s(t, period_s, later=1)
        # The end of a period is the beginning of the next one, also where their sums differ in the last bit.
        this, following = np.minimum(bounds_s + begins_s, ends_s), bounds_s + ends_s
        touches = len(bounds_s) > 0 and bounds_s[0] == 0.0 and bounds_s[-1] == period_s
        if touches and len(bounds_s) == 2:
            return math.inf
        # Where a session at the end of the period is followed by one at its beginning, nobody comes or goes.
        changes_s = np.concatenate([this[:-1], following[1:]]) if touches else np.concatenate([this, following])
        i = int(np.searchsorted(changes_s, t, side="right"))
        return float(changes_s[i]) if i < len(changes_s) else math.inf

    def _check(self, traces: NDArray[np.int64], starts_s: Floats, ends_s: Floats) -> None:
        if not traces.shape == starts_s.shape == ends_s.shape or traces.ndim != 1:
            raise ValueError(
                f"trace, start_s and end_s must be columns of one length, got {traces.shape}, {starts_s.shape}, {ends_s.shape}"
            )
        if self._n_traces < 1 or np.any(traces < 0) or np.any(traces >= self._n_traces):
            raise ValueError(f"there must be a trace, and traces must be from 0 to {self._n_traces - 1}")
        if not np.all(np.isfinite(starts_s)) or not np.all(starts_s <= ends_s):
            raise ValueError("a session must start at a finite time and must not end before")
        if self._period_s is not None:
            if not np.all((self._period_s > 0.0) & np.isfinite(self._period_s)):
                raise ValueError("period_s must be positive and finite")
            if not np.all((starts_s >= 0.0) & (ends_s <= self._period_s[traces])):
                raise ValueError("with a period, sessions must be from 0 to its end")


class Grouped:
    """Each device as ``members[group_of[device]]`` says; members know devices by their numbers in the whole fleet."""

    def __init__(self, group_of: Devices, members: Sequence[Availability]) -> None:
        self._group_of = group_of
        self._members = tuple(members)

    def available(self, devices: Devices, t: float) -> NDArray[np.bool_]:
        """Return for each device whether it is there."""
        devices = np.asarray(devices)
        groups = self._group_of[devices]
        there = np.empty(len(devices), dtype=np.bool_)
        for group, member in enumerate(self._members):
            mine = groups == group
            if mine.any():
                there[mine] = member.available(devices[mine], t)
        return there

    def next_change(self, device: int, t: float) -> float:
        """Return when a device next comes or goes."""
        return self._members[int(self._group_of[device])].next_change(device, t)


def _latest_start_s(first_s: Floats | float, period_s: Floats | float, t: float, later: int = 0) -> Floats:
    """Return the last of ``first_s`` + k * ``period_s`` that is not after ``t``, or the ``later``-th behind it.

    Whoever asks computes it from k alone, so that windows end and begin exactly where `next_change` announced it.
    """
    first, period = np.asarray(first_s), np.asarray(period_s)
    n = np.floor((t - first) / period)
    n = n - (first + n * period > t) + (first + (n + 1.0) * period <= t)  # the quotient is rounded: at most one off
    return np.asarray(first + (n + later) * period, dtype=np.float64)


def _merged(traces: NDArray[np.int64], starts_s: Floats, ends_s: Floats, n_traces: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the bounds of all sessions, trace after trace, and where each trace's begin; sessions that overlap are joined."""
    order = np.lexsort((starts_s, traces))
    bounds_s: list[float] = []
    counts = np.zeros(n_traces + 1, dtype=np.int64)
    last_trace = -1
    for trace, start_s, end_s in zip(traces[order].tolist(), starts_s[order].tolist(), ends_s[order].tolist(), strict=True):
        if start_s == end_s:
            continue
        if trace == last_trace and start_s <= bounds_s[-1]:
            bounds_s[-1] = max(bounds_s[-1], end_s)
        else:
            bounds_s += (start_s, end_s)
            counts[trace + 1] += 2
            last_trace = trace
    return np.array(bounds_s, dtype=np.float64), np.cumsum(counts)
