"""A link as a queue: Poisson arrivals, sizes of any law, and what theory says about the time that they take."""

import math
from dataclasses import dataclass

import numpy as np
import simpy


@dataclass(frozen=True)
class Visits:
    """What n customers saw: how many there were as each came, their seconds in the link (NaN: turned away) and alone."""

    found: np.ndarray
    sojourn_s: np.ndarray
    alone_s: np.ndarray


def visit(make, gaps_s, alone_s, *, n_places=math.inf, warm_up=0, **options):
    """Send customers over ``make(env)``, on which a bit takes a second; who finds ``n_places`` others is turned away.

    The first ``warm_up`` customers are left out of what is returned.
    """
    env = simpy.Environment()
    link = make(env)
    found, sojourn_s = np.zeros(len(gaps_s), dtype=int), np.full(len(gaps_s), math.nan)
    n_inside = 0

    def leave(number, start_s):
        nonlocal n_inside
        n_inside -= 1
        sojourn_s[number] = env.now - start_s

    def arrivals():
        nonlocal n_inside
        for number, (gap_s, bits) in enumerate(zip(gaps_s.tolist(), alone_s.tolist(), strict=True)):
            yield env.timeout(gap_s)
            found[number] = n_inside
            if n_inside < n_places:
                n_inside += 1
                flow = link.start(bits, 1.0, **options)
                flow.done.callbacks.append(lambda _, number=number, start_s=env.now: leave(number, start_s))

    env.process(arrivals())
    env.run()
    return Visits(found[warm_up:], sojourn_s[warm_up:], alone_s[warm_up:])


def poisson(load, n, generator, law):
    """Return gaps and sizes of ``n`` customers; sizes are "fixed", "exponential" or "hyperexponential", all with mean 1."""
    gaps_s = generator.exponential(1.0 / load, n)
    match law:
        case "fixed":
            return gaps_s, np.ones(n)
        case "exponential":
            return gaps_s, generator.exponential(1.0, n)
        case "hyperexponential":  # mean 1/3 with probability 3/4, mean 3 else: E[S^2] = 2 (3/4 / 9 + 9/4) = 14/3
            return gaps_s, np.where(generator.random(n) < 0.75, 1 / 3, 3.0) * generator.exponential(1.0, n)
    raise ValueError(law)


SECOND_MOMENT = {"fixed": 1.0, "exponential": 2.0, "hyperexponential": 14 / 3}


def processor_sharing_s(load):
    """Mean time in the system, E[S] / (1 - rho) whatever the law of sizes (Kleinrock, Queueing Systems, vol. 2, ch. 4)."""
    return 1.0 / (1.0 - load)


def first_come_s(load, law):
    """Mean time in the system of M/G/1: E[S] + lambda E[S^2] / (2 (1 - rho)), after Pollaczek and Khinchine."""
    return 1.0 + load * SECOND_MOMENT[law] / (2.0 * (1.0 - load))


def erlang_b(offered, n_servers):
    """Probability that all servers are busy where who finds them so is turned away; by the usual recursion."""
    blocked = 1.0
    for n in range(1, n_servers + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked


def erlang_c(offered, n_servers):
    """Probability of having to wait where nobody is turned away."""
    blocked = erlang_b(offered, n_servers)
    return n_servers * blocked / (n_servers - offered * (1.0 - blocked))
