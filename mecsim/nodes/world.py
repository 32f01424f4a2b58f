"""The simulated world of one trial: radio, backhaul, server and fleet, and the few things that take time in it."""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.nodes.attachment import Attachment, LinkState
from mecsim.nodes.availability import next_available
from mecsim.nodes.compute import ComputeSettings, compute_plan, done_s, end_of_work
from mecsim.nodes.faults import Faults
from mecsim.nodes.fleet import Fleet
from mecsim.nodes.meter import BatteryMeter, Radios, RadioUse
from mecsim.nodes.profiles import RADIO_POWER, DeviceProfile
from mecsim.nodes.radio_energy import transfer_energy_j
from mecsim.nodes.radio_network import RadioNetwork
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.stop import lost
from mecsim.nodes.timeline import Constant, Timeline, next_positive
from mecsim.nodes.transfer import End, Process, Ride, Transfer, carry
from mecsim.nodes.transport import Transport
from mecsim.radio.link import EqualLink, Flow, Link
from mecsim.units import BITS_PER_BYTE

Direction = Literal["downlink", "uplink"]

_ALWAYS: Timeline = Constant(1.0)


@dataclass(slots=True)
class Computation:
    """One computation on a device or on the server; the energy is the part above idle. Filled in as it goes."""

    duration_s: float = 0.0
    energy_j: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRules:
    """How the study's transfers share a cell: their weight, and whether power limits the uplink in a part of the band."""

    weight: float = 1.0
    uplink_power_limited: bool = False


