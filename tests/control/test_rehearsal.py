"""A rehearsal is the study without its training: the same seconds, joules and, with the same accuracies, the same objective."""

import math

import pytest
from control_trials import Says, asks, numbers_of, played, script, stage_of, trial_of
from control_world import CHOICES, SCHEME, TIGHT, Counting, controlled

from mecsim.build.policy import build_policy
from mecsim.build.rehearsal import Foretold, Scripted, objective_of, rehearse
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.config.variants import Variant
from mecsim.control.policy import Decision
from mecsim.control.surrogate import Merged
from mecsim.errors import MecsimError
from mecsim.tables import Quality, device_energy_j, learned_rows
from mecsim.trials import TrialPlan, WorldTask, run_world

WEIGHTED = {"network.sharing": {"kind": "weighted"}}
POLICIES = [
    {"name": "fixed", "choice": 0.5, "renew": "never", "epochs": 2, "power_db": -3.0},
    {"name": "random", "vary_number": True, "bandwidths": [0.5, 2.0]},
    {"name": "memory"},
    {"name": "greedy-finish", "renew": "never"},
    {"name": "greedy-energy"},
    {"name": "min-max-delay"},
]
by_policy = pytest.mark.parametrize("control", POLICIES, ids=lambda control: control["name"])


class Replays:
    """A surrogate's form: foretells accuracies that are given, round by round, and notes what was merged."""

    def __init__(self, accuracies, place=0):
        self.accuracies, self.accuracy, self.place = accuracies, accuracies[place], place

    def start(self, total):
        return self

    def step(self, state, merged):
        return Replays(self.accuracies, state.place + 1)


def in_study(of):
    """Return rounds (0 first) and summary of the scenario's one trial, from the room that runs trials of a study."""
    plan = TrialPlan(Variant.only(of.model_copy(update={"schemes": of.schemes * 2})), 1, 0)  # the first would survey the area
    log = run_world(WorldTask(plan, SyntheticRoom(), stage_of(of).dealt, {}))
    evaluated = dict(zip(log.evaluated_rounds, map(Quality.of, numbers_of(log.evaluations.jobs)), strict=True))
    options = {"target_accuracy": of.target_accuracy, "facts": log.facts, "objective": objective_of(of)}
    tables = learned_rows(plan.key, log.rounds, evaluated, **options)
    return tables["rounds"], tables["summary"][0]


def under(control, changes=None):
    return controlled({**WEIGHTED, **(changes or {}), "schemes.0": {**SCHEME, "control": control}})


def rehearsed(of, accuracies, policy=None):
    """Rehearse the scenario's own policy, or another, with the accuracies of rounds 0, 1, and so on."""
    stage = stage_of(of)
    return rehearse(stage, policy or build_policy(stage), Replays([accuracies[0], *accuracies]))


def compare(control, changes=None):
    """Check a rehearsal against the study; return both."""
    of = under(control, changes)
    rounds, summary = in_study(of)
    found = rehearsed(of, [row.accuracy for row in rounds])
    assert found.accuracies == tuple(row.accuracy for row in rounds[1:])
    assert found.clock_s == tuple(row.sim_time_s for row in rounds[1:])
    joules = [device_energy_j(row) for row in rounds[1:]]
    assert found.joules == pytest.approx([sum(joules[: i + 1]) for i in range(len(joules))], rel=1e-12)
    assert found.objective == pytest.approx(summary.objective, rel=1e-12)
    return found, summary


@by_policy
def test_it_is_the_study(control):
    found, summary = compare(control)
    assert len(found.clock_s) == summary.rounds == 6
    assert found.clock_s[-1] == summary.sim_time_s


@by_policy
def test_it_is_the_study_in_a_world_that_is_tight_and_moves(control):
    moving = {f"fleet.groups.{i}.mobility": {"kind": "random-waypoint"} for i in range(4)}
    compare(control, {**TIGHT, **moving, "protocol.rounds": 8})


@by_policy
def test_the_objective_ends_with_the_target_and_the_rounds_do_not(control):
    whole, _ = compare(control)
    target = whole.accuracies[2]
    until, summary = compare(control, {"target_accuracy": target})
    assert len(until.accuracies) == 6
    assert until.objective < whole.objective
    assert summary.time_to_target_s == until.clock_s[2]


def test_a_target_that_is_reached_before_the_first_round_costs_nothing():
    found, summary = compare({"name": "memory"}, {"target_accuracy": 0.05})
    assert found.objective == summary.objective == 0.0


def test_a_study_that_is_cut_by_its_time_costs_its_last_round_too():
    found, summary = compare({"name": "memory"}, {"protocol.stop_after_h": 0.03, "protocol.rounds": 500})
    assert found.clock_s[-1] == pytest.approx(0.03 * 3600.0)
    assert summary.late > 0


