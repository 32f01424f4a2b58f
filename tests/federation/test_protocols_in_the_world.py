"""Every protocol over the world as it is: bits are conserved whatever is interrupted, and a study repeats itself."""

import math

import pytest
from fake_protocol_world import NotingScheme
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_world import make_world

from mecsim.federation.asynchronous import run_asynchronous
from mecsim.federation.buffered import run_buffered
from mecsim.federation.deadline import FixedDeadline, run_deadline
from mecsim.federation.hierarchical import run_hierarchical
from mecsim.federation.rounds import Plan
from mecsim.federation.sync import run_synchronous

PROTOCOLS = {
    "sync": (run_synchronous, {}),
    "deadline": (run_deadline, {"deadline": FixedDeadline(6.0), "over_selection": 2.0}),
    "buffered": (run_buffered, {"buffer_size": 2, "concurrency": 3}),
    "async": (run_asynchronous, {"concurrency": 3, "max_staleness": 1}),
    "hierarchical": (run_hierarchical, {"edge_rounds": 2}),
}


def study(kind, rates_bps, *, stop_at_s=math.inf):
    """Run three rounds; return the world, the scheme and the rounds."""
    world, scheme, rounds = make_world(rates_bps), NotingScheme(merge_s=0.5), []
    protocol, options = PROTOCOLS[kind]

    def select(number, n, busy):
        return [(number + i) % len(rates_bps) for i in range(len(rates_bps)) if (number + i) % len(rates_bps) not in busy][:n]

    plan = Plan(
        n_rounds=3,
        evaluate_every=1,
        n_asked=min(3, len(rates_bps)),
        select=select,
        n_samples=lambda device: 10,
        log=rounds.append,
        stop_at_s=stop_at_s,
    )
    world.env.run(world.env.process(protocol(world, scheme, plan, **options)))
    return world, scheme, rounds


def story(rounds):
    return [
        (each.opened_at_s, each.closed_at_s, [(turn.device, turn.start_s, turn.end_s, turn.outcome) for turn in each.turns])
        for each in rounds
    ]


@pytest.mark.parametrize("kind", PROTOCOLS)
@settings(max_examples=25, deadline=None)
@given(rates_bps=st.lists(st.floats(5e6, 1e9), min_size=1, max_size=6), stop_at_s=st.sampled_from([3.0, 11.0, math.inf]))
def test_bits_are_conserved(kind, rates_bps, stop_at_s):
    world, _, rounds = study(kind, rates_bps, stop_at_s=stop_at_s)
    turns = [turn for each in rounds for turn in each.turns]
    (cell,) = world.radio.cells
    for direction in ("downlink", "uplink"):
        carried = [
            transfer.carried_bytes for turn in turns for _, transfer in turn.transfers if transfer.direction == direction
        ]
        assert cell.link(direction).delivered_bits == pytest.approx(8 * math.fsum(carried), rel=1e-6, abs=1e-3)
    assert {turn.outcome for turn in turns} <= {"completed", "late"}
    assert all(turn.end_s <= each.closed_at_s for each in rounds for turn in each.turns)
    assert story(study(kind, rates_bps, stop_at_s=stop_at_s)[2]) == story(rounds)


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_a_late_device_keeps_what_it_has_and_takes_its_next_turn(kind):
    """Stations and cells are left clean by an interruption: a study that goes on reaches all of its rounds."""
    _, scheme, rounds = study(kind, [8e6, 16e6, 400e6, 400e6])
    assert rounds[-1].number == 3
    assert len(scheme.joined if kind == "hierarchical" else scheme.merged) >= 1
    if kind in ("deadline", "buffered", "async"):
        assert "late" in {turn.outcome for each in rounds for turn in each.turns}
