"""Conversions between the units that people write and the SI units that the code computes in."""

BITS_PER_BYTE = 8


def db_to_linear(value_db: float) -> float:
    """Return the power ratio of ``value_db`` decibels."""
    return float(10.0 ** (value_db / 10.0))
