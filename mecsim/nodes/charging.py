"""When devices are plugged in: functions of time alone, for many devices at once."""

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.timeline import Timeline

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY_S = 86_400.0
_HOUR_S = 3_600.0


class Charging(Protocol):
    """Tells when devices are plugged in. ``devices`` and ``times_s`` are columns of one length: a time for each device."""

    def plugged(self, devices: Ints, times_s: Floats) -> Bools:
        """Return whether each device is plugged in at its time; at a change, the new state."""
        ...

    def next_change(self, devices: Ints, times_s: Floats) -> Floats:
        """Return the first time after each device's own at which that may change; inf if there is none."""
        ...


class NeverCharging:
    """No device is ever plugged in."""

    def plugged(self, devices: Ints, times_s: Floats) -> Bools:
        """Return False for all."""
        return np.zeros(len(devices), dtype=np.bool_)

    def next_change(self, devices: Ints, times_s: Floats) -> Floats:
        """Return inf for all."""
        return np.full(len(devices), math.inf)


class DailyCharging:
    """Plugs each device in once a day, at ``start_s[device]`` after midnight for ``length_s[device]``; time 0 is midnight.

    A session may run over midnight. A length below 0 or above a day is a ValueError.
    """

    def __init__(self, start_s: Floats, length_s: Floats) -> None:
        if np.any((length_s < 0.0) | (length_s > DAY_S)):
            raise ValueError(f"a charging session lasts between 0 and {DAY_S:.0f} s")
        self._start_s = np.mod(start_s, DAY_S)
        self._length_s = length_s

    @classmethod
    def drawn(
        cls,
        generator: np.random.Generator,
        n: int,
        *,
        start_h: tuple[float, float] = (22.0, 1.5),
        length_h: tuple[float, float] = (8.0, 1.0),
    ) -> "DailyCharging":
        """Draw start and length, (mean, standard deviation) of a normal law in hours each: two draws a device, in its order.

        By night and for eight hours is a default, not verified; lengths are cut to what fits in a day.
        """
        normal = generator.standard_normal((n, 2))
        length_s = _HOUR_S * (length_h[0] + length_h[1] * normal[:, 1])
        return cls(_HOUR_S * (start_h[0] + start_h[1] * normal[:, 0]), np.clip(length_s, 0.0, DAY_S))

    def plugged(self, devices: Ints, times_s: Floats) -> Bools:
        """Return whether each device is within its session."""
        begin_s = self._last_begin_s(devices, times_s)
        result: Bools = times_s < begin_s + self._length_s[devices]
        return result

    def next_change(self, devices: Ints, times_s: Floats) -> Floats:
        """Return the end of the session, or the beginning of the next one."""
        end_s = self._last_begin_s(devices, times_s) + self._length_s[devices]
        return np.where(end_s > times_s, end_s, self._begin_s(devices, self._n_day(devices, times_s) + 1.0))

    def _last_begin_s(self, devices: Ints, times_s: Floats) -> Floats:
        return self._begin_s(devices, self._n_day(devices, times_s))

    def _begin_s(self, devices: Ints, n_day: Floats) -> Floats:
        return self._start_s[devices] + n_day * DAY_S

    def _n_day(self, devices: Ints, times_s: Floats) -> Floats:
        """Return the day of the last beginning up to each time; the day before the first one is -1."""
        n_day = np.floor((times_s - self._start_s[devices]) / DAY_S)
        # The quotient rounds: a time that was announced as a beginning has to be one.
        n_day = np.where(self._begin_s(devices, n_day + 1.0) <= times_s, n_day + 1.0, n_day)
        return np.where(self._begin_s(devices, n_day) > times_s, n_day - 1.0, n_day)


class ChargingTimelines:
    """Plugs device ``i`` in while ``timelines[i]`` is above 0, as a trace says. Looks at one device at a time."""

    def __init__(self, timelines: Mapping[int, Timeline]) -> None:
        self._timelines = timelines

    def plugged(self, devices: Ints, times_s: Floats) -> Bools:
        """Return whether each device is plugged in; one without a timeline never is."""
        pairs = zip(devices.tolist(), times_s.tolist(), strict=True)
        return np.array([i in self._timelines and self._timelines[i].at(t) > 0.0 for i, t in pairs], dtype=np.bool_)

    def next_change(self, devices: Ints, times_s: Floats) -> Floats:
        """Return the next change of each device's timeline."""
        pairs = zip(devices.tolist(), times_s.tolist(), strict=True)
        return np.array([self._timelines[i].next_change(t) if i in self._timelines else math.inf for i, t in pairs])
