"""Writes docs/validation.md, the oracles beside what mecsim computes; ``make validation`` runs it."""

import math
import sys
from pathlib import Path

from oracles.oracle import Oracle, all_oracles

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"

INTRODUCTION = """\
# What mecsim computes, beside what is known

Each row sets a number that was published, or that follows from a closed form, beside what mecsim computes now. It is met if the
two differ by no more than the tolerance, which is in the row's unit; "exact" is equality to the last bit, and what is simulated
has three standard errors of its simulation. Every row is a test too (`tests/test_oracles.py`); `make validation` computes them
all and writes this page. Which published orderings of schemes hold here is another question: see [orderings](orderings.md).
"""

# In the order of the page; groups that are not named here follow those that are.
HEADINGS = {
    "path loss": "From station to device, with antennas at the environment's own height and the device's at 1.5 m.",
    "line of sight": "Its probability, over the distance along the ground.",
    "walls": "What a building takes from a signal.",
    "shadowing": "The random field of clause 7.4.4, and what it gives the paths of a fleet.",
    "fading": "Capacities are means over the fading; gains are power gains.",
    "noise": "Thermal noise before the receiver's own.",
    "antennas and power": "Directions, and how loud a device speaks.",
    "modulation and coding": "The modulation and coding schemes of NR.",
    "link adaptation": "From signal-to-noise ratio to efficiency: the channel qualities of NR, attenuated Shannon, repetition.",
    "carrier": "Resource blocks, peak rates, and the shares of a TDD pattern.",
    "sharing": "When flows end that share a cell, and what choosing among fading flows gains.",
    "queueing": "Random arrivals at a link, each of which would take 1 s on average if it were alone; simulated.",
    "transport": "What lies between a payload and the radio.",
    "mobility": "Devices that move, simulated.",
    "handover": "When a device reports a better neighbour.",
    "availability": "Who can take part when, simulated.",
    "faults": "What breaks how often, simulated.",
    "devices": "Powers, times and batteries.",
    "radio power": "What a device's radio draws while it carries data, above the idle phone.",
    "stations": "What a station draws when it sends as loud as it can.",
    "balances": "What goes in comes out.",
    "a whole network": "A coarse check of everything at once: 20 sites of three sectors that all send all the time.\n"
    "The ranges are those that such studies usually report; they could not be checked in one source.",
}
COLUMNS = ("quantity", "source", "expected", "tolerance", "mecsim", "verdict")

_MOST_DIGITS = 7
_MOST_DIGITS_EXACT = 10


def figure(value: float, tolerance: float) -> str:
    """Return ``value`` to two digits beyond those that ``tolerance`` is about: seven digits at most, ten of an exact one."""
    if tolerance == 0.0 or not math.isfinite(value):
        return _plain(f"{value:.{_MOST_DIGITS_EXACT}g}")
    n_beyond = 3 - math.floor(math.log10(tolerance))
    n_digits = n_beyond + math.floor(math.log10(abs(value))) if value else 1
    # Of what is far below the tolerance, nothing is left.
    return _plain(f"{value:.{min(n_digits, _MOST_DIGITS)}g}") if n_digits >= 1 else "0"


def stated(oracle: Oracle) -> list[str]:
    """Return the cells of a row that are known without computing anything."""
    expected = _plain(f"{oracle.expected:.{_MOST_DIGITS if oracle.tolerance else _MOST_DIGITS_EXACT}g}")
    tolerance = _plain(f"{oracle.tolerance:.3g}") if oracle.tolerance else "exact"
    return [oracle.name, oracle.source, f"{expected} {oracle.unit}".rstrip(), tolerance]


def row(oracle: Oracle, found: float) -> list[str]:
    """Return all cells of a row."""
    return [*stated(oracle), figure(found, oracle.tolerance), "met" if oracle.holds(found) else "**missed**"]


def grouped(oracles: list[Oracle]) -> dict[str, list[Oracle]]:
    """Return the oracles by group, in the order of the page."""
    groups = list(dict.fromkeys([*HEADINGS, *(oracle.group for oracle in oracles)]))
    by_group = {group: [oracle for oracle in oracles if oracle.group == group] for group in groups}
    return {group: members for group, members in by_group.items() if members}


def page(oracles: list[Oracle], found: dict[tuple[str, str], float]) -> str:
    """Return the page; ``found`` has what mecsim computes by group and name."""
    parts = [INTRODUCTION]
    for group, members in grouped(oracles).items():
        table = [list(COLUMNS), ["---"] * len(COLUMNS), *(row(oracle, found[group, oracle.name]) for oracle in members)]
        lines = [f"| {' | '.join(cells)} |" for cells in table]
        parts.append("\n".join([f"## {group[0].upper()}{group[1:]}", "", HEADINGS.get(group, ""), "", *lines, ""]))
    return "\n".join(parts)


def main() -> int:
    oracles = all_oracles()
    found = {(oracle.group, oracle.name): oracle.compute() for oracle in oracles}
    PAGE.write_text(page(oracles, found), encoding="utf-8")
    n_missed = sum(not oracle.holds(found[oracle.group, oracle.name]) for oracle in oracles)
    sys.stdout.write(f"{PAGE.name}: {len(oracles)} numbers, {n_missed} missed\n")
    return 1 if n_missed else 0


def _plain(number: str) -> str:
    """Write 1e-09 as 1e-9."""
    return number.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


if __name__ == "__main__":
    sys.exit(main())
