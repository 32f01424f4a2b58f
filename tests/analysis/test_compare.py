"""Several runs as one: what sets their scenarios apart, one study of one world, or runs side by side."""

import pandas as pd
import pytest
import yaml
from made_up_study import SCENARIO, write_demo, write_sweep

from analysis.combined_run import combined, run_names
from analysis.compare import differences, in_words
from analysis.frames import by_label
from analysis.paired import differences as paired_differences
from analysis.sweep import axes
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.results.records import TABLES

WIDE = SCENARIO
NARROW = SCENARIO.replace("bandwidth_mhz: 20.0", "bandwidth_mhz: 2.0")


def changed(change):
    """Return the scenario after ``change`` of its data."""
    data = yaml.safe_load(SCENARIO)
    change(data)
    return yaml.safe_dump(data, sort_keys=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write each run once: by name, and what is special about it."""
    folder, runs = tmp_path_factory.mktemp("runs"), {}

    def write(name, labels=("full", "lora"), seeds=(1, 2, 3), **more):
        key = (name, labels, seeds)
        if key not in runs:
            runs[key] = write_demo(folder / f"{len(runs)}" / name, labels=labels, seeds=seeds, **more)
        return runs[key]

    return write


@pytest.fixture(scope="module")
def wide(written):
    return written("wide")


@pytest.fixture(scope="module")
def other(written):
    """The same world, a scheme more and one replication fewer."""
    return written("other", ("lora", "bias"), (1, 2))


@pytest.fixture(scope="module")
def narrow(written):
    return written("narrow", ("lora", "full"), scenario=NARROW)


def found(*runs):
    return {each.key: (each.values, each.of_world) for each in differences(runs)}


def test_a_key_of_the_world_is_named_with_its_values(wide, narrow):
    assert found(wide, narrow) == {"network.carrier.bandwidth_mhz": (("20", "2"), True)}
    first, second = in_words(differences([wide, narrow]), ["wide", "narrow"])
    assert first.startswith("The worlds differ in 1 key.")
    assert second == "  network.carrier.bandwidth_mhz: 20 in wide, 2 in narrow"


def test_places_in_lists_are_numbered_and_lists_of_other_lengths_stay_whole(wide, written):
    fewer = written("fewer", scenario=changed(lambda data: data["fleet"]["groups"][2].update(count=4)))
    assert found(wide, fewer) == {"fleet.groups.2.count": (("8", "4"), True)}
    without = written("without", scenario=changed(lambda data: data["fleet"]["groups"].pop()))
    (key,) = found(wide, without)
    assert key == "fleet.groups"


def test_what_one_run_has_and_the_other_has_not(wide, written):
    traced = written("traced", scenario=changed(lambda data: data["network"].update(trace={"files": ["a.csv"]})))
    assert found(wide, traced) == {"network.trace": (("null", "{files: [a.csv]}"), True)}


def test_settings_of_learning_and_schemes_make_no_other_world(wide, written):
    def change(data):
        data["learning"]["local"]["epochs"] = 2
        data["schemes"][3]["rank"] = 16

    tuned = written("tuned", scenario=changed(change))
    assert found(wide, tuned) == {
        "learning.local.epochs": (("1", "2"), False),
        "schemes.lora.rank": (("8", "16"), False),
    }
    assert in_words(differences([wide, tuned]), ["wide", "tuned"])[0] == "The worlds are the same. What differs:"
    assert combined([wide, tuned]).is_one_world


def test_the_data_are_of_the_world(wide, written):
    skewed = written("skewed", scenario=changed(lambda data: data["learning"]["partition"].update(alpha=0.1)))
    assert found(wide, skewed)["learning.partition.alpha"] == (("0.5", "0.1"), True)


def test_the_seed_says_which_worlds_there_are_and_makes_no_other(wide, written):
    later = written("later", seeds=(3, 4), scenario=SCENARIO.replace("seed: 1\n", "seed: 3\n"))
    assert list(found(wide, later).values()) == [(("1, 2, 3", "3, 4"), False)]
    fixed = {"world": 7, "data": None, "learning": None}
    one = written("one", scenario=changed(lambda data: data.update(seeds=fixed)))
    two = written("two", seeds=(3, 4), scenario=changed(lambda data: data.update(seeds=fixed, seed=3)))
    assert found(one, two)["seed"] == (("1", "3"), True)


def test_the_same_scenario_with_other_places_is_another_world(wide, tmp_path, monkeypatch):
    import made_up_study

    monkeypatch.setattr(made_up_study, "GROUPS", {**made_up_study.GROUPS, "phones": ("phone", 4e9, 6e11)})
    moved = write_demo(tmp_path / "moved", labels=("full", "lora"), seeds=(1, 2, 3))
    ((key, (values, of_world)),) = found(wide, moved).items()
    assert key.startswith("devices")
    assert of_world
    assert values == ("as in the first", "others")


def test_equal_runs_have_no_difference_and_nothing_is_said(wide, written):
    again = written("again")
    assert differences([wide, again]) == []
    assert in_words([], ["a", "b"]) == []


def test_three_runs_and_more_keys_than_are_told(wide, narrow, written):
    def change(data):
        data["network"].update({f"extra_{i}": i for i in range(30)})

    far = written("far", scenario=changed(change))
    lines = in_words(differences([wide, narrow, far]), ["wide", "narrow", "far"])
    assert lines[1] == "  network.carrier.bandwidth_mhz: 20 in wide and far, 2 in narrow"
    assert len(lines) == 22
    assert lines[-1] == "  and 11 more"


def test_runs_of_one_world_are_one_study(wide, other):
    both = combined([wide, other])
    assert both.is_one_world
    labels = by_label(both.frame("summary")).set_index("label")
    assert list(labels.index) == ["full", "wide: lora", "other: lora", "bias"]
    assert labels["n"].tolist() == [3, 3, 2, 2]
    assert set(both.frame("summary")["variant"]) == {""}
    assert len(both.frame("devices")) == len(wide.frame("devices"))
    assert len(both.frame("coverage")) == len(wide.frame("coverage"))
    assert len(both.frame("variants")) == 0


def test_trials_of_one_world_are_paired_over_the_runs(wide, other):
    paired = paired_differences(combined([wide, other]).frame("summary"), "final_accuracy", "wide: lora").set_index("label")
    full, bias = (run.frame("summary").set_index(["label", "seed"])["final_accuracy"] for run in (wide, other))
    assert paired.loc["bias", "n"] == 2
    assert paired.loc["bias", "mean"] == pytest.approx(
        ((bias["bias", 1] - full["lora", 1]) + (bias["bias", 2] - full["lora", 2])) / 2
    )
    assert paired.loc["full", "n"] == 3


def test_runs_of_different_worlds_stand_side_by_side(wide, narrow):
    both = combined([wide, narrow])
    assert not both.is_one_world
    summary = both.frame("summary")
    assert list(dict.fromkeys(zip(summary["variant"], summary["label"], strict=True))) == [
        ("wide", "full"), ("wide", "lora"), ("narrow", "full"), ("narrow", "lora"),
    ]  # fmt: skip
    (axis,) = axes(both.frame("variants"))
    assert (axis.name, axis.title, axis.points, axis.values) == ("run", "Run", ("wide", "narrow"), None)
    assert len(both.frame("devices")) == len(wide.frame("devices")) + len(narrow.frame("devices"))


def test_every_row_of_every_run_is_there_with_the_columns_of_a_run(wide, narrow, other):
    for runs in ((wide, narrow), (wide, other)):
        both = combined(runs)
        for name in TABLES:
            parts, whole = [run.frame(name) for run in runs], both.frame(name)
            assert list(whole.columns) == list(parts[0].columns)
            if len(whole):
                assert whole.dtypes.tolist() == parts[0].dtypes.tolist(), name
            if "label" in whole or not both.is_one_world:
                assert len(whole) == sum(map(len, parts)) or name == "variants"
        numbers = [column for column in whole.columns if pd.api.types.is_float_dtype(whole[column])]
        assert numbers
        rounds = pd.concat([run.frame("rounds") for run in runs])
        assert both.frame("rounds")["sim_time_s"].sum() == pytest.approx(rounds["sim_time_s"].sum())


def test_sweeps_over_the_same_axis_share_its_points(tmp_path):
    one = write_sweep(tmp_path / "one", bandwidths_mhz=(2.0, 20.0), labels=("full",), seeds=(1,))
    longer = SCENARIO.replace("rounds: 15", "rounds: 20")
    two = write_sweep(tmp_path / "two", bandwidths_mhz=(5.0, 20.0, 50.0), labels=("full",), seeds=(1,), scenario=longer)
    both = combined([one, two])
    bandwidth, run = axes(both.frame("variants"))
    assert bandwidth.values == (2.0, 5.0, 20.0, 50.0)
    assert run.points == ("one", "two")
    assert set(both.frame("summary")["variant"]) == set(both.frame("variants")["variant"])
    assert "two: bandwidth_mhz=50" in set(both.frame("summary")["variant"])


def test_a_sweep_beside_a_single_run_has_a_point_a_variant(tmp_path, wide):
    longer = SCENARIO.replace("rounds: 15", "rounds: 20")
    swept = write_sweep(tmp_path / "swept", bandwidths_mhz=(2.0, 20.0), labels=("full",), seeds=(1,), scenario=longer)
    (axis,) = axes(combined([wide, swept]).frame("variants"))
    assert axis.points == ("wide", "swept: bandwidth_mhz=2", "swept: bandwidth_mhz=20")


def test_a_label_that_looks_like_a_told_apart_one_is_told_apart_too(written):
    one, two = written("one", ("lora", "bias x: lora"), (1,)), written("two", ("lora",), (1,))
    both = combined([one, two], ["one", "bias x"])
    assert list(dict.fromkeys(both.frame("summary")["label"])) == ["one: lora", "one: bias x: lora", "bias x: lora"]


def test_what_cannot_be_compared_says_why(wide):
    with pytest.raises(MecsimError, match="with itself"):
        combined([wide, wide])
    with pytest.raises(MecsimError, match="two run folders or more"):
        combined([wide])


def test_a_table_that_is_none_is_refused_as_by_a_run(wide, narrow):
    with pytest.raises(UnknownNameError, match="no table called 'round'"):
        combined([wide, narrow]).frame("round")


def test_names_are_those_of_the_folders_as_far_as_they_differ(tmp_path):
    assert run_names([tmp_path / "a", tmp_path / "b"]) == ("a", "b")
    assert run_names([tmp_path / "x" / "a", tmp_path / "y" / "a"]) == ("x/a", "y/a")


def test_what_all_runs_share_is_said_of_them_together(wide, other):
    both = combined([wide, other])
    assert both.manifest["name"] == "wide + other"
    assert both.manifest["jobs_run"] == 2 * wide.manifest["jobs_run"]
    assert both.manifest["seeds"] == [1, 2, 3]
    assert both.manifest["mecsim_version"] == wide.manifest["mecsim_version"]
    assert yaml.safe_load(both.scenario_yaml)["name"] == "wide + other"
