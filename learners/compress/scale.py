"""Carry a compression from one depth to another, so that a small model trains what a large one is accounted for. No torch."""

from collections.abc import Mapping
from typing import Any

from learners.compress.rules import checked
from mecsim.errors import JobError


def scaled(compression: Mapping[str, Any], n_layers_from: int, n_layers_to: int) -> dict[str, Any]:
    """Return ``compression``, which fits ``n_layers_from`` blocks, for a model of ``n_layers_to``; shares stay as they are.

    "bottom" and "top" grow in proportion (rounded half up), stay at least 1 where they were, and leave a middle block: the
    larger gives way, top at ties. "retained" keeps each block's distance from its nearer end, as "the first and the last" does.
    """
    plan = checked(compression, n_layers_from)
    if n_layers_to == n_layers_from:
        return plan
    if "retained" in plan:
        plan["retained"] = [_from_nearer_end(index % n_layers_from, n_layers_from) for index in plan["retained"]]
    if "bottom" in plan:
        plan["bottom"], plan["top"] = _ends(plan["bottom"], plan["top"], n_layers_from, n_layers_to)
    return checked(plan, n_layers_to)


def _from_nearer_end(index: int, n_layers: int) -> int:
    return index if 2 * index < n_layers else index - n_layers


def _ends(bottom: int, top: int, n_from: int, n_to: int) -> tuple[int, int]:
    least = (min(bottom, 1), min(top, 1))
    if sum(least) >= n_to:
        raise JobError(
            f"bottom {bottom} and top {top} of {n_from} blocks have no counterpart in a model of {n_to}: "
            f"at least {sum(least) + 1} blocks are needed"
        )
    low, high = (
        max(floor, (2 * count * n_to + n_from) // (2 * n_from)) for floor, count in zip(least, (bottom, top), strict=True)
    )
    while low + high >= n_to:
        low, high = (low - 1, high) if low > high else (low, high - 1)
    return low, high
