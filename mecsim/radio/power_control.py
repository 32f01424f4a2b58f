"""How loud a device speaks: open-loop uplink power control of TS 38.213, clause 7.1."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def uplink_power_dbm(
    path_loss_db: ArrayLike, *, maximum_dbm: ArrayLike, p0_dbm_per_rb: float, alpha: float, n_rb: float, mu: int = 0
) -> Floats:
    """Return min(maximum, P0 + alpha x loss + 10 log10(2^mu x resource blocks)), the open loop of TS 38.213, clause 7.1.1.

    ``alpha`` 1 makes up for the whole loss and 0 for none. P0 is what arrives on one 15 kHz resource block; numerology ``mu``
    has blocks 2^mu times as wide. Usual pairs of alpha and P0: 1 and -90, 0.8 and -75 dBm.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be from 0 to 1, got {alpha}")
    if n_rb <= 0.0:
        raise ValueError(f"n_rb must be positive, got {n_rb}")
    wanted_dbm = p0_dbm_per_rb + alpha * np.asarray(path_loss_db, dtype=np.float64) + 10.0 * math.log10(2.0**mu * n_rb)
    return np.asarray(np.minimum(wanted_dbm, maximum_dbm))
