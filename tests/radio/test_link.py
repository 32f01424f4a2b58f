import math

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.radio.link import SharedLink

T_999_19 = 3.883  # two-sided 99.9 % of Student's t with 19 degrees of freedom


def run_transfers(transfers):
    """Run (start_s, bits, full_rate_bps) over one link; return the link and the log of (index, end_s) as they end."""
    env = simpy.Environment()
    link, log = SharedLink(env), []

    def one(index, start_s, bits, full_rate_bps):
        yield env.timeout(start_s)
        yield link.transfer(bits, full_rate_bps)
        log.append((index, env.now))

    for index, transfer in enumerate(transfers):
        env.process(one(index, *transfer))
    env.run()
    return link, log


def naive_ends_s(transfers):
    """Reference: step from arrival to departure, taking airtime off every active transfer at every step."""
    waiting = sorted(range(len(transfers)), key=lambda i: (transfers[i][0], i))
    airtime_s = {i: bits / full_rate_bps for i, (_, bits, full_rate_bps) in enumerate(transfers)}
    active, ends_s, now_s = [], {}, 0.0
    while waiting or active:
        arrival_s = transfers[waiting[0]][0] if waiting else math.inf
        departure_s = now_s + min((airtime_s[i] for i in active), default=math.inf) * len(active) if active else math.inf
        next_s = min(arrival_s, departure_s)
        for i in active:
            airtime_s[i] -= (next_s - now_s) / len(active)
        now_s = next_s
        if departure_s <= arrival_s:
            first = min(active, key=airtime_s.__getitem__)
            active.remove(first)
            ends_s[first] = now_s
        else:
            active.append(waiting.pop(0))
    return ends_s


def test_two_equal_transfers_the_second_half_way():
    # S = 80 bits, C = 10 bit/s, S/C = 8 s. A alone has half of its bits by t=4, when B comes. Both at 5 bit/s: A needs
    # 8 s more, to t=12 = 1.5 S/C. Then B has 40 bits left, alone at 10 bit/s: 4 s, to t=16 = 2 S/C.
    _, log = run_transfers([(0.0, 80.0, 10.0), (4.0, 80.0, 10.0)])
    assert log == [(0, pytest.approx(12.0)), (1, pytest.approx(16.0))]


def test_transfers_of_different_full_rates():
    # A: 60 bits, 10 bit/s alone. B at t=2: 40 bits, 40 bit/s alone. By t=2 A has 20. Sharing, A gets 5 and B 20 bit/s:
    # B ends at t=4, when A has 30. C at t=5: 2 bits, 1 bit/s alone; A has 40. Sharing, A gets 5 and C 0.5 bit/s: both
    # would take 4 s, so both end at t=9, in the order of arrival.
    _, log = run_transfers([(0.0, 60.0, 10.0), (2.0, 40.0, 40.0), (5.0, 2.0, 1.0)])
    assert log == [(1, pytest.approx(4.0)), (0, pytest.approx(9.0)), (2, pytest.approx(9.0))]


def test_counters_in_mid_transfer():
    # A: 80 bits at 10 bit/s from t=0; B: 30 bits at 20 bit/s from t=4. At t=3 A has 30. From t=4 A gets 5 and B 10 bit/s:
    # at t=6 A has 50 and B 20. B ends at t=7 (A: 55), A at t=9.5. Idle from there to t=20.
    env = simpy.Environment()
    link = SharedLink(env)
    link.transfer(80.0, 10.0)
    env.run(until=3.0)
    assert (link.n_active, link.busy_s, link.delivered_bits) == (1, 3.0, pytest.approx(30.0))
    env.run(until=4.0)
    link.transfer(30.0, 20.0)
    assert (link.n_active, link.delivered_bits) == (2, pytest.approx(40.0))
    env.run(until=6.0)
    assert (link.n_active, link.busy_s, link.delivered_bits) == (2, 6.0, pytest.approx(70.0))
    assert link.delivered_bits == pytest.approx(70.0)  # reading changes nothing
    env.run(until=8.0)
    assert (link.n_active, link.delivered_bits) == (1, pytest.approx(95.0))
    env.run(until=20.0)
    assert (link.n_active, link.busy_s, link.delivered_bits) == (0, pytest.approx(9.5), 110.0)


def test_the_link_idles_between_transfers():
    link, log = run_transfers([(0.0, 10.0, 10.0), (5.0, 10.0, 10.0)])
    assert log == [(0, 1.0), (1, 6.0)]
    assert link.busy_s == pytest.approx(2.0)


def test_no_bits_end_at_once_and_leave_no_trace():
    link, log = run_transfers([(3.0, 0.0, 10.0)])
    assert log == [(0, 3.0)]
    assert (link.busy_s, link.delivered_bits, link.n_active) == (0.0, 0.0, 0)


def test_transfers_that_end_together_are_reported_in_order_of_arrival():
    _, log = run_transfers([(0.0, 30.0, 10.0), (0.0, 15.0, 5.0), (0.0, 3.0, 1.0), (0.0, 30.0, 10.0)])
    assert log == [(0, 12.0), (1, 12.0), (2, 12.0), (3, 12.0)]


def test_an_arrival_at_the_instant_of_a_departure_delays_nobody():
    _, log = run_transfers([(0.0, 40.0, 10.0), (4.0, 10.0, 10.0)])
    assert log == [(0, 4.0), (1, 5.0)]


