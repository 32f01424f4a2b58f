"""Where the stations of a scenario are: those that it lists, or those of its layout."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.config.network import GridLayout, HexagonalLayout, StationRadio
from mecsim.config.scenario import Scenario
from mecsim.radio.layout import displacement, grid, hexagonal

Area = tuple[float, float]
Floats = NDArray[np.float64]

# Places along each side of the map at which the distance to the nearest station is taken, and stations looked at in one go.
_N_ALONG = 41
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Placed:
    """A scenario's stations with their configuration, and the area around them."""

    names: tuple[str, ...]
    places_m: tuple[tuple[float, float], ...]
    radios: tuple[StationRadio, ...]
    area_m: Area
    wraps: bool


def placed(scenario: Scenario) -> Placed:
    """Return the stations of a valid scenario."""
    network, area_m = scenario.network, scenario.fleet.area_m
    layout = network.layout
    if layout is None:
        assert area_m is not None  # noqa: S101 - a check of the scenario sees to it
        names = tuple(station.name for station in network.stations)
        return Placed(names, tuple(station.position_m for station in network.stations), network.stations, area_m, wraps=False)
    places, area_m = layout_of(layout)
    names = tuple(f"cell-{number}" for number in range(len(places)))
    places_m = tuple((float(x), float(y)) for x, y in places)
    return Placed(names, places_m, (layout.station,) * len(places), area_m, layout.wrap_around)


def layout_of(layout: HexagonalLayout | GridLayout) -> tuple[Floats, Area]:
    """Return the places (n, 2) of a layout, and its area."""
    match layout:
        case HexagonalLayout():
            return hexagonal(layout.rows, layout.columns, layout.inter_site_m)
        case GridLayout():
            return grid(layout.rows, layout.columns, layout.spacing_m)


def farthest_m(stations: Placed) -> float:
    """Return how far a place of the map may be from its nearest station, over 41 x 41 places of which four are the corners."""
    along = np.linspace(0.0, 1.0, _N_ALONG)
    x, y = (axis.ravel() for axis in np.meshgrid(along * stations.area_m[0], along * stations.area_m[1]))
    nearest_m = np.full(len(x), np.inf)
    for block in _blocks(np.array(stations.places_m)):
        offsets = displacement(
            x[:, np.newaxis] - block[:, 0], y[:, np.newaxis] - block[:, 1], stations.area_m, wrap=stations.wraps
        )
        np.minimum(nearest_m, np.hypot(*offsets).min(axis=1), out=nearest_m)
    return float(nearest_m.max())


def _blocks(places_m: Floats) -> Iterator[Floats]:
    yield from (places_m[first : first + _BLOCK] for first in range(0, len(places_m), _BLOCK))
