"""Small-scale fading: the mean spectral efficiency over it, one draw of it, and how long a draw lasts."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.radio.rate import SpectralEfficiency
from mecsim.radio.simple_laws import SPEED_OF_LIGHT_M_PER_S

Floats = NDArray[np.float64]

_N_NODES = 1024
_CHUNK = 64  # values averaged at once: with 1024 nodes, 0.5 MB, which stays in the processor's cache
_MAX_ORDER = 100  # there is hardly any fading left beyond

_TABLE_FROM_DB = -40.0
_TABLE_TO_DB = 60.0
_TABLE_STEP_DB = 0.05
_SMALLEST_SNR = 1e-300  # in place of 0, whose logarithm would warn


def ergodic_spectral_efficiency(
    mean_snr_linear: ArrayLike,
    *,
    spectral_efficiency: SpectralEfficiency,
    diversity_order: int,
    rician_k_db: float | None = None,
) -> Floats:
    """Return E[spectral_efficiency(mean SNR x gain)], the gain being the mean of N independent branches of unit power.

    ``diversity_order`` is N, from 1 to 100; the larger, the nearer to no fading. ``rician_k_db`` is the power of the branches'
    steady part over that of their scattered part; None is Rayleigh fading, all scattered: Gamma(N, 1/N). The error is below
    1e-4 bit/s/Hz for a continuous law and below 0.75 / 1024 of its height for a law with a step.
    """
    mean_snr = np.asarray(mean_snr_linear, dtype=np.float64)
    gains, weights = _fading_quadrature(diversity_order, rician_k_db)
    flat = mean_snr.reshape(-1, 1)
    values = np.empty(mean_snr.size)
    for start in range(0, mean_snr.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        # Not a matrix product: its rounding may depend on how many devices are asked for at once.
        values[part] = (spectral_efficiency(flat[part] * gains) * weights).sum(axis=1)
    return values.reshape(mean_snr.shape)


def ergodic_table(
    spectral_efficiency: SpectralEfficiency, *, diversity_order: int, rician_k_db: float | None = None
) -> SpectralEfficiency:
    """Return `ergodic_spectral_efficiency` as a function of the mean SNR that is cheap for whole fleets.

    It interpolates between averages made every 0.05 dB from -40 to 60 dB, which adds less than 1e-5 bit/s/Hz to their error for
    a continuous law, and leaves it of the same size for one with steps. Below -40 dB it is 0, above 60 dB the value at 60 dB.
    """
    n_nodes = round((_TABLE_TO_DB - _TABLE_FROM_DB) / _TABLE_STEP_DB) + 1
    nodes_db = np.linspace(_TABLE_FROM_DB, _TABLE_TO_DB, n_nodes)
    at_nodes = ergodic_spectral_efficiency(
        10.0 ** (nodes_db / 10.0),
        spectral_efficiency=spectral_efficiency,
        diversity_order=diversity_order,
        rician_k_db=rician_k_db,
    )

    def mean_efficiency(mean_snr_linear: ArrayLike) -> Floats:
        snr_db = 10.0 * np.log10(np.maximum(np.asarray(mean_snr_linear, dtype=np.float64), _SMALLEST_SNR))
        return np.asarray(np.interp(snr_db, nodes_db, at_nodes, left=0.0))

    return mean_efficiency


def block_gain(generator: np.random.Generator, *, diversity_order: int, rician_k_db: float | None = None) -> float:
    """Draw the power gain of one fading block: the law of `ergodic_spectral_efficiency`, mean 1; 2 N normal draws."""
    _check_order(diversity_order)
    steady, scattered = _split(rician_k_db)
    in_phase, quadrature = math.sqrt(scattered / 2.0) * generator.standard_normal((2, diversity_order))
    return float(np.mean((math.sqrt(steady) + in_phase) ** 2 + quadrature**2))


def coherence_time_s(speed_mps: float, frequency_hz: float) -> float:
    """Return for how long a channel stays about the same: 0.423 / Doppler shift (Rappaport's geometric mean; not verified).

    Infinite at rest, so callers set a floor to the speed: what surrounds a device moves as well.
    """
    if speed_mps <= 0.0 or frequency_hz <= 0.0:
        raise ValueError(f"speed and frequency must be positive, got {speed_mps} m/s and {frequency_hz} Hz")
    return 0.423 * SPEED_OF_LIGHT_M_PER_S / (speed_mps * frequency_hz)


@lru_cache(maxsize=16)
def _fading_quadrature(diversity_order: int, rician_k_db: float | None) -> tuple[Floats, Floats]:
    """Return gains and weights that sum to 1: the midpoint rule over the probability u = 3 s^2 - 2 s^3, for s in (0, 1).

    Over probabilities, a step in the law costs at most half a weight, wherever it lies. The smooth change of variable makes
    the nodes dense at both ends, where log(gain) is singular.
    """
    _check_order(diversity_order)
    from scipy.special import chndtrix, gammaincinv  # a quarter of a second to load

    s = (np.arange(_N_NODES) + 0.5) / _N_NODES
    weights = 6.0 * s * (1.0 - s)
    probability = s**2 * (3.0 - 2.0 * s)
    steady, scattered = _split(rician_k_db)
    if steady == 0.0:
        gains = gammaincinv(diversity_order, probability) / diversity_order
    else:
        # Each branch is scattered / 2 times a non-central chi-square variable of 2 degrees of freedom; they add up.
        n_normals = 2 * diversity_order
        gains = chndtrix(probability, n_normals, n_normals * steady / scattered) * scattered / n_normals
    return gains, weights / weights.sum()


def _split(rician_k_db: float | None) -> tuple[float, float]:
    """Return the shares of the steady and of the scattered power."""
    if rician_k_db is None:
        return 0.0, 1.0
    k_linear = 10.0 ** (rician_k_db / 10.0)
    return k_linear / (k_linear + 1.0), 1.0 / (k_linear + 1.0)


def _check_order(diversity_order: int) -> None:
    if not 1 <= diversity_order <= _MAX_ORDER:
        raise ValueError(f"diversity_order must be from 1 to {_MAX_ORDER}, got {diversity_order}")