def test_transfers_too_short_for_the_clock_still_end():
    # At t=1e9 s the clock ticks in steps of 1.2e-7 s; five of these transfers take 1e-10 s of airtime each, while the first
    # to come has had 1e9 s of its 2e9 s.
    _, log = run_transfers([(0.0, 2.0, 1e-9)] + [(1e9, 1e-3, 1e7)] * 5)
    assert log == [(1, 1e9), (2, 1e9), (3, 1e9), (4, 1e9), (5, 1e9), (0, pytest.approx(2e9))]


def test_a_long_past_does_not_blur_short_transfers():
    # Idle for a second after 1e9 s of airtime. Then 1e-4 and 5e-4 s of airtime together: ends after 2e-4 and 6e-4 s.
    _, log = run_transfers([(0.0, 1e9, 1.0), (1e9 + 1.0, 1e-4, 1.0), (1e9 + 1.0, 5e-4, 1.0)])
    assert [(index, end_s - 1e9) for index, end_s in log] == [
        (0, 0.0),
        (1, pytest.approx(1.0002, abs=1e-6)),
        (2, pytest.approx(1.0006, abs=1e-6)),
    ]


def test_rounding_does_not_part_transfers_that_end_together():
    # A: 0.8 s of airtime from t=0. B: 0.7 s from t=0.1, when A has 0.7 s left: both end at t=1.5. In floating point
    # 0.1 + 0.7 < 0.8, which must not let B go first.
    _, log = run_transfers([(0.0, 0.8, 1.0), (0.1, 0.7, 1.0)])
    assert log == [(0, pytest.approx(1.5)), (1, pytest.approx(1.5))]
    assert log[0][1] == log[1][1]


@pytest.mark.parametrize(
    ("bits", "full_rate_bps", "message"),
    [
        (-1.0, 10.0, "bits must be finite and not negative, got -1"),
        (math.nan, 10.0, "bits must be finite and not negative, got nan"),
        (1.0, 0.0, "full_rate_bps must be finite and positive, got 0"),
        (0.0, -5.0, "full_rate_bps must be finite and positive, got -5"),
        (1.0, math.inf, "full_rate_bps must be finite and positive, got inf"),
    ],
)
def test_senseless_transfers_are_refused(bits, full_rate_bps, message):
    with pytest.raises(ValueError, match=message):
        SharedLink(simpy.Environment()).transfer(bits, full_rate_bps)


STARTS = st.floats(0.0, 100.0)
BITS = st.floats(1.0, 1e6)
RATES = st.floats(1e2, 1e5)


@given(transfers=st.lists(st.tuples(STARTS, BITS, RATES), min_size=1, max_size=25))
@settings(deadline=None, max_examples=80)
def test_ends_agree_with_the_naive_reference_and_bits_are_conserved(transfers):
    link, log = run_transfers(transfers)
    expected = naive_ends_s(transfers)
    assert len(log) == len(transfers)
    for index, end_s in log:
        assert end_s == pytest.approx(expected[index], rel=1e-9)
    assert link.delivered_bits == pytest.approx(sum(bits for _, bits, _ in transfers), rel=1e-12)
    assert link.busy_s == pytest.approx(sum(bits / full_rate_bps for _, bits, full_rate_bps in transfers), rel=1e-9)


@given(transfers=st.lists(st.tuples(st.just(0.0), BITS, RATES), min_size=1, max_size=25))
@settings(deadline=None, max_examples=40)
def test_a_link_that_never_idles_is_busy_to_the_end(transfers):
    link, log = run_transfers(transfers)
    airtime_s = sum(bits / full_rate_bps for _, bits, full_rate_bps in transfers)
    assert link.busy_s == pytest.approx(airtime_s, rel=1e-9)
    assert log[-1][1] == pytest.approx(airtime_s, rel=1e-9)


def mean_sojourn_s(load, *, n_transfers, n_warm_up, seed):
    """Poisson arrivals of transfers that take 1 s alone; return the mean time in the link after the warm-up."""
    env = simpy.Environment()
    link, sojourns_s = SharedLink(env), np.zeros(n_transfers)
    gaps_s = np.random.default_rng(seed).exponential(1.0 / load, n_transfers).tolist()

    def leave(index, start_s):
        sojourns_s[index] = env.now - start_s

    def arrivals():
        for index, gap_s in enumerate(gaps_s):
            yield env.timeout(gap_s)
            done = link.transfer(1.0, 1.0)
            done.callbacks.append(lambda _, index=index, start_s=env.now: leave(index, start_s))

    env.process(arrivals())
    env.run()
    return sojourns_s[n_warm_up:].mean()


@pytest.mark.parametrize(("load", "n_transfers"), [(0.3, 1500), (0.6, 2000), (0.8, 4000)])
def test_sojourn_is_that_of_m_d_1_processor_sharing(load, n_transfers):
    """The mean sojourn is E[S] / (1 - rho) whatever the law of the sizes (Kleinrock, Queueing Systems, vol. 2, ch. 4).

    Sizes are fixed on purpose: with exponential ones, first-come-first-served has the same mean.
    """
    means = [mean_sojourn_s(load, n_transfers=n_transfers, n_warm_up=400, seed=seed) for seed in range(20)]
    expected, fifo = 1.0 / (1.0 - load), 1.0 + load / (2.0 * (1.0 - load))
    half_width = T_999_19 * np.std(means, ddof=1) / math.sqrt(len(means))
    assert abs(np.mean(means) - expected) < half_width
    assert half_width < (expected - fifo) / 2.0  # tight enough to tell the two disciplines apart
