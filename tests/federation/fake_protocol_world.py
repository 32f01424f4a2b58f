"""A world whose turns take the times that a test gives them, and a scheme that notes what it is asked to merge."""

import math
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import simpy

from mecsim.federation.contract import NO_STEP, REPLACE, Offer, Payload, ServerStep, Update, Work
from mecsim.federation.rounds import Plan
from mecsim.federation.turn import Turn
from mecsim.jobs.job import job

FLOPS = 1e9  # the server's: 1 GFLOP takes a second
SERVER_W = 2.0
BACKHAUL_BYTES_PER_S = 1e6


def seconds_of_work(seconds, n_samples=0):
    return Work(flop=FLOPS * seconds, traffic_bytes=0.0, peak_bytes=0.0, n_steps=1, n_samples=n_samples)


@dataclass(frozen=True)
class Ends:
    """How a turn ends, after so many seconds, and after how many more events at that instant."""

    after_s: float
    outcome: str = "completed"
    reason: str = ""
    n_more_events: int = 0


class FakeFleet:
    def __init__(self, n):
        self.n, self.holdings = n, {}

    def __len__(self):
        return self.n

    def memory_of(self, device):
        return 1e9


class FakeWorld:
    """``turns[device]`` is how its turns end, one after the other, the last one again and again; a number is a completed one.

    ``away[device]`` are the times (from, to) in which a device is not available; ``stations[device]`` serves it.
    """

    def __init__(self, turns, *, away=None, stations=None):
        self.env = simpy.Environment()
        self.fleet = FakeFleet(len(turns))
        self.turns = [[each] if isinstance(each, (int, float, Ends)) else list(each) for each in turns]
        self.away = away or {}
        self.stations = stations or [0] * len(turns)
        self.n_begun = Counter()
        self.running = set()
        self.most_running = 0
        self.begun = []  # (time, device, round, end)
        self.backhaul_log = []  # (time of its end, station, bytes, direction)

    def ends(self, device):
        ends = self.turns[device][min(self.n_begun[device], len(self.turns[device]) - 1)]
        return ends if isinstance(ends, Ends) else Ends(float(ends))

    def look_at(self, devices):
        pass

    def available(self, devices, now_s):
        return np.array([not any(a <= now_s < b for a, b in self.away.get(int(d), ())) for d in devices], dtype=bool)

    def next_available(self, device, now_s):
        return next((b for a, b in self.away.get(device, ()) if a <= now_s < b), now_s)

    def station_of(self, device):
        station = self.stations[device]
        return station(self.env.now) if callable(station) else station

    def serve(self, *, flop, traffic_bytes, n_steps, n_samples=0):
        yield self.env.timeout(flop / FLOPS)
        return SimpleNamespace(duration_s=flop / FLOPS, energy_j=SERVER_W * flop / FLOPS)

    def backhaul_transfer(self, station, size_bytes, direction):
        yield self.env.timeout(size_bytes / BACKHAUL_BYTES_PER_S)
        self.backhaul_log.append((self.env.now, station, size_bytes, direction))


def fake_turn(world, scheme, *, assignment, n_samples, round_number, to="server"):
    """Take a turn in a ``FakeWorld``; in the place of ``client_turn``."""
    device = assignment.device
    assert device not in world.running, f"device {device} begins a turn while it takes one"
    turn, ends = Turn(assignment, n_samples, float(world.env.now), link=None), world.ends(device)
    world.n_begun[device] += 1
    world.begun.append((world.env.now, device, round_number, to))
    offer = scheme.offer(SimpleNamespace(client=device, round=round_number, n_samples=n_samples, memory_budget_bytes=1e9))
    world.running.add(device)
    world.most_running = max(world.most_running, len(world.running))
    try:
        if ends.after_s > 0.0:
            yield world.env.timeout(ends.after_s)
        for _ in range(ends.n_more_events):
            yield world.env.timeout(0.0)
    except simpy.Interrupt as interrupt:
        return turn.end(float(world.env.now), interrupt.cause.outcome, interrupt.cause.reason)
    finally:
        world.running.discard(device)
    if ends.outcome == "completed":
        turn.update = Update(client=device, n_samples=n_samples, job=offer.job, base=offer.base)
    return turn.end(float(world.env.now), ends.outcome, ends.reason)


@dataclass
class NotingScheme:
    """Its state is a version; merging takes ``merge_s``, preparing ``prepare_s``, the work alongside ``alongside_s``."""

    merge_s: float = 0.0
    prepare_s: float = 0.0
    alongside_s: float = 0.0
    state_bytes: int = 1_000_000
    name: str = "cloud"
    version: int = 0
    merged: list = field(default_factory=list)  # (clients, blend)
    updates: list = field(default_factory=list)
    joined: list = field(default_factory=list)
    branches: list = field(default_factory=list)
    alongside_calls: list = field(default_factory=list)

    @property
    def state(self):
        return f"{self.name}-{self.version}"

    def prepare(self):
        return ServerStep(seconds_of_work(self.prepare_s)) if self.prepare_s else NO_STEP

    def offer(self, client):
        return Offer(
            needs=(Payload("backbone", "backbone", 4_000_000), self.exchange()),
            work=seconds_of_work(1.0),
            sends=Payload("update", "update", 1_000),
            job=job("train", {"client": client.client, "state": self.state}),
            base=job("state", {"state": self.state}),
        )

    def alongside(self, round_number):
        self.alongside_calls.append(round_number)
        return ServerStep(seconds_of_work(self.alongside_s))

    def merge(self, updates, blend=REPLACE):
        assert updates, "merge is called only with at least one update"
        self.version += 1
        self.merged.append((tuple(update.client for update in updates), blend))
        self.updates.append(list(updates))
        return ServerStep(seconds_of_work(self.merge_s))

    def branch(self):
        branch = NotingScheme(merge_s=self.merge_s, name=f"{self.state}/{len(self.branches)}", state_bytes=self.state_bytes)
        self.branches.append(branch)
        return branch

    def join(self, branches):
        self.version += 1
        self.joined.append([(branch.state, weight) for branch, weight in branches])
        return ServerStep(seconds_of_work(self.merge_s))

    def exchange(self):
        return Payload(self.state, "state", self.state_bytes)

    def quality(self):
        return job("evaluate", {"state": self.state})

    @property
    def clients(self):
        """Who was in each merge."""
        return [clients for clients, _ in self.merged]


def first_free(world):
    """Return a selection that asks the devices of the lowest numbers that are there and free."""

    def select(number, n, busy):
        there = [int(d) for d in np.flatnonzero(world.available(range(len(world.fleet)), world.env.now)) if d not in busy]
        return tuple(there[:n])

    return select


def run_protocol(
    protocol, world, scheme, *, n_rounds=1, n_asked=None, evaluate_every=1, select=None, stop_at_s=math.inf, **options
):
    """Run a study to its end and return its rounds."""
    rounds = []
    plan = Plan(
        n_rounds=n_rounds,
        evaluate_every=evaluate_every,
        n_asked=len(world.fleet) if n_asked is None else n_asked,
        select=select or first_free(world),
        n_samples=lambda device: 10 * (device + 1),
        log=rounds.append,
        stop_at_s=stop_at_s,
    )
    with patch("mecsim.federation.open_turns.client_turn", fake_turn):
        world.env.run(world.env.process(protocol(world, scheme, plan, **options)))
    assert not world.running, "turns run on when the study has ended"
    return rounds


def outcomes(each):
    """Return who ended how in a round: {device: outcome}."""
    return {turn.device: turn.outcome for turn in each.turns}
