"""What holds in every world: random small ones, in which devices take turns while much goes wrong."""

from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import pytest
from federation.plain_world import NO_DELAY, PROFILE, PlainScheme
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_worlds import make_radio_world, stays

from mecsim.control.policy import Assignment
from mecsim.federation.contract import Offer, Payload
from mecsim.federation.turn import client_turn
from mecsim.nodes.availability import Always, Daily
from mecsim.nodes.background import BackgroundTraffic, run_background
from mecsim.nodes.battery import Batteries
from mecsim.nodes.compute import ComputeSettings, Throttle
from mecsim.nodes.faults import Faults, FaultSettings
from mecsim.nodes.fleet import Group
from mecsim.nodes.mobility import GaussMarkov, RandomWaypoint, Static, stationary_start
from mecsim.nodes.radio_power import RADIO_POWER
from mecsim.nodes.radio_rules import FadingBlocks
from mecsim.nodes.stop import Stop
from mecsim.nodes.world import FlowRules
from mecsim.radio.handover import A3Event
from mecsim.radio.rate import DOWNLINK_ADAPTATION
from mecsim.results.records import OUTCOMES
from mecsim.rng import Streams

END_S = 90.0
AREA_M = (900.0, 600.0)
PLACES_M = ((100.0, 100.0), (800.0, 500.0), (450.0, 50.0))
RADIO = RADIO_POWER["nr-low-band"]
MAX_STEPS = 400_000


