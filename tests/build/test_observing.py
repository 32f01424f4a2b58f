"""What a policy is shown, column by column: against turns that are played, and against numbers that are counted by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from control_trials import Says, asks, assigning, numbers_of, played, script, stage_of, trial_of
from control_world import CHOICES, SCHEME, TIGHT, controlled

from mecsim.build.joules import device_j
from mecsim.build.trial import Trial
from mecsim.control.policy import Assignment, Decision
from mecsim.knobs import Settings

#: Two devices on mains that do not move: sizes and times can be counted.
TWO = {"fleet.groups": [{"name": "boards", "profile": "raspberry-pi-5", "count": 2}], "protocol.clients_per_round": 2}
ASKS_3 = {"protocol.clients_per_round": 3}
MB = 1_000_000


def shown(policy, changes=None, **how):
    """Return what ``policy`` saw before each round, and the finished trial."""
    trial = played(policy, changes, **how)
    return policy.shown, trial


# What travels ------------------------------------------------------------------------------------------------------------


def test_what_a_device_lacks_before_and_after_turns_and_a_renewal():
    """A backbone of 20 MB x choice, a state of 1 MB in every turn, and a new backbone after two merges."""
    (first, second, third, fourth), _ = shown(
        script(asks(0, choice=0.5), asks(0, choice=0.25), asks(0, choice=0.5), asks(1)), {**TWO, "protocol.rounds": 4}
    )
    nothing_held = [21 * MB, 16 * MB, 11 * MB, 6 * MB]
    for seen in (first, second, third, fourth):
        assert seen.choices == tuple(CHOICES)
        assert seen.renews
        assert seen.upload_bytes.tolist() == [[MB] * 4] * 2
        assert seen.download_bytes[1].tolist() == seen.kept_download_bytes[1].tolist() == nothing_held
        assert np.isnan(seen.age[1]).all()
    assert first.download_bytes[0].tolist() == first.kept_download_bytes[0].tolist() == nothing_held
    # It has been asked at 0.5, and holds that backbone.
    assert second.download_bytes[0].tolist() == second.kept_download_bytes[0].tolist() == [21 * MB, 16 * MB, MB, 6 * MB]
    assert second.age[0].tolist() == pytest.approx([math.nan, math.nan, 0, math.nan], nan_ok=True)
    # Two merges later, what it holds is one version behind.
    assert third.age[0].tolist() == pytest.approx([math.nan, math.nan, 1, 1], nan_ok=True)
    assert third.download_bytes[0].tolist() == nothing_held
    assert third.kept_download_bytes[0].tolist() == [21 * MB, 16 * MB, MB, MB]
    # It has renewed at 0.5.
    assert fourth.age[0, 2] == 0
    assert fourth.download_bytes[0, 2] == fourth.kept_download_bytes[0, 2] == MB


def test_what_is_shown_is_what_then_travels():
    """Round by round, with devices that renew and that do not, and choices that come and go."""
    rng = np.random.default_rng(0)
    plan = [(int(rng.integers(8)), int(rng.integers(4)), bool(rng.integers(2))) for _ in range(30)]

    def says(seen):
        device, place, renew = plan[seen.round_number - 1]
        return Decision((Assignment(device=device, settings=Settings(choice=CHOICES[place], renew=renew)),))

    seen, trial = shown(Says(says), {"protocol.rounds": 30})
    ages = []
    for each, log, (device, place, renew) in zip(seen, trial.rounds[1:], plan, strict=True):
        (turn,) = log.round.turns
        expected = each.download_bytes if renew else each.kept_download_bytes
        assert sum(record.payload_bytes for _, record in turn.downloads) == expected[device, place]
        assert sum(record.payload_bytes for _, record in turn.uploads) == each.upload_bytes[device, place]
        age = each.age[device, place]
        assert turn.age == (0 if renew or math.isnan(age) else age)
        ages.append(turn.age)
    assert max(ages) > 1  # the story has old versions in it


def test_a_scheme_without_a_knob_has_one_choice_that_says_nothing():
    plain = {key: value for key, value in SCHEME.items() if key not in ("choices", "renew_every")}
    (seen, after), _ = shown(script(asks(0)), {**TWO, "schemes.0": plain, "protocol.rounds": 2})
    assert (seen.choices, seen.default, seen.renews, seen.n_choices) == ((0.0,), 0, False, 1)
    assert seen.download_bytes.tolist() == [[21 * MB], [21 * MB]]
    assert after.download_bytes.tolist() == [[MB], [21 * MB]]
    assert np.isnan(after.age).all()


# What it takes -----------------------------------------------------------------------------------------------------------

QUIRKS = {
    "plain": {},
    "slow start": {"network.transport": {"slow_start": True, "ran_rtt_ms": 40}},
    "throttled": {"fleet.groups.0.throttling": {"after_s": 0.5, "factor": 0.5}},
    "spread": {"fleet.groups.0.spread": {"speed": 0.7}, "fleet.groups.1.contention": 0.3},
    "weighted": {"network.sharing": {"kind": "weighted"}},
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_expectations_are_the_turn_of_a_lone_device(quirk):
    """Every device at its first turn, each with another choice: seconds, joules and computing to the number."""
    plan = [(device, device % 4) for device in range(8)]
    trial_seen, trial = shown(
        Says(lambda seen: asks(plan[seen.round_number - 1][0], choice=CHOICES[plan[seen.round_number - 1][1]])),
        {**QUIRKS[quirk], "protocol.rounds": 8, "schemes.0": {**SCHEME, "renew_every": 0}},
    )
    for seen, log, (device, place) in zip(trial_seen, trial.rounds[1:], plan, strict=True):
        (turn,) = log.round.turns
        assert turn.outcome == "completed"
        assert seen.feasible[device, place]
        assert turn.compute_s == pytest.approx(seen.compute_s[device, place], rel=1e-9)
        assert turn.end_s - turn.start_s == pytest.approx(seen.expected_s[device, place], rel=1e-6)
        without_tail = device_j(trial.world, turn) - turn.radio.tail_j
        assert without_tail == pytest.approx(seen.expected_j[device, place], rel=1e-6)
        # Speed is the default choice's, kept up: its operations over its seconds.
        assert seen.speed_flops[device] == pytest.approx(1e9 * 100 / seen.compute_s[device, 0])


def test_places_and_rates_are_those_of_the_turns_that_begin_then():
    changes = {f"fleet.groups.{i}.mobility": {"kind": "random-waypoint"} for i in (0, 1)}
    seen, trial = shown(script(asks(0, 3, 6)), changes)
    assert len({each.distance_m[0] for each in seen}) == len(seen)  # it walks
    for each, log in zip(seen, trial.rounds[1:], strict=True):
        for turn in log.round.turns:
            assert turn.link.distance_m == each.distance_m[turn.device]
        assert (each.downlink_bps > each.uplink_bps).all()


def test_power_and_weights_of_the_round_before_are_not_what_is_shown():
    """Everybody is looked at with full power, alone in the cell, whatever was decided on the round before."""
    changes = {"network.sharing": {"kind": "assigned"}, "protocol.rounds": 2}
    (plain, after), _ = shown(script(asks(0, 1, 2, power_db=-20.0, bandwidth=0.01)), changes)
    assert np.array_equal(plain.uplink_bps, after.uplink_bps)
    assert np.array_equal(plain.downlink_bps, after.downlink_bps)


# What is possible --------------------------------------------------------------------------------------------------------


def test_what_is_feasible_is_what_is_not_refused():
    """Memory of 1 GB with work of up to 1 GB; storage of 12 MB with backbones of 20 x choice; batteries that are low."""
    changes = {**TIGHT, "protocol.rounds": 1, "protocol.clients_per_round": 6}
    policy = script(asks())
    control = trial_of(policy, changes).control
    seen = control.observe(1)
    small, full, board = seen.feasible[0], seen.feasible[2], seen.feasible[5]
    assert board.all()
    assert full.tolist() == [False, False, True, True]  # 21 and 16 MB do not fit 12, 11 do
    assert small.tolist() == [peak <= seen.memory_bytes[0] for peak in (1e9, 0.75e9, 0.5e9, 0.25e9)]
    assert small.any()
    assert not small.all()
    assert np.isinf(seen.expected_s[~seen.feasible]).all()
    assert np.isinf(seen.expected_j[~seen.feasible]).all()
    assert np.isfinite(seen.expected_s[seen.feasible]).all()
    for place, choice in enumerate(CHOICES):
        turns = played(script(asks(*range(6), choice=choice)), changes).rounds[1].round.turns
        refused = {turn.device for turn in turns if turn.outcome == "refused"}
        assert refused == set(np.flatnonzero(~seen.feasible[:, place]).tolist())


def test_who_is_low_on_charge_or_away_or_out_of_coverage_can_do_nothing():
    low = {"name": "low", "profile": "phone-mid", "count": 1, "battery": {"level": [0.1, 0.1], "least_level": 0.2}}
    window = {"kind": "daily", "length_h": 0, "length_sigma_h": 0}
    away = {"name": "away", "profile": "phone-mid", "count": 1, "availability": window}
    there = {"name": "there", "profile": "phone-mid", "count": 1}
    seen = trial_of(script(asks()), {"fleet.groups": [low, away, there], **ASKS_3}).control.observe(1)
    assert seen.feasible.any(axis=1).tolist() == [False, False, True]
    assert seen.available.tolist() == [True, False, True]
    assert seen.battery_share.tolist() == pytest.approx([0.1, 1.0, 1.0])
    far = {"network.stations": [{"name": "a", "position_m": [0, 0], "height_m": 10, "tx_power_dbm": -30}]}
    out = trial_of(script(asks()), {**far, "fleet.area_m": [9e4, 9e4]}).control.observe(1)
    beyond = out.downlink_bps == 0.0
    assert beyond.any()
    assert not out.feasible[beyond].any()
    assert out.available.all()


def test_who_is_shown_to_be_out_of_coverage_loses_the_turn_and_nobody_else_does():
    changes = {
        "network.stations": [{"name": "a", "position_m": [0, 0], "height_m": 10, "tx_power_dbm": -30}],
        "fleet.area_m": [9e4, 9e4],
        "protocol.rounds": 1,
        "protocol.clients_per_round": 8,
    }
    seen, trial = shown(script(asks(*range(8))), changes)
    outcomes = {turn.device: turn.outcome for turn in trial.rounds[1].round.turns}
    assert {device: "completed" if seen[0].feasible[device, 0] else "lost" for device in range(8)} == outcomes


# What has been -----------------------------------------------------------------------------------------------------------


def test_what_came_back_is_counted_and_rounds_take_as_long_as_they_took():
    seen, trial = shown(script(asks(0, 1), asks(0), asks(2), asks()), {"protocol.rounds": 3})
    assert [each.round_number for each in seen] == [1, 2, 3]
    assert {each.n_rounds for each in seen} == {3}
    assert {each.n_asked for each in seen} == {4}
    assert [each.n_updates[:3].tolist() for each in seen] == [[0, 0, 0], [1, 1, 0], [2, 1, 0]]
    assert [each.rounds_since[:3].tolist() for each in seen] == [[1, 1, 1], [1, 1, 2], [1, 2, 3]]
    closed = [log.round.closed_at_s for log in trial.rounds]
    took_s = [log.round.closed_at_s - log.round.opened_at_s for log in trial.rounds[1:]]
    assert [each.round_s for each in seen] == [0.0, *took_s[:2]]
    assert [each.now_s for each in seen] == closed[:3]
    assert all(each.n_samples.tolist() == [100.0] * 8 for each in seen)


def test_a_turn_without_an_update_does_not_count():
    """Memory is too small for the highest choice: refused, and counted by nobody."""
    small = {"fleet.groups.0.memory_gb": 1.0}
    (_, after), trial = shown(script(asks(0, 7, choice=1.0)), {**small, "protocol.rounds": 2})
    assert [turn.outcome for turn in trial.rounds[1].round.turns] == ["refused", "completed"]
    assert after.n_updates.tolist() == [0, 0, 0, 0, 0, 0, 0, 1]
    assert after.rounds_since.tolist() == [2] * 7 + [1]


def test_the_classes_of_those_who_came_back_are_less_new():
    """Eight devices with a class each."""
    policy, stage = script(asks(0, 1), asks(2)), stage_of(controlled({**ASKS_3, "protocol.rounds": 2}))
    dealt = {**stage.dealt, "histogram": (100 * np.eye(8, dtype=int)).tolist()}
    Trial(replace(stage, dealt=dealt), demand=None, policy=policy).finish()
    first, second = policy.shown
    assert first.overlap.tolist() == second.overlap.tolist() == [pytest.approx(1 / 8)] * 8
    assert first.novelty.tolist() == [1.0] * 8
    # Remembered is half of a round in which two classes had halves: 1/4 each, twice the fleet's 1/8.
    assert second.novelty.tolist() == [0.0, 0.0, *[1.0] * 6]


def test_without_classes_nothing_is_said_of_them():
    (first, *_), _ = shown(script(asks(0)), ASKS_3)
    assert np.isnan(first.overlap).all()
    assert np.isnan(first.novelty).all()


def test_who_is_looked_at_without_choosing_is_the_selection():
    policy = assigning(lambda device, observation: Assignment(device=device))
    seen, _ = shown(policy)
    whole = trial_of(script(asks())).control.observe(1)
    first = seen[0]
    assert first.n == first.n_asked == 4
    for name in ("distance_m", "downlink_bps", "expected_s", "expected_j", "memory_bytes", "speed_flops"):
        assert np.array_equal(getattr(first, name), getattr(whole, name)[first.devices])


# Quality -----------------------------------------------------------------------------------------------------------------


class Demanded:
    """Gives the numbers of evaluations, and keeps which were asked for."""

    def __init__(self):
        self.jobs = []

    def __call__(self, jobs):
        self.jobs += jobs
        return numbers_of(jobs)


def test_only_a_policy_that_asks_is_told_the_accuracy_and_that_is_the_training_s():
    told, demand = Says(lambda seen: asks(0, 1, 2), asks_quality=True), Demanded()
    trial = played(told, demand=demand)
    # Before round n the accuracy is that after round n - 1.
    evaluated = [numbers_of([log.round.quality])[0]["accuracy"] for log in trial.rounds]
    assert [seen.accuracy for seen in told.shown] == evaluated[:-1]
    assert demand.jobs == [log.round.quality for log in trial.rounds[:-1]]
    assert len(set(evaluated)) == len(evaluated)
    silent, demand = script(asks(0, 1, 2)), Demanded()
    played(silent, demand=demand)
    assert demand.jobs == []
    assert all(math.isnan(seen.accuracy) for seen in silent.shown)


def test_columns_have_their_shapes_and_are_the_policy_s_own():
    """Who writes into what it was shown changes nothing of what is shown next."""
    control = trial_of(script(asks())).control
    seen = control.observe(1)
    for name in ("available", "n_samples", "distance_m", "downlink_bps", "memory_bytes", "n_updates", "rounds_since"):
        assert getattr(seen, name).shape == (8,)
    for name in ("feasible", "compute_s", "download_bytes", "kept_download_bytes", "upload_bytes", "expected_s", "age"):
        assert getattr(seen, name).shape == (8, 4)
    seen.n_updates[:] = 99.0
    assert control.observe(2).n_updates.tolist() == [0.0] * 8
