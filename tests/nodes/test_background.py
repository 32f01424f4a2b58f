import math

import numpy as np
import pytest
import simpy

from mecsim.nodes.background import OWNER, BackgroundTraffic, run_background
from mecsim.radio.planned_link import make_link
from mecsim.rng import Streams


def traffic(**changes):
    return BackgroundTraffic(**{"arrivals_per_s": 2.0, "size_law": "fixed", "mean_bytes": 1e3, **changes})


def run(settings, *, until_s, seed=1, rates_bps=(1e6, 2e6), kind="equal"):
    """Let background traffic run alone; return the link and the log."""
    env, log = simpy.Environment(), []
    link = make_link(env, kind)
    env.process(run_background(env, link, settings, rates_bps, Streams(seed).get("background", "cell-0"), log))
    env.run(until=until_s)
    return link, log


class Scripted:
    """A generator that draws what it is told, and then nothing for a very long time."""

    def __init__(self, *draws):
        self._draws = [*draws, (1.0 - 1e-16, 0.0, 0.0)]

    def random(self, n):
        return self._draws.pop(0)


def test_a_flow_meets_background_traffic():
    # 8 bit/s. A has 64 bits and starts at t=0. One background transfer of 2 bytes comes at t=2 (A: 48 left): both at 4 bit/s,
    # it ends at t=6 (A: 32 left). Another at t=7 (A: 24 left), of 1 byte, to t=9 (A: 16 left). A ends at t=11 and not at t=8.
    env, log = simpy.Environment(), []
    link = make_link(env, "equal")
    settings = BackgroundTraffic(arrivals_per_s=1.0, size_law="exponential", mean_bytes=1.0)
    gaps, sizes = (2.0, 5.0), (2.0, 1.0)
    draws = [(1.0 - math.exp(-gap), 1.0 - math.exp(-size), 0.5) for gap, size in zip(gaps, sizes, strict=True)]
    env.process(run_background(env, link, settings, [8.0], Scripted(*draws), log))
    own = link.start(64.0, 8.0)
    env.run(until=own.done)
    assert env.now == pytest.approx(11.0)
    assert [start_s for start_s, _ in log] == pytest.approx([2.0, 7.0])
    assert [flow.bits for _, flow in log] == pytest.approx([16.0, 8.0])
    assert all(flow.owner == OWNER for _, flow in log)


def test_arrivals_are_poisson():
    # 2 a second for 5,000 s: 10,000 +- 100, and the index of dispersion of counts in 1 s bins is 1 +- sqrt(2 / 5,000). Evenly
    # spaced arrivals would have 0, arrivals in pairs 2.
    _, log = run(traffic(), until_s=5_000.0)
    starts_s = np.array([start_s for start_s, _ in log])
    assert abs(len(starts_s) - 10_000) < 3.3 * 100
    counts = np.histogram(starts_s, bins=5_000, range=(0.0, 5_000.0))[0]
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(1.0, abs=3.3 * math.sqrt(2 / 5_000))


def test_rates_are_drawn_with_equal_probability():
    _, log = run(traffic(), until_s=2_000.0, rates_bps=(1e6, 2e6, 4e6))
    rates_bps = np.array([flow.full_rate_bps for _, flow in log])
    assert set(rates_bps) == {1e6, 2e6, 4e6}
    for rate_bps in (1e6, 2e6, 4e6):
        assert (rates_bps == rate_bps).mean() == pytest.approx(1 / 3, abs=3.3 * math.sqrt(2 / 9 / len(rates_bps)))


@pytest.mark.parametrize("law", ["fixed", "exponential", "pareto"])
def test_every_law_of_sizes_has_the_mean_that_was_asked_for(law):
    # The mean is the integral of the quantiles. A shape of 3 has a tail that a midpoint sum can still follow.
    uniform = (np.arange(200_000) + 0.5) / 200_000
    sizes = traffic(size_law=law, mean_bytes=5e4, pareto_shape=3.0).size_bytes(uniform)
    assert sizes.mean() == pytest.approx(5e4, rel=1e-3)


def test_quantiles_of_a_pareto_law():
    # Shape 1.5 and mean 300: least size 100, and P(size > x) = (100 / x)^1.5, so an eighth is above 400.
    law = traffic(size_law="pareto", mean_bytes=300.0)
    assert law.size_bytes([0.0, 7 / 8]) == pytest.approx([100.0, 400.0])


def test_a_link_carries_the_load_that_was_announced():
    # 8,000 bits, half of them at 1 and half at 2 Mbit/s: 6 ms each on average; 50 a second make 0.3.
    settings = traffic(arrivals_per_s=50.0)
    assert settings.load([1e6, 2e6]) == pytest.approx(0.3)
    link, _ = run(settings, until_s=400.0)
    # The variance of the busy time of an M/G/1 queue grows by lambda E[S^2] a second.
    sigma = math.sqrt(50.0 * (8e-3**2 + 4e-3**2) / 2 / 400.0)
    assert link.busy_s / 400.0 == pytest.approx(0.3, abs=3.3 * sigma)


def test_another_law_of_sizes_moves_no_arrival_and_no_rate():
    logs = [run(traffic(size_law=law), until_s=50.0)[1] for law in ("fixed", "pareto")]
    assert [start_s for start_s, _ in logs[0]] == [start_s for start_s, _ in logs[1]]
    assert [flow.full_rate_bps for _, flow in logs[0]] == [flow.full_rate_bps for _, flow in logs[1]]
    assert [flow.bits for _, flow in logs[0]] != [flow.bits for _, flow in logs[1]]


def test_a_seed_gives_one_trace_and_another_seed_another():
    def trace(seed):
        return [(start_s, flow.bits) for start_s, flow in run(traffic(size_law="pareto"), until_s=20.0, seed=seed)[1]]

    assert trace(1) == trace(1)
    assert trace(1) != trace(2)


def test_the_weight_counts_where_shares_go_by_weights():
    _, log = run(traffic(weight=0.25), until_s=5.0, kind="weighted")
    assert {flow.weight for _, flow in log} == {0.25}


def test_no_arrivals_no_process():
    env = simpy.Environment()
    env.process(run_background(env, make_link(env, "equal"), traffic(arrivals_per_s=0.0), [1.0], np.random.default_rng(1)))
    env.run()
    assert env.now == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arrivals_per_s": -1.0}, "arrivals_per_s must be finite and not negative, got -1"),
        ({"mean_bytes": 0.0}, "mean_bytes must be finite and positive, got 0"),
        ({"size_law": "normal"}, "size_law must be fixed, pareto or exponential, got 'normal'"),
        ({"size_law": "pareto", "pareto_shape": 1.0}, "pareto_shape must be above 1 for the sizes to have a mean, got 1"),
        ({"weight": 0.0}, "weight must be finite and positive, got 0"),
    ],
)
def test_senseless_traffic_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        traffic(**changes)


@pytest.mark.parametrize("rates_bps", [[], [1e6, 0.0], [math.nan]])
def test_senseless_rates_are_refused(rates_bps):
    with pytest.raises(ValueError, match="rates_bps must be a column of finite, positive rates"):
        run(traffic(), until_s=1.0, rates_bps=rates_bps)
