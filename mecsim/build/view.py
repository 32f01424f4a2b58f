"""What a selection policy sees of the world: rates, expectations and charge as they are now, not as they will be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.federation.contract import Offer, Payload, Scheme
from mecsim.federation.turn import client_view, memory_refusal
from mecsim.jobs.job import Job
from mecsim.nodes.budget import Links
from mecsim.nodes.compute import compute_plan, end_of_work
from mecsim.nodes.radio_energy import transfer_energy_j
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.timeline import Constant
from mecsim.nodes.transfer import Direction
from mecsim.nodes.world import World

Devices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Asks for losses by their jobs: the one place where the world waits for learning.
Demand = Callable[[list[Job]], list[float]]

_FULL_SPEED = Constant(1.0)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a turn, or a part of it, would take of a device alone in its cell; joules above idle."""

    seconds: float
    joules: float

    def __add__(self, other: "Expected") -> "Expected":
        return Expected(self.seconds + other.seconds, self.joules + other.joules)


_NEVER = Expected(np.inf, np.inf)


class FleetView:
    """The fleet as a policy may look at it.

    Expectations are those of a device alone in its cell that stays where it is and as fast as it is, over a backhaul that is
    no limit: what else there is, and what will go wrong, nobody knows. ``n_samples`` has a number for each device.
    """

    def __init__(self, world: World, scheme: Scheme, n_samples: Sequence[int], demand: Demand) -> None:
        self._world, self._scheme, self._demand = world, scheme, demand
        self._n_samples = np.asarray(n_samples, dtype=np.int64)
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
        return self._rates(devices)[0]

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
        return np.array([np.inf if job is None else next(known) for job in jobs])

    def _rates(self, devices: Devices) -> tuple[Floats, Floats]:
        radio = self._world.radio
        if radio.measured is not None:
            measured = np.array([radio.measured.rates(int(device), self.now_s) for device in devices]).reshape(-1, 2)
            return measured[:, 0], measured[:, 1]
        links: Links = radio.links(np.asarray(devices, dtype=np.intp), self.now_s)
        return links.downlink_rate_bps, links.uplink_rate_bps

    def _expected(self, devices: Devices) -> list[Expected]:
        return [
            self._of_one(int(device), down_bps, up_bps)
            for device, down_bps, up_bps in zip(devices, *self._rates(devices), strict=True)
        ]

    def _of_one(self, device: int, down_bps: float, up_bps: float) -> Expected:
        """Return what a turn of a device would take, its idling included."""
        fleet, n_samples = self._world.fleet, int(self._n_samples[device])
        view = client_view(self._world, device=device, n_samples=n_samples, round_number=self.round_number)
        offer = self._scheme.offer(view)
        if not isinstance(offer, Offer) or memory_refusal(offer.work, fleet.memory_of(device)):
            return _NEVER
        held, radio = fleet.holdings.get(device, {}), self._world.radios.power(device)
        total = self._of_work(device, offer)
        if offer.needs or offer.sends is not None:
            setup_s = self._world.transport.setup_s()
            joules = radio.promotion_s * radio.promotion_w + setup_s * radio.downlink_overhead_w
            total += Expected(radio.promotion_s + setup_s, joules)
        for payload in offer.needs:
            if payload.name not in held:
                total += self._of_transfer(payload, "downlink", down_bps, radio)
        if offer.sends is not None:
            total += self._of_transfer(offer.sends, "uplink", up_bps, radio)
        return Expected(total.seconds, total.joules + fleet.profile(device).idle_w * total.seconds)

    def _of_work(self, device: int, offer: Offer) -> Expected:
        work, settings = offer.work, self._world.settings(device)
        plan = compute_plan(
            self._world.fleet.profile(device),
            settings,
            flop=work.flop,
            traffic_bytes=work.traffic_bytes,
            n_steps=work.n_steps,
            n_samples=work.n_samples,
        )
        return Expected(end_of_work(0.0, plan.work_s, settings.throttle, _FULL_SPEED)[-1].until_s, plan.energy_j)

    def _of_transfer(self, payload: Payload, direction: Direction, alone_bps: float, radio: RadioPower) -> Expected:
        transport = self._world.transport
        rate_bps, bits = min(transport.efficiency * alone_bps, transport.cap_bps()), transport.radio_bits(payload.size_bytes)
        if rate_bps <= 0.0:
            return _NEVER if bits > 0.0 else Expected(0.0, 0.0)
        begins_s = transport.latency_s() + transport.slow_start_s(payload.size_bytes, rate_bps)
        seconds = begins_s + bits / rate_bps
        return Expected(seconds, transfer_energy_j(seconds, bits, direction, radio))
