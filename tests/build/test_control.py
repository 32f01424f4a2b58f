"""What a policy decides is what happens: who takes part, with which settings, weights and powers, under every protocol."""

import time

import numpy as np
import pytest
from control_trials import Says, asked, asks, assigning, numbers_of, played, rows, script, stage_of, trial_of
from control_world import SCHEME, controlled

from mecsim.build.control import LOOKED_AT
from mecsim.build.policy import build_policy
from mecsim.control.policy import Assignment, Decision
from mecsim.errors import MecsimError
from mecsim.knobs import AS_IT_IS, Settings

WEIGHTED = {"network.sharing": {"kind": "weighted"}}
TWO_ROUNDS = {"protocol.rounds": 2}
SELECTIONS = ["uniform", "round-robin", "best-channel", "fastest", "energy-aware", "availability-aware", "power-of-choice"]
PROTOCOLS = [
    {"kind": "sync"},
    {"kind": "deadline", "deadline": {"kind": "fixed", "seconds": 3600}, "over_selection": 1.0},
    {"kind": "deadline", "deadline": {"kind": "adaptive"}},
    {"kind": "buffered", "buffer": 2},
    {"kind": "async"},
    {"kind": "hierarchical", "edge_rounds": 2},
]
by_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: "-".join(map(str, protocol.values()))[:16])


# Settings ----------------------------------------------------------------------------------------------------------------


def test_what_is_decided_stands_in_the_rows_of_the_turns():
    decision = Decision(
        (
            Assignment(device=1, settings=Settings(choice=0.5), bandwidth=2.0, power_db=-3.0),
            Assignment(device=6, settings=Settings(choice=0.25, renew=False), bandwidth=0.5),
            Assignment(device=3),
        )
    )
    changes = {**WEIGHTED, "protocol.rounds": 3}
    told = rows(played(script(decision), changes), changes)["clients"]
    of_device = {device: [row for row in told if row.device == device] for device in (1, 6, 3)}
    assert [(row.choice, row.bandwidth, row.power_db) for row in of_device[1]] == [(0.5, 2.0, -3.0)] * 3
    assert [(row.choice, row.bandwidth, row.power_db) for row in of_device[6]] == [(0.25, 0.5, 0.0)] * 3
    assert [(row.choice, row.bandwidth, row.power_db) for row in of_device[3]] == [(1.0, 1.0, 0.0)] * 3
    # A new backbone after two merges: who does not renew is one version behind, and downloads the state of 1 MB alone.
    assert [row.age for row in of_device[1]] == [0, 0, 0]
    assert [row.age for row in of_device[6]] == [0, 0, 1]
    assert [row.download_bytes for row in of_device[1]] == [11_000_000, 1_000_000, 11_000_000]
    assert [row.download_bytes for row in of_device[6]] == [6_000_000, 1_000_000, 1_000_000]


def test_epochs_are_passes_over_the_samples():
    one, three = (rows(played(script(asks(0, epochs=epochs)), TWO_ROUNDS), TWO_ROUNDS)["clients"] for epochs in (None, 3))
    for plain, more in zip(one, three, strict=True):
        assert more.compute_s == pytest.approx(3.0 * plain.compute_s)
        assert more.upload_bytes == plain.upload_bytes


def test_less_power_makes_an_upload_last_longer_and_leaves_others_alone():
    def turns(power_db):
        decision = Decision((Assignment(device=0, power_db=power_db), Assignment(device=7)))
        changes = {**TWO_ROUNDS, "network.sharing": {"kind": "assigned"}}
        return rows(played(script(decision), changes), changes)["clients"]

    full, less = turns(0.0), turns(-20.0)
    for plain, weak in zip(full, less, strict=True):
        if plain.device == 0:
            assert weak.upload_s > 1.05 * plain.upload_s
            assert weak.uplink_sinr_db < plain.uplink_sinr_db - 10.0
        else:
            assert weak.upload_s == pytest.approx(plain.upload_s, rel=1e-9)


