"""What all protocols share, seen through the synchronous one: the end of a study, waiting for devices, order, evaluation."""

import pytest
from fake_protocol_world import Ends, FakeWorld, NotingScheme, outcomes, run_protocol

from mecsim.federation import sync
from mecsim.federation.rounds import GIVE_UP_S, LOOK_AGAIN_S, Round
from mecsim.federation.sync import run_synchronous


def test_a_round_closes_with_its_slowest_turn_and_opens_when_the_one_before_has_closed():
    # The slowest turn takes 5 s, merging 2 s; preparation 1 s: rounds from 1 to 8 and from 8 to 15.
    scheme = NotingScheme(prepare_s=1.0, merge_s=2.0)
    rounds = run_protocol(run_synchronous, FakeWorld([3, 5]), scheme, n_rounds=2)
    assert [(each.opened_at_s, each.closed_at_s) for each in rounds] == [(0.0, 1.0), (1.0, 8.0), (8.0, 15.0)]
    assert [each.server_energy_j for each in rounds] == [2.0, 4.0, 4.0]  # 2 W
    assert scheme.clients == [(0, 1), (0, 1)]


@pytest.mark.parametrize(("alongside_s", "closed_at_s"), [(2.0, 4.0), (4.0, 5.0)])
def test_a_round_waits_for_what_the_server_does_alongside(alongside_s, closed_at_s):
    scheme = NotingScheme(alongside_s=alongside_s, merge_s=1.0)
    (_, first) = run_protocol(run_synchronous, FakeWorld([3]), scheme)
    assert first.closed_at_s == closed_at_s
    assert first.server_energy_j == 2.0 * (alongside_s + 1.0)
    assert scheme.alongside_calls == [1]


def test_turns_and_updates_are_in_the_order_of_selection_and_not_of_arrival():
    scheme = NotingScheme()
    (_, first) = run_protocol(run_synchronous, FakeWorld([1, 2, 3]), scheme, select=lambda number, n, busy: (2, 0, 1))
    assert [turn.device for turn in first.turns] == [2, 0, 1]
    assert scheme.clients == [(2, 0, 1)]


def test_quality_is_asked_at_the_start_at_every_nth_round_and_at_the_end():
    rounds = run_protocol(run_synchronous, FakeWorld([1]), NotingScheme(), n_rounds=5, evaluate_every=2)
    assert [each.number for each in rounds if each.quality is not None] == [0, 2, 4, 5]


def test_the_study_ends_in_the_middle_of_a_round_which_is_not_merged():
    # Rounds from 0 to 4 and from 4 on; at 6 device 0 has been done since 5, device 1 has 2 s to go.
    scheme = NotingScheme()
    rounds = run_protocol(run_synchronous, FakeWorld([1, 4]), scheme, n_rounds=9, evaluate_every=9, stop_at_s=6.0)
    assert [each.number for each in rounds] == [0, 1, 2]
    assert scheme.clients == [(0, 1)]
    last = rounds[-1]
    assert [(turn.outcome, turn.reason, turn.end_s) for turn in last.turns] == [
        ("completed", "", 5.0),
        ("late", "end: the study ended", 6.0),
    ]
    assert last.closed_at_s == 6.0
    assert last.quality == scheme.quality()  # the end of the study, whatever round was due


def test_what_ends_as_the_study_ends_is_in_time_and_nothing_opens_after_it():
    scheme = NotingScheme(merge_s=3.0)
    rounds = run_protocol(run_synchronous, FakeWorld([1, 4]), scheme, n_rounds=9, stop_at_s=4.0)
    assert scheme.clients == [(0, 1)]
    assert [each.closed_at_s for each in rounds] == [0.0, 7.0]  # the merge was begun, and is finished


def test_a_study_that_ends_while_the_server_merges_ends_with_that_merge():
    rounds = run_protocol(
        run_synchronous, FakeWorld([4]), NotingScheme(merge_s=3.0), n_rounds=9, evaluate_every=9, stop_at_s=5.0
    )
    assert [(each.number, each.closed_at_s, each.quality is None) for each in rounds] == [(0, 0.0, False), (1, 7.0, False)]


def test_no_round_opens_at_the_end_of_the_study():
    rounds = run_protocol(
        run_synchronous, FakeWorld([4]), NotingScheme(merge_s=3.0), n_rounds=9, evaluate_every=9, stop_at_s=7.0
    )
    assert [(each.number, each.closed_at_s, each.quality is None) for each in rounds] == [(0, 0.0, False), (1, 7.0, False)]


