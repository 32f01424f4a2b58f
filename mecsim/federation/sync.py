"""The synchronous protocol: a round opens when the one before has closed, and closes when every turn has ended."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import simpy

from mecsim.federation.contract import Scheme, ServerStep
from mecsim.federation.turn import Turn, client_turn
from mecsim.jobs.job import Job
from mecsim.nodes.world import World


@dataclass(frozen=True, slots=True)
class Round:
    """What one round left behind. Round 0 is the server's preparation, before any training."""

    number: int
    closed_at_s: float
    turns: tuple[Turn, ...]
    server_energy_j: float
    quality: Job | None


def run_synchronous(
    world: World,
    scheme: Scheme,
    *,
    n_rounds: int,
    evaluate_every: int,
    select: Callable[[int], tuple[int, ...]],
    n_samples: Callable[[int], int],
    log: Callable[[Round], None],
) -> Generator[simpy.Event, Any, None]:
    """Run ``n_rounds`` rounds; quality is asked for at round 0, every ``evaluate_every`` rounds, and at the end.

    The server computes alongside the devices where the scheme says so, and merges when both are done. A round without a
    single update is not merged.
    """
    energy_j = yield from _serve(world, scheme.prepare())
    log(Round(0, world.env.now, (), energy_j, scheme.quality()))
    for number in range(1, n_rounds + 1):
        tuning = world.env.process(_serve(world, scheme.alongside(number)))
        turns = yield from _turns(world, scheme, number, select(number), n_samples)
        energy_j = yield tuning
        updates = [turn.update for turn in turns if turn.update is not None]
        if updates:
            energy_j += yield from _serve(world, scheme.merge(updates))
        due = number % evaluate_every == 0 or number == n_rounds
        log(Round(number, world.env.now, turns, energy_j, scheme.quality() if due else None))


def _turns(
    world: World, scheme: Scheme, number: int, devices: tuple[int, ...], n_samples: Callable[[int], int]
) -> Generator[simpy.Event, Any, tuple[Turn, ...]]:
    running = [
        world.env.process(client_turn(world, scheme, device=device, n_samples=n_samples(device), round_number=number))
        for device in devices
    ]
    yield world.env.all_of(running)
    return tuple(process.value for process in running)


def _serve(world: World, step: ServerStep) -> Generator[simpy.Event, Any, float]:
    done = yield from world.serve(flop=step.work.flop, traffic_bytes=step.work.traffic_bytes, n_steps=step.work.n_steps)
    return done.energy_j
