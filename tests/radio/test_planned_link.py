import math

import numpy as np
import pytest
import simpy
from flow_stories import play, run_flows
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import UnknownNameError
from mecsim.radio.link import EqualLink
from mecsim.radio.planned_link import PlannedLink, make_link
from mecsim.radio.sharing import POLICIES, Policy, Split, equal


def link_of(kind, **options):
    return lambda env: make_link(env, kind, **options)


def test_equal_rates_whatever_the_channels():
    # 30 and 10 bit/s alone, 1 / (1/30 + 1/10) = 7.5 each together. A: 15 bits, ends at t=2. B: 75 bits, 60 left at 10 bit/s.
    _, log = run_flows(link_of("rate-fair"), [(0.0, 15.0, 30.0), (0.0, 75.0, 10.0)])
    assert log == [(0, pytest.approx(2.0)), (1, pytest.approx(8.0))]


def test_a_flow_of_three_times_the_weight():
    # 7.5 and 2.5 of 10 bit/s. A: 30 bits, ends at t=4, when B has 10 of its 20; then 10 bit/s.
    _, log = run_flows(link_of("weighted"), [(0.0, 30.0, 10.0, {"weight": 3.0}), (0.0, 20.0, 10.0, {"weight": 1.0})])
    assert log == [(0, pytest.approx(4.0)), (1, pytest.approx(5.0))]


def test_the_best_channel_goes_first():
    # A: 20 bits at 10 bit/s, alone to t=1. B (20 bit/s, 20 bits) takes all to t=2; A goes on to t=3.
    _, log = run_flows(link_of("max-ci"), [(0.0, 20.0, 10.0), (1.0, 20.0, 20.0)])
    assert log == [(1, pytest.approx(2.0)), (0, pytest.approx(3.0))]


def test_the_gain_of_proportional_fairness_needs_company():
    # Two at 10 bit/s: 1.4 x 5 = 7 each. A: 14 bits, ends at t=2; B has 14 of its 24 then, and 10 bit/s alone.
    _, log = run_flows(link_of("proportional-fair"), [(0.0, 14.0, 10.0), (0.0, 24.0, 10.0)])
    assert log == [(0, pytest.approx(2.0)), (1, pytest.approx(3.0))]
    # With 1.2 as the bound: 6 each; A to t=7/3, B has 10 left.
    _, log = run_flows(link_of("proportional-fair", multi_user_gain_max=1.2), [(0.0, 14.0, 10.0), (0.0, 24.0, 10.0)])
    assert log == [(0, pytest.approx(7 / 3)), (1, pytest.approx(10 / 3))]


def test_channels_of_a_power_limited_band():
    # r(b) = 10 sqrt(b): 10 bit/s alone, 5 bit/s in a quarter, 10/sqrt(2) in a half. A alone to t=1 has 10 of 10 + 10 sqrt(2);
    # B comes with as many bits. Both at 10/sqrt(2): A ends at t=3, B has 10 sqrt(2) then and 10 left: t=4.
    law = {"rate_of_share": lambda share: 10.0 * math.sqrt(share)}
    bits = 10.0 + 10.0 * math.sqrt(2.0)
    _, log = run_flows(link_of("fdma"), [(0.0, bits, 10.0, law), (1.0, bits, 10.0, law)])
    assert log == [(0, pytest.approx(3.0)), (1, pytest.approx(4.0))]


def test_the_uploads_of_a_round_end_together():
    # 10 Mb each at 30 and 10 Mb/s: both after 4/3 s.
    _, log = run_flows(link_of("min-max"), [(0.0, 10e6, 30e6), (0.0, 10e6, 10e6)])
    assert log == [(0, pytest.approx(4 / 3, rel=1e-12)), (1, pytest.approx(4 / 3, rel=1e-12))]
    assert log[0][1] == log[1][1]


def test_a_late_comer_ends_with_the_others():
    # As above, with 10 Mb at 20 Mb/s from t=1: there is 1/3 s of the carrier's time left, and 1/2 s comes on top.
    _, log = run_flows(link_of("min-max"), [(0.0, 10e6, 30e6), (0.0, 10e6, 10e6), (1.0, 10e6, 20e6)])
    assert log == [(number, pytest.approx(11 / 6, rel=1e-12)) for number in range(3)]


def test_power_limited_uploads_end_together():
    # r = R sqrt(b), 30 and 10 bit/s, 10 bits each: T^2 = 1/9 + 1.
    flows = [(0.0, 10.0, rate, {"rate_of_share": lambda share, rate=rate: rate * math.sqrt(share)}) for rate in (30.0, 10.0)]
    _, log = run_flows(link_of("min-max"), flows)
    assert [end_s for _, end_s in log] == pytest.approx([math.sqrt(10 / 9)] * 2, rel=1e-9)
    assert log[0][1] == log[1][1]


def test_a_capped_flow_leaves_the_rest_to_the_other():
    # A at 2 of 10 bit/s, B at the other 8. B: 16 bits, ends at t=2. A: 6 bits at 2 bit/s even when alone.
    _, log = run_flows(link_of("equal", caps=True), [(0.0, 6.0, 10.0, {"cap_bps": 2.0}), (0.0, 16.0, 10.0)])
    assert log == [(1, pytest.approx(2.0)), (0, pytest.approx(3.0))]


