"""From ``protocol`` and ``selection`` to processes and policies."""

import pytest
from worlds import rows_of, scenario

from mecsim.build.protocol import build_selector
from mecsim.config.protocol import PROTOCOL_KINDS, SELECTION_KINDS
from mecsim.control.ranking import PowerOfChoice, Ranked
from mecsim.control.selection import RoundRobin, Uniform
from mecsim.control.staying import AvailabilityAware
from mecsim.rng import Streams

OF_KIND = {"deadline": {"deadline": {"kind": "adaptive"}}, "buffered": {"buffer": 3}}
POLICIES = {
    "uniform": Uniform,
    "round-robin": RoundRobin,
    "power-of-choice": PowerOfChoice,
    "availability-aware": AvailabilityAware,
}


def selector(kind, n_devices=12, **keys):
    return build_selector(scenario({"selection": {"kind": kind, **keys}}).selection, Streams(1), n_devices)


@pytest.mark.parametrize("kind", PROTOCOL_KINDS)
def test_every_protocol_runs_to_its_last_round(kind):
    rows = rows_of({"protocol": {"kind": kind, "rounds": 3, "clients_per_round": 4, **OF_KIND.get(kind, {})}})
    assert rows["rounds"][-1].round == 3
    assert rows["summary"][0].completed >= 3
    assert all(turn.outcome in ("completed", "late") for turn in rows["clients"])
    # Staleness is there where merges do not wait for devices, and there alone.
    assert any(turn.staleness for turn in rows["clients"]) == (kind in ("buffered", "async"))


@pytest.mark.parametrize("kind", SELECTION_KINDS)
def test_every_policy_runs_under_every_protocol(kind):
    for protocol in PROTOCOL_KINDS:
        of = {"kind": protocol, "rounds": 2, "clients_per_round": 3, **OF_KIND.get(protocol, {})}
        summary = rows_of({"selection": {"kind": kind}, "protocol": of})["summary"][0]
        assert summary.completed >= 2, (kind, protocol)


@pytest.mark.parametrize("kind", SELECTION_KINDS)
def test_kinds_are_policies(kind):
    assert type(selector(kind)) is POLICIES.get(kind, Ranked)


def test_policies_look_at_everybody_in_a_small_fleet_and_at_a_thousand_in_a_city():
    for kind in ("best-channel", "fastest", "energy-aware"):
        assert selector(kind).candidates is None
        assert selector(kind, 1_000_000).candidates == 1000
        assert selector(kind, 1_000_000, candidates=7).candidates == 7
    assert selector("power-of-choice", 1_000_000).candidates is None  # twice those asked, as its paper has it
    assert selector("power-of-choice", candidates=5).candidates == 5


def asked(changes=None):
    return [{turn.device for turn in rows_of(changes)["clients"] if turn.round == number} for number in (1, 2, 3)]


def test_uniform_asks_the_same_whatever_the_network_is():
    assert asked() == asked({"network.carrier.bandwidth_mhz": 5}) != asked({"seeds.world": 2})


def test_round_robin_asks_one_after_the_other():
    assert asked({"selection": {"kind": "round-robin"}}) == [{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}]


def test_energy_aware_asks_the_charged_ones():
    """Phones have from 0 to 30 %: only the four boards on the mains are left to ask."""
    changes = {"selection": {"kind": "energy-aware"}, "fleet.groups.0.battery": {"level": [0.0, 0.29], "least_level": 0.0}}
    assert all(turn.device >= 8 for turn in rows_of(changes)["clients"])


def test_deadline_with_over_selection_asks_more_and_drops_the_late():
    deadline = {"kind": "deadline", "rounds": 2, "clients_per_round": 4, "deadline": {"kind": "fixed", "seconds": 1000}}
    rows = rows_of({"protocol": {**deadline, "over_selection": 2.0}})
    assert [row.selected for row in rows["rounds"]] == [0, 8, 8]
    assert all(row.completed >= 4 and row.completed + row.late == 8 for row in rows["rounds"][1:])
    cut = rows_of({"protocol": {**deadline, "deadline": {"kind": "fixed", "seconds": 0.5}}})
    assert {turn.outcome for turn in cut["clients"]} == {"late"}
    assert [row.sim_time_s for row in cut["rounds"]][1:] == pytest.approx([0.5, 1.0])


def test_a_study_stops_at_its_hour():
    rows = rows_of({"protocol.rounds": 1000, "protocol.stop_after_h": 0.05})
    assert rows["rounds"][-1].sim_time_s == pytest.approx(180.0, abs=1.0)
    assert rows["rounds"][-1].round < 1000
    assert rows["rounds"][-1].accuracy is not None
