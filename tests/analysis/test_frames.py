import math

import pandas as pd
import pytest

from analysis.frames import (
    by_label,
    causes,
    cumulative,
    curve,
    empty_rounds,
    energy_parts,
    outcomes,
    with_diagnostic,
)


def rounds_of(label, seed, rows):
    """Rows are (round, time, accuracy, uplink, compute, radio, idle); the server takes 5 J a round."""
    names = ["round", "sim_time_s", "accuracy", "uplink_bytes"]
    parts = [f"device_{part}_energy_j" for part in ("compute", "radio", "idle")]
    frame = pd.DataFrame(rows, columns=[*names, *parts])
    return frame.assign(scheme="s", label=label, variant="", seed=seed, loss=1.0, downlink_bytes=10, server_energy_j=5.0)


def test_sums_run_within_a_trial_only():
    one = rounds_of(
        "a", 1, [(0, 0.0, 0.1, 0, 0.0, 0.0, 0.0), (1, 9.0, None, 100, 1.0, 2.0, 4.0), (2, 20.0, 0.5, 50, 1.0, 1.0, 1.0)]
    )
    two = rounds_of("b", 1, [(0, 0.0, 0.1, 0, 0.0, 0.0, 0.0), (1, 3.0, 0.2, 7, 0.5, 0.0, 0.0)])
    frame = cumulative(pd.concat([one, two]))
    assert frame["label"].tolist() == ["a", "a", "a", "b", "b"]
    assert frame["cum_uplink_bytes"].tolist() == [0, 100, 150, 0, 7]
    assert frame["cum_downlink_bytes"].tolist() == [10, 20, 30, 10, 20]
    assert frame["cum_device_energy_j"].tolist() == [0.0, 7.0, 10.0, 0.0, 0.5]
    assert frame["cum_server_energy_j"].tolist() == [5.0, 10.0, 15.0, 5.0, 10.0]
    assert frame["sim_time_s"].tolist() == [0.0, 9.0, 20.0, 0.0, 3.0]


def test_rows_out_of_order_are_put_in_order():
    rows = [(0, 0.0, 0.1, 0, 0.0, 0.0, 0.0), (1, 9.0, 0.4, 100, 1.0, 0.0, 0.0)]
    frame = cumulative(rounds_of("a", 1, rows[::-1]))
    assert frame["cum_uplink_bytes"].tolist() == [0, 100]


def test_a_curve_is_the_mean_of_rounds_that_all_seeds_have():
    one = rounds_of(
        "a", 1, [(0, 0.0, 0.1, 0, 0.0, 0.0, 0.0), (1, 8.0, 0.4, 100, 1.0, 0.0, 0.0), (2, 9.0, 0.9, 1, 0.0, 0.0, 0.0)]
    )
    two = rounds_of("a", 2, [(0, 0.0, 0.1, 0, 0.0, 0.0, 0.0), (1, 10.0, 0.6, 50, 1.0, 0.0, 0.0)])
    points = curve(cumulative(pd.concat([one, two])), "sim_time_s")
    assert points["round"].tolist() == [0, 1]
    assert points["x"].tolist() == [0.0, 9.0]
    assert points["accuracy"].tolist() == pytest.approx([0.1, 0.5])
    # Two values 0.2 apart: standard deviation 0.1414, over sqrt(2) is 0.1, times t(1) = 12.706
    assert points["half"].tolist() == pytest.approx([0.0, 1.2706])


def test_one_seed_has_no_band_and_rounds_without_evaluation_no_point():
    rows = [(0, 0.0, 0.1, 0, 0.0, 0.0, 0.0), (1, 8.0, None, 100, 1.0, 0.0, 0.0), (2, 9.0, 0.9, 1, 0.0, 0.0, 0.0)]
    points = curve(cumulative(rounds_of("a", 1, rows)), "sim_time_s")
    assert points["round"].tolist() == [0, 2]
    assert points["half"].isna().all()


def test_cumulative_ends_where_the_summary_is(run):
    last = cumulative(run.frame("rounds")).groupby("label", sort=False).last()
    labels = by_label(run.frame("summary")).set_index("label")
    assert last["cum_uplink_bytes"].tolist() == labels["uplink_bytes"].tolist()
    assert last["cum_device_energy_j"].tolist() == pytest.approx(labels["device_energy_j"].tolist())


def test_labels_keep_the_order_of_the_study(run):
    assert by_label(run.frame("summary"))["label"].tolist() == ["full", "head", "bias", "lora", "adapter", "prompt"]


def test_ratio_is_to_the_smallest_that_sent_anything(run):
    summary = run.frame("summary")
    summary.loc[summary["label"] == "head", "uplink_bytes"] = 0
    labels = by_label(summary).set_index("label")
    assert math.isnan(labels.loc["head", "uplink_ratio"])
    assert labels.loc["prompt", "uplink_ratio"] == 1.0
    sent = summary.set_index("label")["uplink_bytes"]
    assert labels.loc["full", "uplink_ratio"] == pytest.approx(sent["full"] / sent["prompt"])


def test_a_target_that_one_seed_missed_has_no_mean(seeded_run):
    summary = seeded_run.frame("summary")
    summary.loc[0, "time_to_target_s"] = math.nan
    row = by_label(summary).iloc[0]
    assert (row["n"], row["n_reached"]) == (3, 2)
    assert math.isnan(row["time_to_target_s"])


def test_outcomes_add_up(run):
    table = outcomes(run.frame("clients"))
    assert (table["completed"] + table["refused"] == table["turns"]).all()
    assert table["turns"].sum() == len(run.frame("clients"))
    full = table[table["label"] == "full"].set_index("group")
    assert full.loc["phones", "completed"] == 0
    assert full.loc["boxes", "refused"] == 0


def test_causes_of_turns_that_did_not_complete(run):
    found = causes(run.frame("clients"))
    columns = ["label", "profile", "outcome", "cause", "example"]
    assert found[columns].to_numpy().tolist() == [["full", "phone", "refused", "memory", "memory"]]
    assert found["turns"].sum() == run.frame("summary")["refused"].sum()


def test_there_are_no_causes_where_everything_completed(run):
    clients = run.frame("clients")
    assert causes(clients[clients["outcome"] == "completed"]).empty


def test_rounds_with_nobody_to_ask_are_counted(run):
    rounds = run.frame("rounds")
    assert empty_rounds(rounds).empty
    rounds.loc[(rounds["label"] == "bias") & rounds["round"].isin([0, 3, 4]), "selected"] = 0
    found = empty_rounds(rounds)
    assert found[["label", "empty"]].to_numpy().tolist() == [["bias", 2 * rounds["seed"].nunique()]]


def test_energy_parts_add_up(run):
    energy = run.frame("energy")
    parts = energy_parts(energy)
    assert parts["label"].tolist() == list(dict.fromkeys(energy["label"]))
    assert parts.iloc[:, 2:].sum().sum() == pytest.approx(energy["energy_j"].sum() / energy["seed"].nunique())


def test_a_diagnostic_stands_beside_the_rounds_that_have_it(run):
    series = with_diagnostic(cumulative(run.frame("rounds")), run.frame("diagnostics"), "gap")
    assert len(series) == len(run.frame("rounds"))
    points = curve(series[series["label"] == "bias"], "round", "gap")
    assert points["gap"].tolist() == pytest.approx([0.2 * 0.5**number for number in points["round"]])
