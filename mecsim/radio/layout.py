"""Where stations stand when a scenario does not say it one by one, and distances on a map without edges."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Area = tuple[float, float]


def hexagonal(rows: int, columns: int, inter_site_m: float) -> tuple[Floats, Area]:
    """Return the sites (x, y) of a hexagonal lattice, row by row, in the middle of their area, and its width and height.

    Every other row is shifted by half a site. With an even number of rows the area tiles the plane: on the torus of
    `displacement`, every site has its six neighbours at ``inter_site_m``.
    """
    _check(rows, columns, inter_site_m)
    row, column = np.divmod(np.arange(rows * columns), columns)
    row_m = inter_site_m * math.sqrt(3.0) / 2.0
    x_m = (column + 0.25 + 0.5 * (row % 2)) * inter_site_m
    return np.column_stack([x_m, (row + 0.5) * row_m]), (columns * inter_site_m, rows * row_m)


def grid(rows: int, columns: int, spacing_m: float) -> tuple[Floats, Area]:
    """Return the sites (x, y) of a square lattice, row by row, in the middle of their cells, and its width and height."""
    _check(rows, columns, spacing_m)
    row, column = np.divmod(np.arange(rows * columns), columns)
    sites_m = np.column_stack([column + 0.5, row + 0.5]) * spacing_m
    return sites_m, (columns * spacing_m, rows * spacing_m)


def displacement(dx_m: ArrayLike, dy_m: ArrayLike, area_m: Area, *, wrap: bool) -> tuple[Floats, Floats]:
    """Return the way (dx, dy) to the nearest image on the torus of width and height ``area_m``; as given without ``wrap``."""
    dx, dy = np.asarray(dx_m, dtype=np.float64), np.asarray(dy_m, dtype=np.float64)
    if not wrap:
        return dx, dy
    width_m, height_m = area_m
    return dx - width_m * np.round(dx / width_m), dy - height_m * np.round(dy / height_m)


def _check(rows: int, columns: int, spacing_m: float) -> None:
    if rows < 1 or columns < 1:
        raise ValueError(f"a layout needs a row and a column, got {rows} and {columns}")
    if spacing_m <= 0.0:
        raise ValueError(f"the distance between sites must be positive, got {spacing_m}")
