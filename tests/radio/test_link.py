import math

import pytest
import simpy
from flow_stories import EQUAL_LINKS, play, run_flows
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.radio.link import EqualLink
from mecsim.radio.planned_link import make_link


@pytest.fixture(params=EQUAL_LINKS.values(), ids=EQUAL_LINKS)
def make(request):
    return request.param


def naive_ends_s(flows):
    """Reference: step from arrival to departure, taking airtime off every active flow at every step."""
    waiting = sorted(range(len(flows)), key=lambda i: (flows[i][0], i))
    airtime_s = {i: bits / full_rate_bps for i, (_, bits, full_rate_bps) in enumerate(flows)}
    active, ends_s, now_s = [], {}, 0.0
    while waiting or active:
        arrival_s = flows[waiting[0]][0] if waiting else math.inf
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


def test_two_equal_flows_the_second_half_way(make):
    # S = 80 bits, C = 10 bit/s, S/C = 8 s. A alone has half of its bits by t=4, when B comes. Both at 5 bit/s: A needs
    # 8 s more, to t=12 = 1.5 S/C. Then B has 40 bits left, alone at 10 bit/s: 4 s, to t=16 = 2 S/C.
    _, log = run_flows(make, [(0.0, 80.0, 10.0), (4.0, 80.0, 10.0)])
    assert log == [(0, pytest.approx(12.0)), (1, pytest.approx(16.0))]


def test_flows_of_different_full_rates(make):
    # A: 60 bits, 10 bit/s alone. B at t=2: 40 bits, 40 bit/s alone. By t=2 A has 20. Sharing, A gets 5 and B 20 bit/s:
    # B ends at t=4, when A has 30. C at t=5: 2 bits, 1 bit/s alone; A has 40. Sharing, A gets 5 and C 0.5 bit/s: both
    # have what they need at t=9.
    _, log = run_flows(make, [(0.0, 60.0, 10.0), (2.0, 40.0, 40.0), (5.0, 2.0, 1.0)])
    assert log == [(1, pytest.approx(4.0)), (0, pytest.approx(9.0)), (2, pytest.approx(9.0))]


def test_counters_in_mid_transfer(make):
    # A: 80 bits at 10 bit/s from t=0; B: 30 bits at 20 bit/s from t=4. At t=3 A has 30. From t=4 A gets 5 and B 10 bit/s:
    # at t=6 A has 50 and B 20. B ends at t=7 (A: 55), A at t=9.5. Idle from there to t=20.
    env = simpy.Environment()
    link = make(env)
    a = link.start(80.0, 10.0)
    assert (link.rate_bps(a), link.left_bits(a)) == (10.0, 80.0)
    env.run(until=3.0)
    assert (link.n_active, link.busy_s, link.delivered_bits) == (1, 3.0, pytest.approx(30.0))
    env.run(until=4.0)
    b = link.start(30.0, 20.0)
    assert (link.n_active, link.delivered_bits) == (2, pytest.approx(40.0))
    assert (link.rate_bps(a), link.rate_bps(b)) == (5.0, 10.0)
    env.run(until=6.0)
    assert (link.n_active, link.busy_s, link.delivered_bits) == (2, 6.0, pytest.approx(70.0))
    assert (link.left_bits(a), link.left_bits(b)) == (pytest.approx(30.0), pytest.approx(10.0))
    assert link.delivered_bits == pytest.approx(70.0)  # reading changes nothing
    env.run(until=8.0)
    assert (link.n_active, link.delivered_bits) == (1, pytest.approx(95.0))
    assert (link.rate_bps(b), link.left_bits(b)) == (0.0, 0.0)
    env.run(until=20.0)
    assert (link.n_active, link.busy_s, link.delivered_bits) == (0, pytest.approx(9.5), 110.0)


def test_the_link_idles_between_flows(make):
    link, log = run_flows(make, [(0.0, 10.0, 10.0), (5.0, 10.0, 10.0)])
    assert log == [(0, 1.0), (1, 6.0)]
    assert link.busy_s == pytest.approx(2.0)


def test_no_bits_end_at_once_and_leave_no_trace(make):
    link, log = run_flows(make, [(3.0, 0.0, 10.0), (4.0, 0.0, 0.0)])
    assert log == [(0, 3.0), (1, 4.0)]
    assert (link.busy_s, link.delivered_bits, link.n_active) == (0.0, 0.0, 0)


