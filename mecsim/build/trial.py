"""One trial: a world, a scheme in it, and what is said of them when the world is over."""

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from mecsim.build.background import start_background
from mecsim.build.behaviour import build_faults, build_mobility
from mecsim.build.cells import build_radio, build_transport, flow_rules
from mecsim.build.control import Control
from mecsim.build.fleet import build_fleet, profile_of
from mecsim.build.measured import build_measured
from mecsim.build.protocol import build_selector, run_protocol
from mecsim.build.stage import Stage
from mecsim.build.stations import placed
from mecsim.build.view import Demand, FleetView
from mecsim.config.scenario import Scenario
from mecsim.control.policy import Policy
from mecsim.control.selection import Selector
from mecsim.federation.contract import AS_IT_IS, Offer, Refusal, Settings
from mecsim.federation.rounds import BeforeAsking, Plan, Round, Select, as_it_is, at_once
from mecsim.federation.turn import client_view, memory_refusal
from mecsim.nodes.channel import Channel
from mecsim.nodes.world import World
from mecsim.rng import Streams

# Devices of which the summary asks what they could do.
_N_ASKED_AT_END = 1000


@dataclass(slots=True)
class RoundLog:
    """A round, and what the network's own machines took in it: filled in when it closes."""

    round: Round
    station_airtime_s: dict[str, float]
    backhaul_bits: float


class Trial:
    """A trial under way: its world, the scheme in it, and the rounds that have closed so far.

    ``process`` is that of the rounds; it has ended when the trial is over. ``control`` is None where no policy decides.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        demand: Demand,
        policy: Policy | None = None,
        before_asking: BeforeAsking = at_once,
        on_round: Callable[[Round], None] = lambda each: None,
    ) -> None:
        scenario, protocol, n_samples = stage.scenario, stage.scenario.protocol, stage.dealt["n_samples"]
        n_asked = scenario.n_asked(stage.index)
        streams = Streams(stage.seeds.world)
        self.env = simpy.Environment()
        self.world = build_world(self.env, scenario, stage.channel, streams)
        self.scheme = scheme = stage.make_scheme()
        self.view = FleetView(self.world, scheme, n_samples, demand)
        selector = build_selector(scenario.selection, streams, len(self.world.fleet))
        self.control = (
            None
            if policy is None
            else Control(
                policy,
                selector=selector,
                view=self.view,
                world=self.world,
                scheme=scheme,
                streams=streams,
                n_samples=n_samples,
                histogram=stage.dealt.get("histogram"),
                n_asked=n_asked,
                n_rounds=protocol.rounds,
            )
        )
        self._book = _Book(self.world, self._learning(on_round))
        plan = Plan(
            n_rounds=protocol.rounds,
            evaluate_every=protocol.evaluate_every,
            n_asked=n_asked,
            select=self.control.select if self.control else self._selecting(selector),
            n_samples=n_samples.__getitem__,
            log=self._book.log,
            before_asking=before_asking,
            assignment=self.control.assignment if self.control else as_it_is,
            stop_at_s=math.inf if protocol.stop_after_h is None else 3600.0 * protocol.stop_after_h,
        )
        start_background(self.world, scenario, streams)
        self.process = self.env.process(run_protocol(protocol, self.world, scheme, plan, self.view))

    @property
    def rounds(self) -> list[RoundLog]:
        """The rounds that have closed."""
        return self._book.rounds

    def finish(self) -> "Trial":
        """Run the world to the end of its rounds, and settle what radios draw behind them."""
        self.env.run(until=self.process)
        self.world.radios.settle()
        return self

    def _selecting(self, selector: Selector) -> Select:
        def select(number: int, n: int, busy: Set[int]) -> Sequence[int]:
            self.view.round_number = number
            return selector.select(self.view, number, n, busy)

        return select

    def _learning(self, on_round: Callable[[Round], None]) -> Callable[[Round], None]:
        def learn(each: Round) -> None:
            if self.control is not None:
                self.control.learn(each)
            on_round(each)

        return learn


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


def scheme_facts(trial: Trial, n_samples: Sequence[int]) -> dict[str, Any]:
    """Return the summary's columns that do not come from the rounds: what the scheme asks of the devices at the end.

    Of a fleet of more than 1,000 devices, 1,000 spread evenly over it are asked.
    """
    world, facts = trial.world, trial.scheme.facts()
    last_round = trial.rounds[-1].round.number
    n_devices = len(world.fleet)
    asked = np.unique(np.linspace(0, n_devices - 1, min(n_devices, _N_ASKED_AT_END)).round().astype(int))
    choices = _choices(trial)
    offers, n_left_out = [], 0
    for device in map(int, asked):
        views = [
            client_view(world, device=device, n_samples=n_samples[device], round_number=last_round, settings=settings)
            for settings in choices
        ]
        offered = [trial.scheme.offer(view) for view in views]
        n_left_out += not any(_can(offer, views[0].memory_budget_bytes) for offer in offered)
        if isinstance(offered[0], Offer):
            offers.append(offered[0])
    turns = [turn for each in trial.rounds for turn in each.round.turns]
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


def _choices(trial: Trial) -> list[Settings]:
    """Return what a device may be told to do: the scheme's own way first, and under control every choice of its knob."""
    knob = None if trial.control is None else trial.scheme.knob()
    return [AS_IT_IS, *([] if knob is None else [Settings(choice=choice) for choice in knob.choices])]


def _can(offer: Offer | Refusal, memory_budget_bytes: float) -> bool:
    return isinstance(offer, Offer) and memory_refusal(offer.work, memory_budget_bytes) is None
