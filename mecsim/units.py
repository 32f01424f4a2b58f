"""Conversions between the units that people write and the SI units that the code computes in."""

import math

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0
BITS_PER_BYTE = 8


def db_to_linear(value_db: float) -> float:
    """Return the power ratio of ``value_db`` decibels."""
    return float(10.0 ** (value_db / 10.0))


def linear_to_db(ratio: float) -> float:
    """Return ``ratio`` (> 0) in decibels."""
    return 10.0 * math.log10(ratio)


def dbm_to_w(power_dbm: float) -> float:
    """Return a power in dBm as watts."""
    return 1e-3 * db_to_linear(power_dbm)
