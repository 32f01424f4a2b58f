"""From groups of devices, and the section ``faults``, to how they move, come and go, and break."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.config.behaviour import (
    DailyAvailability,
    GaussMarkov,
    RandomWaypoint,
    Static,
    TraceAvailability,
    TraceMovement,
)
from mecsim.config.behaviour import Faults as FaultsConfig
from mecsim.config.fleet import DeviceGroup
from mecsim.config.scenario import Scenario
from mecsim.errors import MecsimError
from mecsim.nodes import availability, mobility
from mecsim.nodes.faults import Faults, FaultSettings
from mecsim.rng import Streams
from mecsim.traces.availability import AvailabilityRows, read_availability_rows
from mecsim.traces.mobility import MobilityRows, read_mobility_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Area = tuple[float, float]


def group_numbers(configs: Sequence[DeviceGroup]) -> Ints:
    """Return the number of each device's group (n): devices are numbered through in the order of the groups."""
    return np.repeat(np.arange(len(configs)), [config.count for config in configs])


def build_mobility(scenario: Scenario, area_m: Area, streams: Streams) -> mobility.Mobility:
    """Return how the devices move, each group in its way, from places that are uniform over the area."""
    start_m = streams.get("position").random((scenario.fleet.n_devices, 2)) * area_m
    configs = scenario.fleet.groups
    if all(isinstance(config.mobility, Static) for config in configs):
        return mobility.Static(start_m)
    members = [_movement(config, _member_numbers(configs, i), start_m, area_m, streams) for i, config in enumerate(configs)]
    return mobility.Grouped(group_numbers(configs), members)


def _member_numbers(configs: Sequence[DeviceGroup], group: int) -> Ints:
    """Return the number (n) of each device of the fleet within ``group``, from 0; of no meaning for those of other groups."""
    return np.arange(sum(config.count for config in configs)) - sum(config.count for config in configs[:group])


def _movement(config: DeviceGroup, member: Ints, start_m: Floats, area_m: Area, streams: Streams) -> mobility.Mobility:
    def generator(device: int) -> np.random.Generator:
        return streams.get("mobility", device)

    match config.mobility:
        case Static():
            return mobility.Static(start_m)
        case RandomWaypoint(speed_mps=speed_mps, pause_s=pause_s):
            start = mobility.stationary_start(
                streams, "waypoints", n_devices=len(start_m), area_m=area_m, speed_mps=speed_mps, pause_s=pause_s
            )
            return mobility.RandomWaypoint(start, area_m, speed_mps=speed_mps, pause_s=pause_s, generator=generator)
        case GaussMarkov(mean_speed_mps=mean_mps, sigma_mps=sigma_mps, memory=alpha):
            return mobility.GaussMarkov(
                start_m, area_m, mean_speed_mps=mean_mps, sigma_mps=sigma_mps, alpha=alpha, generator=generator
            )
        case TraceMovement() as trace:
            return recorded_movement(trace, member)


def recorded_movement(config: TraceMovement, member: Ints) -> mobility.TraceMobility:
    """Return the movement of files; device i follows the trace ``member[i]``, counted round."""
    rows = movement_rows(config.files, config.preset)
    numbers = {name: trace for trace, name in enumerate(rows.ue_ids)}
    return mobility.TraceMobility(
        [numbers[name] for name in rows.ue_id.tolist()],
        rows.t_s,
        rows.x_m,
        rows.y_m,
        at_end=config.at_end,
        trace_of=member % len(numbers),
    )


@lru_cache(maxsize=16)
def movement_rows(files: tuple[Path, ...], preset: str) -> MobilityRows:
    """Return the rows of movement files, read once; ``TraceError`` for files that cannot be read."""
    return read_mobility_rows(files, preset)


@lru_cache(maxsize=16)
def session_rows(files: tuple[Path, ...], preset: str) -> AvailabilityRows:
    """Return the rows of availability files, read once; ``TraceError`` for files that cannot be read."""
    return read_availability_rows(files, preset)


def build_availability(scenario: Scenario, streams: Streams) -> availability.Availability:
    """Return when the devices can be asked, each group in its way."""
    configs = scenario.fleet.groups
    if all(config.availability is None for config in configs):
        return availability.Always()
    members = [
        _presence(config, _member_numbers(configs, i), scenario.fleet.starts_at_hour, streams)
        for i, config in enumerate(configs)
    ]
    return availability.Grouped(group_numbers(configs), members)


def _presence(config: DeviceGroup, member: Ints, starts_at_hour: float, streams: Streams) -> availability.Availability:
    match config.availability:
        case None:
            return availability.Always()
        case DailyAvailability() as daily:
            return availability.Daily.drawn(
                streams.get("availability"),
                len(member),
                start_h=daily.start_hour,
                start_sigma_h=daily.start_sigma_h,
                length_h=daily.length_h,
                length_sigma_h=daily.length_sigma_h,
                clock_h=starts_at_hour,
            )
        case TraceAvailability() as trace:
            return recorded_sessions(trace, member)


def recorded_sessions(config: TraceAvailability, member: Ints) -> availability.Intervals:
    """Return the sessions of files; device i follows the trace ``member[i]``, counted round."""
    rows = session_rows(config.files, config.preset)
    if not len(rows):
        raise MecsimError(f"{', '.join(map(str, config.files))}: no session that lasts")
    numbers = {name: trace for trace, name in enumerate(rows.ue_ids)}
    of_row = np.array([numbers[name] for name in rows.ue_id.tolist()])
    return availability.Intervals(
        of_row,
        rows.start_s,
        rows.end_s,
        n_traces=len(numbers),
        period_s=_periods(of_row, rows.period_s, rows.end_s, len(numbers)) if config.loop else None,
        trace_of=member % len(numbers),
    )


def _periods(of_row: Ints, period_s: Floats, end_s: Floats, n_traces: int) -> Floats:
    """Return after what time each trace begins anew: as its rows say, or at its last end."""
    last_s = np.zeros(n_traces)
    np.maximum.at(last_s, of_row, np.where(np.isnan(period_s), end_s, period_s))
    return last_s


def build_faults(config: FaultsConfig, streams: Streams) -> Faults | None:
    """Return what goes wrong; None where nothing can."""
    settings = FaultSettings(**{**config.model_dump(), "station_schedule": tuple(config.station_schedule)})
    quiet = not any(getattr(settings, name) for name in type(config).model_fields if name.endswith("per_hour"))
    return None if quiet and not settings.station_schedule else Faults(settings, streams)
