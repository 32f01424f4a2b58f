import math

import pytest
import simpy
from flow_stories import EQUAL_LINKS, play, run_flows


@pytest.fixture(params=EQUAL_LINKS.values(), ids=EQUAL_LINKS)
def make(request):
    return request.param


def test_two_at_a_time_and_the_others_in_turn(make):
    # 10 bit/s, two places. A 20 and B 40 bits start; C 10 and D 10 wait. A ends at t=4 (B: 20 left) and C comes in, ends at
    # t=6 (B: 10 left); D comes in, and both end at t=8.
    link, log = run_flows(
        lambda env: make(env, max_flows=2), [(0.0, 20.0, 10.0), (0.0, 40.0, 10.0), (1.0, 10.0, 10.0), (2.0, 10.0, 10.0)]
    )
    assert log == [(0, 4.0), (2, 6.0), (1, pytest.approx(8.0)), (3, pytest.approx(8.0))]
    assert link.busy_s == pytest.approx(8.0)


def test_who_is_parked_gives_its_place_up_and_lines_up_again(make):
    # One place, 10 bit/s. A (40 bits) starts; B (10) and C (30) wait. At t=1 A (30 left) is parked: B comes in, ends at t=2.
    # C comes in. At t=3 A is back, but C has the place until t=5; then A, to t=8.
    script = [
        (0.0, "start", 40.0, 10.0, {}),
        (0.0, "start", 10.0, 10.0, {}),
        (0.0, "start", 30.0, 10.0, {}),
        (1.0, "rate", 0, 0.0),
        (2.0, "rate", 0, 10.0),
    ]
    seen, _ = play(lambda env: make(env, max_flows=1), script)
    assert seen["ends_s"] == [pytest.approx(8.0), pytest.approx(2.0), pytest.approx(5.0)]


def test_a_new_rate_costs_neither_place_nor_turn(make):
    # One place. A (10 bits) has it; B and C (10 bits each) wait. New rates for A and B at t=0.5 leave the order alone: A has 5
    # left, at 5 bit/s to t=1.5; B at 20 bit/s to t=2; C to t=3.
    script = [(0.0, "start", 10.0, 10.0, {})] * 3 + [(0.5, "rate", 1, 20.0), (0.0, "rate", 0, 5.0)]
    seen, _ = play(lambda env: make(env, max_flows=1), script)
    assert seen["ends_s"] == [pytest.approx(1.5), pytest.approx(2.0), pytest.approx(3.0)]


def test_who_waits_can_leave_the_line(make):
    script = [(0.0, "start", 10.0, 10.0, {})] * 3 + [(0.5, "stop", 1)]
    seen, _ = play(lambda env: make(env, max_flows=1), script)
    assert seen["ends_s"] == [pytest.approx(1.0), math.inf, pytest.approx(2.0)]
    assert (seen["left_bits"][1], seen["delivered_bits"]) == (10.0, pytest.approx(20.0))


def test_watchers_hear_when_the_link_gets_busy_and_idle(make):
    # Busy from t=1 to t=2; at t=3 to t=5 with two flows back to back, which is one busy time; from t=6 until it is parked.
    env, heard = simpy.Environment(), []
    link = make(env)
    link.watchers.append(lambda is_busy: heard.append((env.now, is_busy)))

    def director():
        yield env.timeout(1.0)
        yield link.start(10.0, 10.0).done
        yield env.timeout(1.0)
        yield link.start(10.0, 10.0).done
        yield link.start(10.0, 10.0).done
        yield env.timeout(1.0)
        flow = link.start(10.0, 10.0)
        yield env.timeout(0.5)
        link.set_rate(flow, 0.0)
        yield env.timeout(0.5)
        link.start(0.0, 10.0)
        link.stop(link.start(5.0, 10.0))  # nothing was carried

    env.process(director())
    env.run()
    assert heard == [(1.0, True), (2.0, False), (3.0, True), (5.0, False), (6.0, True), (6.5, False)]


def test_a_watcher_may_change_the_rates_of_the_link_that_calls_it(make):
    env = simpy.Environment()
    link = make(env)
    flow = link.start(40.0, 10.0)
    link.watchers.append(lambda is_busy: link.set_rate(flow, 5.0))
    env.run(until=flow.done)
    assert env.now == 8.0
