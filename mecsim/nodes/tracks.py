"""Ways of devices: knots in time with straight lines between them, drawn for a device when somebody first asks for it."""

import math
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator

import numpy as np

from mecsim.nodes.availability import Devices, Floats

Knot = tuple[float, float, float]
"""A moment in seconds and the place [x, y] in metres."""

#: Gives a device's random generator; asked again for the same device, it gives one that starts from the same beginning.
Generators = Callable[[int], np.random.Generator]

_KEEP_S = 120.0  # what is older than this before the last question may be dropped
_DROP_EVERY = 256  # knots between two looks at what may be dropped


class Track:
    """One way. Its knots come from an iterator, at times that do not decrease; after the last one nothing moves."""

    def __init__(self, knots: Iterator[Knot]) -> None:
        self._knots = knots
        self._times_s, self._xs_m, self._ys_m = array("d"), array("d"), array("d")
        self._draw()

    @property
    def oldest_s(self) -> float:
        """The time before which nothing is known any more."""
        return self._times_s[0]

    def position_m(self, t: float) -> tuple[float, float]:
        """Return the place at ``t``."""
        i = self._leg(t)
        x_m, y_m = self._xs_m[i], self._ys_m[i]
        if i + 1 == len(self._times_s):
            return x_m, y_m
        share = (t - self._times_s[i]) / (self._times_s[i + 1] - self._times_s[i])
        return x_m + share * (self._xs_m[i + 1] - x_m), y_m + share * (self._ys_m[i + 1] - y_m)

    def speed_mps(self, t: float) -> float:
        """Return the speed at ``t``; at a knot, the one after it."""
        i = self._leg(t)
        if i + 1 == len(self._times_s):
            return 0.0
        length_m = math.hypot(self._xs_m[i + 1] - self._xs_m[i], self._ys_m[i + 1] - self._ys_m[i])
        return length_m / (self._times_s[i + 1] - self._times_s[i])

    def next_at_distance(self, t: float, distance_m: float) -> float:
        """Return when the way since ``t`` is ``distance_m`` long; inf if it never is."""
        now_s, (x_m, y_m) = t, self.position_m(t)
        i = bisect_right(self._times_s, t)
        while i < len(self._times_s) or self._draw():
            length_m = math.hypot(self._xs_m[i] - x_m, self._ys_m[i] - y_m)
            if length_m >= distance_m:
                return now_s + (self._times_s[i] - now_s) * distance_m / length_m
            distance_m -= length_m
            now_s, x_m, y_m = self._times_s[i], self._xs_m[i], self._ys_m[i]
            i += 1
        return math.inf

    def _leg(self, t: float) -> int:
        """Return the index of the last knot that is not after ``t``; the next one, if there is any, is drawn."""
        while self._times_s[-1] <= t and self._draw():
            if len(self._times_s) % _DROP_EVERY == 0:
                self._drop(t - _KEEP_S)
        return bisect_right(self._times_s, t) - 1

    def _draw(self) -> bool:
        knot = next(self._knots, None)
        if knot is None:
            return False
        time_s, x_m, y_m = knot
        self._times_s.append(time_s)
        self._xs_m.append(x_m)
        self._ys_m.append(y_m)
        return True

    def _drop(self, before_s: float) -> None:
        n = bisect_right(self._times_s, before_s) - 1
        if n > 0:
            for column in (self._times_s, self._xs_m, self._ys_m):
                del column[:n]


class Walk(ABC):
    """Devices that move each on a way of its own, from their places at time 0.

    A device that nobody asks for costs nothing, nor does a question about time 0. Ways are followed forward and forgotten
    behind; a question about the forgotten past is answered all the same, by following the way once more from the beginning.
    """

    def __init__(self, start_m: Floats, area_m: tuple[float, float]) -> None:
        self._start_m = np.asarray(start_m, dtype=np.float64)
        if self._start_m.ndim != 2 or self._start_m.shape[1] != 2:
            raise ValueError(f"places must have the shape (n, 2), got {self._start_m.shape}")
        if not (0.0 < area_m[0] < math.inf and 0.0 < area_m[1] < math.inf):
            raise ValueError(f"the area must have a positive width and height, got {area_m}")
        if not np.all((self._start_m >= 0.0) & (self._start_m <= area_m)):
            raise ValueError(f"a place is outside of the area from [0, 0] to {list(area_m)}")
        self._area_m = area_m
        self._tracks: dict[int, Track] = {}

    def position(self, device: int, t: float) -> tuple[float, float]:
        """Return the place [x, y] of a device in metres."""
        if t <= 0.0:
            return float(self._start_m[device, 0]), float(self._start_m[device, 1])
        return self._inside(*self._track(device, t).position_m(t))

    def positions(self, devices: Devices, t: float) -> Floats:
        """Return the places of devices, a row each."""
        if t <= 0.0:
            return np.asarray(self._start_m[devices])
        return np.array([self.position(device, t) for device in devices.tolist()], dtype=np.float64).reshape(-1, 2)

    def speed_mps(self, device: int, t: float) -> float:
        """Return the speed of a device; where it changes, the new one."""
        return self._track(device, t).speed_mps(max(t, 0.0))

    def next_at_distance(self, device: int, t: float, distance_m: float) -> float:
        """Return when a device has gone ``distance_m`` from where it is at ``t``, along its way; inf if it never does."""
        check_distance(distance_m)
        return self._track(device, t).next_at_distance(max(t, 0.0), distance_m)

    @abstractmethod
    def _knots(self, device: int) -> Iterator[Knot]:
        """Yield the knots of a device from time 0 on, the same ones whenever it is called."""

    def _inside(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return the place in the area that a place on a track stands for."""
        return x_m, y_m

    def _track(self, device: int, t: float) -> Track:
        track = self._tracks.get(device)
        if track is None or track.oldest_s > max(t, 0.0):
            track = self._tracks[device] = Track(self._knots(device))
        return track


def check_distance(distance_m: float) -> None:
    """Raise ValueError for a distance that is not positive: it would be reached at once, again and again."""
    if not distance_m > 0.0:
        raise ValueError(f"distance_m must be positive, got {distance_m}")
