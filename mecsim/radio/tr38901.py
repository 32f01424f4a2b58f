"""Losses of 3GPP TR 38.901, Table 7.4.1-1: urban macro, street canyon, rural macro, indoor office.

Every function takes 2-D distances in metres, the carrier in GHz and the antennas' heights in metres, and returns decibels. A
distance below the scenario's minimum is clamped to it; beyond the maximum the law is extrapolated. Frequencies run from 0.5
to 100 GHz (rural: to 30 GHz).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# The breakpoints of Table 7.4.1-1 are defined with this round value (its note 1), not with the exact speed of light.
_BREAKPOINT_SPEED_M_PER_S = 3.0e8
OUTDOOR_MINIMUM_M = 10.0
INDOOR_MINIMUM_M = 1.0

RMA_STREET_WIDTH_M = 20.0
RMA_BUILDING_HEIGHT_M = 5.0


def uma_los_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 25.0, ue_height_m: float = 1.5) -> Floats:
    """Return the urban macro LoS loss (10 m to 5 km; effective environment height 1 m, exact for devices up to 13 m)."""
    return _two_slope_db(d2_m, frequency_ghz, bs_height_m, ue_height_m, intercept_db=28.0, near_slope_db=22.0, height_db=9.0)


def uma_nlos_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 25.0, ue_height_m: float = 1.5) -> Floats:
    """Return the urban macro NLoS loss, never below the LoS loss (10 m to 5 km)."""
    d2 = _clamped(d2_m, OUTDOOR_MINIMUM_M)
    d3 = _slant_m(d2, bs_height_m, ue_height_m)
    own_db = 13.54 + 39.08 * np.log10(d3) + 20.0 * math.log10(frequency_ghz) - 0.6 * (ue_height_m - 1.5)
    return _higher(uma_los_db(d2, frequency_ghz, bs_height_m, ue_height_m), own_db)


def umi_los_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 10.0, ue_height_m: float = 1.5) -> Floats:
    """Return the street canyon LoS loss (10 m to 5 km)."""
    return _two_slope_db(d2_m, frequency_ghz, bs_height_m, ue_height_m, intercept_db=32.4, near_slope_db=21.0, height_db=9.5)


def umi_nlos_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 10.0, ue_height_m: float = 1.5) -> Floats:
    """Return the street canyon NLoS loss, never below the LoS loss (10 m to 5 km)."""
    d2 = _clamped(d2_m, OUTDOOR_MINIMUM_M)
    d3 = _slant_m(d2, bs_height_m, ue_height_m)
    own_db = 22.4 + 35.3 * np.log10(d3) + 21.3 * math.log10(frequency_ghz) - 0.3 * (ue_height_m - 1.5)
    return _higher(umi_los_db(d2, frequency_ghz, bs_height_m, ue_height_m), own_db)


def rma_los_db(
    d2_m: ArrayLike,
    frequency_ghz: float,
    bs_height_m: float = 35.0,
    ue_height_m: float = 1.5,
    *,
    building_height_m: float = RMA_BUILDING_HEIGHT_M,
) -> Floats:
    """Return the rural macro LoS loss (10 m to 10 km; buildings of 5 to 50 m)."""
    d2 = _clamped(d2_m, OUTDOOR_MINIMUM_M)
    d3 = _slant_m(d2, bs_height_m, ue_height_m)
    breakpoint_m = rma_breakpoint_m(frequency_ghz, bs_height_m, ue_height_m)
    far_db = _rma_near_db(breakpoint_m, frequency_ghz, building_height_m) + 40.0 * np.log10(d3 / breakpoint_m)
    return np.where(d2 <= breakpoint_m, _rma_near_db(d3, frequency_ghz, building_height_m), far_db)


def rma_nlos_db(
    d2_m: ArrayLike,
    frequency_ghz: float,
    bs_height_m: float = 35.0,
    ue_height_m: float = 1.5,
    *,
    street_width_m: float = RMA_STREET_WIDTH_M,
    building_height_m: float = RMA_BUILDING_HEIGHT_M,
) -> Floats:
    """Return the rural macro NLoS loss, never below the LoS loss (10 m to 5 km; streets and buildings of 5 to 50 m)."""
    d2 = _clamped(d2_m, OUTDOOR_MINIMUM_M)
    d3 = _slant_m(d2, bs_height_m, ue_height_m)
    bs_log, h = math.log10(bs_height_m), building_height_m
    own_db = (
        161.04
        - 7.1 * math.log10(street_width_m)
        + 7.5 * math.log10(h)
        - (24.37 - 3.7 * (h / bs_height_m) ** 2) * bs_log
        + (43.42 - 3.1 * bs_log) * (np.log10(d3) - 3.0)
        + 20.0 * math.log10(frequency_ghz)
        - (3.2 * math.log10(11.75 * ue_height_m) ** 2 - 4.97)
    )
    return _higher(rma_los_db(d2, frequency_ghz, bs_height_m, ue_height_m, building_height_m=h), own_db)


def rma_sigma_los_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 35.0, ue_height_m: float = 1.5) -> Floats:
    """Return the rural LoS shadowing deviation: 4 dB up to the breakpoint, 6 dB beyond."""
    near = np.asarray(d2_m, dtype=np.float64) <= rma_breakpoint_m(frequency_ghz, bs_height_m, ue_height_m)
    return np.where(near, 4.0, 6.0)


def rma_breakpoint_m(frequency_ghz: float, bs_height_m: float, ue_height_m: float) -> float:
    """Return the rural breakpoint distance, 2 pi h_BS h_UT f / c with c = 3.0e8 m/s."""
    return 2.0 * math.pi * bs_height_m * ue_height_m * frequency_ghz * 1e9 / _BREAKPOINT_SPEED_M_PER_S


def inh_los_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 3.0, ue_height_m: float = 1.5) -> Floats:
    """Return the indoor office LoS loss (1 to 150 m)."""
    d3 = _slant_m(_clamped(d2_m, INDOOR_MINIMUM_M), bs_height_m, ue_height_m)
    return np.asarray(32.4 + 17.3 * np.log10(d3) + 20.0 * math.log10(frequency_ghz))


def inh_nlos_db(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float = 3.0, ue_height_m: float = 1.5) -> Floats:
    """Return the indoor office NLoS loss, never below the LoS loss (1 to 150 m)."""
    d3 = _slant_m(_clamped(d2_m, INDOOR_MINIMUM_M), bs_height_m, ue_height_m)
    own_db = 17.3 + 38.3 * np.log10(d3) + 24.9 * math.log10(frequency_ghz)
    return _higher(inh_los_db(d2_m, frequency_ghz, bs_height_m, ue_height_m), own_db)


def _clamped(d2_m: ArrayLike, minimum_m: float) -> Floats:
    return _higher(np.asarray(d2_m, dtype=np.float64), minimum_m)


def _higher(first: Floats, second: Floats | float) -> Floats:
    higher: Floats = np.maximum(first, second)
    return higher


def _slant_m(d2: Floats, bs_height_m: float, ue_height_m: float) -> Floats:
    slant_m: Floats = np.hypot(d2, bs_height_m - ue_height_m)
    return slant_m


def _two_slope_db(
    d2_m: ArrayLike,
    frequency_ghz: float,
    bs_height_m: float,
    ue_height_m: float,
    *,
    intercept_db: float,
    near_slope_db: float,
    height_db: float,
) -> Floats:
    """Return the LoS loss of the urban scenarios, which steepens to 40 dB a decade at the breakpoint."""
    d2 = _clamped(d2_m, OUTDOOR_MINIMUM_M)
    d3 = _slant_m(d2, bs_height_m, ue_height_m)
    breakpoint_m = 4.0 * (bs_height_m - 1.0) * (ue_height_m - 1.0) * frequency_ghz * 1e9 / _BREAKPOINT_SPEED_M_PER_S
    offset_db = intercept_db + 20.0 * math.log10(frequency_ghz)
    near_db = offset_db + near_slope_db * np.log10(d3)
    knee_db = height_db * math.log10(breakpoint_m**2 + (bs_height_m - ue_height_m) ** 2)
    return np.where(d2 <= breakpoint_m, near_db, offset_db + 40.0 * np.log10(d3) - knee_db)


def _rma_near_db(d3: Floats | float, frequency_ghz: float, building_height_m: float) -> Floats:
    h_power = building_height_m**1.72
    return np.asarray(
        20.0 * np.log10(40.0 * np.pi * d3 * frequency_ghz / 3.0)
        + min(0.03 * h_power, 10.0) * np.log10(d3)
        - min(0.044 * h_power, 14.77)
        + 0.002 * math.log10(building_height_m) * d3
    )
