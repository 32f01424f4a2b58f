"""When a device asks for a handover: event A3, a neighbour that stays better than the serving cell by an offset.

3GPP TS 38.331, clauses 5.5.4.1 and 5.5.4.4. The measurements are ones without fast fading; cell-specific offsets, where there
are any, are part of the margins. Times of layer-3 filtering are not modelled.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class A3Event:
    """Offset, hysteresis and time to trigger; the defaults are usual values, not verified in a primary source."""

    offset_db: float = 3.0
    hysteresis_db: float = 1.0
    time_to_trigger_s: float = 0.32

    def __post_init__(self) -> None:
        if not self.hysteresis_db >= 0.0 or not self.time_to_trigger_s >= 0.0:
            raise ValueError(f"hysteresis and time to trigger must be at least 0, got {self}")

    @property
    def entry_db(self) -> float:
        """The margin above which a neighbour fulfils the entering condition."""
        return self.offset_db + self.hysteresis_db

    @property
    def leaving_db(self) -> float:
        """The margin below which a reported neighbour fulfils the leaving condition."""
        return self.offset_db - self.hysteresis_db


class A3Monitor:
    """The margins of one device's neighbours, followed from stretch to stretch until one of them is to be reported.

    A neighbour is reported when its margin has been above the entering threshold for the whole of the time to trigger; one
    that falls back to it begins anew. It is not reported again before its margin was below the leaving threshold.
    """

    def __init__(self, event: A3Event) -> None:
        self._event = event
        self.reset()

    def reset(self) -> None:
        """Forget everything: after a handover the margins are to another serving cell."""
        self._entered_s: Floats | None = None  # by neighbour; nan where the entering condition does not hold
        self._reported: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    def advance(self, t0: float, margins0_db: ArrayLike, t1: float, margins1_db: ArrayLike) -> tuple[float, int] | None:
        """Return the first time from ``t0`` to ``t1`` at which a neighbour is reported, and its index; None if none is.

        Margins are those of the neighbours over the serving cell, in dB, and linear in time from ``t0`` to ``t1``; with
        ``t1`` equal to ``t0`` those at ``t1`` count. -inf marks what is no neighbour at present, as the serving cell itself.
        At equal times the larger margin wins, then the smaller index. After a report the monitor is at its time: go on with
        `reset` or from there. ValueError if ``t1`` is before ``t0``, or the number of neighbours changes without a `reset`.
        """
        if not t1 >= t0:
            raise ValueError(f"t1 must not be before t0, got {t0} and {t1}")
        start, end = np.array(margins0_db, dtype=np.float64), np.array(margins1_db, dtype=np.float64)
        if t1 == t0:
            start = end
        absent = np.isneginf(start) | np.isneginf(end)
        start[absent] = end[absent] = -math.inf
        entered_s, above_until_s = self._above(t0, start, t1, end)
        reports_s = np.maximum(entered_s + self._event.time_to_trigger_s, t0)
        waiting = ~(self._reported & (start >= self._event.leaving_db))
        due = waiting & (reports_s <= t1) & (reports_s < above_until_s)
        if not due.any():
            self._settle(t1, start, end, entered_s)
            return None
        time_s = float(reports_s[due].min())
        margins_db = _between(start, end, (time_s - t0) / (t1 - t0) if t1 > t0 else 1.0)
        first = np.flatnonzero(due & (reports_s == time_s))
        neighbour = int(first[np.argmax(margins_db[first])])
        self._settle(time_s, start, margins_db, entered_s)
        self._reported[neighbour] = True
        return time_s, neighbour

    def _above(self, t0: float, start: Floats, t1: float, end: Floats) -> tuple[Floats, Floats]:
        """Return since when and until when each margin is above the entering threshold; nan where it never is."""
        if self._entered_s is None:
            self._entered_s, self._reported = np.full(len(start), np.nan), np.zeros(len(start), dtype=np.bool_)
        if not len(start) == len(end) == len(self._entered_s):
            raise ValueError(f"expected the margins of {len(self._entered_s)} neighbours, got {len(start)} and {len(end)}")
        entry_db = self._event.entry_db
        before, after = start > entry_db, end > entry_db
        crossing_s = np.full(len(start), np.nan)
        crosses = before != after
        share = (entry_db - start[crosses]) / (end[crosses] - start[crosses])
        crossing_s[crosses] = t0 + share * (t1 - t0)
        since_s = np.where(np.isnan(self._entered_s), t0, self._entered_s)
        entered_s = np.where(before, since_s, np.where(after, crossing_s, np.nan))
        return entered_s, np.where(before & ~after, crossing_s, math.inf)

    def _settle(self, t: float, start: Floats, now: Floats, entered_s: Floats) -> None:
        self._entered_s = np.where((now > self._event.entry_db) & (entered_s <= t), entered_s, np.nan)
        self._reported = self._reported & (start >= self._event.leaving_db) & (now >= self._event.leaving_db)


def _between(start: Floats, end: Floats, share: float) -> Floats:
    """Return the margins at a share of the stretch; -inf stays."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(start), start, start + share * (end - start))
