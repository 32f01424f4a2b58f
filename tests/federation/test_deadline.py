"""The deadline protocol: who is in time, spares, ties, rounds without enough updates; and deadlines that adapt."""

import math

import numpy as np
import pytest
from fake_protocol_world import Ends, FakeWorld, NotingScheme, outcomes, run_protocol
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.control.policy import Assignment
from mecsim.federation.deadline import AdaptiveDeadline, FixedDeadline, n_with_spares, run_deadline
from mecsim.federation.sync import run_synchronous
from mecsim.federation.turn import Turn


def run(world, scheme, *, seconds=math.inf, **options):
    return run_protocol(run_deadline, world, scheme, deadline=FixedDeadline(seconds), **options)


def test_late_turns_are_interrupted_at_the_deadline():
    scheme = NotingScheme(merge_s=1.0)
    (_, first) = run(FakeWorld([3, 20, 4]), scheme, seconds=10.0)
    assert [(turn.outcome, turn.reason, turn.end_s) for turn in first.turns] == [
        ("completed", "", 3.0),
        ("late", "deadline: 10 s", 10.0),
        ("completed", "", 4.0),
    ]
    assert scheme.clients == [(0, 2)]
    assert first.closed_at_s == 11.0


@pytest.mark.parametrize(("turn_s", "outcome"), [(10.0, "completed"), (math.nextafter(10.0, 11.0), "late")])
def test_an_update_exactly_at_the_deadline_is_in_time(turn_s, outcome):
    (_, first) = run(FakeWorld([3, turn_s]), NotingScheme(), seconds=10.0)
    assert outcomes(first)[1] == outcome
    assert first.closed_at_s == 10.0


def test_a_round_closes_when_enough_have_answered():
    # Two are needed, ceil(2 x 1.3) = 3 are asked; the second answer comes at 4 s, and device 0 is sent home.
    world, scheme = FakeWorld([9, 3, 4, 1]), NotingScheme()
    (_, first) = run(world, scheme, seconds=100.0, n_asked=2, over_selection=1.3)
    assert [(turn.device, turn.outcome, turn.reason, turn.end_s) for turn in first.turns] == [
        (0, "late", "spare: enough others had answered", 4.0),
        (1, "completed", "", 3.0),
        (2, "completed", "", 4.0),
    ]
    assert first.closed_at_s == 4.0
    assert [device for _, device, _, _ in world.begun] == [0, 1, 2]


def test_answers_at_the_instant_of_the_last_one_needed_count_too():
    scheme = NotingScheme()
    (_, first) = run(FakeWorld([4, 3, Ends(4, n_more_events=5), 9]), scheme, n_asked=2, over_selection=2.0)
    assert scheme.clients == [(0, 1, 2)]
    assert outcomes(first)[3] == "late"


def test_a_round_of_failures_closes_before_the_deadline():
    (_, first) = run(FakeWorld([Ends(3.0, "lost", "crash"), Ends(0.0, "refused")]), NotingScheme(), seconds=10.0)
    assert first.closed_at_s == 3.0


def test_a_round_without_an_update_at_its_deadline_is_not_merged_and_the_next_one_opens():
    scheme = NotingScheme(merge_s=5.0)
    rounds = run(FakeWorld([[20, 4]]), scheme, seconds=10.0, n_rounds=2)
    assert [each.closed_at_s for each in rounds] == [0.0, 10.0, 19.0]
    assert scheme.clients == [(0,)]
    assert rounds[1].quality == rounds[0].quality


def test_a_round_below_the_minimum_is_not_merged():
    scheme = NotingScheme()
    rounds = run(FakeWorld([3, 20, 20]), scheme, seconds=10.0, minimum=2)
    assert scheme.merged == []
    assert outcomes(rounds[1]) == {0: "completed", 1: "late", 2: "late"}


def test_the_server_merges_when_what_it_does_alongside_is_done():
    scheme = NotingScheme(alongside_s=15.0, merge_s=1.0)
    (_, first) = run(FakeWorld([3, 20]), scheme, seconds=10.0)
    assert [turn.end_s for turn in first.turns] == [3.0, 10.0]  # the deadline is that of the devices
    assert first.closed_at_s == 16.0


