"""Longitudes and latitudes as metres on a plane that touches the Earth."""

import math

import numpy as np

from mecsim.traces.table import Floats

#: WGS 84 (NIMA TR8350.2): half the longer axis, and the square of the eccentricity.
SEMI_MAJOR_AXIS_M = 6_378_137.0
ECCENTRICITY_SQUARED = 6.694379990141e-3

Degrees = tuple[float, float]


def metres_a_degree(latitude: float) -> tuple[float, float]:
    """Return the length of a degree of longitude and of one of latitude, on the ellipsoid of WGS 84, at a latitude."""
    phi = math.radians(latitude)
    bend = 1.0 - ECCENTRICITY_SQUARED * math.sin(phi) ** 2
    east_m = SEMI_MAJOR_AXIS_M / math.sqrt(bend) * math.cos(phi)
    north_m = SEMI_MAJOR_AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / bend**1.5
    return math.radians(east_m), math.radians(north_m)


def to_plane(longitude: Floats, latitude: Floats, origin: Degrees) -> tuple[Floats, Floats]:
    """Return metres east and north of ``origin``, a longitude and a latitude in degrees.

    Degrees have the length that they have at the origin, so that x is off by 0.5 % at 20 km north of an origin in middle
    latitudes, and by more farther away. The date line is no border.
    """
    east_m, north_m = metres_a_degree(origin[1])
    turned = np.mod(longitude - origin[0] + 180.0, 360.0) - 180.0
    return turned * east_m, (latitude - origin[1]) * north_m
