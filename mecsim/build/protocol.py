"""From the sections ``protocol`` and ``selection`` to the process that runs a trial's rounds."""

from collections.abc import Generator
from typing import Any, assert_never

import simpy

from mecsim.build.view import FleetView
from mecsim.config.protocol import (
    AdaptiveDeadline,
    AsyncProtocol,
    BufferedProtocol,
    DeadlineProtocol,
    EnergyAwareSelection,
    FixedDeadline,
    HierarchicalProtocol,
    Protocol,
    RankedSelection,
    Selection,
    SimpleSelection,
    SyncProtocol,
)
from mecsim.control import ranking
from mecsim.control.selection import RoundRobin, Selector, Uniform
from mecsim.control.staying import AvailabilityAware
from mecsim.federation import deadline as deadlines
from mecsim.federation.asynchronous import run_asynchronous
from mecsim.federation.buffered import run_buffered
from mecsim.federation.contract import Scheme
from mecsim.federation.hierarchical import run_hierarchical
from mecsim.federation.rounds import Plan
from mecsim.federation.sync import run_synchronous
from mecsim.nodes.world import World
from mecsim.rng import Streams

# How many devices a ranking policy looks at unless the scenario says so: what keeps a choice cheap in a city.
_LOOKED_AT = 1000


def build_selector(config: Selection, streams: Streams, n_devices: int) -> Selector:
    """Return the policy that says who is asked, fresh for one trial."""

    def looked_at(candidates: int | None) -> int | None:
        return candidates or (_LOOKED_AT if n_devices > _LOOKED_AT else None)

    match config:
        case SimpleSelection(kind="uniform"):
            return Uniform(streams)
        case SimpleSelection():
            return RoundRobin()
        case EnergyAwareSelection(battery_floor=floor):
            return ranking.energy_aware(streams, battery_floor=floor, candidates=looked_at(config.candidates))
        case RankedSelection(kind="power-of-choice"):
            return ranking.PowerOfChoice(streams, candidates=config.candidates)
        case RankedSelection(kind="best-channel"):
            return ranking.best_channel(streams, candidates=looked_at(config.candidates))
        case RankedSelection(kind="fastest"):
            return ranking.fastest(streams, candidates=looked_at(config.candidates))
        case RankedSelection():
            return AvailabilityAware(streams, candidates=looked_at(config.candidates))
        case _:
            assert_never(config)


def run_protocol(
    config: Protocol, world: World, scheme: Scheme, plan: Plan, view: FleetView
) -> Generator[simpy.Event, Any, None]:
    """Return the process of all rounds."""
    match config:
        case SyncProtocol():
            return run_synchronous(world, scheme, plan)
        case DeadlineProtocol(over_selection=over_selection):
            return run_deadline(config, world, scheme, plan, view, over_selection)
        case BufferedProtocol():
            return run_buffered(
                world,
                scheme,
                plan,
                buffer_size=config.buffer,
                concurrency=plan.n_asked,
                exponent=config.staleness_exponent,
                server_rate=config.server_rate,
            )
        case AsyncProtocol():
            return run_asynchronous(
                world,
                scheme,
                plan,
                concurrency=plan.n_asked,
                mixing=config.mixing,
                exponent=config.staleness_exponent,
                max_staleness=config.max_staleness,
            )
        case HierarchicalProtocol(edge_rounds=edge_rounds):
            return run_hierarchical(world, scheme, plan, edge_rounds=edge_rounds)
        case _:
            assert_never(config)


def run_deadline(
    config: DeadlineProtocol, world: World, scheme: Scheme, plan: Plan, view: FleetView, over_selection: float
) -> Generator[simpy.Event, Any, None]:
    """Return the process of rounds with a deadline."""
    deadline: deadlines.Deadline
    match config.deadline:
        case FixedDeadline(seconds=seconds):
            deadline = deadlines.FixedDeadline(seconds)
        case AdaptiveDeadline(percentile=percentile, slack=slack):
            deadline = deadlines.AdaptiveDeadline(percentile, view.expected_turn_s, slack=slack)
    return deadlines.run_deadline(world, scheme, plan, deadline=deadline, over_selection=over_selection)
