"""Worlds with a real channel whose paths can be worked out by hand, and faults at given times."""

import inspect
import math

import numpy as np
import simpy
from federation.plain_world import world_over

from mecsim.nodes.budget import CarrierSpec, Efficiencies, LinkBudget, UplinkPower
from mecsim.nodes.channel import Channel, StationSite
from mecsim.nodes.mobility import TraceMobility
from mecsim.nodes.radio_network import Cell, RadioNetwork
from mecsim.nodes.radio_rules import HandoverRules
from mecsim.nodes.timeline import Constant, Steps
from mecsim.radio.handover import A3Event
from mecsim.radio.path_loss import path_loss_model
from mecsim.radio.planned_link import make_link
from mecsim.rng import Streams

ALWAYS = Constant(1.0)
#: What a world is told, all else is told its radio; faults befall both.
WORLD_OPTIONS = inspect.signature(world_over).parameters.keys() - {"faults"}


def stays(x_m, y_m=0.0):
    """Return the way of a device that does not move."""
    return [(0.0, x_m, y_m)]


def down(*spells):
    """Return 1, and 0 in the spells (from, to)."""
    times = [time_s for spell in spells for time_s in spell if time_s < math.inf]
    return Steps(times, [float(i % 2) for i in range(len(times))], before=1.0)


class GivenFaults:
    """Faults at given times: ``crashes`` and ``restarts`` are times, the others spells (from, to) by device or station."""

    def __init__(self, *, crashes=None, dead=None, slow=None, links=None, stations=None, server=()):
        self.crashes, self.dead, self.slow = crashes or {}, dead or {}, slow or {}
        self.links, self.stations, self.server = links or {}, stations or {}, server

    def crash_after(self, device, t):
        return min((at_s for at_s in self.crashes.get(device, ()) if at_s > t), default=math.inf)

    def device_up(self, device):
        return down(*self.dead[device]) if device in self.dead else ALWAYS

    def speed(self, device):
        return self.slow.get(device, ALWAYS)

    def link_up(self, device):
        return down(*self.links[device]) if device in self.links else ALWAYS

    def station_up(self, name):
        return down(*self.stations[name]) if name in self.stations else ALWAYS

    def server_up(self):
        return down(*self.server) if self.server else ALWAYS

    def restarts_after(self, t):
        return min((from_s for from_s, _ in self.server if from_s > t), default=math.inf)


def constant_law(efficiency):
    """Return a law of the same bit/s/Hz at every SNR."""

    def law(snr):
        return np.full(np.shape(snr), efficiency)

    return law


def make_radio(
    env,
    ways,
    *,
    stations_m=((0.0, 0.0), (1000.0, 0.0)),
    efficiency=0.8,
    law=None,
    snr_min_db=-200.0,
    kind="log-distance",
    event=None,
    interruption_s=0.05,
    transfers="continue",
    sampled_every_m=5.0,
    sharing="equal",
    caps=False,
    coupled=False,
    power=None,
    faults=None,
    mobility=None,
    blocks=None,
    measured=None,
    measured_is_shared=False,
    shadowing=False,
    seed=0,
):
    """Return a radio network. By default every device has 8 Mb/s both ways wherever it is: 10 MHz each way and 0.8 bit/s/Hz.

    Stations are as high as devices: the loss is that at 1 m, 43.3 dB, and 30 dB a decade of the distance.
    """
    sites = [
        StationSite(name=f"s{i}", x_m=x_m, y_m=y_m, height_m=1.5, tx_power_dbm=46.0) for i, (x_m, y_m) in enumerate(stations_m)
    ]
    streams = Streams(seed)
    channel = Channel(sites, path_loss_model(kind), streams, frequency_ghz=3.5, shadowing=shadowing)
    one = law or constant_law(efficiency)
    laws = Efficiencies(los=one, nlos=one, at_once=one, snr_min_db=snr_min_db)
    carrier = CarrierSpec(frequency_hz=3.5e9, bandwidth_hz=20e6, downlink_share=0.5, uplink_share=0.5)
    budget = LinkBudget(channel, carrier, downlink=laws, uplink=laws, power=power or UplinkPower())
    rows = np.array([(i, *row) for i, way in enumerate(ways) for row in way])
    return RadioNetwork(
        env,
        budget,
        [Cell(site.name, *(make_link(env, sharing, caps=caps) for _ in range(2))) for site in sites],
        mobility or TraceMobility(rows[:, 0].astype(int), rows[:, 1], rows[:, 2], rows[:, 3], at_end="hold"),
        handover=HandoverRules(
            event=event or A3Event(), interruption_s=interruption_s, transfers=transfers, sampled_every_m=sampled_every_m
        ),
        activity=budget.no_activity(),
        coupled=coupled,
        faults=faults,
        stations_fail=faults is not None,
        blocks=blocks,
        streams=streams,
        measured=measured,
        measured_is_shared=measured_is_shared,
    )


def make_radio_world(ways, *, faults=None, **options):
    """Return a world with a device for each way, over the network of `make_radio`; it takes the options of both."""
    of_world = {name: options.pop(name) for name in WORLD_OPTIONS & options.keys()}
    radio = make_radio(simpy.Environment(), ways, faults=faults, **options)
    return world_over(radio, len(ways), faults=faults, **of_world)
