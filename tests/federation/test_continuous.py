"""The buffered and the asynchronous protocol: when turns begin, what is merged when and how stale, and how it ends."""

from itertools import pairwise

import numpy as np
import pytest
from fake_protocol_world import Ends, FakeWorld, NotingScheme, outcomes, run_protocol
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.federation.asynchronous import run_asynchronous
from mecsim.federation.buffered import run_buffered
from mecsim.federation.continuous import staleness_weight
from mecsim.federation.contract import Blend
from mecsim.federation.rounds import GIVE_UP_S, LOOK_AGAIN_S
from mecsim.rng import Streams


def staleness(scheme):
    return [[update.staleness for update in updates] for updates in scheme.updates]


def test_the_server_merges_every_k_updates_and_a_turn_begins_when_one_ends():
    # Two at work. 0 ends at 2 and 2 begins; 2 ends at 3, and both are merged. Then 0 begins from the new state; it ends at 5,
    # when 2 begins again, which ends at 6. Device 1, which would have ended at 10, has worked for nothing.
    world, scheme = FakeWorld([2, 10, 1]), NotingScheme()
    rounds = run_protocol(run_buffered, world, scheme, n_rounds=2, buffer_size=2, concurrency=2)
    assert [begun[:3] for begun in world.begun] == [(0.0, 0, 1), (0.0, 1, 1), (2.0, 2, 1), (3.0, 0, 2), (5.0, 2, 2)]
    assert scheme.clients == [(0, 2), (0, 2)]
    assert staleness(scheme) == [[0, 0], [0, 0]]
    assert [(each.opened_at_s, each.closed_at_s) for each in rounds] == [(0.0, 0.0), (0.0, 3.0), (3.0, 6.0)]
    assert outcomes(rounds[2]) == {0: "completed", 2: "completed", 1: "late"}
    assert rounds[2].turns[-1].reason == "end: the study ended"


def test_a_stale_difference_counts_less():
    # 1 begins from state 0 and ends after one merge; its weight is 1 / sqrt(2).
    world, scheme = FakeWorld([1, 2.5, 1, 1]), NotingScheme()
    run_protocol(run_buffered, world, scheme, n_rounds=2, buffer_size=2, concurrency=2, server_rate=0.7)
    assert scheme.clients == [(0, 2), (0, 1)] or scheme.clients == [(0, 2), (1, 0)]
    second = {update.client: (update.staleness, update.weight) for update in scheme.updates[1]}
    assert second[1] == (1, pytest.approx(0.5**0.5))
    assert {blend for _, blend in scheme.merged} == {Blend(kind="deltas", rate=0.7)}


def test_each_update_is_mixed_in_when_it_comes_with_a_share_by_its_staleness():
    # Device 0 takes 1 s, device 1 takes 2.5 s: 0 at 1 and at 2, then 1 at 2.5 is two merges behind, then 0 at 3, one behind.
    world, scheme = FakeWorld([1, 2.5]), NotingScheme()
    run_protocol(run_asynchronous, world, scheme, n_rounds=4, concurrency=2, mixing=0.6, exponent=0.5)
    assert scheme.clients == [(0,), (0,), (1,), (0,)]
    assert staleness(scheme) == [[0], [0], [2], [1]]
    rates = [blend.rate for _, blend in scheme.merged]
    assert rates == [0.6, 0.6, pytest.approx(0.6 / 3**0.5), pytest.approx(0.6 / 2**0.5)]
    assert {blend.kind for _, blend in scheme.merged} == {"mix"}
    assert {update.weight for updates in scheme.updates for update in updates} == {1.0}


@pytest.mark.parametrize("protocol", [run_buffered, run_asynchronous])
def test_an_update_knows_the_state_that_its_training_began_from(protocol):
    options = {"buffer_size": 2} if protocol is run_buffered else {}
    scheme = NotingScheme()
    run_protocol(protocol, FakeWorld([1, 2.5, 3]), scheme, n_rounds=5, concurrency=2, **options)
    for n_merges, updates in enumerate(scheme.updates):
        for update in updates:
            assert f'"cloud-{n_merges - update.staleness}"' in update.base.params


