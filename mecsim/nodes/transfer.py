"""A payload on its way between a device and the server or its station: radio and backhaul at once, whatever happens."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import simpy

from mecsim.nodes.instants import after_all_else
from mecsim.nodes.stop import lost
from mecsim.radio.link import Flow, Link
from mecsim.units import BITS_PER_BYTE

if TYPE_CHECKING:
    from mecsim.nodes.attachment import Attachment
    from mecsim.nodes.world import World

Direction = Literal["downlink", "uplink"]
Process = Generator[simpy.Event, Any, None]

#: The far end of a transfer.
End = Literal["server", "station"]


@dataclass(slots=True)
class Transfer:
    """What one payload's way took; filled in as it goes, also where it stays incomplete.

    ``wire_bytes`` is what the whole payload takes on the radio, ``carried_bytes`` what went over it. ``energy_j`` is the
    device's radio, above idle, and without promotion and tail. ``station`` is where it began, "" if it never did.
    """

    direction: Direction
    size_bytes: int
    start_s: float = 0.0
    end_s: float = 0.0
    station: str = ""
    wire_bytes: float = 0.0
    carried_bytes: float = 0.0
    energy_j: float = 0.0
    complete: bool = False
    handovers: int = 0

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end."""
        return self.end_s - self.start_s

    @property
    def payload_bytes(self) -> int:
        """Bytes of the payload that went over the radio: all of them where it is complete."""
        if self.complete:
            return self.size_bytes
        return int(self.size_bytes * min(1.0, self.carried_bytes / self.wire_bytes)) if self.wire_bytes > 0.0 else 0