def test_shares_set_by_a_policy_from_outside():
    # A flow of owner "a" has 0.2 of 10 bit/s, two of "b" have 0.3 each, one without an owner has the rest, 0.2. At t=5 "a" gets
    # 0.5 and "b" nothing of its own: the others have a sixth each. At t=8 everybody is alike.
    env = simpy.Environment()
    link = make_link(env, "assigned")
    link.set_shares({"a": 0.2, "b": 0.6})
    flows = [link.start(1000.0, 10.0, owner=owner) for owner in ("a", "b", "b", None)]
    env.run(until=1.0)
    assert [link.rate_bps(flow) for flow in flows] == pytest.approx([2.0, 3.0, 3.0, 2.0])
    env.run(until=5.0)
    link.set_shares({"a": 0.5})
    assert [link.rate_bps(flow) for flow in flows] == pytest.approx([5.0, 5 / 3, 5 / 3, 5 / 3])
    env.run(until=8.0)
    link.set_shares({})
    assert [1000.0 - link.left_bits(flow) for flow in flows] == pytest.approx([25.0, 20.0, 20.0, 15.0])
    assert [link.rate_bps(flow) for flow in flows] == pytest.approx([2.5] * 4)


def test_who_has_all_assigned_goes_first():
    # B waits for A, that has everything: 10 bits to t=1, then B's 10.
    def make(env):
        link = make_link(env, "assigned")
        link.set_shares({"a": 1.0})
        return link

    link, log = run_flows(make, [(0.0, 10.0, 10.0, {"owner": "b"}), (0.0, 10.0, 10.0, {"owner": "a"})])
    assert log == [(1, pytest.approx(1.0)), (0, pytest.approx(2.0))]
    assert link.busy_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("kind", "shares", "message"),
    [
        ("assigned", {"a": 0.7, "b": 0.4}, "shares must sum to 1 at most, got 1.1"),
        ("assigned", {"a": 0.0}, "each share must be above 0"),
        ("assigned", {"a": math.nan}, "each share must be above 0"),
        ("weighted", {"a": 0.5}, "only a link with the policy 'assigned'"),
    ],
)
def test_senseless_shares_are_refused(kind, shares, message):
    with pytest.raises(ValueError, match=message):
        make_link(simpy.Environment(), kind).set_shares(shares)


def test_a_law_of_bands_has_no_meaning_where_time_is_shared():
    with pytest.raises(ValueError, match="parts of the band, not of time"):
        make_link(simpy.Environment(), "weighted").start(1.0, 1.0, rate_of_share=math.sqrt)


def test_flows_that_start_together_cost_one_plan():
    plans = []

    def counted(flows):
        plans.append(flows.n)
        return equal(flows)

    run_flows(lambda env: PlannedLink(env, Policy(counted)), [(1.0, 10.0, 10.0)] * 50)
    assert plans == [50]


def test_a_policy_cannot_give_out_more_than_the_carrier():
    greedy = Policy(lambda flows: Split(np.full(flows.n, 0.6), 0.6 * flows.full_rate_bps))
    with pytest.raises(ValueError, match=r"gave out 1\.2 of the carrier"):
        run_flows(lambda env: PlannedLink(env, greedy), [(0.0, 10.0, 10.0)] * 2)


def test_the_link_for_a_policy():
    env = simpy.Environment()
    assert isinstance(make_link(env, "equal"), EqualLink)
    assert isinstance(make_link(env, "equal", caps=True), PlannedLink)
    assert all(isinstance(make_link(env, kind), PlannedLink) for kind in POLICIES if kind != "equal")
    with pytest.raises(UnknownNameError, match="Did you mean 'max-ci'"):
        make_link(env, "max-cj")


PAUSES = st.sampled_from([0.0, 0.0, 1.0]) | st.floats(0.0, 3.0)
OPTIONS = st.fixed_dictionaries({"weight": st.floats(0.5, 4.0), "cap_bps": st.sampled_from([math.inf, 3.0, 8.0])})
ACTIONS = st.one_of(
    st.tuples(PAUSES, st.just("start"), st.floats(1.0, 100.0), st.sampled_from([0.0, 10.0, 20.0, 33.0]), OPTIONS),
    st.tuples(PAUSES, st.just("rate"), st.integers(0, 50), st.sampled_from([0.0, 5.0, 10.0, 30.0])),
    st.tuples(PAUSES, st.just("stop"), st.integers(0, 50)),
)


@pytest.mark.parametrize("kind", POLICIES)
@given(script=st.lists(ACTIONS, min_size=1, max_size=25), max_flows=st.sampled_from([None, None, 2]))
@settings(deadline=None, max_examples=40)
def test_bits_are_conserved_and_nobody_is_left_behind(kind, script, max_flows):
    seen, flows = play(link_of(kind, caps=True, max_flows=max_flows), script)
    carried_bits = [flow.bits - left for flow, left in zip(flows, seen["left_bits"], strict=True)]
    assert seen["delivered_bits"] == pytest.approx(sum(carried_bits), rel=1e-9, abs=1e-9)
    assert seen["n_active"] == 0
    for flow, left_bits, end_s in zip(flows, seen["left_bits"], seen["ends_s"], strict=True):
        assert 0.0 <= left_bits <= flow.bits
        assert (end_s < math.inf) == flow.done.triggered
        assert end_s == math.inf or left_bits == 0.0
    fastest_bps = 33.0 * (1.4 if kind == "proportional-fair" else 1.0)
    assert seen["delivered_bits"] <= fastest_bps * seen["busy_s"] * (1.0 + 1e-9) + 1e-9