@pytest.mark.parametrize(("stop_at_s", "merged"), [(9.0, []), (10.0, [(0,)])], ids=["before", "at"])
def test_the_end_of_the_study_before_the_deadline_closes_a_round_unmerged(stop_at_s, merged):
    scheme = NotingScheme()
    rounds = run(FakeWorld([3, 20]), scheme, seconds=10.0, n_rounds=5, stop_at_s=stop_at_s)
    assert [each.number for each in rounds] == [0, 1]
    assert scheme.clients == merged
    assert rounds[-1].turns[1].outcome == "late"
    assert (rounds[-1].turns[1].reason == "end: the study ended") == (merged == [])


@pytest.mark.parametrize(("n", "share", "asked"), [(10, 1.3, 13), (100, 1.1, 110), (3, 1.3, 4), (1, 1.0, 1), (7, 1.0, 7)])
def test_spares_are_rounded_up_and_not_by_the_last_bit(n, share, asked):
    assert n_with_spares(n, share) == asked


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.1, 100.0), min_size=1, max_size=8), st.floats(0.1, 120.0))
def test_without_spares_a_deadline_is_the_synchronous_protocol_cut_off(turn_s, deadline_s):
    synchronous, cut = NotingScheme(), NotingScheme()
    (_, whole) = run_protocol(run_synchronous, FakeWorld(turn_s), synchronous)
    (_, first) = run(FakeWorld(turn_s), cut, seconds=deadline_s, over_selection=1.0)
    assert first.closed_at_s == min(whole.closed_at_s, deadline_s)
    in_time = tuple(device for device, seconds in enumerate(turn_s) if seconds <= deadline_s)
    assert [set(clients) for clients in cut.clients] == ([set(in_time)] if in_time else [])
    assert all((turn.outcome == "completed") == (turn.device in in_time) for turn in first.turns)


def learnt(deadline, *turns):
    """Let a deadline see turns (device, seconds, outcome)."""
    deadline.learn(
        [Turn(Assignment(device=device), 10, 5.0, link=None).end(5.0 + seconds, outcome) for device, seconds, outcome in turns]
    )


def test_an_adaptive_deadline_begins_with_what_the_cost_model_expects():
    deadline = AdaptiveDeadline(50.0, lambda devices: np.array([10.0, 20.0, 30.0, math.inf])[devices], slack=1.5)
    assert deadline.after_s((0, 1, 2)) == 30.0  # 1.5 x the median, 20 s
    assert deadline.after_s((0, 3)) == 15.0  # nothing finite is expected of device 3
    assert deadline.after_s((3,)) == math.inf
    assert deadline.after_s(()) == math.inf


def test_an_adaptive_deadline_is_corrected_by_what_turns_took():
    # Alone 10, 20, 30 s. Device 0 took 20 s: a factor of 2; device 1 was cut short after 30 s: 2 x 30 / 20 = 3. Device 2, which
    # was refused, has the median factor, 2.5: 75 s. A device that waited for nothing teaches nothing.
    deadline = AdaptiveDeadline(100.0, lambda devices: np.array([10.0, 20.0, 30.0])[devices])
    deadline.after_s((0, 1, 2))
    learnt(deadline, (0, 20.0, "completed"), (1, 30.0, "late"), (2, 0.0, "refused"))
    assert deadline.after_s((0,)) == 20.0
    assert deadline.after_s((1,)) == 60.0
    assert deadline.after_s((2,)) == 75.0
    assert deadline.after_s((0, 1, 2)) == 75.0


def test_an_adaptive_deadline_that_is_too_short_grows_until_somebody_makes_it():
    # 1 s is expected, the truth is 10 s: deadlines of 1, 2, 4, 8 and 16 s, and then of 10 s.
    scheme, deadline = NotingScheme(), AdaptiveDeadline(80.0, lambda devices: np.ones(len(devices)))
    rounds = run_protocol(run_deadline, FakeWorld([10, 10]), scheme, n_rounds=6, deadline=deadline, over_selection=1.0)
    assert [each.closed_at_s for each in rounds] == [0.0, 1.0, 3.0, 7.0, 15.0, 25.0, 35.0]
    assert len(scheme.merged) == 2
    assert deadline.after_s((0, 1)) == 10.0
