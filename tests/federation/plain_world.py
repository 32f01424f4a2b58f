"""A world whose every rate is a round number, and a scheme whose every cost is one."""

from dataclasses import dataclass, field, replace

import numpy as np
import simpy

from mecsim.federation.contract import NO_STEP, REPLACE, Offer, Payload, SchemeFacts, ServerStep, Work
from mecsim.jobs.job import job
from mecsim.nodes.availability import Always
from mecsim.nodes.budget import CarrierSpec, Efficiencies, LinkBudget
from mecsim.nodes.channel import Channel, StationSite
from mecsim.nodes.fleet import Fleet, Group
from mecsim.nodes.mobility import Static
from mecsim.nodes.profiles import RADIO_POWER, DeviceProfile
from mecsim.nodes.radio_network import Cell, RadioNetwork
from mecsim.nodes.radio_rules import HandoverRules
from mecsim.nodes.timeline import Steps
from mecsim.nodes.transport import Transport
from mecsim.nodes.world import World
from mecsim.radio.handover import A3Event
from mecsim.radio.link import EqualLink
from mecsim.radio.path_loss import path_loss_model
from mecsim.radio.rate import shannon
from mecsim.rng import Streams

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

# A radio that never sleeps: no promotion before a transfer, and no tail after it.
ALWAYS_AWAKE = {name: replace(power, promotion_s=0.0, tail_s=0.0) for name, power in RADIO_POWER.items()}


@dataclass
class PlainScheme:
    """Downloads 1 MB of backbone once and 1 kB of state, computes 2 GFLOP, uploads 1 kB."""

    peak_bytes: float = 1e6
    alongside_flop: float = 0.0
    version: int = 0
    place: str = ""  # of a branch: which one, of which version
    merged: list = field(default_factory=list)  # who, merge by merge
    blends: list = field(default_factory=list)  # how, merge by merge
    joined: list = field(default_factory=list)  # what each branch merged, and its weight, join by join
    n_branches: int = 0

    def prepare(self):
        return NO_STEP

    def offer(self, client):
        training = job("train", {"client": client.client}, [self.state()])
        return Offer(
            needs=(Payload("backbone", "backbone", 1_000_000), self.exchange()),
            work=Work(flop=2e9, traffic_bytes=0.0, peak_bytes=self.peak_bytes, n_steps=1),
            sends=Payload(training.name, "update", 1_000),
            job=training,
            base=self.state(),
        )

    def alongside(self, round_number):
        return ServerStep(Work(flop=self.alongside_flop, traffic_bytes=0.0, peak_bytes=0.0, n_steps=1))

    def merge(self, updates, blend=REPLACE):
        self.version += 1
        self.merged.append(tuple(update.client for update in updates))
        self.blends.append(blend)
        return ServerStep(Work(flop=1e9, traffic_bytes=0.0, peak_bytes=0.0, n_steps=1))

    def branch(self):
        self.n_branches += 1
        place = f"{self.place}{self.version}.{self.n_branches}-"
        return PlainScheme(peak_bytes=self.peak_bytes, version=self.version, place=place)

    def join(self, branches):
        self.version += 1
        self.joined.append([(branch.merged, weight) for branch, weight in branches])
        return ServerStep(Work(flop=1e9, traffic_bytes=0.0, peak_bytes=0.0, n_steps=1))

    def state(self):
        return job("state", {"place": self.place, "version": self.version})

    def exchange(self):
        return Payload(f"state-{self.place}{self.version}", "state", 1_000)

    def client_loss(self, client):
        return job("evaluate", {"on": client}, [self.state()])

    def quality(self):
        return job("evaluate", {"version": self.version})

    def facts(self):
        return SchemeFacts(account_as="", trainable_parameters=250, inference_flop=1e6)


class GivenRates:
    """Rates as somebody gives them: a number a device, or steps (times, rates) of one."""

    def __init__(self, rates_bps):
        self._steps = [rate if isinstance(rate, Steps) else Steps([0.0], [float(rate)]) for rate in rates_bps]

    def rates(self, device, t):
        return self._steps[device].at(t), self._steps[device].at(t)

    def next_change(self, device, t):
        return self._steps[device].next_change(t)


def make_world(rates_bps, *, faults=None, **options):
    """Return a world of one cell with a device for each rate, the same rate up and down, in equal shares."""
    env, n = simpy.Environment(), len(rates_bps)
    site = StationSite(name="only", x_m=0.0, y_m=0.0, height_m=10.0, tx_power_dbm=30.0)
    channel = Channel([site], path_loss_model("free-space"), Streams(0), frequency_ghz=3.5, shadowing=False)
    plain = Efficiencies(los=shannon, nlos=shannon, at_once=shannon, snr_min_db=-10.0)
    carrier = CarrierSpec(frequency_hz=3.5e9, bandwidth_hz=20e6, downlink_share=0.5, uplink_share=0.5)
    budget = LinkBudget(channel, carrier, downlink=plain, uplink=plain)
    radio = RadioNetwork(
        env,
        budget,
        [Cell("only", EqualLink(env), EqualLink(env))],
        Static(np.full((n, 2), 60.0)),
        handover=HandoverRules(event=A3Event()),
        activity=budget.no_activity(),
        faults=faults,
        measured=GivenRates(rates_bps),
        measured_is_shared=True,
    )
    return world_over(radio, n, faults=faults, **options)


def world_over(
    radio,
    n_devices,
    *,
    transport=NO_DELAY,
    backhaul_rate_bps=1e15,
    station_backhaul_bps=None,
    profile=PROFILE,
    group=None,
    batteries=None,
    availability=None,
    storage_bytes=None,
    faults=None,
    flows=None,
    radio_power=ALWAYS_AWAKE,
):
    """Return a world of ``n_devices`` alike over a radio network."""
    fleet = Fleet(
        groups=(group or Group("plain", profile),),
        group_of=np.zeros(n_devices, dtype=np.int64),
        memory_budget_bytes=np.full(n_devices, profile.memory_budget_bytes),
        storage_bytes=storage_bytes,
        availability=availability or Always(),
        batteries=batteries,
    )
    return World(
        radio.env,
        fleet=fleet,
        radio=radio,
        transport=transport,
        backhaul_rate_bps=backhaul_rate_bps,
        station_backhaul_bps=station_backhaul_bps,
        server=profile,
        faults=faults,
        flows=flows,
        radio_power=radio_power,
    )
