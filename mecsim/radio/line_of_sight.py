"""How likely a path is in line of sight: 3GPP TR 38.901, Table 7.4.2-1."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def uma_los_probability(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    """Return the LoS probability of the urban macro cell at 2-D distance ``d2_m``, for device heights up to 23 m."""
    distance_m = np.maximum(np.asarray(d2_m, dtype=np.float64), 18.0)
    height_factor = 0.0 if ue_height_m <= 13.0 else ((ue_height_m - 13.0) / 10.0) ** 1.5
    high_device = 1.0 + height_factor * 1.25 * (distance_m / 100.0) ** 3 * np.exp(-distance_m / 150.0)
    return np.minimum(_street_probability(distance_m, decay_m=63.0) * high_device, 1.0)


def umi_los_probability(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    """Return the LoS probability of the street canyon at 2-D distance ``d2_m``; the device's height does not enter."""
    return _street_probability(np.asarray(d2_m, dtype=np.float64), decay_m=36.0)


def rma_los_probability(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    """Return the LoS probability of the rural macro cell at 2-D distance ``d2_m``; the device's height does not enter."""
    distance_m = np.asarray(d2_m, dtype=np.float64)
    return np.exp(-np.maximum(distance_m - 10.0, 0.0) / 1000.0)


def inh_mixed_los_probability(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    """Return the LoS probability of the indoor mixed office at 2-D distance ``d2_m``; heights do not enter.

    The table's two branches do not quite meet at 6.5 m (0.324 and 0.320), where the far one begins.
    """
    distance_m = np.asarray(d2_m, dtype=np.float64)
    near = np.exp(-np.maximum(distance_m - 1.2, 0.0) / 4.7)
    far = 0.32 * np.exp(-(distance_m - 6.5) / 32.6)
    return np.where(distance_m < 6.5, near, far)


def inh_open_los_probability(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    """Return the LoS probability of the indoor open office at 2-D distance ``d2_m``; heights do not enter.

    The table's two branches meet at 49 m to three digits (0.537 and 0.540); the lower one holds up to there, so the
    probability steps up by 0.003 just beyond.
    """
    distance_m = np.asarray(d2_m, dtype=np.float64)
    near = np.exp(-np.maximum(distance_m - 5.0, 0.0) / 70.8)
    far = 0.54 * np.exp(-(distance_m - 49.0) / 211.7)
    return np.where(distance_m <= 49.0, near, far)


def _street_probability(distance_m: Floats, *, decay_m: float) -> Floats:
    clamped_m = np.maximum(distance_m, 18.0)  # certain up to 18 m, where the formula gives exactly 1
    near = 18.0 / clamped_m
    return near + np.exp(-clamped_m / decay_m) * (1.0 - near)