def test_updates_that_come_while_the_server_merges_wait_and_no_turn_begins_meanwhile():
    # Merging takes 10 s: 0 at 1 is merged until 11; 1 came at 2 and 2 at 3, they are merged until 21 and 31, in this order.
    # Turns begin when a merge is over. When 1 is merged, one merge has been since it began; when 2 is, two have.
    world, scheme = FakeWorld([1, 2, 3, 100, 100, 100]), NotingScheme(merge_s=10.0)
    rounds = run_protocol(run_asynchronous, world, scheme, n_rounds=3, concurrency=3)
    assert scheme.clients == [(0,), (1,), (2,)]
    assert staleness(scheme) == [[0], [1], [2]]
    assert [each.closed_at_s for each in rounds] == [0.0, 11.0, 21.0, 31.0]
    assert sorted({begun[0] for begun in world.begun}) == [0.0, 11.0, 21.0]
    assert world.most_running == 3


def test_a_full_buffer_leaves_the_rest_for_the_next_merge():
    world, scheme = FakeWorld([1, 1, 1, 50, 50, 50]), NotingScheme(merge_s=1.0)
    run_protocol(run_buffered, world, scheme, n_rounds=2, buffer_size=2, concurrency=3, stop_at_s=500.0)
    # All three end at 1 s; two are merged until 2 s. The third waits for 0, which begins again at 2 s and ends at 3 s.
    assert scheme.clients == [(0, 1), (2, 0)]
    assert staleness(scheme) == [[0, 0], [1, 0]]


def test_of_turns_that_end_at_one_instant_the_one_that_began_first_comes_first_and_then_the_lower_device():
    # 2 takes 3 s from 0 on; 1 ends at 1, so 0 begins at 1 and takes 2 s: both end at 3.
    world, scheme = FakeWorld([2, 1, 3, 3]), NotingScheme()
    order = iter([(3, 2, 1), (0,), (), ()])
    run_protocol(
        run_buffered, world, scheme, buffer_size=4, concurrency=3, select=lambda number, n, busy: next(order, ()), stop_at_s=4.0
    )
    assert scheme.clients == [(1, 2, 3, 0)]


def test_a_state_is_never_offered_before_its_merge_is_over():
    # 0 and 1 end at 1 s. As two are needed, nobody may begin from the old state after the first of them has been looked at.
    world, scheme = FakeWorld([1, Ends(1, n_more_events=5), 5, 5]), NotingScheme(merge_s=4.0)
    run_protocol(run_buffered, world, scheme, n_rounds=1, buffer_size=2, concurrency=2)
    assert world.begun == [(0.0, 0, 1, "server"), (0.0, 1, 1, "server")]


def test_too_stale_an_update_is_dropped_and_says_so():
    world, scheme = FakeWorld([1, 3.5]), NotingScheme()
    rounds = run_protocol(run_asynchronous, world, scheme, n_rounds=4, concurrency=2, max_staleness=2)
    assert scheme.clients == [(0,)] * 4
    (dropped,) = [turn for turn in rounds[4].turns if turn.device == 1 and turn.end_s == 3.5]
    assert (dropped.outcome, dropped.update) == ("late", None)
    assert dropped.reason == "stale: 3 merges behind, at most 2"


def test_an_update_may_grow_too_stale_while_it_waits():
    # 0, 1 and 2 end at 1 s. They are merged one by one, 10 s each: 1 is one merge behind when its time comes, and 2 two.
    world, scheme = FakeWorld([1, 1, 1, 50]), NotingScheme(merge_s=10.0)
    rounds = run_protocol(run_asynchronous, world, scheme, n_rounds=3, concurrency=3, max_staleness=1)
    assert scheme.clients[:2] == [(0,), (1,)]
    assert (2, "late") in [(turn.device, turn.outcome) for turn in rounds[3].turns]


def test_a_device_is_not_asked_twice_from_one_state():
    # Device 0 needs 1 s, but three updates are needed: it waits until the others are done, as it would train the same again.
    world, scheme = FakeWorld([1, 5, 6]), NotingScheme()
    run_protocol(run_buffered, world, scheme, n_rounds=1, buffer_size=3, concurrency=2)
    assert scheme.clients == [(0, 1, 2)]
    assert world.n_begun == {0: 1, 1: 1, 2: 1}


