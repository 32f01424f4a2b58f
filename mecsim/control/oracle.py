"""Exhaustive search over whole trials: what could be decided in each round, in every combination."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product

from mecsim.control.policy import Assignment, Decision, Script
from mecsim.errors import MecsimError
from mecsim.knobs import Settings


def joint_decisions(
    n_devices: int, n_asked: int, settings: Sequence[Settings], bandwidths: Sequence[float] = (1.0,)
) -> Iterator[Decision]:
    """Yield every decision in which 1 to ``n_asked`` devices take part, each with any of the settings and of the weights.

    Fewer devices come before more, lower before higher, earlier settings before later ones, the first weight first.
    """
    ways = list(product(settings, bandwidths))
    for n in range(1, min(n_asked, n_devices) + 1):
        for devices in combinations(range(n_devices), n):
            for chosen in product(ways, repeat=n):
                yield Decision(
                    tuple(
                        Assignment(device=device, settings=how, bandwidth=weight)
                        for device, (how, weight) in zip(devices, chosen, strict=True)
                    )
                )


def n_joint_decisions(n_devices: int, n_asked: int, n_ways: int) -> int:
    """Return how many ``joint_decisions`` there are, where each device can take part in ``n_ways``."""
    return sum(math.comb(n_devices, n) * n_ways**n for n in range(1, min(n_asked, n_devices) + 1))


def check_number_of_scripts(n_decisions: int, n_rounds: int, limit: int) -> None:
    """Raise a MecsimError where ``n_decisions`` in each of ``n_rounds`` are more scripts than ``limit``."""
    # Not counted out where the number itself would fill the page.
    many = n_rounds * math.log10(n_decisions) > 15.0
    if many or n_decisions**n_rounds > limit:
        count = f"about 1e{n_rounds * math.log10(n_decisions):.0f}" if many else f"{n_decisions**n_rounds:,}"
        raise MecsimError(
            f"the oracle would rehearse {count} scripts ({n_decisions:,} decisions in each of {n_rounds} rounds), and "
            f"max_scripts is {limit:,}. Take fewer devices, choices or rounds, or raise max_scripts"
        )


def best_script(decisions: Sequence[Decision], n_rounds: int, rehearse: Callable[[Script], float]) -> tuple[Script, float]:
    """Return the script of least cost and its cost, of all that ``n_rounds`` decisions make; of equal ones, the first.

    Scripts come in the order of their first round's decision, then their second's. What is not a number is no cost.
    """
    best: tuple[Script, float] | None = None
    for script in product(decisions, repeat=n_rounds):
        cost = rehearse(script)
        if not math.isnan(cost) and (best is None or cost < best[1]):
            best = script, cost
    if best is None:
        raise ValueError("there is no script that has a cost")
    return best
