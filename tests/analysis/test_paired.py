import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_trials import trials_of, worlds_of
from scipy import stats

from analysis.paired import best, difference, differences, holm, is_told_apart
from analysis.stats import interval
from mecsim.errors import MecsimError, UnknownNameError

N_WORLDS = 2_000
T_2 = 4.303


def noise(seed, n_seeds, scale, n_worlds=N_WORLDS):
    return np.random.default_rng(seed).normal(0.0, scale, (n_worlds, n_seeds))


def test_differences_by_hand():
    times = {("", "a"): {1: 10.0, 2: 20.0, 3: 40.0}, ("", "b"): {1: 12.0, 2: 24.0, 3: 42.0}}
    (row,) = differences(trials_of(times), "sim_time_s", "a").to_dict("records")
    # b - a is 2, 4, 2: mean 8/3, standard deviation sqrt(4/3); b / a is 1.2, 1.2, 1.05.
    assert (row["label"], row["reference"], row["measure"], row["n"]) == ("b", "a", "sim_time_s", 3)
    assert row["mean"] == pytest.approx(8 / 3)
    assert row["half"] == pytest.approx(T_2 * math.sqrt(4 / 3) / math.sqrt(3))
    assert not row["told_apart"]
    assert row["verdict"] == "not told apart"
    assert row["ratio"] == pytest.approx((1.2 * 1.2 * 1.05) ** (1 / 3))
    half = T_2 * np.std(np.log([1.2, 1.2, 1.05]), ddof=1) / math.sqrt(3)
    assert row["ratio_low"] == pytest.approx(row["ratio"] / math.exp(half))
    assert row["ratio_high"] == pytest.approx(row["ratio"] * math.exp(half))
    assert row["p_value"] == row["p_holm"] == pytest.approx(stats.ttest_rel([12, 24, 42], [10, 20, 40]).pvalue)


@pytest.mark.parametrize(("measure", "verdict"), [("sim_time_s", "worse"), ("best_accuracy", "better")])
def test_what_is_better_depends_on_the_measure(measure, verdict):
    more = {("", "a"): {1: 0.50, 2: 0.60, 3: 0.70}, ("", "b"): {1: 0.60, 2: 0.70, 3: 0.81}}
    (row,) = differences(trials_of(more, measure), measure, "a").to_dict("records")
    assert row["told_apart"]
    assert row["verdict"] == verdict
    assert math.isnan(row["ratio"]) == (measure == "best_accuracy")


def test_the_order_is_that_of_the_study_and_variants_without_the_reference_have_no_rows():
    once = {1: 1.0, 2: 2.0}
    times = {("v2", "b"): once, ("v2", "a"): once, ("v1", "c"): once, ("v1", "a"): once, ("v1", "b"): once, ("v0", "b"): once}
    found = differences(trials_of(times), "sim_time_s", "a")
    assert found[["variant", "label"]].to_numpy().tolist() == [["v2", "b"], ["v1", "c"], ["v1", "b"]]


def test_only_common_seeds_count():
    times = {("", "a"): {1: 10.0, 2: 20.0, 3: 30.0}, ("", "b"): {4: 1e9, 3: 33.0, 2: 22.0}}
    (row,) = differences(trials_of(times), "sim_time_s", "a").to_dict("records")
    assert (row["n"], row["mean"]) == (2, 2.5)


def test_no_common_seed_is_no_difference():
    (row,) = differences(trials_of({("", "a"): {1: 1.0}, ("", "b"): {2: 1.0}}), "sim_time_s", "a").to_dict("records")
    assert row["n"] == 0
    assert math.isnan(row["mean"])
    assert not row["told_apart"]


def test_one_seed_tells_nobody_apart():
    (row,) = differences(trials_of({("", "a"): {1: 1.0}, ("", "b"): {1: 900.0}}), "sim_time_s", "a").to_dict("records")
    assert (row["mean"], row["told_apart"], row["verdict"]) == (899.0, False, "not told apart")
    assert math.isnan(row["half"])
    assert math.isnan(row["p_value"])
    assert row["ratio"] == pytest.approx(900.0)


def test_what_was_not_reached_is_not_averaged_over_the_lucky_seeds():
    times = {("", "a"): {1: 10.0, 2: 10.0, 3: math.nan}, ("", "b"): {1: 90.0, 2: 90.1, 3: 90.2}}
    (row,) = differences(trials_of(times, "time_to_target_s"), "time_to_target_s", "a").to_dict("records")
    assert math.isnan(row["mean"])
    assert math.isnan(row["ratio"])
    assert (row["n"], row["told_apart"]) == (3, False)


def test_a_zero_has_a_difference_and_no_ratio():
    sent = {("", "a"): {1: 0.0, 2: 0.0}, ("", "b"): {1: 5.0, 2: 5.0}}
    (row,) = differences(trials_of(sent, "uplink_bytes"), "uplink_bytes", "a").to_dict("records")
    # The bytes are the same with every seed: nothing is left to chance, and the interval is a point.
    assert (row["mean"], row["half"], row["verdict"], row["p_value"]) == (5.0, 0.0, "worse", 0.0)
    assert math.isnan(row["ratio"])