def test_who_was_decided_on_before_and_is_not_asked_now_takes_nothing_of_a_cell():
    """Device 0 has a tenth of a cell in round 1, and the weight 50 alone with device 1 in round 2."""
    changes = {**TWO_ROUNDS, "network.sharing": {"kind": "assigned"}}
    heavy = script(asks(0, bandwidth=50.0), asks(1))
    plain = script(asks(0), asks(1))
    assert [row.end_s - row.start_s for row in rows(played(heavy, changes), changes)["clients"]] == pytest.approx(
        [row.end_s - row.start_s for row in rows(played(plain, changes), changes)["clients"]]
    )


# Who takes part ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_policy_that_chooses_nobody_assigns_whom_the_selection_asks(selection):
    """The same devices in the same order, and so the same times and joules, as where nobody decides."""
    changes = {"selection": {"kind": selection}}
    alone = played(None, changes, demand=numbers_of)
    policy = assigning(lambda device, observation: Assignment(device=device))
    decided = played(policy, changes, demand=numbers_of)
    assert asked(decided) == asked(alone)
    assert len(policy.shown) == 6
    assert rows(decided, changes) == rows(alone, changes)
    for observation, devices in zip(policy.shown, asked(decided), strict=True):
        assert observation.devices.tolist() == sorted(devices)


def test_updates_are_merged_in_the_order_of_the_selection_whatever_that_of_the_decision():
    backwards = Says(
        lambda seen: Decision(tuple(Assignment(device=int(device)) for device in seen.devices[::-1])), chooses_devices=False
    )
    assert asked(played(backwards)) == asked(played(None))


@pytest.mark.parametrize(
    ("decision", "named"),
    [(asks(2, 2, 3), r"\[2\]"), (asks(1, 8), r"\[8\]"), (asks(0, 5, 5, 99), r"\[5, 99\]")],
    ids=["twice", "of no fleet", "both"],
)
def test_a_device_that_cannot_be_asked_or_is_named_twice_is_an_error(decision, named):
    with pytest.raises(MecsimError, match=rf"asks devices {named} in round 1.*each device of the observation .*once"):
        played(script(decision))


def test_who_is_away_must_not_be_asked():
    away = {"fleet.groups.1.availability": {"kind": "daily", "length_h": 0, "length_sigma_h": 0}}
    policy = script(asks(0, 5))
    with pytest.raises(MecsimError, match=r"\[5\]"):
        played(policy, away)
    assert policy.shown[0].available.tolist() == [True] * 5 + [False] * 3


@pytest.mark.parametrize("other", ["fewer", "more", "others", "twice"])
def test_a_policy_that_chooses_nobody_must_assign_all_and_only_the_selected(other):
    def says(seen):
        devices = [int(device) for device in seen.devices]
        spare = next(device for device in range(8) if device not in devices)
        wrong = {
            "fewer": devices[1:],
            "more": [*devices, spare],
            "others": [*devices[1:], spare],
            "twice": [*devices, devices[0]],
        }
        return asks(*wrong[other])

    with pytest.raises(MecsimError, match=r"the section selection asks .* needs chooses_devices"):
        played(Says(says, chooses_devices=False))


def test_of_more_than_may_be_asked_the_first_are():
    trial = played(script(asks(7, 2, 5, 0, 1, 3)))
    assert asked(trial) == [[7, 2, 5, 0]] * 6
    assert trial.control.assignment(1) == Assignment(device=1)


def test_nobody_asked_is_looked_for_again_in_a_minute():
    """Nobody on the first three looks: each a minute apart, and the round is as long as the wait."""
    policy = Says(lambda seen: asks(0) if len(policy.shown) > 3 else Decision(()))
    trial = played(policy, {"protocol.rounds": 1})
    assert [seen.now_s for seen in policy.shown] == [0.0, 60.0, 120.0, 180.0]
    assert [seen.round_number for seen in policy.shown] == [1] * 4
    assert trial.rounds[1].round.turns[0].start_s == 180.0


