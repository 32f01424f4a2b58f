"""What a selection policy sees of the world: rates, expectations and charge as they are now, not as they will be."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.build.outlook import Expected, Outlook
from mecsim.federation.contract import AS_IT_IS, Scheme, Settings
from mecsim.jobs.job import Job
from mecsim.nodes.budget import Links
from mecsim.nodes.world import World

Devices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Asks for the numbers of evaluations by their jobs: the one place where the world waits for learning.
Demand = Callable[[list[Job]], list[Mapping[str, Any]]]


class FleetView:
    """The fleet as a policy may look at it; expectations are those of ``Outlook``. ``n_samples`` has one for each device."""

    def __init__(self, world: World, scheme: Scheme, n_samples: Sequence[int], demand: Demand) -> None:
        self._world, self._scheme, self._demand = world, scheme, demand
        self._n_samples = np.asarray(n_samples, dtype=np.int64)
        self.outlook = Outlook(world, scheme)
        #: What has been decided for a device, which expectations go by.
        self.settings_of: Callable[[int], Settings] = lambda device: AS_IT_IS
        self.round_number = 0

    @property
    def n_devices(self) -> int:
        """Return the size of the fleet."""
        return len(self._world.fleet)

    @property
    def now_s(self) -> float:
        """Return the simulated time."""
        return float(self._world.env.now)

    def available(self, devices: Devices) -> NDArray[np.bool_]:
        """Return who is there to be asked."""
        return self._world.available(devices, self.now_s)

    def downlink_bps(self, devices: Devices) -> Floats:
        """Return the rates of devices alone in their cells, 0 out of coverage."""
        return self.rates(devices)[0]

    def expected_turn_s(self, devices: Devices) -> Floats:
        """Return how long turns would take alone in their cells, infinity where they could not end."""
        return np.array([each.seconds for each in self._expected(devices)])

    def expected_energy_j(self, devices: Devices) -> Floats:
        """Return the joules that turns would take from the devices, infinity where they could not end."""
        return np.array([each.joules for each in self._expected(devices)])

    def battery_share(self, devices: Devices) -> Floats:
        """Return the shares of charge, 1 on mains."""
        batteries = self._world.fleet.batteries
        return np.ones(len(devices)) if batteries is None else batteries.share(devices, self.now_s)

    def n_samples(self, devices: Devices) -> Floats:
        """Return the numbers of training samples."""
        return self._n_samples[devices].astype(np.float64)

    def losses(self, devices: Devices) -> Floats:
        """Return the losses of the present state on the devices' own samples; infinity where nobody knows it."""
        jobs = [self._scheme.client_loss(int(device)) for device in devices]
        known = iter(self._demand([job for job in jobs if job is not None]))
        return np.array([np.inf if job is None else float(next(known)["loss"]) for job in jobs])

    def accuracy(self) -> float:
        """Return the accuracy of what would be deployed now. This demands learning results."""
        (numbers,) = self._demand([self._scheme.quality()])
        return float(numbers["accuracy"])

    def rates(self, devices: Devices) -> tuple[Floats, Floats]:
        """Return the downlink and uplink rates of devices alone in their cells, 0 out of coverage."""
        radio = self._world.radio
        if radio.measured is not None:
            measured = np.array([radio.measured.rates(int(device), self.now_s) for device in devices]).reshape(-1, 2)
            return measured[:, 0], measured[:, 1]
        links: Links = radio.links(np.asarray(devices, dtype=np.intp), self.now_s)
        return links.downlink_rate_bps, links.uplink_rate_bps

    def _expected(self, devices: Devices) -> list[Expected]:
        return [
            self.outlook.expected(
                device,
                self.outlook.offer(device, int(self._n_samples[device]), self.round_number, self.settings_of(device)),
                down_bps,
                up_bps,
            )
            for device, down_bps, up_bps in zip(map(int, devices), *self.rates(devices), strict=True)
        ]
