"""A fleet as columns, for selection policies to look at."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Columns:
    """A view made of columns; it notes which devices it is asked about."""

    n_devices: int
    there: np.ndarray | None = None
    now_s: float = 0.0
    columns: dict = field(default_factory=dict)
    looked_at: list = field(default_factory=list)

    def _column(self, name, devices, default):
        self.looked_at.append((name, tuple(int(device) for device in devices)))
        return np.asarray(self.columns.get(name, np.full(self.n_devices, default)), dtype=np.float64)[devices]

    def available(self, devices):
        self.looked_at.append(("available", tuple(int(device) for device in devices)))
        return np.ones(len(devices), dtype=bool) if self.there is None else self.there[devices]

    def downlink_bps(self, devices):
        return self._column("downlink_bps", devices, 1e6)

    def expected_turn_s(self, devices):
        return self._column("expected_turn_s", devices, 10.0)

    def expected_energy_j(self, devices):
        return self._column("expected_energy_j", devices, 5.0)

    def battery_share(self, devices):
        return self._column("battery_share", devices, 1.0)

    def n_samples(self, devices):
        return self._column("n_samples", devices, 10.0)

    def losses(self, devices):
        return self._column("losses", devices, 1.0)