def test_the_rounding_of_sums_is_no_difference():
    same = {("", "a"): {1: 0.1 + 0.2, 2: 0.7 + 0.1}, ("", "b"): {1: 0.3, 2: 0.8 - 1e-16}}
    (row,) = differences(trials_of(same), "sim_time_s", "a").to_dict("records")
    assert (row["mean"], row["half"], row["told_apart"], row["p_value"]) == (0.0, 0.0, False, 1.0)


def test_measures_that_are_made_of_columns(seeded_run):
    summary = seeded_run.frame("summary")
    (row,) = differences(summary, "total_bytes", "full").to_dict("records")
    totals = summary.assign(total=summary["uplink_bytes"] + summary["downlink_bytes"]).groupby("label")["total"].mean()
    assert row["mean"] == pytest.approx(totals["bias"] - totals["full"])


def test_names_that_do_not_exist(seeded_run):
    summary = seeded_run.frame("summary")
    with pytest.raises(UnknownNameError, match="no label called 'bais'"):
        differences(summary, "sim_time_s", "bais")
    with pytest.raises(UnknownNameError, match="no measure called 'time'"):
        differences(summary, "time", "bias")
    with pytest.raises(MecsimError, match="no bits_per_byte"):
        best(summary, "bits_per_byte")


@pytest.mark.parametrize("n_seeds", [3, 5, 10])
def test_paired_intervals_cover_the_effect_in_95_of_100_worlds(n_seeds):
    """The world moves both by far more than the effect; each scheme has its own luck on top."""
    world = noise(1, n_seeds, 0.1)
    a, b = 0.7 + world + noise(2, n_seeds, 0.004), 0.71 + world + noise(3, n_seeds, 0.006)
    found = differences(worlds_of(N_WORLDS, a=a, b=b), "final_accuracy", "a")
    covered = ((found["mean"] - 0.01).abs() <= found["half"]).mean()
    assert len(found) == N_WORLDS
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("n_seeds", [3, 5])
def test_equal_schemes_are_told_apart_in_5_of_100_worlds(n_seeds):
    world = noise(1, n_seeds, 0.1)
    a, b = (0.7 + world + noise(seed, n_seeds, 0.004) for seed in (2, 3))
    found = differences(worlds_of(N_WORLDS, a=a, b=b), "final_accuracy", "a")
    assert 0.03 <= found["told_apart"].mean() <= 0.07
    assert (found["told_apart"] == (found["p_value"] < 0.05)).mean() > 0.999  # quantiles are tabled with three digits


def test_pairs_find_a_small_effect_in_different_worlds_where_means_do_not():
    n_seeds, n_worlds = 5, 400
    world = noise(1, n_seeds, 0.1, n_worlds)
    a, b = (0.7 + gain + world + noise(seed, n_seeds, 0.003, n_worlds) for seed, gain in ((2, 0.0), (3, 0.01)))
    found = differences(worlds_of(n_worlds, a=a, b=b), "final_accuracy", "a")
    assert (found["verdict"] == "better").mean() > 0.9
    unpaired = stats.ttest_ind(b, a, axis=1, equal_var=False).pvalue < 0.05
    assert unpaired.mean() < 0.02


def test_several_equal_schemes_at_once():
    """Alone each comparison errs in 5 %; together some do far more often, and adjusted ones do not."""
    world = noise(1, 3, 0.1)
    labels = {name: 0.7 + world + noise(seed, 3, 0.004) for seed, name in enumerate("abcdef", 10)}
    found = differences(worlds_of(N_WORLDS, **labels), "final_accuracy", "a")
    by_world = found.groupby("variant", sort=False)
    some = by_world["told_apart"].any().mean()
    assert some > 0.12
    assert (by_world["p_holm"].min() < 0.05).mean() <= 0.065