def test_what_is_there_is_merged_when_no_more_can_come():
    # Three updates are wanted, but there are two devices, of which one breaks down.
    world, scheme = FakeWorld([1, Ends(4.0, "lost", "crash")]), NotingScheme()
    rounds = run_protocol(run_buffered, world, scheme, n_rounds=2, buffer_size=3, concurrency=2)
    assert scheme.clients == [(0,), (0,)]
    assert [each.closed_at_s for each in rounds] == [0.0, 4.0, 8.0]


def test_when_all_refuse_rounds_close_empty():
    scheme = NotingScheme()
    rounds = run_protocol(run_asynchronous, FakeWorld([Ends(0.0, "refused", "memory")] * 3), scheme, n_rounds=4, concurrency=2)
    assert [each.closed_at_s for each in rounds] == [0.0] * 5
    assert [len(each.turns) for each in rounds] == [0, 3, 3, 3, 3]  # each device is asked once a round
    assert scheme.merged == []


def test_a_large_fleet_is_not_asked_through_when_nobody_can_do_the_work():
    world = FakeWorld([Ends(0.0, "refused", "memory")] * 1000)
    rounds = run_protocol(run_buffered, world, NotingScheme(), n_rounds=2, buffer_size=3, concurrency=4)
    assert [len(each.turns) for each in rounds] == [0, 40, 40]  # ten for each of the four places


def test_patience_begins_anew_with_each_update():
    # Between two devices that can do the work there are nine that cannot, and the server gives up after ten in a row.
    world, scheme = FakeWorld(([Ends(0.0, "refused", "memory")] * 9 + [1]) * 3), NotingScheme()
    run_protocol(run_buffered, world, scheme, buffer_size=3, concurrency=1)
    assert scheme.clients == [(9, 19, 29)]


def test_a_server_that_reaches_nobody_waits_a_minute():
    rounds = run_protocol(run_asynchronous, FakeWorld([Ends(0.0, "offline")] * 2), NotingScheme(), n_rounds=3, concurrency=2)
    assert [each.closed_at_s for each in rounds] == [0.0, 0.0, LOOK_AGAIN_S, 2 * LOOK_AGAIN_S]


@pytest.mark.parametrize("n_more_events", [0, 5])
def test_a_turn_that_ends_with_the_last_merge_is_in_time(n_more_events):
    # 0 ends at 1 s and is merged until 3 s, when 1 ends: it is recorded as completed, although its update comes too late.
    world, scheme = FakeWorld([1, Ends(3, n_more_events=n_more_events), 9]), NotingScheme(merge_s=2.0)
    (_, first) = run_protocol(run_asynchronous, world, scheme, concurrency=2)
    assert first.closed_at_s == 3.0
    assert outcomes(first) == {0: "completed", 1: "completed"}


def test_a_failed_turn_makes_room_for_another():
    world, scheme = FakeWorld([Ends(0.0, "refused", "memory"), Ends(2.0, "lost", "crash"), 1, 1, 1, 9]), NotingScheme()
    (_, first) = run_protocol(run_buffered, world, scheme, buffer_size=3, concurrency=2)
    assert scheme.clients == [(2, 3, 4)]
    assert outcomes(first) == {0: "refused", 1: "lost", 2: "completed", 3: "completed", 4: "completed", 5: "late"}
    assert world.most_running == 2


def test_the_server_waits_for_the_first_device_to_come_back():
    world = FakeWorld([3, 5], away={0: [(0.0, 1500.0)], 1: [(0.0, 1000.0)]})
    rounds = run_protocol(run_asynchronous, world, NotingScheme(), n_rounds=1, concurrency=2)
    assert rounds[1].closed_at_s == 1005.0


def test_a_free_place_is_offered_every_minute():
    # Device 1 comes back at 100 s while 0 works; the server looks at 60 and at 120 s.
    world = FakeWorld([1000, 5], away={1: [(0.0, 100.0)]})
    rounds = run_protocol(run_asynchronous, world, NotingScheme(), n_rounds=1, concurrency=2)
    assert rounds[1].closed_at_s == 2 * LOOK_AGAIN_S + 5.0


