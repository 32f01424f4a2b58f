"""Links against the processor-sharing nodes of Ciw, customer by customer; skipped where Ciw is not installed."""

import math

import numpy as np
import pytest
from queueing import poisson, visit

from mecsim.radio.planned_link import make_link

ciw = pytest.importorskip("ciw", reason="compares with Ciw: pip install ciw")


def exits_by_ciw_s(gaps_s, alone_s, *, threshold, places):
    """Return when each customer leaves a Ciw node that shares only among more than ``threshold``, with so many places."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps_s.tolist(), 1e9])],
        service_distributions=[ciw.dists.Sequential(alone_s.tolist())],
        number_of_servers=[places],
        ps_thresholds=[threshold],
    )
    simulation = ciw.Simulation(network, node_class=ciw.PSNode)
    simulation.simulate_until_max_customers(len(gaps_s))
    records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
    return np.array([record.exit_date for record in records])


@pytest.mark.parametrize("kind", ["equal", "planned"])
@pytest.mark.parametrize(
    ("threshold", "places"),
    [(1, math.inf), (1, 3), (4, math.inf)],
    ids=["processor sharing", "with three places", "at full rate up to four"],
)
def test_every_customer_leaves_when_it_does_in_ciw(kind, threshold, places):
    """One in Ciw has rate 1 while there are no more than ``threshold``: on the link, a cap of that part of its full rate."""
    if kind == "equal" and threshold > 1:
        pytest.skip("the link by virtual time takes no caps")
    gaps_s, alone_s = poisson(0.8 * threshold, 400, np.random.default_rng(4), "hyperexponential")
    max_flows = None if math.isinf(places) else places
    options = {"cap_bps": 1.0 / threshold} if threshold > 1 else {}

    def make(env):
        return make_link(env, "equal", caps=kind == "planned", max_flows=max_flows)

    # The link carries a bit a second in all: its seconds are as much shorter as Ciw's node is faster.
    run = visit(make, gaps_s, alone_s / threshold, **options)
    expected_s = exits_by_ciw_s(gaps_s, alone_s, threshold=threshold, places=places)
    assert np.cumsum(gaps_s) + run.sojourn_s == pytest.approx(expected_s, rel=1e-9)
    assert run.found.max() > 4  # else nobody shared or waited


def test_the_mean_of_ciws_guide_to_processor_sharing():
    """Arrivals 4 and services 9 a second, exponential: 1 / (9 - 4) = 0.2 s in both, which see the same customers."""
    gaps_s, alone_s = poisson(4 / 9, 2_000, np.random.default_rng(5), "exponential")
    run = visit(lambda env: make_link(env, "equal"), gaps_s / 9.0, alone_s / 9.0)
    by_ciw_s = exits_by_ciw_s(gaps_s / 9.0, alone_s / 9.0, threshold=1, places=math.inf) - np.cumsum(gaps_s / 9.0)
    assert run.sojourn_s.mean() == pytest.approx(by_ciw_s.mean(), rel=1e-9)
    means_s = [part.mean() for part in np.array_split(run.sojourn_s, 20)]
    half_width_s = 3.883 * np.std(means_s, ddof=1) / math.sqrt(20)  # 99.9 %, t with 19 degrees of freedom
    assert abs(run.sojourn_s.mean() - 0.2) < half_width_s < 0.06