def test_a_fleet_that_is_away_is_not_shown_at_all():
    """A study begins at ten in the evening, and all come at eight in the morning: only then anybody is asked to decide."""
    window = {"kind": "daily", "start_hour": 8, "start_sigma_h": 0, "length_h": 4, "length_sigma_h": 0}
    away = {f"fleet.groups.{i}.availability": window for i in (0, 1)}
    policy = script(asks(0))
    played(policy, {**away, "protocol.rounds": 1})
    assert [seen.now_s for seen in policy.shown] == [10 * 3600.0]


def test_what_was_decided_holds_until_a_device_is_asked_again():
    trial = played(script(asks(0, 1, choice=0.25, bandwidth=2.0), asks(1, choice=0.5)), {**WEIGHTED, **TWO_ROUNDS})
    assert trial.control.assignment(0) == asks(0, choice=0.25, bandwidth=2.0).assignments[0]
    assert trial.control.assignment(1) == asks(1, choice=0.5).assignments[0]
    assert trial.control.assignment(2) == Assignment(device=2)
    # What a deadline or a selection expects of device 0 goes by that.
    as_decided = trial.view.expected_turn_s(np.array([0]))[0]
    trial.view.settings_of = lambda device: AS_IT_IS
    assert as_decided < trial.view.expected_turn_s(np.array([0]))[0]


# Protocols ---------------------------------------------------------------------------------------------------------------


class Heard:
    """Notes what a world was told of its radio."""

    def __init__(self, trial):
        self.told, self._set = [], trial.world.set_radio
        trial.world.set_radio = self
        self.trial = trial

    def __call__(self, bandwidth, power_db):
        self.told.append((self.trial.env.now, dict(bandwidth), dict(power_db)))
        return self._set(bandwidth, power_db)


@by_protocol
def test_every_protocol_runs_under_a_policy_that_decides_everything(protocol):
    """A device gets in every turn what was decided for it: its own choice and weight."""

    def says(seen):
        free = [int(device) for device in seen.devices[seen.available]]
        return Decision(
            tuple(
                Assignment(
                    device=device,
                    settings=Settings(choice=seen.choices[device % 4], renew=bool(device % 2)),
                    bandwidth=1.0 + device,
                    power_db=-float(device),
                )
                for device in free[: seen.n_asked]
            )
        )

    changes = {f"protocol.{key}": value for key, value in protocol.items()} | WEIGHTED
    policy = Says(says)
    trial = played(policy, changes)
    turns = rows(trial, changes)["clients"]
    assert len(trial.rounds) == 7
    assert sum(row.outcome == "completed" for row in turns) >= 6
    for row in turns:
        assert (row.bandwidth, row.power_db) == (1.0 + row.device, -float(row.device))
        assert row.choice == [1.0, 0.75, 0.5, 0.25][row.device % 4]
    assert [seen.round_number for seen in policy.shown] == list(range(1, len(policy.shown) + 1))


@pytest.mark.parametrize("protocol", PROTOCOLS[3:5], ids=["buffered", "async"])
def test_who_is_still_at_work_keeps_weight_and_power_and_is_not_shown(protocol):
    def says(seen):
        free = [int(device) for device in seen.devices[seen.available]]
        return Decision(tuple(Assignment(device=d, bandwidth=2.0 + d, power_db=-1.0 - d) for d in free[: seen.n_asked]))

    changes = {f"protocol.{key}": value for key, value in protocol.items()} | WEIGHTED
    policy = Says(says)
    trial = trial_of(policy, changes)
    heard = Heard(trial)
    trial.finish()
    turns = [turn for log in trial.rounds for turn in log.round.turns]
    decided = [told for told in heard.told if told[1]]
    assert any(len(told[1]) == 4 for told in decided)
    for now_s, bandwidth, power_db in decided:
        # Before a decision only those at work are named, after it those who begin as well.
        at_work = {turn.device for turn in turns if turn.start_s < now_s < turn.end_s}
        beginning = {turn.device for turn in turns if turn.start_s == now_s}
        assert at_work <= set(bandwidth)
        assert set(bandwidth) <= at_work | beginning | {turn.device for turn in turns if turn.end_s == now_s}
        assert bandwidth == {device: 2.0 + device for device in bandwidth}
        assert power_db == {device: -1.0 - device for device in bandwidth}
    for seen in policy.shown:
        busy = {turn.device for turn in turns if turn.start_s < seen.now_s < turn.end_s}
        assert not busy & set(seen.devices.tolist())