class Ride:
    """A transfer's way from its first latency to its end: its flow on the radio follows the device from cell to cell.

    What breaks a transfer comes after what ends at the same instant.
    """

    def __init__(self, world: "World", device: int, transfer: Transfer, attachment: "Attachment", end: End) -> None:
        self._world, self._device, self._end = world, device, end
        self.transfer, self.attachment = transfer, attachment
        self.alone_bps = 0.0
        self.airtime_s: dict[int, float] = {}
        self._restart_s = world.next_restart_s(end, transfer.start_s)
        self._left_bits = BITS_PER_BYTE * transfer.wire_bytes
        self._counted_bits = 0.0
        self._flow: Flow | None = None
        self._link: Link | None = None
        self._station = attachment.link.station
        self._silent_since_s: float | None = None
        self._woken = world.env.event()

    @property
    def carried_bits(self) -> float:
        """Bits that went over the radio up to now."""
        left = self._left_bits if self._flow is None or self._link is None else self._link.left_bits(self._flow)
        return BITS_PER_BYTE * self.transfer.wire_bytes - left

    def run(self) -> Process:
        """Carry everything over the radio; raises ``StoppedError`` where that fails for good."""
        try:
            self._enter()
            while self._flow is not None and not self._flow.done.triggered:
                yield from self._until_something_changes(self._flow)
        finally:
            self._leave()

    def wait_for(self, event: simpy.Event) -> Process:
        """Wait for an ``event`` while nothing is on the radio; raises ``StoppedError`` as `run` does."""
        env = self._world.env
        while not event.processed:
            breaks_s = min(self._restart_s, self._world.check_battery_s(self._device, self))
            yield event if math.isinf(breaks_s) else event | after_all_else(env, breaks_s - float(env.now))
            if not event.processed:
                self._check(float(env.now))

    def _until_something_changes(self, flow: Flow) -> Process:
        env = self._world.env
        now_s = float(env.now)
        battery_s = self._world.check_battery_s(self._device, self)
        event_s = min(self.attachment.next_change_s(now_s), self._give_up_s(), battery_s, self._restart_s)
        if math.isinf(event_s) and not self._world.radio.is_coupled:
            yield flow.done
            return
        self._woken = env.event()
        yield flow.done | self._woken | after_all_else(env, event_s - now_s)
        if flow.done.triggered:
            return
        now_s = float(env.now)
        self._check(now_s)
        if now_s >= self._give_up_s():
            raise lost(f"outage: no rate on the radio link for {self._world.transport.give_up_s:g} s")
        n_handovers = self.attachment.advance(now_s)
        if n_handovers:
            yield from self._hand_over(n_handovers)
        else:
            was_silent = self.alone_bps == 0.0
            self._refresh()
            if was_silent != (self.alone_bps == 0.0):
                self._world.radio.outage_changed()

    def _check(self, now_s: float) -> None:
        """Raise ``StoppedError`` where the battery is empty, or the server has restarted."""
        self._world.settle_battery(self._device, self)
        if now_s >= self._restart_s:
            raise lost("server: it restarted in mid-transfer")

    def _hand_over(self, n_handovers: int) -> Process:
        self._leave()
        rules = self._world.radio.handover
        while n_handovers:
            self.transfer.handovers += n_handovers
            if rules.transfers == "fail":
                raise lost(f"handover: to {self._world.radio.cells[self.attachment.cell].name} in mid-transfer")
            if rules.interruption_s > 0.0:
                yield from self.wait_for(self._world.env.timeout(rules.interruption_s))
            n_handovers = self.attachment.advance(float(self._world.env.now))
        self._enter()

    def _enter(self) -> None:
        """Begin to share the serving cell."""
        self._world.radio.ride(self.attachment, self.transfer.direction, self._on_change)
        self.attachment.refresh(float(self._world.env.now))
        self._link = self._world.radio.shared_link(self._device, self.attachment.cell, self.transfer.direction)
        rate_bps, options = self._world.flow_rate(self._device, self.attachment.link, self.transfer.direction, self._end)
        self._flow = self._link.start(self._left_bits, rate_bps, **options)
        self._note_rate(rate_bps)

    def _leave(self) -> None:
        """Cease to share it, with whatever is left."""
        self._count_airtime()
        if self._flow is not None and self._link is not None:
            self._left_bits = 0.0 if self._flow.done.triggered else self._link.stop(self._flow)
        self._flow, self.alone_bps = None, 0.0
        self._world.radio.step_off(self.attachment)

    def _on_change(self) -> None:
        """Go by what other cells do now; whoever waits has to reckon anew when the battery is empty or it gives up."""
        self.attachment.refresh(float(self._world.env.now))
        before_bps = self.alone_bps
        self._refresh()
        if self.alone_bps != before_bps and not self._woken.triggered:
            self._woken.succeed()

    def _refresh(self) -> None:
        """Tell the link the rate that the device would have alone now."""
        if self._flow is None or self._link is None or self._flow.done.triggered:
            return
        rate_bps, options = self._world.flow_rate(self._device, self.attachment.link, self.transfer.direction, self._end)
        if rate_bps == self.alone_bps:
            return
        self._count_airtime()
        self._link.set_rate(self._flow, rate_bps, rate_of_share=options.get("rate_of_share"))
        self._note_rate(rate_bps)

    def _count_airtime(self) -> None:
        """Book the airtime of what was carried since the rate changed last, at the station that carried it."""
        bits = self.carried_bits
        if self.alone_bps > 0.0:
            seconds = (bits - self._counted_bits) / self.alone_bps
            self.airtime_s[self._station] = self.airtime_s.get(self._station, 0.0) + seconds
        self._counted_bits = bits

    def _note_rate(self, rate_bps: float) -> None:
        self.alone_bps, self._station = rate_bps, self.attachment.link.station
        if rate_bps > 0.0:
            self._silent_since_s = None
        elif self._silent_since_s is None:
            self._silent_since_s = float(self._world.env.now)

    def _give_up_s(self) -> float:
        return math.inf if self._silent_since_s is None else self._silent_since_s + self._world.transport.give_up_s


def carry(world: "World", device: int, transfer: Transfer, end: End = "server") -> Process:
    """Carry a payload between ``device`` and the server, or the station alone, and fill in ``transfer``.

    The payload streams through radio and backhaul at once: it is there when both have carried it, after the latency. It stays
    on the wires of the station at which it began. What is interrupted or lost leaves its record behind, with the bytes and
    joules up to then.
    """
    env, transport = world.env, world.transport
    attachment = world.attach(device)
    transfer.station = world.station_name(attachment.link.station)
    ride = Ride(world, device, transfer, attachment, end)
    wires: list[tuple[Link, Flow]] = []
    world.open_meter(device)
    try:
        rate_bps = min(transport.efficiency * attachment.link.rate_bps(transfer.direction), transport.cap_bps(end))
        delay_s = transport.latency_s(end) + transport.slow_start_s(transfer.size_bytes, rate_bps, end)
        yield from ride.wait_for(env.timeout(delay_s))
        attachment.advance(float(env.now))
        if end == "server":
            wires = world.wires(attachment.link.station, transfer.size_bytes, transfer.direction)
        yield from ride.run()
        if wires:
            yield from ride.wait_for(env.all_of([flow.done for _, flow in wires]))
        transfer.complete = True
    finally:
        unsent_bits = [link.stop(flow) for link, flow in wires]
        if wires:
            world.backhaul_bits += transport.backhaul_bits(transfer.size_bytes) - unsent_bits[0]
        world.close_meter(device, ride)
