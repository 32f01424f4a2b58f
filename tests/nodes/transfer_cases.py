"""Transfers in processes of their own, for the stories that are told of them."""

import math

import numpy as np
from federation.plain_world import PROFILE

from mecsim.nodes.battery import Batteries
from mecsim.nodes.meter import RadioUse
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.stop import StoppedError
from mecsim.nodes.transfer import Transfer

MB = 1_000_000
# Between stations 1,000 m apart: 4 dB, by 30 log10(x / (1000 - x)), at 576.16 m.
ENTRY_M = 1000.0 * 10 ** (4.0 / 30.0) / (1.0 + 10 ** (4.0 / 30.0))
# 2 W up and 1 W down while connected, and 0.1 uJ a bit: 0.8 W at 8 Mb/s. Neither promotion nor tail.
RADIO = RadioPower(
    name="plain", downlink_overhead_w=1.0, uplink_overhead_w=2.0, downlink_j_per_bit=1e-7, uplink_j_per_bit=1e-7, source="test"
)
PLAIN_RADIO = {PROFILE.radio: RADIO}


class Sent:
    """A transfer that a process of its own carries, and how it ended."""

    def __init__(self, world, size_bytes, *, device=0, direction="uplink", at_s=0.0, end="server"):
        self.record, self.use, self.reason = Transfer(direction, size_bytes), RadioUse(), None
        self.process = world.env.process(self._carry(world, device, at_s, end))

    def _carry(self, world, device, at_s, end):
        yield world.env.timeout(at_s)
        try:
            yield from world.transfer(device, self.record, self.use, end)
        except StoppedError as error:
            self.reason = error.stop.reason
        self.end_s = world.env.now


def send(world, size_bytes, **options):
    """Send a payload alone, and return what happened."""
    sent = Sent(world, size_bytes, **options)
    world.env.run(sent.process)
    return sent


def steps_of_sinr(least, rate):
    """Return 0.8 bit/s/Hz from an SINR of ``least`` on, and ``rate`` below."""
    return lambda snr: np.where(np.asarray(snr) >= least, 0.8, rate)


def charged(level_j, n=1):
    """Return batteries that hold so many joules and draw nothing at rest; nan is mains."""
    levels = np.array([level_j] + [math.nan] * (n - 1))
    return Batteries(
        capacity_j=np.where(np.isnan(levels), math.nan, 1e4),
        level_j=np.nan_to_num(levels),
        standby_w=np.zeros(n),
        charge_w=np.zeros(n),
    )
