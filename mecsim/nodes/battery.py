"""Batteries of a fleet as columns: what is in them at any time, from what devices used, their standby and their charging."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.nodes.charging import Charging, NeverCharging

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

J_PER_WH = 3_600.0
#: Up to this share a battery takes all that the charger gives, above it less and less: a default, not verified.
TAPER_SHARE = 0.8
_HORIZON_S = 30.0 * 86_400.0


class Batteries:
    """The batteries of all devices; ``capacity_j`` is nan for a device on the mains, whose other columns are not read.

    ``level_j`` is what is in them at time 0. Outside of uses a device draws ``standby_w``, in a use what it is told to. Plugged
    in, the charger feeds the device first, and what is left of ``charge_w`` goes into the battery; a charger that is too weak
    for the device does not drain it. An empty battery stays empty until it is plugged in.

    A level is a function of the uses so far and of the time that is asked for: asking changes nothing. A use that is going on
    is not seen before it is told. ValueError for columns of unlike lengths, a capacity of 0, and a level outside of 0 to the
    capacity.
    """

    def __init__(
        self,
        *,
        capacity_j: ArrayLike,
        level_j: ArrayLike,
        standby_w: ArrayLike,
        charge_w: ArrayLike,
        charging: Charging | None = None,
    ) -> None:
        self.capacity_j = np.asarray(capacity_j, dtype=np.float64)
        n = len(self.capacity_j)
        self._level_j = np.array(level_j, dtype=np.float64)
        self._standby_w = np.asarray(standby_w, dtype=np.float64)
        self._charge_w = np.asarray(charge_w, dtype=np.float64)
        if any(column.shape != (n,) for column in (self._level_j, self._standby_w, self._charge_w)):
            raise ValueError(f"every column of the batteries has a row for each of {n} devices")
        if np.any(self.capacity_j <= 0.0):
            raise ValueError("a battery's capacity is positive, and nan for a device without one")
        if np.any((self._level_j < 0.0) | (self._level_j > self.capacity_j)):
            raise ValueError("a battery's level lies between 0 and its capacity")
        self._since_s = np.zeros(n)
        self._charging = charging or NeverCharging()

    def __len__(self) -> int:
        return len(self.capacity_j)

    def has_battery(self, device: int) -> bool:
        """Tell whether a device has a battery; all others are on the mains."""
        return not math.isnan(self.capacity_j[device])

    def level_j(self, devices: Ints, t: float) -> Floats:
        """Return the energy (n,) in the batteries of ``devices`` (n,) at ``t``; nan on the mains.

        A time before a use that has been told is a ValueError.
        """
        devices = np.asarray(devices, dtype=np.int64)
        levels = self._level_j[devices].copy()
        on_battery = ~np.isnan(self.capacity_j[devices])
        levels[~on_battery] = np.nan
        levels[on_battery] = self._advanced(devices[on_battery], t, self._standby_w[devices[on_battery]])
        return levels

    def share(self, devices: Ints, t: float) -> Floats:
        """Return the level (n,) of ``devices`` (n,) at ``t`` as a share of the capacity; 1 on the mains."""
        share = self.level_j(devices, t) / self.capacity_j[devices]
        return np.where(np.isnan(share), 1.0, share)

    def use(self, device: int, start_s: float, end_s: float, joules: float) -> None:
        """Take ``joules`` evenly from ``start_s`` to ``end_s``: all that the device draws meanwhile, its idling included.

        What is not in the battery is not taken (see ``time_to_empty_s``). A use that begins before the end of the last one is
        a ValueError.
        """
        if end_s < start_s:
            raise ValueError(f"a use ends at {end_s} s, before it begins at {start_s} s")
        if not self.has_battery(device):
            return
        one = np.array([device], dtype=np.int64)
        self._commit(one, start_s, self._standby_w[one])
        if end_s > start_s:
            self._commit(one, end_s, np.array([joules / (end_s - start_s)]))
        elif not self._charging.plugged(one, np.array([start_s]))[0]:
            self._level_j[device] = max(self._level_j[device] - joules, 0.0)

    def time_to_empty_s(self, device: int, t: float, watts: float, *, horizon_s: float = _HORIZON_S) -> float:
        """Return for how long a device can draw ``watts`` from ``t`` on; inf on the mains.

        Also inf where it outlasts ``horizon_s`` of plugging in and out: it may then do so for ever.
        """
        if not self.has_battery(device):
            return math.inf
        one = np.array([device], dtype=np.int64)
        levels, draws_w, now_s = self.level_j(one, t), np.array([watts]), np.array([t])
        while now_s[0] - t <= horizon_s:
            plugged = self._charging.plugged(one, now_s)
            change_s = self._charging.next_change(one, now_s)
            if not plugged[0]:
                lasts_s = levels[0] / watts if watts > 0.0 else math.inf
                if lasts_s <= change_s[0] - now_s[0]:
                    return float(now_s[0] - t + lasts_s)
            if math.isinf(change_s[0]):
                return math.inf
            levels = self._moved(one, levels, change_s - now_s, draws_w, plugged)
            now_s = change_s
        return math.inf

    def _commit(self, devices: Ints, t: float, draws_w: Floats) -> None:
        self._level_j[devices] = self._advanced(devices, t, draws_w)
        self._since_s[devices] = t

    def _advanced(self, devices: Ints, t: float, draws_w: Floats) -> Floats:
        """Return the levels at ``t`` of devices that draw ``draws_w`` from the last that is known of them."""
        now_s, levels = self._since_s[devices], self._level_j[devices]
        if np.any(now_s > t):
            raise ValueError(f"a battery was asked for at {t} s, and its use is known up to {now_s.max()} s")
        moving = np.flatnonzero(now_s < t)
        while moving.size:
            some = devices[moving]
            until_s = np.minimum(self._charging.next_change(some, now_s[moving]), t)
            plugged = self._charging.plugged(some, now_s[moving])
            levels[moving] = self._moved(some, levels[moving], until_s - now_s[moving], draws_w[moving], plugged)
            now_s[moving] = until_s
            moving = moving[until_s < t]
        return levels

    def _moved(self, devices: Ints, levels: Floats, spans_s: Floats, draws_w: Floats, plugged: Bools) -> Floats:
        """Return the levels after ``spans_s`` in which nothing is plugged in or out."""
        drained = np.maximum(levels - draws_w * spans_s, 0.0)
        if not plugged.any():
            return drained
        gained_w = np.maximum(self._charge_w[devices] - draws_w, 0.0)
        return np.where(plugged, charged(levels, self.capacity_j[devices], gained_w, spans_s), drained)


def charged(level_j: Floats, capacity_j: Floats, charge_w: Floats, span_s: Floats) -> Floats:
    """Return the levels after ``span_s`` of charging: at ``charge_w`` up to 80 %, then by an exponential approach to 100 %.

    The current of the second phase falls with what is missing, and begins with that of the first:
    E(t) = C - (C - E0) exp(-t P / (0.2 C)).
    """
    knee_j = TAPER_SHARE * capacity_j
    # A charger that gives nothing, or next to it, reaches the knee at infinity.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        to_knee_s = np.where(level_j < knee_j, (knee_j - level_j) / charge_w, 0.0)
    taper_s = np.maximum(span_s - to_knee_s, 0.0)
    from_j = np.maximum(level_j, knee_j)
    tapered = capacity_j - (capacity_j - from_j) * np.exp(-taper_s * charge_w / (capacity_j - knee_j))
    return np.where(span_s < to_knee_s, level_j + charge_w * span_s, tapered)
