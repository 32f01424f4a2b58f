"""Links against queueing theory, with intervals over replications and proof that another discipline would be found out."""

import math
from functools import partial

import numpy as np
import pytest
from queueing import erlang_b, erlang_c, first_come_s, poisson, processor_sharing_s, visit

from mecsim.radio.planned_link import make_link

T_999_19 = 3.883  # two-sided 99.9 % of Student's t with 19 degrees of freedom


def means_s(load, law, *, n, kind="equal", max_flows=None, n_runs=20):
    """Return the mean time in the link of each replication."""
    runs = (
        visit(
            partial(make_link, kind=kind, max_flows=max_flows),
            *poisson(load, n, np.random.default_rng(seed), law),
            warm_up=n // 8,
        )
        for seed in range(n_runs)
    )
    return np.array([run.sojourn_s.mean() for run in runs])


def half_width(means):
    return T_999_19 * np.std(means, ddof=1) / math.sqrt(len(means))


@pytest.mark.parametrize(("load", "law", "n"), [(0.3, "fixed", 1_000), (0.6, "fixed", 1_500), (0.6, "hyperexponential", 2_500)])
def test_equal_shares_are_processor_sharing_whatever_the_law_of_sizes(load, law, n):
    """Fixed and hyperexponential sizes on purpose: with exponential ones, first come first served has the same mean."""
    means = means_s(load, law, n=n)
    assert abs(means.mean() - processor_sharing_s(load)) < half_width(means)
    assert half_width(means) < abs(first_come_s(load, law) - processor_sharing_s(load)) / 2.0  # the two can be told apart


@pytest.mark.parametrize(("law", "n"), [("fixed", 1_000), ("hyperexponential", 4_000)])
def test_one_place_is_first_come_first_served(law, n):
    means = means_s(0.5, law, n=n, max_flows=1)
    assert abs(means.mean() - first_come_s(0.5, law)) < half_width(means)
    assert half_width(means) < abs(first_come_s(0.5, law) - processor_sharing_s(0.5)) / 2.0


def test_with_processor_sharing_time_is_in_proportion_to_size():
    """E[T | x] = x / (1 - rho). First come first served adds the same wait to all sizes: 7/3 s at load 0.5."""
    slopes = []
    for seed in range(20):
        gaps_s, alone_s = poisson(0.5, 2_500, np.random.default_rng(seed), "hyperexponential")
        run = visit(partial(make_link, kind="equal"), gaps_s, alone_s, warm_up=300)
        small = run.alone_s < 0.5
        slopes.append(run.sojourn_s[small].sum() / run.alone_s[small].sum())
    assert abs(np.mean(slopes) - 2.0) < half_width(slopes)
    assert half_width(slopes) < 0.2  # with first come first served it would be above 5


def test_the_number_that_an_arrival_finds_is_geometric():
    """P(n) = (1 - rho) rho^n for equal shares and any law of sizes; a queue of fixed sizes would have 0.324 for P(1)."""
    runs = [
        visit(partial(make_link, kind="equal"), *poisson(0.5, 1_500, np.random.default_rng(seed), "fixed"), warm_up=200).found
        for seed in range(20)
    ]
    for n in range(3):
        parts = [np.mean(found == n) for found in runs]
        assert abs(np.mean(parts) - 0.5 ** (n + 1)) < half_width(parts)
        assert n != 1 or half_width(parts) < (0.324 - 0.25) / 2


def servers(n_servers, env):
    """A link that is ``n_servers`` servers of rate 1 / ``n_servers``: nobody is faster alone, and no more have a place."""
    return make_link(env, "equal", caps=True, max_flows=n_servers)


def test_capped_flows_with_n_places_wait_as_the_calls_of_erlang():
    """M/M/4 at 3 erlangs: 0.5094 wait. Without the cap one flow would have the whole link, and one place a single queue."""
    parts = []
    for seed in range(20):
        gaps_s, alone_s = poisson(3.0 / 4.0, 600, np.random.default_rng(seed), "exponential")
        parts.append(np.mean(visit(partial(servers, 4), gaps_s, alone_s, warm_up=60, cap_bps=0.25).found >= 4))
    assert abs(np.mean(parts) - erlang_c(3.0, 4)) < half_width(parts)
    assert half_width(parts) < (erlang_c(3.0, 4) - 0.75**4) / 2.0  # 0.316 of M/M/1, whatever has a place in it


def test_calls_that_find_no_place_are_lost_as_erlang_says():
    """M/M/4/4 at 3 erlangs loses 0.2061; sharing one link in place of four servers would lose 0.1037 (M/M/1/4)."""
    parts = []
    for seed in range(20):
        gaps_s, alone_s = poisson(3.0 / 4.0, 600, np.random.default_rng(seed), "exponential")
        run = visit(partial(servers, 4), gaps_s, alone_s, warm_up=60, n_places=4, cap_bps=0.25)
        parts.append(np.isnan(run.sojourn_s).mean())
    assert abs(np.mean(parts) - erlang_b(3.0, 4)) < half_width(parts)
    assert half_width(parts) < (erlang_b(3.0, 4) - 0.1037) / 2.0