def test_a_server_that_finds_nobody_for_a_week_closes_the_round_empty():
    rounds = run_protocol(
        run_asynchronous, FakeWorld([3]), NotingScheme(), n_rounds=2, concurrency=1, select=lambda number, n, busy: ()
    )
    assert [each.closed_at_s for each in rounds] == [0.0, GIVE_UP_S, 2 * GIVE_UP_S]


@pytest.mark.parametrize(("stop_at_s", "merged"), [(3.5, [(0, 1)]), (4.0, [(0, 1), (0, 1)])], ids=["before", "at"])
def test_the_end_of_the_study_leaves_a_buffer_unmerged_unless_it_is_full(stop_at_s, merged):
    # 0 at 1 and 1 at 2; again from 2 on: 0 at 3, 1 at 4. The turn that is in the buffer at the end has completed all the same.
    world, scheme = FakeWorld([1, 2]), NotingScheme()
    rounds = run_protocol(run_buffered, world, scheme, n_rounds=9, buffer_size=2, concurrency=2, stop_at_s=stop_at_s)
    assert scheme.clients == merged
    assert rounds[-1].number == 2
    assert outcomes(rounds[-1]) == {0: "completed", 1: "late" if stop_at_s < 4.0 else "completed"}
    assert rounds[-1].closed_at_s == stop_at_s
    assert rounds[-1].quality == scheme.quality()


def test_the_server_does_nothing_alongside():
    scheme = NotingScheme(alongside_s=5.0)
    run_protocol(run_asynchronous, FakeWorld([1]), scheme, n_rounds=2, concurrency=1)
    assert scheme.alongside_calls == []


@pytest.mark.parametrize(("exponent", "weight"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.25), (2.0, 0.0625)])
def test_the_polynomial_rule(exponent, weight):
    assert staleness_weight(3, exponent) == weight
    assert staleness_weight(0, exponent) == 1.0


ENDINGS = st.one_of(
    st.sampled_from([0.5, 1.0, 2.0, 3.25]),
    st.sampled_from([Ends(0.0, "refused", "memory"), Ends(1.0, "lost", "crash"), Ends(0.0, "offline")]),
)
FLEETS = st.lists(st.lists(ENDINGS, min_size=1, max_size=3), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(
    FLEETS,
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.75]),
    st.sampled_from([4.0, 9.5, 1e9]),
    st.integers(0, 9),
)
def test_any_fleet(turns, buffer_size, concurrency, merge_s, stop_at_s, seed):
    """Every turn is recorded once, in one round; no more than so many run at once; staleness is the merges since the start."""

    def study():
        world, scheme = FakeWorld(turns), NotingScheme(merge_s=merge_s)
        order = Streams(seed).get("order").permutation(len(turns))

        def select(number, n, busy):
            return tuple(int(device) for device in np.roll(order, number) if int(device) not in busy)[:n]

        options = {"buffer_size": buffer_size, "concurrency": concurrency, "n_rounds": 6, "stop_at_s": stop_at_s}
        rounds = run_protocol(run_buffered, world, scheme, select=select, **options)
        return world, scheme, rounds

    world, scheme, rounds = study()
    recorded = sorted((turn.start_s, turn.device) for each in rounds for turn in each.turns)
    assert recorded == sorted((start_s, device) for start_s, device, _, _ in world.begun)
    assert world.most_running <= concurrency
    assert all(1 <= len(clients) <= buffer_size for clients in scheme.clients)
    assert [each.number for each in rounds] == list(range(len(rounds)))
    assert all(a.closed_at_s <= b.opened_at_s <= b.closed_at_s for a, b in pairwise(rounds))
    assert rounds[-1].number == 6 or rounds[-1].closed_at_s >= stop_at_s
    assert rounds[-1].quality is not None
    for n_merges, updates in enumerate(scheme.updates):
        assert all(f'"cloud-{n_merges - update.staleness}"' in update.base.params for update in updates)
    _, again, rounds_again = study()
    assert again.merged == scheme.merged
    assert [[(t.device, t.end_s, t.outcome) for t in each.turns] for each in rounds] == [
        [(t.device, t.end_s, t.outcome) for t in each.turns] for each in rounds_again
    ]
