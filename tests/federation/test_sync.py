"""The synchronous protocol: who is in a round, when it closes, what is evaluated; and bits and joules are conserved."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_world import PlainScheme, make_world

from mecsim.federation.rounds import Plan
from mecsim.federation.sync import run_synchronous


def run(world, scheme, *, n_rounds=2, evaluate_every=1, select=None):
    rounds = []
    everybody = tuple(range(len(world.fleet)))
    plan = Plan(
        n_rounds=n_rounds,
        evaluate_every=evaluate_every,
        n_asked=len(everybody),
        select=lambda number, n, busy: select(number) if select else everybody,
        n_samples=lambda device: 10,
        log=rounds.append,
    )
    world.env.run(world.env.process(run_synchronous(world, scheme, plan)))
    return rounds


def test_a_round_closes_with_its_slowest_turn_and_the_server_works_before_the_next(scheme):
    # Both devices share the cell: backbone and state of both, 2 x 1.001 MB at 8 Mb/s, are down at 2.002 s; both compute until
    # 4.002 s, upload 2 kB until 4.004 s; the server averages 1 s. Round 2: 2 kB down, 2 s, 2 kB up, 1 s = 3.004 s.
    rounds = run(make_world([8e6, 8e6]), scheme)
    assert [each.closed_at_s for each in rounds] == [0.0, pytest.approx(5.004), pytest.approx(8.008)]
    assert scheme.merged == [(0, 1), (0, 1)]
    assert [each.server_energy_j for each in rounds] == [0.0, pytest.approx(2.0), pytest.approx(2.0)]


@pytest.mark.parametrize(("alongside_flop", "closed_at_s"), [(1e9, 4.002), (5e9, 6.0)])
def test_the_round_waits_for_what_the_server_does_alongside(alongside_flop, closed_at_s):
    # Alone the device is done at 1.001 + 2 + 0.001 s = 3.002 s; the server works 1 s or 5 s beside it, and averages 1 s.
    scheme = PlainScheme(alongside_flop=alongside_flop)
    (_, first) = run(make_world([8e6]), scheme, n_rounds=1)
    assert first.closed_at_s == pytest.approx(closed_at_s)
    assert first.server_energy_j == pytest.approx(2.0 * (alongside_flop / 1e9 + 1.0))  # 2 W above idle


def test_only_the_selected_take_part(scheme):
    run(make_world([8e6] * 3), scheme, select=lambda number: (number % 3, 0))
    assert scheme.merged == [(1, 0), (2, 0)]


def test_a_round_of_refusals_leaves_the_scheme_as_it_was():
    scheme = PlainScheme(peak_bytes=1e12)
    rounds = run(make_world([8e6]), scheme)
    assert scheme.merged == []
    assert [each.closed_at_s for each in rounds] == [0.0, 0.0, 0.0]
    assert rounds[1].quality == rounds[0].quality


def test_quality_is_asked_at_the_start_at_every_nth_round_and_at_the_end(scheme):
    rounds = run(make_world([8e6]), scheme, n_rounds=5, evaluate_every=2)
    assert [each.number for each in rounds if each.quality is not None] == [0, 2, 4, 5]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e5, 1e9), min_size=1, max_size=6), st.integers(1, 3))
def test_bits_are_conserved(rates_bps, n_rounds):
    world = make_world(rates_bps)
    rounds = run(world, PlainScheme(), n_rounds=n_rounds)
    turns = [turn for each in rounds for turn in each.turns]
    (cell,) = world.radio.cells
    down = sum(8 * payload.size_bytes for turn in turns for payload, _ in turn.downloads)
    up = sum(8 * payload.size_bytes for turn in turns for payload, _ in turn.uploads)
    assert (
        cell.link("downlink").delivered_bits == pytest.approx(down) == pytest.approx(world.backhaul["downlink"].delivered_bits)
    )
    assert cell.link("uplink").delivered_bits == pytest.approx(up) == pytest.approx(world.backhaul["uplink"].delivered_bits)
    assert down == 8 * (len(rates_bps) * 1_000_000 + n_rounds * len(rates_bps) * 1_000)
