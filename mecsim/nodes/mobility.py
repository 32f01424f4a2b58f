"""Where devices are: places as functions of simulated time, worked out for those that somebody asks for."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from mecsim.nodes.availability import Devices, Floats
from mecsim.nodes.gauss_markov import GaussMarkov
from mecsim.nodes.random_waypoint import RandomWaypoint, WaypointStart, stationary_start
from mecsim.nodes.timeline import cycle_start_s
from mecsim.nodes.tracks import check_distance

__all__ = [
    "GaussMarkov",
    "Grouped",
    "Mobility",
    "RandomWaypoint",
    "Static",
    "TraceMobility",
    "WaypointStart",
    "stationary_start",
]


class Mobility(Protocol):
    """Places of devices, by their numbers in the whole fleet and by simulated time in seconds, from 0 on.

    The answers do not depend on who asks, how often, or in which order.
    """

    def position(self, device: int, t: float) -> tuple[float, float]:
        """Return the place [x, y] of a device in metres."""
        ...

    def positions(self, devices: Devices, t: float) -> Floats:
        """Return the places of ``devices`` in metres, in the shape (n, 2)."""
        ...

    def speed_mps(self, device: int, t: float) -> float:
        """Return the speed of a device; where it changes, the new one."""
        ...

    def next_at_distance(self, device: int, t: float, distance_m: float) -> float:
        """Return when a device has gone ``distance_m`` from where it is at ``t``, along its way; inf if it never does."""
        ...


class Static:
    """Nobody moves."""

    def __init__(self, positions_m: Floats) -> None:
        self._positions_m = np.asarray(positions_m, dtype=np.float64)

    def position(self, device: int, t: float) -> tuple[float, float]:
        """Return the place of a device."""
        return float(self._positions_m[device, 0]), float(self._positions_m[device, 1])

    def positions(self, devices: Devices, t: float) -> Floats:
        """Return the places of devices."""
        return np.asarray(self._positions_m[devices])

    def speed_mps(self, device: int, t: float) -> float:
        """Return 0."""
        return 0.0

    def next_at_distance(self, device: int, t: float, distance_m: float) -> float:
        """Return inf."""
        check_distance(distance_m)
        return math.inf


class TraceMobility:
    """Devices that follow recorded ways: straight between the places of a table of any order.

    ``trace[i]`` was at [``x_m[i]``, ``y_m[i]``] at ``t_s[i]``. Before its first time a trace stays at its first place. After
    the last one it stays there ("hold"), or is at once back at the first and begins again ("loop"); the jump is part of the
    way's length. At time 0 the traces are at their time ``shift_s``. ``trace_of`` says which trace a device follows; without
    it device i follows trace i, from the first one again where they run out. ValueError for a trace without a place, or with
    two at one time.
    """

    def __init__(
        self,
        trace: ArrayLike,
        t_s: ArrayLike,
        x_m: ArrayLike,
        y_m: ArrayLike,
        *,
        at_end: Literal["loop", "hold"] = "loop",
        shift_s: float = 0.0,
        trace_of: Devices | None = None,
    ) -> None:
        traces, rows = np.asarray(trace, dtype=np.int64), np.column_stack([t_s, x_m, y_m]).astype(np.float64)
        if not np.all(np.isfinite(rows)):
            raise ValueError("times and places must be finite")
        order = np.lexsort((rows[:, 0], traces))
        n_traces = int(traces.max(initial=0)) + 1
        bounds = np.searchsorted(traces[order], np.arange(n_traces + 1))
        parts = [rows[order[bounds[i] : bounds[i + 1]]] for i in range(n_traces)]
        self._ways = [_Way(i, part, loops=at_end == "loop") for i, part in enumerate(parts)]
        self._shift_s = shift_s
        self._trace_of = trace_of

    def position(self, device: int, t: float) -> tuple[float, float]:
        """Return the place of a device."""
        return self._way(device).position_m(t + self._shift_s)

    def positions(self, devices: Devices, t: float) -> Floats:
        """Return the places of devices."""
        return np.array([self.position(device, t) for device in devices.tolist()], dtype=np.float64).reshape(-1, 2)

    def speed_mps(self, device: int, t: float) -> float:
        """Return the speed of a device on the line that it is on."""
        return self._way(device).speed_mps(t + self._shift_s)

    def next_at_distance(self, device: int, t: float, distance_m: float) -> float:
        """Return when a device has gone ``distance_m``; that may be at the moment of a jump back."""
        check_distance(distance_m)
        return self._way(device).next_at_distance(t + self._shift_s, distance_m) - self._shift_s

    def _way(self, device: int) -> "_Way":
        return self._ways[int(self._trace_of[device]) if self._trace_of is not None else device % len(self._ways)]


class _Way:
    """One recorded way: its times, its places, and how long it is up to each."""

    def __init__(self, number: int, rows: Floats, *, loops: bool) -> None:
        if len(rows) == 0 or np.any(np.diff(rows[:, 0]) <= 0.0):
            raise ValueError(f"trace {number} must have a place, and no two at one time")
        self._times_s: list[float] = rows[:, 0].tolist()
        self._xs_m: list[float] = rows[:, 1].tolist()
        self._ys_m: list[float] = rows[:, 2].tolist()
        steps_m = np.hypot(*np.diff(rows[:, 1:], axis=0).T)
        self._so_far_m: list[float] = [0.0, *np.cumsum(steps_m).tolist()]
        self._period_s = self._times_s[-1] - self._times_s[0] if loops else 0.0
        jump_m = math.hypot(self._xs_m[0] - self._xs_m[-1], self._ys_m[0] - self._ys_m[-1])
        self._lap_m = self._so_far_m[-1] + jump_m

    def position_m(self, t: float) -> tuple[float, float]:
        i, share = self._leg(t - self._lap_start_s(t))
        if share == 0.0:
            return self._xs_m[i], self._ys_m[i]
        x_m, y_m = self._xs_m[i], self._ys_m[i]
        return x_m + share * (self._xs_m[i + 1] - x_m), y_m + share * (self._ys_m[i + 1] - y_m)

    def speed_mps(self, t: float) -> float:
        local_s = t - self._lap_start_s(t)
        i, _ = self._leg(local_s)
        if local_s < self._times_s[0] or i + 1 == len(self._times_s):
            return 0.0
        return (self._so_far_m[i + 1] - self._so_far_m[i]) / (self._times_s[i + 1] - self._times_s[i])

    def next_at_distance(self, t: float, distance_m: float) -> float:
        lap_start_s = self._lap_start_s(t)
        i, share = self._leg(t - lap_start_s)
        so_far_m = self._so_far_m[i] + (share * (self._so_far_m[i + 1] - self._so_far_m[i]) if share else 0.0)
        target_m = so_far_m + distance_m
        if target_m <= self._so_far_m[-1]:
            return lap_start_s + self._time_at_s(target_m)
        if self._period_s == 0.0 or self._lap_m == 0.0:
            return math.inf
        n_laps = math.ceil(target_m / self._lap_m) - 1
        target_m -= n_laps * self._lap_m
        in_jump = target_m > self._so_far_m[-1]
        return lap_start_s + n_laps * self._period_s + (self._times_s[-1] if in_jump else self._time_at_s(target_m))

    def _lap_start_s(self, t: float) -> float:
        """Return what to take off ``t`` to be in the first lap."""
        since_s = t - self._times_s[0]
        return cycle_start_s(since_s, self._period_s) if since_s > 0.0 and self._period_s > 0.0 else 0.0

    def _leg(self, local_s: float) -> tuple[int, float]:
        """Return the last knot that is not after a time of the first lap, and the share of the way to the next one."""
        i = bisect_right(self._times_s, local_s) - 1
        if i < 0 or i + 1 == len(self._times_s):
            return max(i, 0), 0.0
        return i, (local_s - self._times_s[i]) / (self._times_s[i + 1] - self._times_s[i])

    def _time_at_s(self, way_m: float) -> float:
        """Return the first time of the first lap at which the way is ``way_m`` long."""
        i = bisect_left(self._so_far_m, way_m)
        if i == 0:
            return self._times_s[0]
        share = (way_m - self._so_far_m[i - 1]) / (self._so_far_m[i] - self._so_far_m[i - 1])
        return self._times_s[i - 1] + share * (self._times_s[i] - self._times_s[i - 1])


class Grouped:
    """Each device as ``members[group_of[device]]`` moves; members know devices by their numbers in the whole fleet."""

    def __init__(self, group_of: Devices, members: Sequence[Mobility]) -> None:
        self._group_of = group_of
        self._members = tuple(members)

    def position(self, device: int, t: float) -> tuple[float, float]:
        """Return the place of a device."""
        return self._member(device).position(device, t)

    def positions(self, devices: Devices, t: float) -> Floats:
        """Return the places of devices."""
        devices = np.asarray(devices)
        groups = self._group_of[devices]
        places_m = np.empty((len(devices), 2))
        for group, member in enumerate(self._members):
            mine = groups == group
            if mine.any():
                places_m[mine] = member.positions(devices[mine], t)
        return places_m

    def speed_mps(self, device: int, t: float) -> float:
        """Return the speed of a device."""
        return self._member(device).speed_mps(device, t)

    def next_at_distance(self, device: int, t: float, distance_m: float) -> float:
        """Return when a device has gone ``distance_m``."""
        return self._member(device).next_at_distance(device, t, distance_m)

    def _member(self, device: int) -> Mobility:
        return self._members[int(self._group_of[device])]