def test_stations_ask_the_devices_that_were_decided_on():
    """Each takes two turns a round of the cloud, on what was decided once."""
    changes = {"protocol.kind": "hierarchical", "protocol.edge_rounds": 2, "protocol.rounds": 2}
    trial = played(script(asks(4, 0, 7, choice=0.5), asks(1, choice=0.25)), changes)
    told = rows(trial, changes)["clients"]
    assert sorted(row.device for row in told if row.round == 1) == [0, 0, 4, 4, 7, 7]
    assert [(row.device, row.choice) for row in told if row.round == 2] == [(1, 0.25)] * 2
    assert {row.choice for row in told if row.round == 1} == {0.5}


# Large fleets ------------------------------------------------------------------------------------------------------------


def fleet_of(n):
    return {"fleet.groups": [{"name": "phones", "profile": "phone-mid", "count": n}], "protocol.rounds": 1}


def test_of_a_large_fleet_a_thousand_are_looked_at():
    """Others in every round, the same ones in another trial of the same world, and never who is busy."""
    trial, again = (trial_of(script(asks()), fleet_of(1500)) for _ in range(2))
    first = trial.control.observe(1)
    assert first.n == LOOKED_AT == 1000
    assert (np.diff(first.devices) > 0).all()
    assert np.array_equal(again.control.observe(1).devices, first.devices)
    assert not np.array_equal(trial.control.observe(2).devices, first.devices)
    busy = set(first.devices[:300].tolist())
    assert not busy & set(trial.control.observe(1, 4, busy).devices.tolist())


def test_a_small_fleet_is_shown_whole_and_busy_devices_are_left_out():
    control = trial_of(script(asks())).control
    assert control.observe(1).devices.tolist() == list(range(8))
    assert control.observe(1, 4, {0, 6}).devices.tolist() == [1, 2, 3, 4, 5, 7]
    nobody = control.observe(1, 4, set(range(8)))
    assert nobody.n == 0
    assert nobody.feasible.shape == nobody.age.shape == (0, 4)
    assert control.select(1, 4, set(range(8))) == ()


def test_looking_costs_by_those_looked_at_and_not_by_the_fleet():
    """A city of ten times as many: in processor time, the best of three, to be safe from others on the machine."""
    small, large = (trial_of(script(asks()), fleet_of(n)) for n in (1000, 10_000))

    def cost_s(trial):
        spent = []
        for number in (1, 2, 3):
            began_s = time.process_time()
            trial.control.observe(number)
            spent.append(time.process_time() - began_s)
        return min(spent)

    assert cost_s(large) < 2.5 * cost_s(small)


@pytest.mark.parametrize("name", ["greedy-finish", "greedy-energy", "random"])
def test_where_no_device_can_do_anything_refusals_say_why_and_no_time_passes(name):
    """A fifth of a gigabyte a device, and the least choice needs a quarter."""
    small = [{"name": "small", "profile": "phone-mid", "count": 3, "memory_gb": 0.2}]
    of = controlled(
        {"fleet.groups": small, "protocol.clients_per_round": 2, "schemes.0": {**SCHEME, "control": {"name": name}}}
    )
    trial = played(build_policy(stage_of(of)), {"fleet.groups": small, "protocol.clients_per_round": 2})
    turns = [[(turn.device, turn.outcome, turn.reason.split(":")[0]) for turn in log.round.turns] for log in trial.rounds[1:]]
    assert turns == [[(0, "refused", "memory"), (1, "refused", "memory")]] * 6
    assert trial.env.now == 0.0
