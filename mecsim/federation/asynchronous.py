"""The asynchronous protocol (FedAsync): the server mixes in each update as it comes."""

from collections.abc import Generator, Sequence
from typing import Any

import simpy

from mecsim.federation.continuous import keep_merging, staleness_weight
from mecsim.federation.contract import Blend, Scheme, ServerStep, Update
from mecsim.federation.rounds import Plan
from mecsim.nodes.world import World


def run_asynchronous(
    world: World,
    scheme: Scheme,
    plan: Plan,
    *,
    concurrency: int,
    mixing: float = 0.6,
    exponent: float = 0.5,
    max_staleness: int | None = None,
) -> Generator[simpy.Event, Any, None]:
    """Keep ``concurrency`` devices at work, and let each update take a share of the state.

    Xie, Koyejo and Gupta, "Asynchronous federated optimization", 2019: the share is ``mixing`` for a fresh update and falls
    with (1 + staleness) ** -``exponent``; an update of more than ``max_staleness`` is dropped (None: none is). Updates that
    come while the server merges wait, and enter one by one. When turns begin and what happens at the end is told in
    ``keep_merging``.
    """

    def merge(updates: Sequence[Update]) -> ServerStep:
        (update,) = updates
        return scheme.merge(updates, Blend(kind="mix", rate=mixing * staleness_weight(update.staleness, exponent)))

    return keep_merging(world, scheme, plan, concurrency=concurrency, n_updates=1, merge=merge, max_staleness=max_staleness)
