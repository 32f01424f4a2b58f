"""Outdoor-to-indoor loss of 3GPP TR 38.901, clause 7.4.3: what a wall and the rooms behind it take from a signal."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# "low" and "high" loss of Table 7.4.3-2; "simple" is the law of Table 7.4.3-3 for carriers below 6 GHz.
BuildingKind = Literal["low", "high", "simple"]

# With "simple", clause 7.4.3 has no deviation of the wall's own and sets that of the shadowing to this.
SIMPLE_SHADOWING_DB = 7.0

_INDOOR_LOSS_DB_PER_M = 0.5
_RURAL_DEPTH_M = 10.0
_URBAN_DEPTH_M = 25.0
_SMALLEST_UNIFORM = 2.0**-54  # in place of a uniform draw of 0, whose normal quantile is infinite


@dataclass(frozen=True, slots=True, kw_only=True)
class IndoorColumns:
    """One row a device: whether it is in a building, how deep, and by how many standard deviations its wall is unusual."""

    kind: BuildingKind
    indoor: NDArray[np.bool_]
    distance_in_m: Floats
    deviation: Floats

    def loss_db(self, frequency_ghz: float) -> Floats:
        """Return the loss of wall and rooms, added to the path loss; 0 outdoors."""
        mean_db, sigma_db = penetration_db(self.kind, frequency_ghz)
        through_db = mean_db + sigma_db * self.deviation + _INDOOR_LOSS_DB_PER_M * self.distance_in_m
        return np.where(self.indoor, through_db, 0.0)


def penetration_db(kind: BuildingKind, frequency_ghz: float) -> tuple[float, float]:
    """Return the mean and the standard deviation of a wall's loss, in dB (TR 38.901, Tables 7.4.3-1 to 7.4.3-3).

    A low-loss wall is 30 % plain glass, a high-loss one 70 % coated glass; the rest is concrete. What passes adds up.
    """
    glass_db = 2.0 + 0.2 * frequency_ghz
    coated_glass_db = 25.4 + 0.11 * frequency_ghz  # 23 + 0.3 f in older editions
    concrete_db = 5.0 + 4.0 * frequency_ghz
    if kind == "low":
        return 5.0 - 10.0 * math.log10(0.3 * _passing(glass_db) + 0.7 * _passing(concrete_db)), 4.4
    if kind == "high":
        return 5.0 - 10.0 * math.log10(0.7 * _passing(coated_glass_db) + 0.3 * _passing(concrete_db)), 6.5
    if kind == "simple":
        return 20.0, 0.0
    raise ValueError(f"a building's loss is 'low', 'high' or 'simple', got {kind!r}")


def indoor_columns(
    generator: np.random.Generator, n: int, *, share: float, kind: BuildingKind, path_loss_kind: str
) -> IndoorColumns:
    """Draw which of ``n`` devices are in buildings, each with probability ``share``, and where in them.

    A device is up to 25 m behind the wall (rural: 10 m): the lesser of two uniform draws, as the table asks for with "low" and
    "high"; the only one with "simple". Four draws a device, in device order: one more device changes nobody else's.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share must be from 0 to 1, got {share}")
    if share > 0.0 and path_loss_kind.startswith("inh"):
        raise ValueError(f"path loss {path_loss_kind!r} has its stations indoors: no device is behind an outer wall")
    from scipy.special import ndtri  # a quarter of a second to load

    draws = generator.random((n, 4))
    indoor = draws[:, 0] < share
    depth = draws[:, 1] if kind == "simple" else np.minimum(draws[:, 1], draws[:, 2])
    depth_m = (_RURAL_DEPTH_M if path_loss_kind == "rma" else _URBAN_DEPTH_M) * depth
    return IndoorColumns(
        kind=kind,
        indoor=indoor,
        distance_in_m=np.where(indoor, depth_m, 0.0),
        deviation=ndtri(np.maximum(draws[:, 3], _SMALLEST_UNIFORM)),
    )


def _passing(loss_db: float) -> float:
    return float(10.0 ** (-loss_db / 10.0))