class World:
    """Everything that a turn can wait for. It knows bytes and FLOPs, and nothing of learning."""

    def __init__(
        self,
        env: simpy.Environment,
        *,
        fleet: Fleet,
        radio: RadioNetwork,
        transport: Transport,
        backhaul_rate_bps: float,
        server: DeviceProfile,
        station_backhaul_bps: float | None = None,
        faults: Faults | None = None,
        flows: FlowRules | None = None,
        radio_power: Mapping[str, RadioPower] = RADIO_POWER,
    ) -> None:
        self.env, self.fleet, self.radio, self.transport, self.server = env, fleet, radio, transport, server
        self.faults, self._flows = faults, flows or FlowRules()
        self._radio_power = radio_power
        self.radios = Radios(lambda device: self._radio_of(device, radio.settings.power_db(device)))
        self._battery = BatteryMeter(fleet)
        self._attached: dict[int, Attachment] = {}
        self._sending: set[int] = set()  # devices with a transfer under way
        self._backhaul_rate_bps, self._station_backhaul_bps = backhaul_rate_bps, station_backhaul_bps
        self.backhaul: dict[Direction, Link] = {"downlink": EqualLink(env), "uplink": EqualLink(env)}
        self._station_wires: dict[tuple[int, Direction], Link] = {}
        self.station_airtime_s = np.zeros(len(radio.budget.channel.sites))
        self.backhaul_bits = 0.0

    # Devices ---------------------------------------------------------------------------------------------------------

    def available(self, devices: NDArray[np.intp], now_s: float) -> NDArray[np.bool_]:
        """Tell which devices can be asked."""
        return self.fleet.availability.available(devices, now_s)

    def next_available(self, device: int, now_s: float) -> float:
        """Return when a device can be asked, now at the earliest; inf if never again."""
        return next_available(self.fleet.availability, device, now_s)

    def leaves_s(self, device: int, now_s: float) -> float:
        """Return when an available device goes offline in the middle of whatever it does; inf if it finishes first."""
        return self.fleet.availability.next_change(device, now_s) if self.fleet.group(device).leaves_at_once else math.inf

    def crashes_s(self, device: int, now_s: float) -> float:
        """Return when a device crashes next."""
        return math.inf if self.faults is None else self.faults.crash_after(device, now_s)

    def link_now(self, device: int) -> LinkState:
        """Return the link that a device would have to its strongest cell."""
        return self.radio.idle_link(device, float(self.env.now))

    def station_of(self, device: int) -> int:
        """Return the number of the station that a device would attach to."""
        return self.link_now(device).station

    def station_name(self, station: int) -> str:
        """Return a station's name."""
        return self.radio.budget.channel.sites[station].name

    def in_coverage(self, device: int, link: LinkState) -> bool:
        """Tell whether a device can hear its station and be heard by it, now or, as things change, perhaps later."""
        has_rates = link.downlink_rate_bps > 0.0 and link.uplink_rate_bps > 0.0
        return has_rates or self.radio.may_get_a_rate(device, float(self.env.now))

    def runs(self, device: int, now_s: float) -> bool:
        """Tell whether a device runs: not while it is down after a crash."""
        return self.faults is None or self.faults.device_up(device).at(now_s) > 0.0

    # Computing -------------------------------------------------------------------------------------------------------

    def compute(
        self, device: int, record: Computation, *, flop: float, traffic_bytes: float, n_steps: int, n_samples: int = 0
    ) -> Process:
        """Let a device compute, and fill in ``record``; raises ``StoppedError`` when its battery runs empty."""
        profile, settings = self.fleet.profile(device), self.settings(device)
        plan = compute_plan(profile, settings, flop=flop, traffic_bytes=traffic_bytes, n_steps=n_steps, n_samples=n_samples)
        start_s = float(self.env.now)
        speed = _ALWAYS if self.faults is None else self.faults.speed(device)
        segments = end_of_work(start_s, plan.work_s, settings.throttle, speed)
        self._battery.begin(device, start_s)
        try:
            for until_s, factor in segments:
                watts = plan.power_w * factor
                empty_s = self._battery.empty_s(device, float(self.env.now), watts)
                yield self.env.timeout(max(0.0, min(until_s, empty_s) - float(self.env.now)))
                if empty_s < until_s:
                    raise lost("battery: empty while computing")
                done_j = plan.power_w * done_s(start_s, float(self.env.now), segments)
                self._battery.settle(device, float(self.env.now), done_j)
        finally:
            record.duration_s = float(self.env.now) - start_s
            record.energy_j = plan.power_w * done_s(start_s, float(self.env.now), segments)
            self._battery.end(device, float(self.env.now), record.energy_j)

    def serve(
        self, *, flop: float, traffic_bytes: float, n_steps: int, n_samples: int = 0
    ) -> Generator[simpy.Event, Any, Computation]:
        """Let the server compute; what a restart interrupts goes on after it."""
        plan = compute_plan(
            self.server, ComputeSettings(), flop=flop, traffic_bytes=traffic_bytes, n_steps=n_steps, n_samples=n_samples
        )
        start_s = float(self.env.now)
        up = _ALWAYS if self.faults is None else self.faults.server_up()
        end_s = end_of_work(start_s, plan.work_s, None, up)[-1].until_s
        yield self.env.timeout(end_s - start_s)
        return Computation(end_s - start_s, plan.energy_j)

    def settings(self, device: int) -> ComputeSettings:
        """Return how a device is run."""
        settings, factor = self.fleet.group(device).settings, self.fleet.speed_of(device)
        return settings if factor == 1.0 else replace(settings, speed_factor=settings.speed_factor * factor)

    # Sending ---------------------------------------------------------------------------------------------------------

    def look_at(self, devices: Sequence[int]) -> None:
        """Work out the links of devices that are about to begin: cheaper for all at once."""
        self.radio.prefetch(devices, float(self.env.now))

    def set_radio(self, bandwidth: Mapping[int, float], power_db: Mapping[int, float]) -> None:
        """Set weights of devices (above 0) and what is added to their largest uplink power (dB, 0 or less), by device.

        It takes the place of all that was set before: who is not named has the weight 1 and all of its power. A transfer keeps
        the power with which it began, and the weight with which it began in its cell. Under ``weighted`` a device's weight is
        multiplied with that of the study. Under ``assigned`` both directions of each cell are divided at once among the devices
        named here that it serves now, in proportion to their weights and for good: what one of them does not use is nobody's
        unless somebody else is in the cell, such as a device that has come there since. ValueError as of ``RadioSettings.set``.
        """
        self.radio.settings.set(bandwidth, power_db, self._cell_of)

    def _cell_of(self, device: int) -> int:
        attachment = self._attached.get(device)
        if attachment is None or not (device in self._sending or self.radios.is_connected(device, float(self.env.now))):
            return self.link_now(device).cell
        return attachment.cell

    def connect(self, device: int, use: RadioUse, end: End = "server", *, is_new: bool = True) -> Process:
        """Wake the radio where it sleeps, and open a connection where it ``is_new``; the joules go to ``use``."""
        waking = self.radios.connect(device, float(self.env.now), use)
        if waking.slept:
            self._attached.pop(device, None)
        self._battery.charge_at_once(device, float(self.env.now), waking.tail_j)

        def promotion(joules: float) -> None:
            use.promotion_j += joules

        def setup(joules: float) -> None:
            use.setup_j += joules

        watts = self.radios.power(device).downlink_overhead_w
        try:
            yield from self._draw(device, waking.promotion_s, waking.promotion_w, promotion)
            yield from self._draw(device, self.transport.setup_s(end) if is_new else 0.0, watts, setup)
            if end == "server" and self.faults is not None:
                now_s = float(self.env.now)
                yield from self._draw(device, next_positive(self.faults.server_up(), now_s) - now_s, watts, setup)
        finally:
            self.radios.ended(device, float(self.env.now))

    def _draw(self, device: int, seconds: float, watts: float, book: Callable[[float], None]) -> Process:
        """Wait while the radio draws ``watts`` above idle, and book the joules; raises ``StoppedError`` on an empty battery."""
        if seconds <= 0.0:
            return
        start_s = float(self.env.now)
        self._battery.begin(device, start_s)
        empty_s = self._battery.empty_s(device, start_s, watts)
        try:
            yield self.env.timeout(min(seconds, max(0.0, empty_s - start_s)))
            if empty_s < start_s + seconds:
                raise lost("battery: empty while connecting")
        finally:
            joules = watts * (float(self.env.now) - start_s)
            book(joules)
            self._battery.end(device, float(self.env.now), joules)

    def transfer(self, device: int, record: Transfer, use: RadioUse, end: End = "server") -> Process:
        """Carry a payload between a device and the server, or its station, and fill in ``record``.

        A radio that fell asleep since the connection was opened is woken, and a server that restarts is waited for.
        """
        record.wire_bytes = self.transport.radio_bits(record.size_bytes) / BITS_PER_BYTE
        try:
            yield from self.connect(device, use, end, is_new=False)
        finally:
            record.start_s = record.end_s = float(self.env.now)
        yield from carry(self, device, record, end)

    def backhaul_transfer(self, station: int, size_bytes: int, direction: Direction) -> Process:
        """Carry a payload between a station and the server."""
        yield self.env.timeout(self.transport.backhaul_delay_s)
        flows = self.wires(station, size_bytes, direction)
        yield self.env.all_of([flow.done for _, flow in flows])
        self.backhaul_bits += self.transport.backhaul_bits(size_bytes)

    def attach(self, device: int) -> Attachment:
        """Return a device's attachment for a new transfer; it lasts as long as the device is connected.

        A new one is to the strongest cell.
        """
        now_s = float(self.env.now)
        attachment = self._attached.get(device)
        if attachment is None:
            while self._attached and not self.radios.is_connected(oldest := next(iter(self._attached)), now_s):
                del self._attached[oldest]  # a study may touch every device of a city
            self._attached[device] = attachment = Attachment(self.radio, device, now_s)
        else:
            attachment.send_anew()
            attachment.advance(now_s)
        return attachment

    def flow_rate(
        self, device: int, link: LinkState, direction: Direction, end: End = "server"
    ) -> tuple[float, dict[str, Any]]:
        """Return the rate that a device's transfer has alone, and what else its cell wants to know of it."""
        efficiency, cap_bps = self.transport.efficiency, self.transport.cap_bps(end)
        options: dict[str, Any] = {"weight": self._flows.weight * self.radio.settings.weight(device), "owner": device}
        if math.isfinite(cap_bps):
            options["cap_bps"] = cap_bps
        if self._flows.uplink_power_limited and direction == "uplink" and self.radio.measured is None:
            budget = self.radio.budget
            options["rate_of_share"] = lambda share: (
                efficiency * budget.uplink_rate_of_share(link.uplink_sinr_db, link.line_of_sight, share, link.uplink_gain)
            )
        return efficiency * link.rate_bps(direction), options

    def wires(self, station: int, size_bytes: int, direction: Direction) -> list[tuple[Link, Flow]]:
        """Start a payload's flows on the wires between a station and the server: the core's first."""
        bits = self.transport.backhaul_bits(size_bytes)
        links = [(self.backhaul[direction], self._backhaul_rate_bps)]
        if self._station_backhaul_bps is not None:
            own = self._station_wires.setdefault((station, direction), EqualLink(self.env))
            links.append((own, self._station_backhaul_bps))
        return [(link, link.start(bits, rate_bps)) for link, rate_bps in links]

    def next_restart_s(self, end: End, now_s: float) -> float:
        """Return when the server breaks a transfer to ``end``; inf if it never does."""
        return math.inf if self.faults is None or end == "station" else self.faults.restarts_after(now_s)

    # What transfers draw ---------------------------------------------------------------------------------------------

    def open_meter(self, device: int) -> None:
        """Begin to take a transfer's joules from the battery."""
        self._sending.add(device)
        self._battery.begin(device, float(self.env.now))

    def check_battery_s(self, device: int, ride: Ride) -> float:
        """Take what a transfer drew up to now, and return when the battery has to be looked at: it cannot be empty before."""
        now_s = float(self.env.now)
        self._battery.settle(device, now_s, self._energy_j(device, ride))
        return self._battery.empty_s(device, now_s, self._most_w(device, ride))

    def settle_battery(self, device: int, ride: Ride) -> None:
        """Take what a transfer drew up to now; raises ``StoppedError`` when nothing is left."""
        self._battery.settle(device, float(self.env.now), self._energy_j(device, ride))
        self._battery.check(device, float(self.env.now), self._most_w(device, ride))

    def close_meter(self, device: int, ride: Ride) -> None:
        """Finish a transfer's record: bytes, joules, airtime; its radio goes into the tail."""
        record, now_s = ride.transfer, float(self.env.now)
        self._sending.discard(device)
        record.end_s = now_s
        record.carried_bytes = ride.carried_bits / BITS_PER_BYTE
        record.energy_j = self._energy_j(device, ride)
        self._battery.end(device, now_s, record.energy_j)
        self.radios.ended(device, now_s)
        if record.direction == "downlink":
            for station, seconds in ride.airtime_s.items():
                self.station_airtime_s[station] += seconds

    def _energy_j(self, device: int, ride: Ride) -> float:
        record, now_s = ride.transfer, float(self.env.now)
        radio = self._radio_of(device, ride.attachment.power_db)
        return transfer_energy_j(now_s - record.start_s, ride.carried_bits, record.direction, radio)

    def _most_w(self, device: int, ride: Ride) -> float:
        # Power is affine in the rate, and nobody is faster than alone.
        radio = self._radio_of(device, ride.attachment.power_db)
        return transfer_energy_j(1.0, ride.alone_bps, ride.transfer.direction, radio)

    def _radio_of(self, device: int, power_db: float) -> RadioPower:
        return self._radio_power[self.fleet.profile(device).radio].sending(power_db)
