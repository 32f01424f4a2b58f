"""From the section ``fleet`` to columns of devices."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.build.behaviour import build_availability, group_numbers
from mecsim.config.base import PATH
from mecsim.config.behaviour import Battery as BatteryConfig
from mecsim.config.fleet import DeviceGroup
from mecsim.config.scenario import Scenario
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.nodes.battery import Batteries
from mecsim.nodes.charging import DailyCharging
from mecsim.nodes.compute import ComputeSettings, Throttle
from mecsim.nodes.fleet import Fleet, Group
from mecsim.nodes.profile_file import read_profile
from mecsim.nodes.profiles import PROFILES, DeviceProfile
from mecsim.rng import Streams
from mecsim.traces.devices import DeviceRow, read_device_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_J_PER_WH = 3600.0
_HOUR_S = 3600.0


@cache
def profile_of(name: str) -> DeviceProfile:
    """Return the profile of a name, or of what a file behind "path:" says."""
    return read_profile(Path(name.removeprefix(PATH))) if name.startswith(PATH) else PROFILES[name]


def profile_of_group(config: DeviceGroup) -> DeviceProfile:
    """Return the profile of a group, with the memory, storage and battery that the group has in place of the profile's."""
    own: dict[str, float] = {}
    if config.memory_gb is not None:
        own["memory_bytes"] = 1e9 * config.memory_gb
    if config.storage_gb is not None:
        own["storage_bytes"] = 1e9 * config.storage_gb
    if config.battery is not None and config.battery.capacity_wh is not None:
        own["battery_wh"] = config.battery.capacity_wh
    return replace(profile_of(config.profile), **own)  # type: ignore[arg-type]


def memory_of_group(config: DeviceGroup) -> float:
    """Return the bytes that training may take on a device of the group, without spread."""
    return profile_of_group(config).memory_budget_bytes


def build_group(config: DeviceGroup) -> Group:
    """Return what the devices of a group have in common."""
    throttling = config.throttling
    settings = ComputeSettings(
        frequency=config.frequency,
        contention=config.contention,
        throttle=Throttle(after_s=throttling.after_s, factor=throttling.factor) if throttling else None,
    )
    return Group(
        config.name,
        profile_of_group(config),
        settings,
        least_charge=config.battery.least_level if config.battery else 0.0,
        leaves_at_once=config.availability is None or config.availability.leave == "stop",
    )


class Makes(Mapping[int, DeviceProfile]):
    """The profiles of devices that are drawn from files: ``number`` (n) is a place in ``profiles``, or -1 for the group's."""

    def __init__(self, profiles: Sequence[DeviceProfile], number: Ints) -> None:
        self._profiles, self.number = tuple(profiles), number

    def __getitem__(self, device: int) -> DeviceProfile:
        """Return the profile of a device; KeyError where it has that of its group."""
        number = int(self.number[device])
        if number < 0:
            raise KeyError(device)
        return self._profiles[number]

    def __iter__(self) -> Iterator[int]:
        return map(int, np.flatnonzero(self.number >= 0))

    def __len__(self) -> int:
        return int(np.count_nonzero(self.number >= 0))

    def column(self, value: Callable[[DeviceProfile], float | None], else_: Floats) -> Floats:
        """Return a number (n) of each device's profile; that of ``else_`` (n) where the group's profile holds, nan for None."""
        if not self._profiles:
            return else_
        values = np.array([math.nan if value(profile) is None else value(profile) for profile in self._profiles], dtype=float)
        return np.where(self.number >= 0, values[self.number], else_)


