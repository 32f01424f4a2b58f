"""Path loss without a notion of line of sight: free space, one exponent, and the macro cell of the wireless-learning papers."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0
FREE_SPACE_MINIMUM_M = 1.0  # keeps the loss finite; the law itself asks for the far field only
MACRO_2_GHZ_MINIMUM_M = 35.0


def free_space_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float, ue_height_m: float) -> Floats:
    """Return the loss between isotropic antennas in free space, 20 log10(4 pi d f / c), over the slant distance d.

    ITU-R P.525; below 1 m (2-D) the distance is clamped to it.
    """
    slant_m = _slant_m(d2_m, FREE_SPACE_MINIMUM_M, bs_height_m, ue_height_m)
    return np.asarray(20.0 * np.log10(slant_m) + _free_space_at_db(1.0, frequency_ghz))


def log_distance_db(
    d2_m: ArrayLike,
    frequency_ghz: float,
    bs_height_m: float,
    ue_height_m: float,
    *,
    exponent: float = 3.0,
    reference_m: float = 1.0,
) -> Floats:
    """Return the free-space loss at ``reference_m``, plus 10 x ``exponent`` dB a decade of the slant distance from there on.

    Usual exponents (Rappaport, *Wireless Communications*): 2 in free space, 2.7 to 3.5 in cities, 3 to 5 with shadowing, 4 to 6
    indoors behind obstacles. They are given as known, not checked in the book. Distances below ``reference_m`` are clamped.
    """
    slant_m = _slant_m(d2_m, reference_m, bs_height_m, ue_height_m)
    return np.asarray(_free_space_at_db(reference_m, frequency_ghz) + 10.0 * exponent * np.log10(slant_m / reference_m))


def macro_2_ghz_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float, ue_height_m: float) -> Floats:
    """Return 128.1 + 37.6 log10(d in km) dB, the macro cell at 2 GHz, for 2-D distances from 35 m on.

    Neither the frequency nor a height enters. The law of many papers on wireless federated learning, which cite TR 36.814,
    Table A.2.1.1-2; the clause has not been checked.
    """
    distance_m = np.maximum(np.asarray(d2_m, dtype=np.float64), MACRO_2_GHZ_MINIMUM_M)
    return np.asarray(128.1 + 37.6 * np.log10(distance_m / 1000.0))


def _free_space_at_db(distance_m: float, frequency_ghz: float) -> float:
    return 20.0 * math.log10(4.0 * math.pi * distance_m * frequency_ghz * 1e9 / SPEED_OF_LIGHT_M_PER_S)


def _slant_m(d2_m: ArrayLike, minimum_m: float, bs_height_m: float, ue_height_m: float) -> Floats:
    slant_m: Floats = np.hypot(np.maximum(np.asarray(d2_m, dtype=np.float64), minimum_m), bs_height_m - ue_height_m)
    return slant_m
