"""The simulated world of one trial: cells, backhaul, server and fleet, and the few things that take time in it."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import simpy

from mecsim.nodes.compute import compute_energy_j, compute_time_s, transfer_energy_j
from mecsim.nodes.fleet import Fleet
from mecsim.nodes.profiles import RADIO_POWER, DeviceProfile
from mecsim.nodes.transport import Transport
from mecsim.radio.link import SharedLink

Direction = Literal["downlink", "uplink"]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payload that a device sent or got: when, how much of it, and the joules of the device's radio."""

    direction: Direction
    start_s: float
    end_s: float
    size_bytes: int
    wire_bytes: float
    energy_j: float


@dataclass(frozen=True, slots=True)
class Computation:
    """One computation on a device or on the server; the energy is the part above idle."""

    duration_s: float
    energy_j: float


class Cell:
    """A station's radio cell: one shared link a direction."""

    def __init__(self, env: simpy.Environment, name: str) -> None:
        self.name = name
        self.downlink = SharedLink(env)
        self.uplink = SharedLink(env)


class World:
    """Everything that a turn can wait for. It knows bytes and FLOPs, and nothing of learning."""

    def __init__(
        self,
        env: simpy.Environment,
        *,
        fleet: Fleet,
        station_names: Sequence[str],
        transport: Transport,
        backhaul_rate_bps: float,
        server: DeviceProfile,
    ) -> None:
        self.env = env
        self.fleet = fleet
        self.server = server
        self.cells = [Cell(env, name) for name in station_names]
        self.backhaul = {"downlink": SharedLink(env), "uplink": SharedLink(env)}
        self._backhaul_rate_bps = backhaul_rate_bps
        self._transport = transport

    def cell_of(self, device: int) -> Cell:
        """Return the cell that serves a device."""
        return self.cells[int(self.fleet.links.station[device])]

    def in_coverage(self, device: int) -> bool:
        """Tell whether a device can both hear its station and be heard by it."""
        links = self.fleet.links
        return bool(links.downlink_rate_bps[device] > 0.0 and links.uplink_rate_bps[device] > 0.0)

    def connect(self, device: int) -> Generator[simpy.Event, Any, float]:
        """Open a connection to the server; return the joules that the device's radio takes for it."""
        duration_s = self._transport.setup_s
        yield self.env.timeout(duration_s)
        return self._radio_energy_j(device, duration_s, 0.0, "downlink")

    def transfer(self, device: int, size_bytes: int, direction: Direction) -> Generator[simpy.Event, Any, Transfer]:
        """Carry a payload between server and device.

        The payload streams through backhaul and radio at once: it is there when both have carried it, after the latency.
        """
        start_s = self.env.now
        yield self.env.timeout(self._transport.one_way_s)
        radio_bits = self._transport.radio_bits(size_bytes)
        over_radio = self._radio_link(device, direction).transfer(
            radio_bits, self._radio_rate_bps(device, direction) * self._transport.efficiency
        )
        over_backhaul = self.backhaul[direction].transfer(self._transport.backhaul_bits(size_bytes), self._backhaul_rate_bps)
        yield self.env.all_of([over_radio, over_backhaul])
        duration_s = self.env.now - start_s
        return Transfer(
            direction=direction,
            start_s=start_s,
            end_s=self.env.now,
            size_bytes=size_bytes,
            wire_bytes=radio_bits / 8.0,
            energy_j=self._radio_energy_j(device, duration_s, radio_bits, direction),
        )

    def compute(
        self, device: int, *, flop: float, traffic_bytes: float, n_steps: int
    ) -> Generator[simpy.Event, Any, Computation]:
        """Let a device compute."""
        return (yield from self._compute_on(self.fleet.group(device).profile, flop, traffic_bytes, n_steps))

    def serve(self, *, flop: float, traffic_bytes: float, n_steps: int) -> Generator[simpy.Event, Any, Computation]:
        """Let the server compute."""
        return (yield from self._compute_on(self.server, flop, traffic_bytes, n_steps))

    def _compute_on(
        self, profile: DeviceProfile, flop: float, traffic_bytes: float, n_steps: int
    ) -> Generator[simpy.Event, Any, Computation]:
        duration_s = compute_time_s(flop=flop, traffic_bytes=traffic_bytes, n_steps=n_steps, profile=profile)
        yield self.env.timeout(duration_s)
        return Computation(duration_s, compute_energy_j(duration_s, profile))

    def _radio_link(self, device: int, direction: Direction) -> SharedLink:
        cell = self.cell_of(device)
        return cell.downlink if direction == "downlink" else cell.uplink

    def _radio_rate_bps(self, device: int, direction: Direction) -> float:
        links = self.fleet.links
        return float((links.downlink_rate_bps if direction == "downlink" else links.uplink_rate_bps)[device])

    def _radio_energy_j(self, device: int, duration_s: float, bits: float, direction: Direction) -> float:
        radio = RADIO_POWER[self.fleet.group(device).profile.radio]
        return transfer_energy_j(duration_s=duration_s, bits=bits, direction=direction, radio=radio)
