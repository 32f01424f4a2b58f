"""What a control policy has set for single devices' radios: weights when a cell is divided, and less transmit power."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.radio.planned_link import PlannedLink

if TYPE_CHECKING:
    from mecsim.nodes.radio_network import Cell

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class RadioSettings:
    """Weights and powers by device; who was not named has the weight 1 and all of its power.

    ``measured`` says that rates were measured, so that no power changes them; ``in_cells`` that devices share their cells'
    links, rather than each having one of its own.
    """

    def __init__(self, cells: Sequence["Cell"], *, measured: bool = False, in_cells: bool = True) -> None:
        links = [link for cell in cells for link in (cell.downlink, cell.uplink)]
        planned = [link for link in links if isinstance(link, PlannedLink)] if in_cells else []
        all_planned = bool(planned) and len(planned) == len(links)
        self._by_weight = all_planned and all(link.takes_weights for link in planned)
        self._by_share = all_planned and all(link.takes_shares for link in planned)
        self._cells, self._measured = tuple(cells), measured
        self._weights: dict[int, float] = {}
        self._powers_db: dict[int, float] = {}
        self._divided: frozenset[int] = frozenset()

    def set(self, bandwidth: Mapping[int, float], power_db: Mapping[int, float], cell_of: Callable[[int], int]) -> None:
        """Take over weights and powers in place of all earlier ones; ``cell_of`` names the cell that serves a device.

        Where shares are assigned, each cell is divided at once. ValueError leaves everything as it was: for a weight that is
        not above 0 and finite, a power that is not finite and 0 or less, a weight other than 1 where cells are shared in
        another way, a power other than 0 where rates were measured.
        """
        self._check(bandwidth, power_db)
        self._weights, self._powers_db = dict(bandwidth), dict(power_db)
        if self._by_share:
            self._divide({device: cell_of(device) for device in bandwidth})

    def weight(self, device: int) -> float:
        """Return a device's weight."""
        return self._weights.get(device, 1.0)

    def power_db(self, device: int) -> float:
        """Return what is added to a device's largest power, in dB: 0 or less."""
        return self._powers_db.get(device, 0.0)

    def powers_db(self, devices: Ints) -> Floats | float:
        """Return the same for the devices (n): a column (n,), or 0 where nobody's power is set."""
        if not self._powers_db:
            return 0.0
        return np.array([self.power_db(int(device)) for device in devices])

    def _check(self, bandwidth: Mapping[int, float], power_db: Mapping[int, float]) -> None:
        for device, weight in bandwidth.items():
            if not (math.isfinite(weight) and weight > 0.0):
                raise ValueError(f"a bandwidth weight must be finite and above 0, got {weight} for device {device}")
            if weight != 1.0 and not (self._by_weight or self._by_share):
                raise ValueError(
                    f"bandwidth {weight} for device {device}: devices have weights only where cells are shared by weight or "
                    "by assigned shares, and devices share their cells"
                )
        for device, decibels in power_db.items():
            if not (math.isfinite(decibels) and decibels <= 0.0):
                raise ValueError(f"power_db must be finite and 0 or less, got {decibels} for device {device}")
            if decibels != 0.0 and self._measured:
                raise ValueError(f"power_db {decibels} for device {device}: measured rates depend on no transmit power")

    def _divide(self, cell_of: Mapping[int, int]) -> None:
        shares = shares_of_cells(self._weights, cell_of)
        for number in sorted(self._divided | shares.keys()):
            for link in (self._cells[number].downlink, self._cells[number].uplink):
                if isinstance(link, PlannedLink):
                    link.set_shares(shares.get(number, {}))
        self._divided = frozenset(shares)


def shares_of_cells(weights: Mapping[int, float], cell_of: Mapping[int, int]) -> dict[int, dict[Hashable, float]]:
    """Return the shares of each cell's devices, by cell and device: in proportion to ``weights``, 1 in sum a cell."""
    members: dict[int, list[int]] = {}
    for device in weights:
        members.setdefault(cell_of[device], []).append(device)
    found: dict[int, dict[Hashable, float]] = {}
    for cell, devices in members.items():
        total = math.fsum(weights[device] for device in devices)
        found[cell] = {device: weights[device] / total for device in devices}
    return found
