"""Random fields over the plane: correlated in space, the same at a place whoever asks and in whatever order."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_CHUNK = 128  # positions evaluated at once: with 400 waves, 0.4 MB, which stays in the processor's cache


class GaussianField:
    """A standard normal field of autocorrelation exp(-distance / correlation_m), as TR 38.901, clause 7.4.4 asks.

    A sum of plane waves of random phase. Their wave numbers follow the field's spectral density, which in two dimensions is
    proportional to (1 / D^2 + k^2)^(-3/2); its radial distribution function is 1 - 1 / sqrt(1 + (k D)^2). Over draws of the
    field the autocorrelation is exact at every lag; the distribution at a point is normal up to a kurtosis of -1.5 / n_waves.
    """

    def __init__(self, generator: np.random.Generator, correlation_m: float, *, n_waves: int = 400) -> None:
        if correlation_m <= 0.0:
            raise ValueError(f"correlation_m must be positive, got {correlation_m}")
        # One wave in each of n_waves equal parts of the distribution: every draw has nearly the whole spectrum.
        exceeded = (np.arange(n_waves) + 1.0 - generator.random(n_waves)) / n_waves
        wave_number = np.sqrt(1.0 / exceeded**2 - 1.0) / correlation_m
        heading = generator.uniform(0.0, 2.0 * np.pi, n_waves)
        self._wave_x = wave_number * np.cos(heading)
        self._wave_y = wave_number * np.sin(heading)
        self._phase = generator.uniform(0.0, 2.0 * np.pi, n_waves)
        self._amplitude = math.sqrt(2.0 / n_waves)

    def __call__(self, x_m: ArrayLike, y_m: ArrayLike) -> Floats:
        """Return the field at the positions (``x_m``, ``y_m``), in their common shape."""
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64))
        flat_x, flat_y = x.reshape(-1, 1), y.reshape(-1, 1)
        values = np.empty(x.size)
        for start in range(0, x.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            angle = flat_x[part] * self._wave_x + flat_y[part] * self._wave_y + self._phase
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


def normal_cdf(values: ArrayLike) -> Floats:
    """Return the standard normal distribution function at each of ``values``."""
    scaled = np.asarray(values, dtype=np.float64) / math.sqrt(2.0)
    erf = np.fromiter(map(math.erf, scaled.flat), dtype=np.float64, count=scaled.size)
    return 0.5 * (1.0 + erf.reshape(scaled.shape))
