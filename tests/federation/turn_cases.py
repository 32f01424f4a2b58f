"""Turns with other sizes, batteries and radios, for the stories that are told of them."""

from dataclasses import replace

import numpy as np
import pytest
from federation.plain_world import PROFILE, PlainScheme

from mecsim.control.policy import Assignment
from mecsim.federation.contract import Offer, Payload
from mecsim.federation.turn import client_turn
from mecsim.nodes.battery import Batteries
from mecsim.nodes.radio_power import RadioPower

SILENT = RadioPower(
    name="silent", downlink_overhead_w=0.0, uplink_overhead_w=0.0, downlink_j_per_bit=0.0, uplink_j_per_bit=0.0, source="test"
)
SILENT_RADIO = {PROFILE.radio: SILENT}


class Tasks(PlainScheme):
    """The plain scheme with payloads and work of other sizes."""

    def __init__(self, *, down=1_000_000, gflop=2.0, up=1_000, names=("backbone",)):
        super().__init__()
        self.sizes = down, gflop, up, names

    def offer(self, client):
        down, gflop, up, names = self.sizes
        plain = super().offer(client)
        return Offer(
            needs=tuple(Payload(name, "backbone", down) for name in names) if down else (),
            work=replace(plain.work, flop=gflop * 1e9),
            sends=Payload(plain.sends.name, "update", up) if up else None,
            job=plain.job,
            base=plain.base,
        )


def begin(world, scheme, device=0, round_number=1, to="server"):
    return world.env.process(
        client_turn(world, scheme, assignment=Assignment(device=device), n_samples=10, round_number=round_number, to=to)
    )


def take_turn(world, scheme=None, device=0, round_number=1, at_s=None, to="server"):
    if at_s is not None:
        world.env.run(until=at_s)
    return world.env.run(begin(world, scheme or PlainScheme(), device, round_number, to))


def told(turn):
    """Return when and how a turn ended."""
    return pytest.approx(turn.end_s), turn.outcome, turn.reason


def batteries(level_j, capacity_j=1000.0):
    one = np.array([level_j])
    return Batteries(capacity_j=np.array([capacity_j]), level_j=one, standby_w=np.zeros(1), charge_w=np.zeros(1))