@pytest.mark.parametrize("kind", ["deadline", "buffered", "async", "hierarchical"])
def test_it_is_the_study_under_every_protocol(kind):
    keys = {"deadline": {"protocol.deadline": {"kind": "adaptive"}}, "buffered": {"protocol.buffer": 2}}
    compare({"name": "random"}, {"protocol.kind": kind, **keys.get(kind, {})})


def test_a_script_is_the_policy_that_decides_so():
    decisions = (asks(0, 3, 6, choice=0.5), asks(1, choice=0.25, renew=False), asks(0, 1, 2, 4, choice=1.0))
    of = controlled(WEIGHTED)
    accuracies = [0.1 * i for i in range(7)]
    assert rehearsed(of, accuracies, Scripted(decisions)) == rehearsed(of, accuracies, script(*decisions))


def test_a_script_leaves_out_who_is_away_and_goes_on_with_its_last_decision():
    window = {"kind": "daily", "length_h": 0, "length_sigma_h": 0}
    changes = {"fleet.groups.1.availability": window}
    trial = played(Scripted((asks(0, 6), asks(1, 7, 2))), changes)
    assert [[turn.device for turn in log.round.turns] for log in trial.rounds[1:]] == [[0]] + [[1, 2]] * 5


def test_a_policy_that_asks_is_told_what_the_surrogate_foretells():
    policy = Says(lambda seen: asks(0, 1), asks_quality=True)
    accuracies = [0.11, 0.23, 0.31, 0.37, 0.41, 0.43, 0.47]
    found = rehearsed(controlled(), accuracies, policy)
    assert [seen.accuracy for seen in policy.shown] == accuracies[:-1]
    assert found.accuracies == tuple(accuracies[1:])


def test_nothing_is_trained_and_nobody_asks_for_it():
    """A trial of the study demands the accuracy of its training, a rehearsal of the same policy none."""
    with pytest.raises(TypeError):
        trial_of(Says(lambda seen: asks(0), asks_quality=True), demand=None).finish()
    rehearsed(controlled(), [0.5] * 7, Says(lambda seen: asks(0), asks_quality=True))


def test_each_rehearsal_begins_anew():
    """Of scheme, world, policy and surrogate nothing is left over from the one before."""
    of = controlled({"schemes.0": {**SCHEME, "control": {"name": "random"}}})
    stage = stage_of(of)
    first, again = (rehearse(stage, build_policy(stage), Counting()) for _ in range(2))
    assert first == again


def test_a_surrogate_is_told_places_ages_and_samples():
    surrogate = Counting()
    decisions = (asks(0, choice=0.25), asks(0, 5, choice=0.25), asks(0, 1, choice=0.25, renew=False))
    rehearse(stage_of(controlled({"protocol.rounds": 3})), Scripted(decisions), surrogate)
    plain = {"choice": CHOICES.index(0.25), "n_samples": 100}
    assert surrogate.merged == [
        [Merged(**plain, age=0)],
        [Merged(**plain, age=0)] * 2,
        [Merged(**plain, age=1), Merged(**plain, age=0)],  # device 1 has no version to go on with
    ]
    assert surrogate.totals == [[800]]


def test_a_round_that_merges_nothing_leaves_the_accuracy():
    """Nobody can hold the highest choice in round 2."""
    changes = {"fleet.groups.0.memory_gb": 1.0, "protocol.rounds": 3}
    decisions = (asks(7), asks(0, 1, choice=1.0), asks(7))
    found = rehearse(stage_of(controlled(changes)), Scripted(decisions), Counting())
    assert found.accuracies == pytest.approx((0.01, 0.01, 0.02))


def test_a_study_without_an_objective_cannot_be_rehearsed():
    of = controlled().model_copy(update={"objective": None})
    with pytest.raises(MecsimError, match="add the section objective"):
        objective_of(of)
    with pytest.raises(MecsimError, match="add the section objective"):
        rehearsed(of, [0.5] * 7)


def test_a_script_that_asks_nobody_pays_for_a_week():
    found = rehearsed(controlled({"protocol.rounds": 1}), [0.0] * 2, Scripted((Decision(()),)))
    week_s = 7 * 86_400.0
    assert (found.clock_s, found.joules) == ((week_s,), (0.0,))
    assert found.objective == pytest.approx(1.0 + week_s / 30.0)


def test_the_form_of_foretold_is_a_quality_model():
    trial = played(script(asks(0, 1)), {"protocol.rounds": 2})
    foretold = Foretold(Counting(), CHOICES, {"n_samples": [100] * 8})
    assert foretold.accuracy == 0.0
    assert [foretold.after(log.round) for log in trial.rounds] == pytest.approx([0.0, 0.02, 0.04])
    assert not math.isnan(numbers_of([trial.rounds[-1].round.quality])[0]["accuracy"])
