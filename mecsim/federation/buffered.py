"""The buffered asynchronous protocol (FedBuff): the server merges the differences of every K updates."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import simpy

from mecsim.federation.continuous import keep_merging, staleness_weight
from mecsim.federation.contract import Blend, Scheme, ServerStep, Update
from mecsim.federation.rounds import Plan
from mecsim.nodes.world import World


def run_buffered(
    world: World,
    scheme: Scheme,
    plan: Plan,
    *,
    buffer_size: int,
    concurrency: int,
    exponent: float = 0.5,
    server_rate: float = 1.0,
) -> Generator[simpy.Event, Any, None]:
    """Keep ``concurrency`` devices at work, and add ``buffer_size`` differences at a time to the state.

    Nguyen et al., "Federated learning with buffered asynchronous aggregation", AISTATS 2022: each difference to the state
    that its training began from counts (1 + staleness) ** -``exponent``, and their mean ``server_rate``. When turns begin and
    what happens at the end is told in ``keep_merging``.
    """

    def merge(updates: Sequence[Update]) -> ServerStep:
        weighed = [replace(update, weight=staleness_weight(update.staleness, exponent)) for update in updates]
        return scheme.merge(weighed, Blend(kind="deltas", rate=server_rate))

    return keep_merging(world, scheme, plan, concurrency=concurrency, n_updates=buffer_size, merge=merge)
