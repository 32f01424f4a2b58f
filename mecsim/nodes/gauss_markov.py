"""Gauss-Markov mobility: speed and direction that drift about their means, with a memory."""

import math
from collections.abc import Iterator

from mecsim.nodes.availability import Floats
from mecsim.nodes.tracks import Generators, Knot, Walk

_BLOCK = 128  # steps drawn at once


class GaussMarkov(Walk):
    """Every ``step_s`` seconds, speed and direction are ``alpha`` old, 1 - ``alpha`` mean, and sqrt(1 - alpha^2) noise.

    Liang and Haas's model in the form of ns-3's GaussMarkovMobilityModel, begun in its stationary state: the speed has the
    given mean and deviation at all times, and the autocorrelation alpha^k after k steps. Between steps a device goes
    straight. Each device has a mean direction of its own, uniform on the circle. The area's borders reflect it, with its mean
    direction. A negative speed, which the normal law allows, is a way backwards.

    ``direction_sigma_rad`` is a default, not from a source. The first question about a device follows it from time 0: about
    1 us a step.
    """

    def __init__(
        self,
        start_m: Floats,
        area_m: tuple[float, float],
        *,
        mean_speed_mps: float,
        sigma_mps: float,
        alpha: float,
        generator: Generators,
        direction_sigma_rad: float = 0.5,
        step_s: float = 1.0,
    ) -> None:
        super().__init__(start_m, area_m)
        if not 0.0 <= alpha <= 1.0:
            raise ValueError(f"alpha must be from 0 to 1, got {alpha}")
        if not (mean_speed_mps >= 0.0 and sigma_mps >= 0.0 and direction_sigma_rad >= 0.0 and step_s > 0.0):
            raise ValueError("speeds and deviations must be at least 0, and step_s positive")
        self._mean_speed_mps = mean_speed_mps
        self._sigma_mps = sigma_mps
        self._direction_sigma_rad = direction_sigma_rad
        self._alpha = alpha
        self._step_s = step_s
        self._generator = generator

    def _knots(self, device: int) -> Iterator[Knot]:
        """Yield the way as it were without borders: `_inside` folds the plane into the area, which is what reflection does."""
        x_m, y_m = self.position(device, 0.0)
        yield 0.0, x_m, y_m
        if self._mean_speed_mps == self._sigma_mps == 0.0:
            return
        generator = self._generator(device)
        mean_direction = 2.0 * math.pi * float(generator.random())
        step_s, sigma_rad = self._step_s, self._direction_sigma_rad
        mean_m, sigma_m = self._mean_speed_mps * step_s, self._sigma_mps * step_s
        alpha, noise = self._alpha, math.sqrt(1.0 - self._alpha**2)
        faster, turned = generator.standard_normal(2).tolist()  # in deviations from the mean
        n_steps = 0
        while True:
            for shock, turn in generator.standard_normal((_BLOCK, 2)).tolist():
                way_m = mean_m + sigma_m * faster
                direction = mean_direction + sigma_rad * turned
                x_m += way_m * math.cos(direction)
                y_m += way_m * math.sin(direction)
                n_steps += 1
                yield n_steps * step_s, x_m, y_m
                faster = alpha * faster + noise * shock
                turned = alpha * turned + noise * turn

    def _inside(self, x_m: float, y_m: float) -> tuple[float, float]:
        return _folded_m(x_m, self._area_m[0]), _folded_m(y_m, self._area_m[1])


def _folded_m(value_m: float, size_m: float) -> float:
    if 0.0 <= value_m <= size_m:
        return value_m
    return size_m - abs(value_m % (2.0 * size_m) - size_m)