def test_a_study_may_end_before_its_first_round():
    rounds = run_protocol(run_synchronous, FakeWorld([4]), NotingScheme(prepare_s=3.0), stop_at_s=2.0)
    assert [(each.number, each.closed_at_s) for each in rounds] == [(0, 3.0)]


def test_the_server_waits_until_a_device_is_there():
    # Nobody is there before 1,000 s, when device 1 comes back; device 0 comes 500 s later and is not waited for.
    world = FakeWorld([3, 5], away={0: [(0.0, 1500.0)], 1: [(0.0, 1000.0)]})
    (_, first) = run_protocol(run_synchronous, world, NotingScheme())
    assert (first.opened_at_s, first.closed_at_s) == (0.0, 1005.0)
    assert outcomes(first) == {1: "completed"}


def test_the_study_may_end_while_the_server_waits():
    world = FakeWorld([3], away={0: [(0.0, 1000.0)]})
    rounds = run_protocol(run_synchronous, world, NotingScheme(alongside_s=1.0), n_rounds=3, stop_at_s=600.0)
    assert [(each.number, each.closed_at_s, each.turns, each.server_energy_j) for each in rounds] == [
        (0, 0.0, (), 0.0),
        (1, 600.0, (), 2.0),  # what was computed alongside is accounted for
    ]


def test_a_server_that_may_ask_nobody_looks_again_every_minute():
    # The policy wants nobody before 150 s, though all are there: it looks at 0, 60, 120 and 180 s.
    world, looks = FakeWorld([3, 5]), []

    def select(number, n, busy):
        looks.append(world.env.now)
        return (1,) if world.env.now >= 150.0 else ()

    (_, first) = run_protocol(run_synchronous, world, NotingScheme(), select=select)
    assert looks == [0.0, LOOK_AGAIN_S, 2 * LOOK_AGAIN_S, 3 * LOOK_AGAIN_S]
    assert first.closed_at_s == 185.0


@pytest.mark.parametrize("away", [{}, {0: [(0.0, float("inf"))]}], ids=["unwanted", "away for ever"])
def test_a_server_that_finds_nobody_for_a_week_closes_the_round_empty(away):
    world, scheme = FakeWorld([3], away=away), NotingScheme()
    rounds = run_protocol(run_synchronous, world, scheme, n_rounds=2, select=lambda number, n, busy: ())
    assert [each.closed_at_s for each in rounds] == [0.0, GIVE_UP_S, 2 * GIVE_UP_S]
    assert scheme.merged == []


@pytest.mark.parametrize(
    ("ends", "closed_at_s"),
    [
        (Ends(0.0, "refused", "memory: needs 9 GB, has 1 GB"), [0.0, 0.0, 0.0]),
        (Ends(0.0, "refused", "battery: needs 9 kJ, has 1 kJ"), [0.0, 0.0, LOOK_AGAIN_S]),
        (Ends(0.0, "lost", "no rate on the radio link"), [0.0, 0.0, LOOK_AGAIN_S]),
        (Ends(0.0, "offline"), [0.0, 0.0, LOOK_AGAIN_S]),
        (Ends(7.0, "lost", "crash"), [0.0, 7.0, 14.0]),
    ],
)
def test_rounds_in_vain_leave_the_scheme_as_it_was(ends, closed_at_s):
    """Where nobody can be reached for the moment, the server waits a minute; what is refused for good takes no time at all."""
    scheme = NotingScheme()
    rounds = run_protocol(run_synchronous, FakeWorld([ends, ends]), scheme, n_rounds=2)
    assert [each.closed_at_s for each in rounds] == closed_at_s
    assert scheme.merged == []
    assert [outcomes(each) for each in rounds[1:]] == [{0: ends.outcome, 1: ends.outcome}] * 2


def test_a_study_that_ends_while_the_server_waits_for_better_times_is_evaluated_all_the_same():
    world = FakeWorld([Ends(0.0, "offline")])
    rounds = run_protocol(run_synchronous, world, NotingScheme(), n_rounds=9, evaluate_every=9, stop_at_s=30.0)
    assert [(each.closed_at_s, each.quality is None) for each in rounds] == [(0.0, False), (0.0, True), (30.0, False)]


def test_who_fails_is_recorded_and_left_out_of_the_merge():
    scheme = NotingScheme()
    (_, first) = run_protocol(run_synchronous, FakeWorld([3, Ends(1.0, "lost", "crash"), Ends(0.0, "refused")]), scheme)
    assert outcomes(first) == {0: "completed", 1: "lost", 2: "refused"}
    assert scheme.clients == [(0,)]


def test_a_round_record_is_named_where_it_was():
    assert sync.Round is Round
