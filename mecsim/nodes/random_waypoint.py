"""Random waypoint: straight to a random place at a random speed, a pause, and on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.availability import Floats
from mecsim.nodes.tracks import Generators, Knot, Walk
from mecsim.rng import Streams


@dataclass(frozen=True, slots=True)
class WaypointStart:
    """Where devices are at time 0 when the walk has gone on for ever, a row a device.

    A device pauses for ``pause_left_s`` more if ``paused``; else it is on its way to ``destination_m`` at ``speed_mps``.
    """

    position_m: Floats
    paused: NDArray[np.bool_]
    pause_left_s: Floats
    destination_m: Floats
    speed_mps: Floats


class RandomWaypoint(Walk):
    """Destinations are uniform in the area, speeds uniform from the least to the largest, pauses all of one length.

    Time spent at a speed goes with 1 / speed: a walk that begins with a uniform speed slows down for a long while. So pauses
    and first speeds have their stationary law (Navidi and Camp, IEEE Trans. Mobile Computing 3(1), 2004), wherever devices
    start. Places of another law take some legs to be forgotten, and speeds are a little off meanwhile. With a `WaypointStart`
    places and first destinations have their stationary law too, and nothing in the walk depends on the time.
    """

    def __init__(
        self,
        start: Floats | WaypointStart,
        area_m: tuple[float, float],
        *,
        speed_mps: tuple[float, float],
        pause_s: float,
        generator: Generators,
    ) -> None:
        super().__init__(start.position_m if isinstance(start, WaypointStart) else start, area_m)
        _check(speed_mps, pause_s)
        self._start = start if isinstance(start, WaypointStart) else None
        self._speed_mps = speed_mps
        self._pause_s = pause_s
        self._paused_share = paused_share(area_m, speed_mps=speed_mps, pause_s=pause_s)
        self._generator = generator

    def _knots(self, device: int) -> Iterator[Knot]:
        generator = self._generator(device)
        x_m, y_m = self.position(device, 0.0)
        yield 0.0, x_m, y_m
        pause_left_s, next_x_m, next_y_m, speed_mps = self._first_leg(device, generator)
        now_s = pause_left_s
        if pause_left_s > 0.0:
            yield now_s, x_m, y_m
        while True:
            now_s += math.hypot(next_x_m - x_m, next_y_m - y_m) / speed_mps
            x_m, y_m = next_x_m, next_y_m
            yield now_s, x_m, y_m
            if self._pause_s > 0.0:
                now_s += self._pause_s
                yield now_s, x_m, y_m
            next_x_m, next_y_m = self._destination(generator)
            speed_mps = float(generator.uniform(*self._speed_mps))

    def _first_leg(self, device: int, generator: np.random.Generator) -> tuple[float, float, float, float]:
        """Return the rest of the first pause, and the destination and the speed after it."""
        if self._start is not None and not self._start.paused[device]:
            x_m, y_m = self._start.destination_m[device].tolist()
            return 0.0, x_m, y_m, float(self._start.speed_mps[device])
        pauses = self._start is not None or generator.random() < self._paused_share
        x_m, y_m = self._destination(generator)
        if pauses:
            left_s = self._pause_s * float(generator.random()) if self._start is None else self._start.pause_left_s[device]
            return float(left_s), x_m, y_m, float(generator.uniform(*self._speed_mps))
        return 0.0, x_m, y_m, float(_stationary_speed_mps(generator.random(), self._speed_mps))

    def _destination(self, generator: np.random.Generator) -> tuple[float, float]:
        return self._area_m[0] * float(generator.random()), self._area_m[1] * float(generator.random())


def stationary_start(
    streams: Streams,
    *purpose: str | int,
    n_devices: int,
    area_m: tuple[float, float],
    speed_mps: tuple[float, float],
    pause_s: float,
) -> WaypointStart:
    """Draw places, destinations, speeds and pauses from the stationary law of the walk, a row a device.

    A device pauses with the probability `paused_share`, at a uniform place. One that walks is at a uniform place between two
    uniform points that are taken with a probability proportional to their distance; its speed has a density like 1 / speed.
    A row does not depend on how many follow. ``purpose`` names the random streams.
    """
    _check(speed_mps, pause_s)
    phase, at_speed, left, along, *places = streams.get(*purpose, "state").random((n_devices, 6)).T
    paused = phase < paused_share(area_m, speed_mps=speed_mps, pause_s=pause_s)
    origin_m, destination_m = _trips(streams, purpose, n_devices, area_m)
    walking_m = origin_m + along[:, np.newaxis] * (destination_m - origin_m)
    return WaypointStart(
        position_m=np.where(paused[:, np.newaxis], np.stack(places, axis=1) * area_m, walking_m),
        paused=paused,
        pause_left_s=pause_s * left,
        destination_m=destination_m,
        speed_mps=_stationary_speed_mps(at_speed, speed_mps),
    )


def paused_share(area_m: tuple[float, float], *, speed_mps: tuple[float, float], pause_s: float) -> float:
    """Return the share of the time that a walk pauses: the pause over the pause and the mean time of a leg."""
    return pause_s / (pause_s + mean_leg_m(area_m) * _mean_slowness_s_per_m(speed_mps))


def mean_leg_m(area_m: tuple[float, float]) -> float:
    """Return the mean distance of two uniform points in a rectangle (Ghosh, Bull. Calcutta Math. Soc. 43, 1951)."""
    a, b = area_m
    d = math.hypot(a, b)
    straight = a**3 / b**2 + b**3 / a**2 + d * (3.0 - (a / b) ** 2 - (b / a) ** 2)
    return (straight + 2.5 * (b**2 / a * math.log((a + d) / b) + a**2 / b * math.log((b + d) / a))) / 15.0


def _mean_slowness_s_per_m(speed_mps: tuple[float, float]) -> float:
    """Return the mean of 1 / speed for a uniform speed."""
    least, largest = speed_mps
    return math.log(largest / least) / (largest - least) if largest > least else 1.0 / least


def _stationary_speed_mps(chance: Floats | float, speed_mps: tuple[float, float]) -> Floats:
    """Return the speed of density proportional to 1 / speed that has the distribution function ``chance``."""
    least, largest = speed_mps
    return np.asarray(least * (largest / least) ** np.asarray(chance), dtype=np.float64)


def _trips(
    streams: Streams, purpose: tuple[str | int, ...], n_devices: int, area_m: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Return the two ends of a leg for each device, legs taken with a probability proportional to their length."""
    ends_m = np.empty((n_devices, 4))
    missing, attempt = np.arange(n_devices), 0
    while len(missing):  # by rejection, with a stream an attempt: how often one device fails changes nothing for the others
        draws = streams.get(*purpose, "trip", attempt).random((missing[-1] + 1, 5))[missing]
        candidates_m = draws[:, :4] * np.array([*area_m, *area_m])
        lengths_m = np.hypot(*(candidates_m[:, 2:] - candidates_m[:, :2]).T)
        accepted = draws[:, 4] * math.hypot(*area_m) < lengths_m
        ends_m[missing[accepted]] = candidates_m[accepted]
        missing, attempt = missing[~accepted], attempt + 1
    return ends_m[:, :2], ends_m[:, 2:]


def _check(speed_mps: tuple[float, float], pause_s: float) -> None:
    if not 0.0 < speed_mps[0] <= speed_mps[1] < math.inf:
        raise ValueError(
            f"speeds must be positive, the least one first: {speed_mps}; with speeds near 0 all devices come to rest"
        )
    if not 0.0 <= pause_s < math.inf:
        raise ValueError(f"pause_s must be finite and at least 0, got {pause_s}")
