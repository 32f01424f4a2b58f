"""What a map of a world shows: its devices as they start, its stations, and who would serve a place how well."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mecsim.build.network import build_budget
from mecsim.build.stations import Area, placed
from mecsim.config.radio import NoInterference
from mecsim.config.scenario import Scenario
from mecsim.nodes.channel import Channel
from mecsim.nodes.world import World
from mecsim.results.records import CoverageRow, DeviceRow, StationRow

Floats = NDArray[np.float64]

#: Devices of a world that are told of; of a larger fleet, so many spread evenly over it.
MOST_DEVICES = 1000

# Pairs of a place and a station that are looked at in one go: a city of stations is not to fill the memory.
_MOST_PAIRS = 2**18


def device_rows(world: World, n_samples: Sequence[int], *, variant: str, seed: int) -> list[DeviceRow]:
    """Return the devices as they are at time 0, whatever the clock of ``world`` says; ``n_samples`` is one number a device.

    ``station`` is that of the cell received best among those that work at time 0. Asking changes nothing in the world.
    """
    fleet = world.fleet
    devices = np.unique(np.linspace(0, len(fleet) - 1, min(len(fleet), MOST_DEVICES)).round().astype(np.intp))
    places_m = world.radio.mobility.positions(devices, 0.0)
    stations = world.radio.links(devices, 0.0).station
    return [
        DeviceRow(
            variant=variant,
            seed=seed,
            device=device,
            group=fleet.group(device).name,
            profile=fleet.profile(device).name,
            x_m=x_m,
            y_m=y_m,
            station=world.station_name(station),
            n_samples=int(n_samples[device]),
            memory_budget_bytes=fleet.memory_of(device),
        )
        for device, (x_m, y_m), station in zip(devices.tolist(), places_m.tolist(), stations.tolist(), strict=True)
    ]


def station_rows(channel: Channel, *, variant: str, seed: int) -> list[StationRow]:
    """Return the stations, in the order of the scenario or of its layout."""
    return [
        StationRow(
            variant=variant,
            seed=seed,
            station=site.name,
            x_m=site.x_m,
            y_m=site.y_m,
            height_m=site.height_m,
            tx_power_dbm=site.tx_power_dbm,
            sectors=site.n_cells,
            azimuth_deg=site.azimuths_deg[0] if site.azimuths_deg else 0.0,
        )
        for site in channel.sites
    ]


def coverage_rows(scenario: Scenario, channel: Channel, *, variant: str, seed: int, n_along: int = 40) -> list[CoverageRow]:
    """Return what somebody in the open has of the cell received best, at the centres of cells of a grid over the area.

    ``n_along`` of them stand along the longer side. The SINR is that of the downlink over the whole carrier while all other
    cells send, as a device's is without fading; where the scenario has no interference between cells, there is none here. All
    stations work. ``channel`` is that of the seed. No rows where rates were measured: no place has a signal then.
    """
    if scenario.network.trace is not None:
        return []
    budget = build_budget(scenario.network, channel)
    silent = isinstance(scenario.network.interference, NoInterference)
    activity = budget.no_activity() if silent else budget.constant_activity(1.0, 0.0)
    places_m = grid_m(placed(scenario).area_m, n_along)
    rows = []
    for some_m in np.array_split(places_m, -(-len(places_m) * len(channel.sites) // _MOST_PAIRS)):
        reception = channel.receive_outdoors(some_m)
        links = budget.links(reception, budget.strongest(reception), activity)
        found = zip(some_m.tolist(), links.station.tolist(), links.downlink_sinr_db.tolist(), strict=True)
        rows += [
            CoverageRow(
                variant=variant, seed=seed, x_m=x_m, y_m=y_m, station=channel.sites[station].name, downlink_sinr_db=sinr_db
            )
            for (x_m, y_m), station, sinr_db in found
        ]
    return rows


def grid_m(area_m: Area, n_along: int) -> Floats:
    """Return the centres (n, 2) of equal cells that cover the area, row by row.

    ``n_along`` of them stand along the longer side, and along the other one as many as make them nearest to squares.
    """
    step_m = max(area_m) / n_along
    numbers = [max(1, round(side_m / step_m)) for side_m in area_m]
    x_m, y_m = ((np.arange(n) + 0.5) * side_m / n for n, side_m in zip(numbers, area_m, strict=True))
    return np.stack(np.meshgrid(x_m, y_m), axis=-1).reshape(-1, 2)
