"""Sharing a cell: hand cases of the fluid model, and queueing theory that simulations of a link must meet."""

import functools
import math
from functools import partial

import numpy as np
from flow_stories import run_flows
from queueing import poisson, visit

from mecsim.radio.min_max import min_max_with_ready_times
from mecsim.radio.planned_link import make_link
from mecsim.radio.sharing import multi_user_gain
from oracles.oracle import Oracle

PS = "Kleinrock, Queueing Systems, vol. 2, ch. 4: M/G/1 with processor sharing"
FCFS = "Pollaczek-Khinchine: M/G/1, first come first served"
MM1 = "1 / (mu - lambda): M/M/1, whatever the order"
HAND = "fluid model, by hand"

MANY, FEWER = 100_000, 30_000
EXP = "exponential"


def end_s(kind, number, *flows):
    """Return the end of one of several flows of (start_s, bits, full_rate_bps)."""
    _, log = run_flows(partial(make_link, kind=kind), flows)
    return dict(log)[number]


@functools.cache
def single_link(law, n=MANY, max_flows=None):
    """Simulate ``n`` arrivals at a link of equal shares with a load of 0.5; the first tenth is left out."""
    gaps_s, alone_s = poisson(0.5, n, np.random.default_rng(4), law)
    return visit(partial(make_link, kind="equal", max_flows=max_flows), gaps_s, alone_s, warm_up=n // 10)


def ten_servers(offered, n, n_places=math.inf):
    """Simulate a link cut in ten by caps and places: ten servers, each with a tenth of it."""
    gaps_s, alone_s = poisson(offered / 10.0, n, np.random.default_rng(4), EXP)
    make = partial(make_link, kind="equal", caps=True, max_flows=10)
    return visit(make, gaps_s, alone_s, n_places=n_places, warm_up=n // 10, cap_bps=0.1)


def mean_s(*run):
    """Return the mean time in the link."""
    return float(single_link(*run).sojourn_s.mean())


def finds(n):
    """Return how often an arrival finds ``n`` others."""
    return float((single_link("fixed").found == n).mean())


def stretch(low_s, high_s):
    """Return the time in the link for a second of one's own, of customers in a range of sizes."""
    run = single_link("hyperexponential")
    chosen = (run.alone_s >= low_s) & (run.alone_s < high_s)
    return float(run.sojourn_s[chosen].sum() / run.alone_s[chosen].sum())


def waiting():
    """Return how often all ten servers are busy, where who finds them so waits."""
    return float((ten_servers(8.0, 12_000).found >= 10).mean())


def lost(offered, n):
    """Return how often all ten servers are busy, where who finds them so is turned away."""
    return float(np.isnan(ten_servers(offered, n, n_places=10).sojourn_s).mean())


HALF = ((0.0, 80.0, 10.0), (4.0, 80.0, 10.0))  # S/C = 8 s, the second after S/2C
PAIR = ((0.0, 10e6, 30e6), (0.0, 10e6, 10e6))

HAND_CASES = [
    Oracle(
        "sharing", "first of two equal flows, the second after S/2C", HAND, 12.0, 1e-12, lambda: end_s("equal", 0, *HALF), "s"
    ),
    Oracle("sharing", "second of two equal flows, after S/2C", HAND, 16.0, 1e-12, lambda: end_s("equal", 1, *HALF), "s"),
    Oracle(
        "sharing", "min-max, 10 Mb at 30 Mb/s with 10 Mb at 10", HAND, 4 / 3, 1e-12, lambda: end_s("min-max", 0, *PAIR), "s"
    ),
    Oracle(
        "sharing", "min-max, 10 Mb at 10 Mb/s with 10 Mb at 30", HAND, 4 / 3, 1e-12, lambda: end_s("min-max", 1, *PAIR), "s"
    ),
    Oracle(
        "sharing",
        "min-max, two of 1 s each, the second ready after 1.5 s",
        "1/T + 1/(T - 1.5) = 1",
        3.0,
        1e-12,
        lambda: min_max_with_ready_times([10.0, 10.0], [10.0, 10.0], [0.0, 1.5])[0],
        "s",
    ),
    *(
        Oracle(
            "sharing",
            f"mean of the best of {n} Rayleigh power gains",
            "harmonic number H_n",
            expected,
            5e-4,
            partial(multi_user_gain, n, maximum=math.inf),
        )
        for n, expected in ((1, 1.0), (2, 1.5), (4, 2.083), (10, 2.929))
    ),
]

# Each tolerance is three standard errors of its simulation, from the means of 60 (Erlang: 30) batches of customers.
SIMULATIONS = [
    *(
        Oracle("queueing", f"mean time, equal shares, load 0.5, {law} sizes", PS, 2.0, tolerance, partial(mean_s, law), "s")
        for law, tolerance in (("fixed", 0.037), ("exponential", 0.053), ("hyperexponential", 0.102))
    ),
    *(
        Oracle(
            "queueing",
            f"P({n} under way), equal shares, load 0.5, fixed sizes",
            PS,
            expected,
            tolerance,
            at,
        )
        for n, expected, tolerance, at in (
            (0, 0.5, 0.0067, partial(finds, 0)),
            (1, 0.25, 0.0038, partial(finds, 1)),
            (2, 0.125, 0.0033, partial(finds, 2)),
        )
    ),
    Oracle(
        "queueing", "stretch of sizes below half the mean, equal shares, load 0.5", PS, 2.0, 0.059, partial(stretch, 0.0, 0.5)
    ),
    Oracle(
        "queueing",
        "stretch of sizes above three means, equal shares, load 0.5",
        PS,
        2.0,
        0.090,
        partial(stretch, 3.0, math.inf),
    ),
    Oracle(
        "queueing", "mean time, one place, load 0.5, fixed sizes", FCFS, 1.5, 0.035, partial(mean_s, "fixed", FEWER, 1), "s"
    ),
    Oracle(
        "queueing", "mean time, one place, load 0.5, exponential sizes", MM1, 2.0, 0.106, partial(mean_s, EXP, FEWER, 1), "s"
    ),
    Oracle(
        "queueing", "mean time, three places, load 0.5, exponential sizes", MM1, 2.0, 0.111, partial(mean_s, EXP, FEWER, 3), "s"
    ),
    Oracle("queueing", "P(wait), 10 servers, 8 erlangs", "Erlang C", 0.409180, 0.059, waiting),
    Oracle(
        "queueing",
        "P(lost), 10 servers, 10 erlangs",
        "Erlang B",
        0.214582,
        0.031,
        partial(lost, 10.0, 8_000),
    ),
    Oracle(
        "queueing",
        "P(lost), 10 servers, 5 erlangs",
        "Erlang B",
        0.0183846,
        0.0065,
        partial(lost, 5.0, 12_000),
    ),
]

ORACLES = [*HAND_CASES, *SIMULATIONS]
