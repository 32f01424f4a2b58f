"""A world whose every rate is a round number, and a scheme whose every cost is one."""

from dataclasses import dataclass, field

import numpy as np
import simpy

from mecsim.federation.contract import NO_STEP, Offer, Payload, SchemeFacts, ServerStep, Work
from mecsim.jobs.job import job
from mecsim.nodes.channel import FleetLinks
from mecsim.nodes.fleet import Fleet, Group
from mecsim.nodes.profiles import DeviceProfile
from mecsim.nodes.transport import Transport
from mecsim.nodes.world import World

# 1 GFLOP/s; memory traffic never limits; 1 W idle and 3 W active: 2 W above idle.
PROFILE = DeviceProfile(
    name="plain",
    peak_flops=2e9,
    efficiency=0.5,
    memory_bandwidth_bytes_per_s=1e15,
    memory_bytes=1e9,
    usable_memory=0.5,
    idle_w=1.0,
    active_w=3.0,
    launch_s=0.0,
    source="test",
)
NO_DELAY = Transport(
    radio_overhead=1.0, backhaul_overhead=1.0, efficiency=1.0, n_setup_rtts=0.0, ran_rtt_s=0.0, backhaul_delay_s=0.0
)


@dataclass
class PlainScheme:
    """Downloads 1 MB of backbone once and 1 kB of state, computes 2 GFLOP, uploads 1 kB."""

    peak_bytes: float = 1e6
    alongside_flop: float = 0.0
    version: int = 0
    merged: list = field(default_factory=list)

    def prepare(self):
        return NO_STEP

    def offer(self, client):
        training = job("train", {"client": client.client, "version": self.version})
        return Offer(
            needs=(Payload("backbone", "backbone", 1_000_000), Payload(f"state-{self.version}", "state", 1_000)),
            work=Work(flop=2e9, traffic_bytes=0.0, peak_bytes=self.peak_bytes, n_steps=1),
            sends=Payload(training.name, "update", 1_000),
            job=training,
        )

    def alongside(self, round_number):
        return ServerStep(Work(flop=self.alongside_flop, traffic_bytes=0.0, peak_bytes=0.0, n_steps=1))

    def merge(self, updates):
        self.version += 1
        self.merged.append(tuple(update.client for update in updates))
        return ServerStep(Work(flop=1e9, traffic_bytes=0.0, peak_bytes=0.0, n_steps=1))

    def quality(self):
        return job("evaluate", {"version": self.version})

    def facts(self):
        return SchemeFacts(account_as="", trainable_parameters=250, inference_flop=1e6)


def make_world(rates_bps, *, transport=NO_DELAY, backhaul_rate_bps=1e15):
    """Return a world of one cell with a device for each rate, the same rate up and down."""
    n = len(rates_bps)
    rates = np.array(rates_bps, dtype=np.float64)
    links = FleetLinks(
        station=np.zeros(n, dtype=np.intp),
        distance_m=np.full(n, 100.0),
        line_of_sight=np.ones(n, dtype=bool),
        downlink_snr_db=np.full(n, 10.0),
        uplink_snr_db=np.full(n, 10.0),
        downlink_rate_bps=rates,
        uplink_rate_bps=rates,
    )
    group = Group("plain", PROFILE, PROFILE.memory_budget_bytes)
    fleet = Fleet((group,), np.zeros(n, dtype=np.int64), links)
    return World(
        simpy.Environment(),
        fleet=fleet,
        station_names=["only"],
        transport=transport,
        backhaul_rate_bps=backhaul_rate_bps,
        server=PROFILE,
    )