class Sizes(PlainScheme):
    """Payloads, work and uploads that differ between devices."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def offer(self, client):
        plain, n = super().offer(client), client.client + 1
        self.version += 1  # every turn has something to download
        payloads = (Payload("backbone", "backbone", int(self.factor * 500_000 * n)), self.exchange())
        return Offer(
            needs=payloads,
            work=replace(plain.work, flop=1e9 * self.factor * n),
            sends=Payload(plain.sends.name, "update", int(self.factor * 200_000)),
            job=plain.job,
            base=plain.base,
        )


@dataclass(frozen=True)
class Spec:
    n_stations: int
    n_devices: int
    mobility: str
    sharing: str
    faults: bool
    battery_j: float | None
    availability: bool
    coupled: bool
    block_fading: bool
    background: bool
    slow_start: bool
    losses: bool
    transfers: str
    throttled: bool
    station_backhaul: bool
    factor: float
    seed: int


specs = st.builds(
    Spec,
    n_stations=st.integers(1, 3),
    n_devices=st.integers(1, 6),
    mobility=st.sampled_from(["static", "waypoint", "gauss-markov"]),
    sharing=st.sampled_from(["equal", "rate-fair", "proportional-fair", "max-ci", "weighted", "fdma", "min-max", "assigned"]),
    faults=st.booleans(),
    battery_j=st.none() | st.floats(5.0, 500.0),
    availability=st.booleans(),
    coupled=st.booleans(),
    block_fading=st.booleans(),
    background=st.booleans(),
    slow_start=st.booleans(),
    losses=st.booleans(),
    transfers=st.sampled_from(["continue", "fail"]),
    throttled=st.booleans(),
    station_backhaul=st.booleans(),
    factor=st.sampled_from([0.3, 2.0, 10.0]),
    seed=st.integers(0, 10_000),
)


def mobility_of(spec, streams, n):
    if spec.mobility == "waypoint":
        options = {"area_m": AREA_M, "speed_mps": (5.0, 30.0), "pause_s": 10.0}
        start = stationary_start(streams, "waypoints", n_devices=n, **options)
        generator = partial(streams.get, "mobility")
        return RandomWaypoint(start, AREA_M, speed_mps=(5.0, 30.0), pause_s=10.0, generator=generator)
    places_m = streams.get("position").random((n, 2)) * AREA_M
    if spec.mobility == "static":
        return Static(places_m)
    return GaussMarkov(
        places_m, AREA_M, mean_speed_mps=15.0, sigma_mps=5.0, alpha=0.8, generator=partial(streams.get, "mobility")
    )


def make(spec):
    streams, n = Streams(spec.seed), spec.n_devices
    trouble = FaultSettings(
        crash_per_hour=60.0,
        crash_down_s=5.0,
        slow_per_hour=120.0,
        slow_s=10.0,
        link_outage_per_hour=120.0,
        link_outage_s=8.0,
        station_outage_per_hour=60.0,
        station_outage_s=15.0,
        station_schedule=(("s0", 30.0, 60.0),),
        server_restart_per_hour=40.0,
        server_down_s=5.0,
    )
    start_j = None if spec.battery_j is None else spec.battery_j * (0.5 + streams.get("battery").random(n))
    world = make_radio_world(
        [stays(0.0)] * n,
        stations_m=PLACES_M[: spec.n_stations],
        kind="umi",
        shadowing=True,
        seed=spec.seed,
        law=DOWNLINK_ADAPTATION.spectral_efficiency,
        snr_min_db=-10.0,
        mobility=mobility_of(spec, streams, n),
        event=A3Event(offset_db=1.0, hysteresis_db=0.5, time_to_trigger_s=0.1),
        transfers=spec.transfers,
        sharing=spec.sharing,
        caps=spec.losses,
        coupled=spec.coupled,
        blocks=FadingBlocks(diversity=2, rician_k_db=9.0, shortest_s=0.5, slowest_mps=0.8) if spec.block_fading else None,
        faults=Faults(trouble, streams) if spec.faults else None,
        flows=FlowRules(weight=2.0, uplink_power_limited=spec.sharing in ("fdma", "min-max")),
        transport=replace(
            NO_DELAY,
            radio_overhead=1.05,
            backhaul_overhead=1.07,
            efficiency=0.9,
            n_setup_rtts=2.0,
            ran_rtt_s=0.01,
            backhaul_delay_s=0.02,
            slow_start=spec.slow_start,
            loss_rate=1e-4 if spec.losses else None,
            give_up_s=10.0,
        ),
        backhaul_rate_bps=2e8,
        station_backhaul_bps=2e7 if spec.station_backhaul else None,
        group=Group("plain", PROFILE, ComputeSettings(throttle=Throttle(after_s=2.0, factor=0.6) if spec.throttled else None)),
        availability=Daily(np.arange(n) * 7.0, np.full(n, 70.0)) if spec.availability else Always(),
        batteries=None
        if start_j is None
        else Batteries(capacity_j=np.full(n, 1e4), level_j=start_j, standby_w=np.zeros(n), charge_w=np.zeros(n)),
        radio_power=RADIO_POWER,
    )
    return world, start_j


def takes_turns(world, scheme, device, turns):
    """Take turns one after the other, with 3 s between them, up to the end."""
    number = 0
    while world.env.now < END_S:
        number += 1
        process = world.env.process(
            client_turn(world, scheme, assignment=Assignment(device=device), n_samples=10, round_number=number)
        )
        world.running[device] = process
        turns.append((yield process))
        del world.running[device]
        yield world.env.timeout(3.0)


def watch_shares(world, maximum, seen):
    """Look at every cell twice a second, at times when nothing else happens."""
    while True:
        yield world.env.timeout(0.4999)
        for cell in world.radio.cells:
            for link in (cell.downlink, cell.uplink):
                parts = [link.rate_bps(flow) / flow.full_rate_bps for flow in link._active() if flow.rate_of_share is None]
                assert sum(parts) <= maximum * (1.0 + 1e-9)
                seen.append(len(parts))


def live(spec, scheme=None, *, watched=False):
    """Let all devices take turns up to the end, and interrupt those that are left; return world, turns, background flows."""
    world, start_j = make(spec)
    world.running, turns, flows = {}, [], []
    if spec.background:
        for cell in world.radio.cells:
            traffic = BackgroundTraffic(arrivals_per_s=0.3, size_law="exponential", mean_bytes=1e6)
            draws = Streams(spec.seed).get("background", cell.name)
            world.env.process(run_background(world.env, cell.downlink, traffic, [2e7, 4e7], draws, flows))
    for device in range(spec.n_devices):
        world.env.process(takes_turns(world, scheme or Sizes(spec.factor), device, turns))
    if watched:
        world.env.process(watch_shares(world, 1.4 if spec.sharing == "proportional-fair" else 1.0, []))
    n_steps, now_s = 0, 0.0
    while world.env.peek() < END_S:
        world.env.step()
        assert world.env.now >= now_s
        now_s, n_steps = world.env.now, n_steps + 1
        assert n_steps < MAX_STEPS
    world.env.run(until=END_S)
    for process in list(world.running.values()):
        process.interrupt(Stop("late", "the study ended"))
    while world.running:
        world.env.step()
    return world, turns, flows, start_j


def trace(turns):
    """Return all that was recorded, comparable."""
    return [
        (
            turn.device,
            turn.start_s,
            turn.end_s,
            turn.outcome,
            turn.reason,
            repr(turn.link),
            [(payload.name, *(getattr(record, field.name) for field in fields(record))) for payload, record in turn.transfers],
            (turn.computation.duration_s, turn.computation.energy_j),
            (turn.radio.promotion_j, turn.radio.setup_j, turn.radio.tail_j),
        )
        for turn in turns
    ]


def check_bits(world, turns, flows):
    """Bits sent are bits received and bits lost; what the records say was carried is what the links have carried."""
    records = [record for turn in turns for _, record in turn.transfers]
    for direction in ("downlink", "uplink"):
        carried_bits = sum(8.0 * record.carried_bytes for record in records if record.direction == direction)
        links = [cell.link(direction) for cell in world.radio.cells]
        if direction == "downlink":
            carried_bits += sum(flow.bits - link.left_bits(flow) for link in links for _, flow in flows if is_on(link, flow))
            carried_bits += sum(flow.bits for _, flow in flows if flow.done.triggered)
        assert sum(link.delivered_bits for link in links) == pytest.approx(carried_bits, rel=1e-9, abs=1.0)
    for record in records:
        assert 0.0 <= record.carried_bytes <= record.wire_bytes * (1.0 + 1e-9)
        assert record.wire_bytes == pytest.approx(1.05 * record.size_bytes)
        if record.complete:
            assert record.carried_bytes == pytest.approx(record.wire_bytes)
            assert record.payload_bytes == record.size_bytes
    on_wires = sum(link.delivered_bits for link in world.backhaul.values())
    assert world.backhaul_bits == pytest.approx(on_wires, rel=1e-9, abs=1.0)


def is_on(link, flow):
    return link._is_active(flow) or flow in link._held_bits


def check_joules(world, turns, start_j):
    """Every joule is a power times a time, and every second of a turn is in one phase: connecting, transfers, computing."""
    for turn in turns:
        for _, record in turn.transfers:
            overhead_w, per_bit_j = (
                (RADIO.downlink_overhead_w, RADIO.downlink_j_per_bit)
                if record.direction == "downlink"
                else (RADIO.uplink_overhead_w, RADIO.uplink_j_per_bit)
            )
            assert record.energy_j == pytest.approx(overhead_w * record.duration_s + per_bit_j * 8.0 * record.carried_bytes)
        assert 0.0 <= turn.compute_energy_j <= PROFILE.dynamic_w * turn.compute_s * (1.0 + 1e-9)
        connecting_s = turn.radio.promotion_j / RADIO.promotion_w + turn.radio.setup_j / RADIO.downlink_overhead_w
        phases_s = connecting_s + turn.compute_s + sum(record.duration_s for _, record in turn.transfers)
        assert turn.end_s - turn.start_s == pytest.approx(phases_s, abs=1e-6)
        assert turn.download_s + turn.compute_s + turn.upload_s == pytest.approx(turn.end_s - turn.start_s, abs=1e-6)
    if start_j is None:
        return
    levels_j = world.fleet.batteries.level_j(np.arange(len(world.fleet)), END_S)
    for device, level_j in enumerate(levels_j):
        mine = [turn for turn in turns if turn.device == device]
        idle_j = PROFILE.idle_w * sum(turn.end_s - turn.start_s for turn in mine)
        radio_j = sum(turn.radio.promotion_j + turn.radio.setup_j + turn.radio.tail_j for turn in mine)
        transfers_j = sum(record.energy_j for turn in mine for _, record in turn.transfers)
        spent_j = idle_j + radio_j + transfers_j + sum(turn.compute_energy_j for turn in mine)
        if level_j > 0.0:
            assert start_j[device] - level_j == pytest.approx(spent_j, rel=1e-6, abs=1e-6)
        else:
            assert spent_j >= start_j[device] - 0.1


def check_turns(turns):
    """Every turn has one outcome and its reason; in a turn, one thing follows on the other; a device has one at a time."""
    last_s = {}
    for turn in turns:
        assert turn.outcome in OUTCOMES
        assert (turn.outcome == "completed") == (turn.reason == "") == (turn.update is not None)
        assert last_s.get(turn.device, 0.0) <= turn.start_s <= turn.end_s <= END_S
        last_s[turn.device] = turn.end_s
        now_s = turn.start_s
        for _, record in turn.transfers:
            assert now_s <= record.start_s <= record.end_s <= turn.end_s
            now_s = record.end_s
        if turn.outcome == "completed":
            assert all(record.complete for _, record in turn.transfers)
        if turn.outcome in ("refused", "offline"):
            assert (turn.transfers, turn.end_s, turn.compute_s) == ([], turn.start_s, 0.0)


@settings(deadline=None, max_examples=20)
@given(specs)
def test_what_holds_in_every_world(spec):
    world, turns, flows, start_j = live(spec, watched=True)
    assert len(turns) >= spec.n_devices
    check_turns(turns)
    check_bits(world, turns, flows)
    check_joules(world, turns, start_j)
    gain = 1.4 if spec.sharing == "proportional-fair" else 1.0
    assert np.all(world.station_airtime_s <= gain * END_S * (1.0 + 1e-9))
    for cell in world.radio.cells:
        assert max(cell.downlink.busy_s, cell.uplink.busy_s) <= END_S * (1.0 + 1e-9)
        assert not world.radio.activity.downlink.any() or flows or not spec.coupled
    tails_j = sum(turn.radio.tail_j for turn in turns)
    world.radios.settle()
    for turn in turns:
        assert -1e-9 <= turn.radio.tail_j <= 3 * RADIO.tail_s * RADIO.tail_w  # at most one a connection
    assert sum(turn.radio.tail_j for turn in turns) >= tails_j


@settings(deadline=None, max_examples=5)
@given(specs)
def test_the_same_seed_is_the_same_trace(spec):
    assert trace(live(spec)[1]) == trace(live(spec)[1])


def draws(world, n_devices):
    """Return what was drawn for the first devices, and for the stations: places, links, faults, ways."""
    radio, faults = world.radio, world.faults
    found = []
    for t in (0.0, 17.0, 60.0, END_S):
        found.append(radio.mobility.positions(np.arange(n_devices), t).tolist())
        links = radio.links(np.arange(n_devices), t)
        if radio._coupling is None:  # else they are what others send
            found.append([links.cell.tolist(), links.downlink_sinr_db.tolist(), links.uplink_rate_bps.tolist()])
        if faults is not None:
            timelines = [faults.server_up(), *(faults.station_up(site.name) for site in radio.budget.channel.sites)]
            for device in range(n_devices):
                timelines += [faults.speed(device), faults.link_up(device), faults.device_up(device)]
                found.append(faults.crash_after(device, t))
            found += [(timeline.at(t), timeline.next_change(t)) for timeline in timelines]
    return found


@settings(deadline=None, max_examples=8)
@given(specs)
def test_a_device_more_and_another_scheme_change_nobodys_draws(spec):
    alone = draws(make(spec)[0], spec.n_devices)
    world, *_ = live(replace(spec, n_devices=spec.n_devices + 1), Sizes(spec.factor / 2.0))
    assert draws(world, spec.n_devices) == alone


def test_devices_that_do_not_meet_do_not_know_of_each_other():
    # Each has a cell of its own, and wires that are never full: its trace is the same whoever else there is.
    spec = Spec(
        n_stations=2, n_devices=1, mobility="static", sharing="equal", faults=False, battery_j=500.0, availability=False,
        coupled=False, block_fading=True, background=False, slow_start=True, losses=False, transfers="continue",
        throttled=True, station_backhaul=True, factor=2.0, seed=4,
    )  # fmt: skip
    alone = trace(live(spec)[1])
    _, turns, *_ = live(replace(spec, n_devices=2))
    assert {turn.link.cell for turn in turns if turn.device == 0} != {turn.link.cell for turn in turns if turn.device == 1}
    assert {record.complete for turn in turns for _, record in turn.transfers} == {True}
    assert len(alone) >= 3
    assert [row for row in trace(turns) if row[0] == 0] == alone
