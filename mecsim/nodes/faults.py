"""What goes wrong: crashes, slow phases and outages, as random processes of their own for whatever they befall."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

from mecsim.nodes.durations import Exponential, Fixed, Law
from mecsim.nodes.timeline import Constant, Product, Renewal, Steps, Timeline
from mecsim.rng import Streams

_HOUR_S = 3_600.0
_NEVER_DOWN = Constant(1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSettings:
    """Rates are faults that begin in an hour without one; a rate of 0 means never. Times are means of what a fault lasts.

    The times between faults are exponential; what they last is too, or always the mean where ``durations`` is "fixed".
    ``slow_factor`` is the speed in a slow phase, as a share of the normal one. ``station_schedule`` has outages at given times
    beside the random ones, as (station, from second, to second). ValueError for what cannot be.
    """

    crash_per_hour: float = 0.0
    crash_down_s: float = 0.0
    slow_per_hour: float = 0.0
    slow_s: float = 300.0
    slow_factor: float = 0.3
    link_outage_per_hour: float = 0.0
    link_outage_s: float = 10.0
    station_outage_per_hour: float = 0.0
    station_outage_s: float = 300.0
    station_schedule: tuple[tuple[str, float, float], ...] = ()
    server_restart_per_hour: float = 0.0
    server_down_s: float = 60.0
    durations: Literal["exponential", "fixed"] = "exponential"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not 0.0 <= value < math.inf:
                raise ValueError(f"{field.name} must be finite and at least 0, got {value}")
        if not 0.0 < self.slow_factor <= 1.0:
            raise ValueError(f"slow_factor must be above 0 and at most 1, got {self.slow_factor}")
        for name, start_s, end_s in self.station_schedule:
            if not 0.0 <= start_s < end_s:
                raise ValueError(
                    f"the outage of station {name!r} must start at 0 or later and before its end: {start_s} to {end_s}"
                )


class Faults:
    """The faults of a world, drawn for a device, a station or the server when it is first asked for.

    Each kind of fault of each of them has a random stream of its own: one more device changes nothing for the others. A
    process goes on whether the device is at work or idle, and is in its stationary state at time 0, so that faults are as
    frequent in the first minute as later; only the server always runs at first.
    """

    def __init__(self, settings: FaultSettings, streams: Streams) -> None:
        self._settings = settings
        self._streams = streams
        self._timelines: dict[tuple[str, int | str], Timeline] = {}

    def crash_after(self, device: int, t: float) -> float:
        """Return the first time after ``t`` at which a device crashes; inf if it never does."""
        timeline = self.device_up(device)
        return timeline.next_fall(t) if isinstance(timeline, Renewal) else math.inf

    def device_up(self, device: int) -> Timeline:
        """Return 1 while a device runs and 0 while it is down after a crash; a time down of 0 is a crash none the less."""
        rate, down_s = self._settings.crash_per_hour, self._settings.crash_down_s
        return self._kept("crash", device, lambda: self._renewal("crash", device, rate, down_s))

    def speed(self, device: int) -> Timeline:
        """Return the speed of a device as a share of its normal one: 1, or the factor of a slow phase."""
        rate, down_s, factor = self._settings.slow_per_hour, self._settings.slow_s, self._settings.slow_factor
        return self._kept("slow", device, lambda: self._renewal("slow", device, rate, down_s, down_value=factor))

    def link_up(self, device: int) -> Timeline:
        """Return 1 while a device has its link and 0 while it is out."""
        rate, down_s = self._settings.link_outage_per_hour, self._settings.link_outage_s
        return self._kept("link", device, lambda: self._renewal("link", device, rate, down_s))

    def station_up(self, name: str) -> Timeline:
        """Return 1 while a station works and 0 while it is out, by chance or by the schedule."""
        return self._kept("station", name, lambda: self._station(name))

    def server_up(self) -> Timeline:
        """Return 1 while the server runs and 0 while it restarts."""
        rate, down_s = self._settings.server_restart_per_hour, self._settings.server_down_s
        return self._kept("server", "", lambda: self._renewal("server", "", rate, down_s, start="up"))

    def restarts_after(self, t: float) -> float:
        """Return the first time after ``t`` at which the server goes down to restart; inf if it never does."""
        timeline = self.server_up()
        return timeline.next_fall(t) if isinstance(timeline, Renewal) else math.inf

    def _kept(self, kind: str, name: int | str, make: Callable[[], Timeline]) -> Timeline:
        if (kind, name) not in self._timelines:
            self._timelines[kind, name] = make()
        return self._timelines[kind, name]

    def _renewal(
        self,
        kind: str,
        name: int | str,
        per_hour: float,
        down_s: float,
        *,
        down_value: float = 0.0,
        start: Literal["stationary", "up"] = "stationary",
    ) -> Timeline:
        if per_hour == 0.0:
            return _NEVER_DOWN
        down: Law = Exponential(down_s) if self._settings.durations == "exponential" else Fixed(down_s)
        generator = self._streams.get("fault", kind, name)
        return Renewal(generator, Exponential(_HOUR_S / per_hour), down, down_value=down_value, start=start)

    def _station(self, name: str) -> Timeline:
        rate, down_s = self._settings.station_outage_per_hour, self._settings.station_outage_s
        chance = self._renewal("station", name, rate, down_s)
        outages = [(start_s, end_s) for station, start_s, end_s in self._settings.station_schedule if station == name]
        return Product([chance, *(_outage(*outage) for outage in outages)]) if outages else chance


def _outage(start_s: float, end_s: float) -> Timeline:
    """Return 0 from ``start_s`` until ``end_s``, which may be inf, and 1 before and after."""
    times_s = [start_s] if end_s == math.inf else [start_s, end_s]
    return Steps(times_s, [0.0, 1.0][: len(times_s)], before=1.0)
