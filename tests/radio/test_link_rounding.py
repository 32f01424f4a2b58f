import math

import pytest
import simpy
from flow_stories import EQUAL_LINKS, run_flows


@pytest.fixture(params=EQUAL_LINKS.values(), ids=EQUAL_LINKS)
def make(request):
    return request.param


def test_flows_too_short_for_the_clock_still_end(make):
    # At t=1e9 s the clock ticks in steps of 1.2e-7 s; five of these flows take 1e-10 s of airtime each, while the first to
    # come has had 1e9 s of its 2e9 s.
    _, log = run_flows(make, [(0.0, 2.0, 1e-9)] + [(1e9, 1e-3, 1e7)] * 5)
    assert log == [(1, 1e9), (2, 1e9), (3, 1e9), (4, 1e9), (5, 1e9), (0, pytest.approx(2e9))]


def test_every_timer_takes_a_flow_off_however_the_clock_rounds(make, monkeypatch):
    # Without any slack for rounding, a timer that finds its flow a little short of the end must not set itself for ever.
    for module in ("mecsim.radio.link", "mecsim.radio.planned_link"):
        monkeypatch.setattr(f"{module}.RELATIVE_SLACK", 0.0)
        monkeypatch.setattr(f"{module}.CLOCK_STEPS", 0.0)
    env = simpy.Environment(initial_time=1e9)
    link = make(env)
    flows = [link.start(bits, 1e7) for bits in (1e-3, 0.7, 1.1, 1e3)]
    for _ in range(50):
        if env.peek() < math.inf:
            env.step()
    assert all(flow.done.processed for flow in flows)


def test_late_in_a_long_run_an_instant_is_a_step_of_the_clock(make):
    # The step at 1e9 s is 1.2e-7 s. B ends half a step after the meddler comes: at the same instant, for all that the clock can
    # tell, so it has ended.
    env = simpy.Environment(initial_time=1e9)
    link = make(env)
    flow = link.start(1.0 + 6e-8, 1.0)
    env.run(until=1e9 + 1.0)
    assert not flow.done.triggered
    assert link.stop(flow) == 0.0
    assert flow.done.triggered


def test_a_long_past_does_not_blur_short_flows(make):
    # Idle for a second after 1e9 s of airtime. Then 1e-4 and 5e-4 s of airtime together: ends after 2e-4 and 6e-4 s.
    _, log = run_flows(make, [(0.0, 1e9, 1.0), (1e9 + 1.0, 1e-4, 1.0), (1e9 + 1.0, 5e-4, 1.0)])
    assert [(index, end_s - 1e9) for index, end_s in log] == [
        (0, 0.0),
        (1, pytest.approx(1.0002, abs=1e-6)),
        (2, pytest.approx(1.0006, abs=1e-6)),
    ]


def test_rounding_does_not_part_flows_that_end_together(make):
    # A: 0.8 s of airtime from t=0. B: 0.7 s from t=0.1, when A has 0.7 s left: both end at t=1.5. In floating point
    # 0.1 + 0.7 < 0.8, which must not let B go first.
    _, log = run_flows(make, [(0.0, 0.8, 1.0), (0.1, 0.7, 1.0)])
    assert log == [(0, pytest.approx(1.5)), (1, pytest.approx(1.5))]
    assert log[0][1] == log[1][1]
