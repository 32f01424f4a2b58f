"""The fleet as columns: a device that takes no part costs a row, not an event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.availability import Always, Availability
from mecsim.nodes.battery import Batteries
from mecsim.nodes.compute import ComputeSettings
from mecsim.nodes.profiles import DeviceProfile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """Devices of one make: name, profile, how they compute, and the least charge with which they take a turn."""

    name: str
    profile: DeviceProfile
    settings: ComputeSettings = field(default_factory=ComputeSettings)
    least_charge: float = 0.0
    leaves_at_once: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All devices of the scenario; device ``i`` is row ``i`` of every column.

    ``holdings`` are the payloads that a device has kept, with their bytes: it never downloads one twice. Only devices that took
    part have an entry. ``profiles`` replaces the group's profile for the devices that it has.
    """

    groups: tuple[Group, ...]
    group_of: NDArray[np.int64]
    memory_budget_bytes: Floats
    storage_bytes: Floats | None = None
    speed_factor: Floats | None = None
    profiles: Mapping[int, DeviceProfile] = field(default_factory=dict)
    availability: Availability = field(default_factory=Always)
    batteries: Batteries | None = None
    holdings: dict[int, dict[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.group_of)

    def group(self, device: int) -> Group:
        """Return the group of a device."""
        return self.groups[int(self.group_of[device])]

    def profile(self, device: int) -> DeviceProfile:
        """Return the profile of a device."""
        return self.profiles.get(device) or self.group(device).profile

    def memory_of(self, device: int) -> float:
        """Return the bytes that a device's training may take."""
        return float(self.memory_budget_bytes[device])

    def speed_of(self, device: int) -> float:
        """Return how fast a device is, as a factor on its profile."""
        return 1.0 if self.speed_factor is None else float(self.speed_factor[device])

    def storage_of(self, device: int) -> float:
        """Return the bytes that a device can keep."""
        return float("inf") if self.storage_bytes is None else float(self.storage_bytes[device])

    def held_by(self, device: int) -> dict[str, int]:
        """Return what a device holds: names and bytes."""
        return self.holdings.setdefault(device, {})

    def keep(self, device: int, name: str, size_bytes: int, needed: Iterable[str]) -> None:
        """Let a device keep a payload; what it does not need now goes first where storage is short, the oldest first."""
        held = self.held_by(device)
        held[name] = size_bytes
        total, wanted = sum(held.values()), {name, *needed}
        for old in [old for old in held if old not in wanted]:
            if total <= self.storage_of(device):
                break
            total -= held.pop(old)