def test_holm_by_hand():
    # Smallest first: 4 * 0.01, 3 * 0.015 = 0.045, 2 * 0.03 = 0.06, and 0.04 after it is not less than 0.06.
    assert holm([0.03, 0.01, 0.04, 0.015]) == pytest.approx([0.06, 0.04, 0.06, 0.045])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_rejects_what_its_steps_reject(p_values):
    """Step down while p <= 0.05 / what is left; the first that fails ends it."""
    rejected, left = set(), len(p_values)
    for p, i in sorted((p, i) for i, p in enumerate(p_values)):
        if left * p > 0.05:
            break
        rejected.add(i)
        left -= 1
    assert {i for i, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


def test_no_comparison_is_none_to_adjust_for():
    adjusted = holm([math.nan, 0.04])
    assert math.isnan(adjusted[0])
    assert adjusted[1] == 0.04


def test_the_best_and_who_is_not_told_apart_from_it():
    world = {1: 0.10, 2: 0.20, 3: -0.10}
    gains = {"a": (0.0, 0.0, 0.001), "b": (0.02, 0.021, 0.020), "c": (0.01, 0.03, 0.014), "d": (0.0, 0.0, 0.0)}
    accuracy = {
        ("", label): {seed: 0.5 + world[seed] + gain for seed, gain in zip(world, gained, strict=True)}
        for label, gained in gains.items()
    }
    accuracy["", "e"] = {1: 0.9, 2: math.nan, 3: 0.9}
    (row,) = best(trials_of(accuracy, "final_accuracy"), "final_accuracy").to_dict("records")
    assert (row["winner"], row["rivals"], row["beaten"], row["unranked"]) == ("b", ("c",), ("a", "d"), ("e",))
    assert row["mean"] == pytest.approx(0.5 + 0.2 / 3 + 0.061 / 3)
    assert row["half"] == pytest.approx(interval(list(accuracy["", "b"].values())).half)


def test_who_is_surely_beaten_by_hand():
    """Alone p = 0.036 and 0.037 are below 0.05; of two comparisons the smaller would have to be below 0.025."""
    times = {("", "a"): {1: 0.0, 2: 0.0, 3: 0.0}, ("", "b"): {1: 0.7, 2: 1.0, 3: 1.4}, ("", "c"): {1: 1.4, 2: 1.0, 3: 0.7}}
    (row,) = best(trials_of(times), "sim_time_s").to_dict("records")
    assert (row["beaten"], row["beaten_holm"]) == (("b", "c"), ())
    far = {("", "d"): {1: 10.0, 2: 10.1, 3: 10.0}}
    (row,) = best(trials_of(times | far), "sim_time_s").to_dict("records")
    assert (row["beaten"], row["beaten_holm"]) == (("b", "c", "d"), ("d",))


def test_how_often_the_best_of_equals_has_somebody_beaten():
    """What the docstring warns of."""
    world = noise(1, 3, 0.1)
    labels = {name: 0.7 + world + noise(seed, 3, 0.004) for seed, name in enumerate("abcdef", 10)}
    found = best(worlds_of(N_WORLDS, **labels), "final_accuracy")
    some, surely = found["beaten"].map(bool).mean(), found["beaten_holm"].map(bool).mean()
    all_five = (found["beaten"].map(len) == 5).mean()
    assert 0.28 < some < 0.38
    assert 0.06 < surely < 0.12
    assert all_five < 0.01


def test_the_least_cost_is_best_and_every_variant_has_its_own():
    times = {
        ("v1", "a"): {1: 1.0, 2: 1.1},
        ("v1", "b"): {1: 9.0, 2: 9.1},
        ("v2", "a"): {1: 7.0, 2: 7.0},
        ("v2", "b"): {1: 2.0, 2: 2.0},
    }
    found = best(trials_of(times), "sim_time_s")
    assert found[["variant", "winner", "rivals", "beaten"]].to_numpy().tolist() == [
        ["v1", "a", (), ("b",)],
        ["v2", "b", (), ("a",)],
    ]


def test_equals_are_rivals_and_the_first_of_the_study_is_named():
    times = {("", "b"): {1: 1.0, 2: 2.0}, ("", "a"): {1: 1.0, 2: 2.0}}
    (row,) = best(trials_of(times), "sim_time_s").to_dict("records")
    assert (row["winner"], row["rivals"]) == ("b", ("a",))


def test_with_one_seed_everybody_is_a_rival():
    (row,) = best(trials_of({("", "a"): {1: 1.0}, ("", "b"): {1: 99.0}}), "sim_time_s").to_dict("records")
    assert (row["winner"], row["rivals"], row["n"]) == ("a", ("b",), 1)
    assert math.isnan(row["half"])


def test_a_seed_that_one_label_lacks_gives_nobody_an_advantage():
    """On the seeds that both have, b is better; the third, an easy world, was only run for a."""
    accuracy = {("", "a"): {1: 0.5, 2: 0.6, 3: 0.99}, ("", "b"): {1: 0.55, 2: 0.65}}
    (row,) = best(trials_of(accuracy, "final_accuracy"), "final_accuracy").to_dict("records")
    assert (row["winner"], row["n"]) == ("b", 2)


def test_nobody_is_best_where_nobody_has_the_measure():
    missing = {("", "a"): {1: math.nan}, ("", "b"): {1: math.nan}}
    (row,) = best(trials_of(missing, "time_to_target_s"), "time_to_target_s").to_dict("records")
    assert (row["winner"], row["n"], row["unranked"]) == ("", 0, ("a", "b"))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=8))
def test_differences_are_antisymmetric(pairs):
    a, b = (dict(enumerate(values)) for values in zip(*pairs, strict=True))
    there, back = difference(a, b), difference(b, a)
    assert there.mean == pytest.approx(-back.mean)
    assert there.half == pytest.approx(back.half)
    assert is_told_apart(there) == is_told_apart(back)