def build_fleet(scenario: Scenario, streams: Streams) -> Fleet:
    """Return the devices, which hold nothing yet."""
    configs = scenario.fleet.groups
    groups, group_of = tuple(build_group(config) for config in configs), group_numbers(configs)
    spread = streams.get("spread").standard_normal((len(group_of), 2))
    deviations = np.array([[config.spread.speed, config.spread.memory] for config in configs])[group_of]
    speed, memory_factor = np.exp(deviations * spread).T
    makes = _makes(configs, group_of, streams)

    def column(value: Callable[[DeviceProfile], float | None]) -> Floats:
        of_groups = [value(group.profile) for group in groups]
        return makes.column(value, np.array([math.nan if each is None else each for each in of_groups], dtype=float)[group_of])

    storage_bytes = column(lambda profile: profile.storage_bytes)
    is_limited = not bool(np.isnan(storage_bytes).all())
    return Fleet(
        groups=groups,
        group_of=group_of,
        memory_budget_bytes=column(lambda profile: profile.memory_budget_bytes) * memory_factor,
        storage_bytes=np.where(np.isnan(storage_bytes), math.inf, storage_bytes) if is_limited else None,
        speed_factor=speed if deviations[:, 0].any() else None,
        profiles=makes,
        availability=build_availability(scenario, streams),
        batteries=_batteries(scenario, group_of, column(lambda profile: profile.battery_wh), streams),
    )


def _makes(configs: Sequence[DeviceGroup], group_of: Ints, streams: Streams) -> Makes:
    """Draw a profile for each device of a group with a file, with replacement; a number a device of the fleet."""
    draws = streams.get("devices").random(len(group_of))
    profiles: list[DeviceProfile] = []
    number = np.full(len(group_of), -1, dtype=np.int64)
    for i, config in enumerate(configs):
        if config.devices is not None:
            found, mine = drawn_from(config.devices, profile_of_group(config)), group_of == i
            number[mine] = len(profiles) + (draws[mine] * len(found)).astype(np.int64)
            profiles += found
    return Makes(profiles, number)


def drawn_from(path: Path, base: DeviceProfile) -> list[DeviceProfile]:
    """Return the profiles of the devices in a file, where ``base`` says what a row does not; MecsimError for what cannot be."""
    return [_profile_from_row(path, row, base) for row in read_device_rows([path])]


def _profile_from_row(path: Path, row: DeviceRow, base: DeviceProfile) -> DeviceProfile:
    """Return ``base``, or the profile that the row names, with what the row says of the device."""
    names = (
        "peak_flops",
        "memory_bandwidth_bytes_per_s",
        "memory_bytes",
        "efficiency",
        "idle_w",
        "active_w",
        "battery_wh",
        "ms_per_sample",
    )
    said: dict[str, Any] = {name: value for name in names if (value := getattr(row, name)) is not None}
    if row.profile and row.profile not in PROFILES:
        raise MecsimError(f"{path}: device {row.device_id!r}: {UnknownNameError('device profile', row.profile, PROFILES)}")
    try:
        profile = replace(PROFILES[row.profile] if row.profile else base, **said)
    except ValueError as error:
        raise MecsimError(f"{path}: device {row.device_id!r}: {error}") from error
    if profile.active_w < profile.idle_w:
        raise MecsimError(
            f"{path}: device {row.device_id!r}: active_w ({profile.active_w:g}) is below idle_w ({profile.idle_w:g}): "
            "computing takes no negative power"
        )
    return profile


def _batteries(scenario: Scenario, group_of: Ints, capacity_wh: Floats, streams: Streams) -> Batteries | None:
    """Return the batteries of the groups that have the section, with the capacities (n) of all profiles."""
    configs = scenario.fleet.groups
    if all(config.battery is None for config in configs):
        return None
    draws = streams.get("battery").random(len(group_of))

    def column(value: Callable[[BatteryConfig], float], without: float) -> Floats:
        return np.array([without if config.battery is None else value(config.battery) for config in configs])[group_of]

    low, high = column(lambda battery: battery.level[0], 1.0), column(lambda battery: battery.level[1], 1.0)
    capacity_j = np.where(column(lambda battery: 1.0, 0.0) > 0.0, _J_PER_WH * capacity_wh, math.nan)
    length_h = column(lambda battery: battery.charging.length_h if battery.charging else 0.0, 0.0)
    start_h = column(lambda battery: battery.charging.start_hour if battery.charging else 0.0, 0.0)
    return Batteries(
        capacity_j=capacity_j,
        level_j=capacity_j * (low + (high - low) * draws),
        standby_w=column(lambda battery: battery.standby_w, 0.0),
        charge_w=column(lambda battery: battery.charging.power_w if battery.charging else 0.0, 0.0),
        charging=DailyCharging(_HOUR_S * (start_h - scenario.fleet.starts_at_hour), _HOUR_S * length_h),
    )