def test_a_rate_that_changes_in_mid_transfer(make):
    # A: 80 bits at 10 bit/s, alone. From t=3 (50 left) at 5 bit/s: it would end at t=13. B from t=5 (A: 40 left), 20 bits at
    # 20 bit/s: A gets 2.5, B 10 bit/s, B ends at t=7 (A: 35 left). From t=8 (A: 30 left) at 30 bit/s: A ends at t=9.
    script = [
        (0.0, "start", 80.0, 10.0, {}),
        (3.0, "rate", 0, 5.0),
        (2.0, "start", 20.0, 20.0, {}),
        (3.0, "rate", 0, 30.0),
    ]
    seen, _ = play(make, script)
    assert seen["ends_s"] == [pytest.approx(9.0), pytest.approx(7.0)]
    assert (seen["delivered_bits"], seen["busy_s"]) == (pytest.approx(100.0), pytest.approx(9.0))


def test_a_flow_without_a_rate_is_parked_and_the_others_have_its_share(make):
    # A: 40 bits, B: 30 bits, 10 bit/s each. At t=2 each has 10 of them; A (30 left) is parked to t=6. B (20 left) ends at
    # t=4. The link idles for 2 s. A goes on at t=6 and ends at t=9.
    script = [(0.0, "start", 40.0, 10.0, {}), (0.0, "start", 30.0, 10.0, {}), (2.0, "rate", 0, 0.0), (4.0, "rate", 0, 10.0)]
    seen, _ = play(make, script)
    assert seen["ends_s"] == [pytest.approx(9.0), pytest.approx(4.0)]
    assert seen["busy_s"] == pytest.approx(7.0)


def test_a_flow_may_start_parked(make):
    env = simpy.Environment()
    link = make(env)
    flow = link.start(20.0, 0.0)
    env.run(until=5.0)
    assert (link.n_active, link.busy_s, link.rate_bps(flow), link.left_bits(flow)) == (0, 0.0, 0.0, 20.0)
    link.set_rate(flow, 10.0)
    env.run(until=flow.done)
    assert env.now == 7.0


def test_a_withdrawn_flow_leaves_its_share_to_the_others_and_never_ends(make):
    # A and B: 40 bits each at 10 bit/s. At t=4 both have 20 left. A is withdrawn; B ends at t=6.
    seen, flows = play(make, [(0.0, "start", 40.0, 10.0, {}), (0.0, "start", 40.0, 10.0, {}), (4.0, "stop", 0)])
    assert seen["left_bits"] == [pytest.approx(20.0), 0.0]
    assert seen["ends_s"] == [math.inf, pytest.approx(6.0)]
    assert seen["delivered_bits"] == pytest.approx(60.0)
    assert not flows[0].done.triggered


def test_withdrawing_twice_returns_nothing_the_second_time(make):
    env = simpy.Environment()
    link = make(env)
    active, parked = link.start(10.0, 1.0), link.start(7.0, 0.0)
    env.run(until=4.0)
    assert [link.stop(active), link.stop(active), link.stop(parked), link.stop(parked)] == [6.0, 0.0, 7.0, 0.0]
    assert (link.n_active, link.delivered_bits) == (0, 4.0)
    link.set_rate(active, 5.0)  # nothing, like the present rate of what is over
    env.run(until=9.0)
    assert (link.n_active, link.rate_bps(active), link.left_bits(active)) == (0, 0.0, 0.0)


@pytest.mark.parametrize("meddle", [lambda link, flow: link.stop(flow), lambda link, flow: link.set_rate(flow, 0.0)])
def test_a_flow_that_has_its_bits_at_an_instant_has_ended_then(make, meddle):
    # 0.1 s and 0.2 s together take 0.1 + 0.1 + 0.1 s by the clock of floating point, a little more than 0.3. The meddler
    # waits 0.3 s: an instant before by the same clock.
    env, ended = simpy.Environment(), []
    link = make(env)

    def meddler(flow):
        yield env.timeout(0.3)
        ended.append(flow.done.triggered)
        assert not meddle(link, flow)
        ended.append(flow.done.triggered)

    link.start(0.1, 1.0)
    env.process(meddler(link.start(0.2, 1.0)))
    env.run()
    assert ended == [False, True]
    assert link.delivered_bits == pytest.approx(0.3)


def test_flows_that_end_together_are_reported_in_order_of_arrival(make):
    _, log = run_flows(make, [(0.0, 30.0, 10.0), (0.0, 15.0, 5.0), (0.0, 3.0, 1.0), (0.0, 30.0, 10.0)])
    assert log == [(0, 12.0), (1, 12.0), (2, 12.0), (3, 12.0)]


