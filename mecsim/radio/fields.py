"""Random fields over the plane: correlated in space, the same at a place whoever asks and in whatever order.

They do not repeat: on a map that wraps around, a device that leaves on one side meets other values as it enters on the other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_CHUNK = 128  # positions evaluated at once: with 400 waves, 0.4 MB, which stays in the processor's cache


@dataclass(frozen=True, slots=True)
class _Waves:
    """The plane waves of a field: wave numbers in 1/m and phases, n_waves of each."""

    x: Floats
    y: Floats
    phase: Floats


class GaussianField:
    """A standard normal field of autocorrelation exp(-distance / correlation_m), as TR 38.901, clause 7.4.4 asks.

    A sum of plane waves of random phase. Their wave numbers follow the field's spectral density, which in two dimensions is
    proportional to (1 / D^2 + k^2)^(-3/2); its radial distribution function is 1 - 1 / sqrt(1 + (k D)^2). Over draws of the
    field the autocorrelation is exact at every lag; the distribution at a point is normal up to a kurtosis of -1.5 / n_waves.
    """

    def __init__(self, generator: np.random.Generator, correlation_m: float, *, n_waves: int = 400) -> None:
        self._waves = _draw_waves(generator, correlation_m, n_waves)
        self._amplitude = math.sqrt(2.0 / n_waves)

    def __call__(self, x_m: ArrayLike, y_m: ArrayLike) -> Floats:
        """Return the field at the positions (``x_m``, ``y_m``), in their common shape."""
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64))
        flat_x, flat_y = x.reshape(-1, 1), y.reshape(-1, 1)
        values = np.empty(x.size)
        for start in range(0, x.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            angle = flat_x[part] * self._waves.x + flat_y[part] * self._waves.y + self._waves.phase
            values[part] = self._amplitude * np.cos(angle).sum(axis=1)
        return values.reshape(x.shape)


class UniformField:
    """A field uniform in (0, 1): a `GaussianField` through the normal distribution function.

    Compare it with a probability to get a state that changes with the place: a LoS state of correlation distance D, for one.
    """

    def __init__(self, generator: np.random.Generator, correlation_m: float, *, n_waves: int = 400) -> None:
        self._field = GaussianField(generator, correlation_m, n_waves=n_waves)

    def __call__(self, x_m: ArrayLike, y_m: ArrayLike) -> Floats:
        """Return the field at the positions (``x_m``, ``y_m``), in their common shape."""
        return normal_cdf(self._field(x_m, y_m))


class FieldBank:
    """Many `GaussianField`s of one correlation distance, for devices that each ask some of them, whichever those are.

    Owner i's field is ``GaussianField(generators[i], correlation_m)`` to the last bits.
    """

    def __init__(self, generators: Sequence[np.random.Generator], correlation_m: float, *, n_waves: int = 400) -> None:
        waves = [_draw_waves(generator, correlation_m, n_waves) for generator in generators]
        shape = (len(waves), n_waves)
        self._wave_x = np.array([one.x for one in waves]).reshape(shape)
        self._wave_y = np.array([one.y for one in waves]).reshape(shape)
        self._phase = np.array([one.phase for one in waves]).reshape(shape)
        self._amplitude = math.sqrt(2.0 / n_waves)

    def __call__(self, owners: NDArray[np.integer], x_m: Floats, y_m: Floats) -> Floats:
        """Return the fields ``owners`` [n, K] at the positions (``x_m`` [n], ``y_m`` [n]) as [n, K]."""
        n, n_owners = owners.shape
        asked = owners.reshape(-1)
        flat_x, flat_y = (np.repeat(place, n_owners).reshape(-1, 1) for place in (x_m, y_m))
        values = np.empty(n * n_owners)
        for start in range(0, n * n_owners, _CHUNK):
            part = slice(start, start + _CHUNK)
            own = asked[part]
            angle = self._wave_x[own]
            angle *= flat_x[part]
            angle += flat_y[part] * self._wave_y[own]
            angle += self._phase[own]
            values[part] = self._amplitude * np.cos(angle, out=angle).sum(axis=1)
        return values.reshape(n, n_owners)


def normal_cdf(values: ArrayLike) -> Floats:
    """Return the standard normal distribution function at each of ``values``."""
    from scipy.special import ndtr  # a quarter of a second to load

    return np.asarray(ndtr(np.asarray(values, dtype=np.float64)))


def _draw_waves(generator: np.random.Generator, correlation_m: float, n_waves: int) -> _Waves:
    if correlation_m <= 0.0:
        raise ValueError(f"correlation_m must be positive, got {correlation_m}")
    # One wave in each of n_waves equal parts of the distribution: every draw has nearly the whole spectrum.
    exceeded = (np.arange(n_waves) + 1.0 - generator.random(n_waves)) / n_waves
    wave_number = np.sqrt(1.0 / exceeded**2 - 1.0) / correlation_m
    heading = generator.uniform(0.0, 2.0 * np.pi, n_waves)
    return _Waves(
        x=wave_number * np.cos(heading),
        y=wave_number * np.sin(heading),
        phase=generator.uniform(0.0, 2.0 * np.pi, n_waves),
    )
