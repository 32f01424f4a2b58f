"""One trial: a world, a scheme in it, and what is said of them when the world is over."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import simpy

from mecsim.build.background import start_background
from mecsim.build.behaviour import build_faults, build_mobility
from mecsim.build.cells import build_radio, build_transport, flow_rules
from mecsim.build.fleet import build_fleet, profile_of
from mecsim.build.measured import build_measured
from mecsim.build.protocol import build_selector, run_protocol
from mecsim.build.stations import placed
from mecsim.build.view import Demand, FleetView
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.federation.contract import Offer, Refusal, Scheme
from mecsim.federation.rounds import Plan, Round
from mecsim.federation.turn import client_view, memory_refusal
from mecsim.jobs.job import Job
from mecsim.nodes.channel import Channel
from mecsim.nodes.world import World
from mecsim.rng import Streams

# Devices of which the summary asks what they could do.
_N_ASKED_AT_END = 1000


class Learning(Protocol):
    """What the study needs of the learning room: names of jobs and schemes over them. Nothing here trains."""

    def partition(self, scenario: Scenario, seeds: TrialSeeds) -> Job:
        """Return the job that deals the data to the devices; its numbers have ``n_samples``, one a device."""
        ...

    def cost_sheets(self, scenario: Scenario, index: int) -> Mapping[str, Job]:
        """Return the jobs that price scheme ``index`` of the scenario, by the names that the scheme knows them by."""
        ...

    def scheme(
        self,
        scenario: Scenario,
        index: int,
        seeds: TrialSeeds,
        dealt: Mapping[str, Any],
        sheets: Mapping[str, Mapping[str, Any]],
    ) -> Scheme:
        """Return scheme ``index``, ready for its first round; ``dealt`` and ``sheets`` are the numbers of those jobs."""
        ...


@dataclass(slots=True)
class RoundLog:
    """A round, and what the network's own machines took in it: filled in when it closes."""

    round: Round
    station_airtime_s: dict[str, float]
    backhaul_bits: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """A trial whose world has run: its rounds, each with the evaluation that it names."""

    world: World
    scheme: Scheme
    rounds: tuple[RoundLog, ...]


def simulate(
    scenario: Scenario,
    scheme: Scheme,
    channel: Channel,
    *,
    seeds: TrialSeeds,
    n_samples: Sequence[int],
    n_asked: int,
    demand: Demand,
    on_round: Callable[[Round], None] = lambda each: None,
) -> Simulated:
    """Run the world of one trial to its end over the ``channel`` of its seed, asking ``n_asked`` devices a round.

    No job is executed, but for the losses that a selection policy may ``demand``. ``on_round`` is told of rounds as they close.
    """
    env, streams = simpy.Environment(), Streams(seeds.world)
    world = build_world(env, scenario, channel, streams)
    view = FleetView(world, scheme, n_samples, demand)
    selector = build_selector(scenario.selection, streams, len(world.fleet))

    def select(number: int, n: int, busy: Set[int]) -> Sequence[int]:
        view.round_number = number
        return selector.select(view, number, n, busy)

    book = _Book(world, on_round)
    protocol = scenario.protocol
    plan = Plan(
        n_rounds=protocol.rounds,
        evaluate_every=protocol.evaluate_every,
        n_asked=n_asked,
        select=select,
        n_samples=n_samples.__getitem__,
        log=book.log,
        **({} if protocol.stop_after_h is None else {"stop_at_s": 3600.0 * protocol.stop_after_h}),
    )
    start_background(world, scenario, streams)
    env.run(until=env.process(run_protocol(protocol, world, scheme, plan, view)))
    world.radios.settle()
    return Simulated(world, scheme, tuple(book.rounds))


class _Book:
    """Notes with each round what stations and backhaul did since the one before."""

    def __init__(self, world: World, on_round: Callable[[Round], None]) -> None:
        self._world, self._on_round, self.rounds = world, on_round, list[RoundLog]()
        self._airtime_s, self._bits = np.zeros_like(world.station_airtime_s), 0.0

    def log(self, each: Round) -> None:
        spent_s = self._world.station_airtime_s - self._airtime_s
        by_name = {self._world.station_name(int(i)): float(spent_s[i]) for i in np.flatnonzero(spent_s)}
        self.rounds.append(RoundLog(each, by_name, self._world.backhaul_bits - self._bits))
        self._airtime_s, self._bits = self._world.station_airtime_s.copy(), self._world.backhaul_bits
        self._on_round(each)


def build_world(env: simpy.Environment, scenario: Scenario, channel: Channel, streams: Streams) -> World:
    """Return the world of the scenario, in which nothing has happened yet."""
    network = scenario.network
    faults = build_faults(scenario.faults, streams)
    movement = build_mobility(scenario, placed(scenario).area_m, streams)
    measured = build_measured(network.trace)
    radio = build_radio(env, scenario, channel, movement, streams, faults=faults, measured=measured)
    own_gbps = network.backhaul.station_rate_gbps
    return World(
        env,
        fleet=build_fleet(scenario, streams),
        radio=radio,
        transport=build_transport(network.transport, network.backhaul.delay_ms),
        backhaul_rate_bps=1e9 * network.backhaul.rate_gbps,
        station_backhaul_bps=None if own_gbps is None else 1e9 * own_gbps,
        server=profile_of(scenario.server.profile),
        faults=faults,
        flows=flow_rules(network),
    )


def scheme_facts(simulated: Simulated, n_samples: Sequence[int]) -> dict[str, Any]:
    """Return the summary's columns that do not come from the rounds: what the scheme asks of the devices at the end.

    Of a fleet of more than 1,000 devices, 1,000 spread evenly over it are asked.
    """
    world, facts = simulated.world, simulated.scheme.facts()
    last_round = simulated.rounds[-1].round.number
    n_devices = len(world.fleet)
    asked = np.unique(np.linspace(0, n_devices - 1, min(n_devices, _N_ASKED_AT_END)).round().astype(int))
    offers, n_left_out = [], 0
    for device in map(int, asked):
        view = client_view(world, device=device, n_samples=n_samples[device], round_number=last_round)
        offer = simulated.scheme.offer(view)
        if isinstance(offer, Refusal) or memory_refusal(offer.work, view.memory_budget_bytes):
            n_left_out += 1
        if isinstance(offer, Offer):
            offers.append(offer)
    turns = [turn for each in simulated.rounds for turn in each.round.turns]
    sent = [payload.size_bytes for turn in turns for payload, record in turn.uploads if record.complete]
    sent += [offer.sends.size_bytes for offer in offers if offer.sends is not None]
    return {
        "account_as": facts.account_as,
        "refused_device_share": n_left_out / len(asked),
        "trainable_parameters": facts.trainable_parameters,
        "update_bytes": max(sent, default=0),
        "turn_flop": sum(offer.work.flop for offer in offers) / max(1, len(offers)),
        "peak_memory_bytes": float(max((offer.work.peak_bytes for offer in offers), default=0.0)),
        "inference_flop": facts.inference_flop,
    }
