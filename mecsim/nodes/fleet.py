"""The fleet as columns: a device that takes no part costs a row, not an event."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.channel import FleetLinks
from mecsim.nodes.profiles import DeviceProfile


@dataclass(frozen=True, slots=True)
class Group:
    """Devices of one make: a name, a profile, and the memory that training may take."""

    name: str
    profile: DeviceProfile
    memory_budget_bytes: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """All devices of the scenario; device ``i`` is row ``i`` of every column.

    ``holdings`` are the payloads that a device has kept, by name: it never downloads one twice. Only devices that took part
    have an entry.
    """

    groups: tuple[Group, ...]
    group_of: NDArray[np.int64]
    links: FleetLinks
    holdings: dict[int, set[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.group_of)

    def group(self, device: int) -> Group:
        """Return the group of a device."""
        return self.groups[int(self.group_of[device])]

    def held_by(self, device: int) -> set[str]:
        """Return the names of the payloads that a device holds, to read and to add to."""
        return self.holdings.setdefault(device, set())
