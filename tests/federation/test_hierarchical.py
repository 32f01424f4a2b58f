"""The hierarchical protocol: edge rounds, what travels between stations and cloud, weights, and how it ends."""

import pytest
from fake_protocol_world import Ends, FakeWorld, NotingScheme, outcomes, run_protocol

from mecsim.federation.hierarchical import by_station, run_hierarchical


def run(world, scheme, *, edge_rounds=2, **options):
    return run_protocol(run_hierarchical, world, scheme, edge_rounds=edge_rounds, **options)


def test_stations_take_their_rounds_at_their_own_pace_and_the_cloud_joins_them():
    # Each station gets 4 MB of backbone and 1 MB of state at 1 MB/s: 5 s. Station 0 (devices 0 and 2, 1 and 3 s) takes two
    # rounds of 3 + 0.5 s and is done at 12 s; station 1 (device 1, 7 s) at 5 + 2 x 7.5 = 20 s. A state is sent in 1 s. The
    # cloud joins them in 0.5 s.
    world, scheme = FakeWorld([1, 7, 3], stations=[0, 1, 0]), NotingScheme(merge_s=0.5)
    (_, first) = run(world, scheme)
    left, right = scheme.branches
    assert (left.clients, right.clients) == ([(0, 2), (0, 2)], [(1,), (1,)])
    assert scheme.merged == []
    assert scheme.joined == [[(left.state, 10.0 + 30.0), (right.state, 20.0)]]  # n_samples of the devices, each once
    assert left.version == right.version == 2
    assert world.backhaul_log == [
        (1.0, 0, 1_000_000, "downlink"),
        (1.0, 1, 1_000_000, "downlink"),
        (5.0, 0, 4_000_000, "downlink"),
        (5.0, 1, 4_000_000, "downlink"),
        (13.0, 0, 1_000_000, "uplink"),
        (21.0, 1, 1_000_000, "uplink"),
    ]
    assert first.closed_at_s == 21.5
    assert first.server_energy_j == 2.0 * (4 * 0.5 + 0.5)
    assert {end for *_, end in world.begun} == {"station"}
    assert [turn.device for turn in first.turns] == [0, 2, 0, 2, 1, 1]


def test_a_station_gets_the_backbone_once_and_each_new_state():
    world = FakeWorld([1])
    run(world, NotingScheme(), n_rounds=3, edge_rounds=1)
    assert [size for _, _, size, direction in world.backhaul_log if direction == "downlink"] == [
        1_000_000,
        4_000_000,
        1_000_000,
        1_000_000,
    ]


def test_a_round_begins_from_what_the_cloud_has_joined():
    scheme = NotingScheme()
    run(FakeWorld([1]), scheme, n_rounds=2)
    assert [branch.name.split("/")[0] for branch in scheme.branches] == ["cloud-0", "cloud-1"]


def test_a_station_without_an_update_is_left_out():
    world, scheme = FakeWorld([1, Ends(2.0, "lost", "crash")], stations=[0, 1]), NotingScheme()
    (_, first) = run(world, scheme, edge_rounds=1)
    assert [[weight for _, weight in branches] for branches in scheme.joined] == [[10.0]]
    assert [station for _, station, _, direction in world.backhaul_log if direction == "uplink"] == [0]
    assert outcomes(first) == {0: "completed", 1: "lost"}


def test_a_station_whose_devices_failed_in_its_last_round_sends_what_it_has():
    world, scheme = FakeWorld([[1, Ends(1.0, "lost", "crash")]]), NotingScheme()
    run(world, scheme, edge_rounds=2)
    assert scheme.joined == [[(scheme.branches[0].state, 10.0)]]
    assert scheme.branches[0].version == 1


def test_a_round_without_any_update_joins_nothing():
    scheme = NotingScheme()
    rounds = run(FakeWorld([Ends(0.0, "refused", "memory")]), scheme, n_rounds=2)
    assert scheme.joined == []
    assert rounds[2].quality == rounds[0].quality


def test_a_device_that_has_moved_on_is_not_asked_again_by_its_first_station():
    # At 6 s device 0 has gone to station 1; its first turn, from 5 to 9 s, it ends with station 0.
    world = FakeWorld([4, 4], stations=[lambda now_s: 0 if now_s < 6.0 else 1, 0])
    scheme = NotingScheme()
    run(world, scheme, edge_rounds=2)
    assert scheme.branches[0].clients == [(0, 1), (1,)]
    assert [weight for _, weight in scheme.joined[0]] == [30.0]  # both are behind the station's state


def test_the_cloud_computes_alongside():
    scheme = NotingScheme(alongside_s=100.0, merge_s=1.0)
    (_, first) = run(FakeWorld([1]), scheme, edge_rounds=1)
    assert first.closed_at_s == 101.0
    assert scheme.alongside_calls == [1]
    assert [branch.alongside_calls for branch in scheme.branches] == [[]]


@pytest.mark.parametrize("stop_at_s", [2.0, 6.5, 8.0])
def test_the_end_of_the_study_leaves_a_round_unjoined(stop_at_s):
    # Fetched by 5 s, edge rounds of 2 s until 7 and 9 s. What a station has begun to fetch it gets, but no turn begins.
    world, scheme = FakeWorld([2, 1]), NotingScheme()
    rounds = run(world, scheme, n_rounds=5, stop_at_s=stop_at_s)
    assert [each.number for each in rounds] == [0, 1]
    assert scheme.joined == []
    assert rounds[1].closed_at_s == max(5.0, stop_at_s)
    assert [turn.outcome for turn in rounds[1].turns] == {
        2.0: [],
        6.5: ["late", "completed"],
        8.0: ["completed", "completed", "late", "completed"],
    }[stop_at_s]
    assert not [each for each in world.backhaul_log if each[3] == "uplink"]


def test_a_state_that_has_been_sent_is_not_joined_alone_when_the_study_ends():
    world, scheme = FakeWorld([1, 20], stations=[0, 1]), NotingScheme()
    rounds = run(world, scheme, edge_rounds=1, stop_at_s=15.0)
    assert [each[1:] for each in world.backhaul_log if each[3] == "uplink"] == [(0, 1_000_000, "uplink")]
    assert scheme.joined == []
    assert outcomes(rounds[1]) == {0: "completed", 1: "late"}


def test_devices_are_grouped_by_station_in_their_order():
    world = FakeWorld([1] * 5, stations=[2, 0, 2, 1, 0])
    assert list(by_station(world, (2, 4, 1, 0)).items()) == [(0, [4, 1]), (2, [2, 0])]
