"""What a turn would take of a device alone in its cell, as things are now: parts that policies ask for."""

from dataclasses import dataclass

import numpy as np

from mecsim.federation.contract import Offer, Payload, Refusal, Scheme, Settings
from mecsim.federation.turn import client_view, memory_refusal
from mecsim.nodes.compute import compute_plan, end_of_work
from mecsim.nodes.radio_energy import transfer_energy_j
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.timeline import Constant
from mecsim.nodes.transfer import Direction
from mecsim.nodes.world import World

_FULL_SPEED = Constant(1.0)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a turn, or a part of it, would take of a device alone in its cell; joules above idle."""

    seconds: float
    joules: float

    def __add__(self, other: "Expected") -> "Expected":
        return Expected(self.seconds + other.seconds, self.joules + other.joules)


NEVER = Expected(np.inf, np.inf)


class Outlook:
    """Offers and expectations for devices of a world under a scheme.

    Expectations are those of a device alone in its cell that stays where it is and as fast as it is, over a backhaul that is
    no limit: what else there is, and what will go wrong, nobody knows.
    """

    def __init__(self, world: World, scheme: Scheme) -> None:
        self._world, self._scheme = world, scheme

    def offer(self, device: int, n_samples: int, round_number: int, settings: Settings) -> Offer | Refusal:
        """Return what the scheme would offer."""
        view = client_view(self._world, device=device, n_samples=n_samples, round_number=round_number, settings=settings)
        return self._scheme.offer(view)

    def expected(
        self, device: int, offer: Offer | Refusal, down_bps: float, up_bps: float, work: Expected | None = None
    ) -> Expected:
        """Return what a turn of a device would take, its idling included; never where memory does not hold it.

        ``work`` is what ``of_work`` gives, where that is known already.
        """
        fleet = self._world.fleet
        if not isinstance(offer, Offer) or memory_refusal(offer.work, fleet.memory_of(device)):
            return NEVER
        radio = self._world.radios.power(device)
        total = self.of_work(device, offer) if work is None else work
        if offer.needs or offer.sends is not None:
            setup_s = self._world.transport.setup_s()
            joules = radio.promotion_s * radio.promotion_w + setup_s * radio.downlink_overhead_w
            total += Expected(radio.promotion_s + setup_s, joules)
        for payload in self.lacking(device, offer):
            total += self._of_transfer(payload, "downlink", down_bps, radio)
        if offer.sends is not None:
            total += self._of_transfer(offer.sends, "uplink", up_bps, radio)
        return Expected(total.seconds, total.joules + fleet.profile(device).idle_w * total.seconds)

    def lacking(self, device: int, offer: Offer) -> list[Payload]:
        """Return what a device would have to download."""
        held = self._world.fleet.holdings.get(device, {})
        return [payload for payload in offer.needs if payload.name not in held]

    def of_work(self, device: int, offer: Offer) -> Expected:
        """Return what the computing of a turn would take."""
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
            return NEVER if bits > 0.0 else Expected(0.0, 0.0)
        begins_s = transport.latency_s() + transport.slow_start_s(payload.size_bytes, rate_bps)
        seconds = begins_s + bits / rate_bps
        return Expected(seconds, transfer_energy_j(seconds, bits, direction, radio))