def test_an_arrival_at_the_instant_of_a_departure_delays_nobody(make):
    _, log = run_flows(make, [(0.0, 40.0, 10.0), (4.0, 10.0, 10.0)])
    assert log == [(0, 4.0), (1, 5.0)]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((-1.0, 10.0), {}, "bits must be finite and not negative, got -1"),
        ((math.nan, 10.0), {}, "bits must be finite and not negative, got nan"),
        ((0.0, -5.0), {}, "full_rate_bps must be finite and not negative, got -5"),
        ((1.0, math.inf), {}, "full_rate_bps must be finite and not negative, got inf"),
        ((1.0, 1.0), {"weight": 0.0}, "weight must be finite and positive, got 0"),
        ((1.0, 1.0), {"weight": math.inf}, "weight must be finite and positive, got inf"),
        ((1.0, 1.0), {"cap_bps": 0.0}, "cap_bps must be positive, got 0"),
        ((1.0, 1.0), {"cap_bps": math.nan}, "cap_bps must be positive, got nan"),
        ((1.0, 1.0), {"rate_of_share": math.sqrt}, "rate_of_share"),
    ],
)
def test_senseless_flows_are_refused(make, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        make(simpy.Environment()).start(*arguments, **options)


def test_senseless_rates_and_places_are_refused(make):
    link = make(simpy.Environment())
    with pytest.raises(ValueError, match="full_rate_bps must be finite and not negative, got -1"):
        link.set_rate(link.start(1.0, 1.0), -1.0)
    with pytest.raises(ValueError, match="max_flows must be at least 1, got 0"):
        make(simpy.Environment(), max_flows=0)


def test_the_link_by_virtual_time_takes_no_caps():
    with pytest.raises(ValueError, match="a planned link takes them"):
        EqualLink(simpy.Environment()).start(1.0, 1.0, cap_bps=5.0)


STARTS = st.floats(0.0, 100.0)
BITS = st.floats(1.0, 1e6)
RATES = st.floats(1e2, 1e5)


@given(flows=st.lists(st.tuples(STARTS, BITS, RATES), min_size=1, max_size=25))
@settings(deadline=None, max_examples=80)
def test_ends_agree_with_the_naive_reference_and_bits_are_conserved(flows):
    link, log = run_flows(EqualLink, flows)
    expected = naive_ends_s(flows)
    assert len(log) == len(flows)
    for index, end_s in log:
        assert end_s == pytest.approx(expected[index], rel=1e-9)
    assert link.delivered_bits == pytest.approx(sum(bits for _, bits, _ in flows), rel=1e-12)
    assert link.busy_s == pytest.approx(sum(bits / full_rate_bps for _, bits, full_rate_bps in flows), rel=1e-9)


# Round numbers on purpose: many things at one instant, and flows that end at the instant of something else.
PAUSES = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0]) | st.floats(0.0, 3.0)
ACTIONS = st.one_of(
    st.tuples(
        PAUSES,
        st.just("start"),
        st.sampled_from([0.0, 5.0, 10.0, 20.0]) | BITS,
        st.sampled_from([0.0, 10.0, 20.0]),
        st.just({}),
    ),
    st.tuples(PAUSES, st.just("rate"), st.integers(0, 50), st.sampled_from([0.0, 5.0, 10.0, 30.0])),
    st.tuples(PAUSES, st.just("stop"), st.integers(0, 50)),
)


@given(script=st.lists(ACTIONS, min_size=1, max_size=30), max_flows=st.sampled_from([None, None, 1, 2, 3]))
@settings(deadline=None, max_examples=200)
def test_both_links_with_equal_shares_agree_on_any_script(script, max_flows):
    fast, _ = play(lambda env: make_link(env, "equal", max_flows=max_flows), script)
    slow, flows = play(lambda env: make_link(env, "equal", caps=True, max_flows=max_flows), script)
    scale = 1e-9 * max([1.0, *(flow.bits for flow in flows)])
    assert fast["ends_s"] == pytest.approx(slow["ends_s"], rel=1e-9)
    assert fast["left_bits"] == pytest.approx(slow["left_bits"], rel=1e-9, abs=scale)
    assert fast["busy_s"] == pytest.approx(slow["busy_s"], rel=1e-9)
    assert fast["n_active"] == slow["n_active"] == 0
    for seen in (fast, slow):
        carried = sum(flow.bits for flow in flows) - sum(seen["left_bits"])
        assert seen["delivered_bits"] == pytest.approx(carried, rel=1e-9, abs=scale)
