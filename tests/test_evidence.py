"""What stands behind a learned policy in a run's tables: what came with it, and what its surrogate says of this run."""

import pytest
from control_trials import stage_of, surrogate_of, write_learned
from control_world import BASE, SCHEME
from worlds import CATALOG, NoStore, Silent, text

from mecsim.build.policy import build_policy
from mecsim.build.rehearsal import rehearse
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.config.loader import parse_study
from mecsim.evidence import foretold_rows, merged_by_round, shipped_rows, surrogates_of
from mecsim.jobs import synthetic
from mecsim.jobs.runner import LocalRunner
from mecsim.results.records import SurrogateRow, TrainingRow
from mecsim.study import run_study


def entry(label, **control):
    return {**SCHEME, "label": label, "control": control}


def loaded(folder, changes):
    return parse_study(text({**BASE, **changes}), "small.yaml", CATALOG, (), folder)


def rows_of(folder, changes):
    """Return the tables of the study, all of its variants."""
    return run_study(
        loaded(folder, changes).variants, SyntheticRoom(), LocalRunner(synthetic.execute, NoStore()), Silent()
    ).rows


@pytest.fixture
def folder(tmp_path):
    write_learned(tmp_path / "mine")
    return tmp_path


MINE = entry("learned", name="learned", policy="mine/policy.json")
FIXED = entry("fixed", name="fixed", choice=0.5)
BOTH = {"schemes.0": MINE, "schemes.1": FIXED, "protocol.rounds": 3, "replications": 2}


def test_what_came_with_a_policy(folder):
    tables = shipped_rows("learned", folder / "mine" / "surrogate.json")
    assert tables["surrogate"] == [
        SurrogateRow(label="learned", source="fit", trial="random 0", world="7", round=1, predicted=0.5, observed=0.25),
        SurrogateRow(label="learned", source="held-out", trial="fixed 4", world="8", round=2, predicted=0.75, observed=0.5),
    ]
    assert tables["training"] == [
        TrainingRow(label="learned", steps=0, mean_return=None, std_return=None, evaluation_return=-9.5),
        TrainingRow(label="learned", steps=64, mean_return=-8.0, std_return=0.5, evaluation_return=-7.25),
    ]


def test_a_policy_may_come_without_points_and_curve(folder):
    for name in ("surrogate.csv", "curve.csv"):
        (folder / "mine" / name).unlink()
    assert shipped_rows("learned", folder / "mine" / "surrogate.json") == {"surrogate": [], "training": []}
    tables = rows_of(folder, BOTH)
    assert tables["training"] == []
    assert {row.source for row in tables["surrogate"]} == {"run"}


def test_a_policy_without_a_surrogate_has_no_evidence(folder):
    (folder / "mine" / "surrogate.json").unlink()
    tables = rows_of(folder, BOTH)
    assert tables["surrogate"] == tables["training"] == []


def test_nothing_stands_there_where_no_policy_was_trained():
    tables = rows_of(None, {"schemes.0": FIXED, "protocol.rounds": 2})
    assert tables["surrogate"] == tables["training"] == []


def test_a_run_s_rows_are_what_the_surrogate_says_of_the_run_s_own_merges(folder):
    """The rehearsal of the very policy foretells the same, round by round."""
    changes = {**BOTH, "schemes.0": FIXED, "schemes.1": MINE}
    of = loaded(folder, changes).scenario
    tables = rows_of(folder, changes)
    run = [row for row in tables["surrogate"] if row.source == "run"]
    assert len(run) == 2 * 2 * 3
    assert {row.label for row in run} == {"learned"}
    fixed = stage_of(of)
    foretold = rehearse(fixed, build_policy(fixed), surrogate_of())
    mine = [row for row in run if (row.trial, row.world) == ("fixed", "seed 1")]
    assert [row.round for row in mine] == [1, 2, 3]
    assert tuple(row.predicted for row in mine) == foretold.accuracies
    rounds = [row for row in tables["rounds"] if (row.label, row.seed) == ("fixed", 1)]
    assert [row.observed for row in mine] == [row.accuracy for row in rounds[1:]]


def test_a_round_that_the_end_cut_short_merged_nothing():
    """One device has ended its turn by then, another has not: neither's update has any effect."""
    small = entry("fixed", name="fixed", choice=0.25)
    changes = {"schemes.0": small, "protocol.stop_after_h": 0.01, "protocol.rounds": 50, "protocol.clients_per_round": 8}
    tables = rows_of(None, changes)
    last = tables["rounds"][-1]
    assert last.late > 0
    assert last.completed > 0
    dealt = {"n_samples": [100] * 8}
    merged = merged_by_round(tables["clients"], surrogate_of().choices, dealt)
    assert not merged[last.round]
    assert all(merged[row.round] for row in tables["rounds"][1:-1])
    foretold = foretold_rows("x", surrogate_of(), tables, dealt)
    of = loaded(None, changes).scenario
    stage = stage_of(of)
    assert tuple(row.predicted for row in foretold) == rehearse(stage, build_policy(stage), surrogate_of()).accuracies


def test_what_was_merged_has_the_classes_of_its_device():
    tables = rows_of(None, {"schemes.0": FIXED, "protocol.rounds": 2})
    histogram = [[device, 100 - device] for device in range(8)]
    merged = merged_by_round(tables["clients"], (1.0, 0.75, 0.5, 0.25), {"n_samples": [100] * 8, "histogram": histogram})
    for number in (1, 2):
        turns = [row for row in tables["clients"] if row.round == number]
        assert [each.histogram for each in merged[number]] == [tuple(histogram[row.device]) for row in turns]
        assert {(each.choice, each.age, each.n_samples) for each in merged[number]} == {(2, 0, 100)}


def test_a_surrogate_of_other_choices_says_nothing_of_a_trial():
    tables = rows_of(None, {"schemes.0": FIXED, "protocol.rounds": 2})
    dealt = {"n_samples": [100] * 8}
    assert len(foretold_rows("x", surrogate_of((1.0, 0.5)), tables, dealt)) == 2
    assert foretold_rows("x", surrogate_of((1.0, 0.75)), tables, dealt) == []


def test_a_file_that_several_schemes_bring_counts_once_under_the_first(folder):
    write_learned(folder / "other", seed=1)
    schemes = [
        FIXED,
        MINE,
        entry("again", name="learned", policy="mine"),
        entry("oracle", name="oracle", surrogate="mine/surrogate.json"),
        entry("other", name="learned", policy="other"),
    ]
    of = loaded(folder, {"schemes": schemes}).scenario
    found = surrogates_of(of)
    assert list(found) == ["learned", "other"]
    assert [path.parent.name for path in found.values()] == ["mine", "other"]


def test_every_variant_of_a_sweep_has_its_rows_and_what_was_shipped_stands_there_once(folder):
    tables = rows_of(folder, {**BOTH, "replications": 1, "sweep": [{"key": "protocol.clients_per_round", "values": [2, 5]}]})
    shipped = [row for row in tables["surrogate"] if row.source != "run"]
    assert len(shipped) == 2
    assert len(tables["training"]) == 2
    run = [row for row in tables["surrogate"] if row.source == "run"]
    worlds = {row.world for row in run}
    assert len(run) == 2 * 2 * 3
    assert len(worlds) == 2
    assert all(world.endswith("seed 1") for world in worlds)
    # More devices, another forecast.
    by_world = [[row.predicted for row in run if (row.world, row.trial) == (world, "fixed")] for world in sorted(worlds)]
    assert by_world[0] != by_world[1]


def test_a_learned_policy_s_rounds_are_observed_as_they_were_evaluated(folder):
    tables = rows_of(folder, {**BOTH, "replications": 1})
    run = [row for row in tables["surrogate"] if (row.source, row.trial) == ("run", "learned")]
    assert [row.observed for row in run] == [row.accuracy for row in tables["rounds"] if row.label == "learned"][1:]
    assert run[0].predicted != run[0].observed
