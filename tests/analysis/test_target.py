import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.frames import by_label
from analysis.target import TO_TARGET, censored_median, target_text, to_target
from mecsim.results.records import SummaryRow


def summary_of(times, spent_s=12_000.0, target=0.85):
    """Return a summary of label -> time to target by seed (None if not reached); all else is in proportion to time."""
    rows = []
    for label, taken in times.items():
        for seed, time_s in enumerate(taken, 1):
            end_s = spent_s + 60.0 * seed
            row = dict.fromkeys(SummaryRow.__dataclass_fields__, 0.0)
            row |= {
                "scheme": label,
                "label": label,
                "variant": "",
                "seed": seed,
                "target_accuracy": target,
                "sim_time_s": end_s,
            }
            row |= {"device_compute_energy_j": 2 * end_s, "uplink_bytes": 1_000 * end_s, "downlink_bytes": 3_000 * end_s}
            reached = math.nan if time_s is None else time_s
            row |= {"time_to_target_s": reached, "device_energy_to_target_j": 2 * reached}
            row |= {"uplink_bytes_to_target": 1_000 * reached, "downlink_bytes_to_target": 3_000 * reached}
            rows.append(row)
    return pd.DataFrame(rows)


def only(frame):
    (row,) = frame.itertuples()
    return row


def test_all_seeds_reached_it():
    row = only(to_target(summary_of({"a": (100.0, 200.0, 300.0)})))
    assert (row.n, row.n_reached, row.censored, row.target_accuracy) == (3, 3, False, 0.85)
    assert row.time_to_target_s == row.time_to_target_s_median == row.time_to_target_s_at_least == 200.0
    assert row.time_to_target_s_half == pytest.approx(4.303 * 100 / math.sqrt(3))
    assert math.isnan(row.time_to_target_s_spent)
    assert row.device_energy_to_target_j == 400.0
    assert row.total_bytes_to_target == 800_000.0
    assert target_text(row, "device_energy_to_target_j") == "400 ± 497 J"


def test_one_seed_did_not():
    row = only(to_target(summary_of({"a": (100.0, None, 300.0)})))
    assert (row.n_reached, row.censored) == (2, True)
    assert math.isnan(row.time_to_target_s)
    assert math.isnan(row.time_to_target_s_half)
    # Seed 2 had spent 12,120 s: the mean is no less than (100 + 12,120 + 300) / 3, and the middle one took 300 s.
    assert row.time_to_target_s_at_least == pytest.approx(12_520 / 3)
    assert row.time_to_target_s_median == 300.0
    assert row.time_to_target_s_spent == 12_120.0
    assert row.uplink_bytes_to_target_spent == 12_120_000.0
    assert row.total_bytes_to_target_spent == 48_480_000.0
    assert target_text(row, "time_to_target_s") == "not reached in 1 of 3 seeds (> 3 h 22 min)"


def test_what_is_said_of_the_seeds_that_missed_holds_for_each_of_them():
    row = only(to_target(summary_of({"a": (100.0, None, None)}, spent_s=11_880.0)))
    assert math.isnan(row.time_to_target_s_median)
    assert target_text(row, "time_to_target_s") == "not reached in 2 of 3 seeds (> 3 h 20 min)"  # seed 2; seed 3 a minute more
    row = only(to_target(summary_of({"a": (None, None)})))
    assert target_text(row, "uplink_bytes_to_target") == "not reached in any of 2 seeds (> 12.1 MB)"


def test_half_of_the_seeds_are_not_more_than_half():
    row = only(to_target(summary_of({"a": (100.0, None)})))
    assert math.isnan(row.time_to_target_s_median)


def test_one_replication():
    rows = to_target(summary_of({"a": (100.0,), "b": (None,)})).set_index("label")
    assert math.isnan(rows.loc["a", "time_to_target_s_half"])
    texts = [target_text(row, "time_to_target_s") for row in rows.itertuples()]
    assert texts == ["1 min 40 s", "not reached (> 3 h 21 min)"]


def test_without_a_target_there_is_nothing_to_tell():
    rows = to_target(summary_of({"a": (None, None)}, target=None))
    assert rows.empty
    assert {"censored", *TO_TARGET} <= set(rows)


def test_rows_are_those_of_the_summary_by_label(seeded_run):
    rows, labels = to_target(seeded_run.frame("summary")), by_label(seeded_run.frame("summary"))
    assert rows["label"].tolist() == labels["label"].tolist()
    for name in ("time_to_target_s", "device_energy_to_target_j", "uplink_bytes_to_target"):
        pd.testing.assert_series_equal(rows[name], labels[name])
        pd.testing.assert_series_equal(rows[f"{name}_half"], labels[f"{name}_half"])


@pytest.mark.parametrize(
    ("values", "is_reached", "median"),
    [
        ((1.0, 2.0, 3.0), (True, True, True), 2.0),
        ((1.0, 2.0, 3.0, 4.0), (True, True, True, True), 2.0),
        ((1.0, 9.0, 2.0), (True, False, True), 2.0),
        # The first stopped early, so two are left to halve: 1 - 1/2 after 5.
        ((1.0, 5.0, 7.0), (False, True, True), 5.0),
        # After 2: 3/4. One stops at 3, so after 4: 3/4 * 1/2.
        ((2.0, 3.0, 4.0, 8.0), (True, False, True, False), 4.0),
        ((9.0, 9.0, 1.0), (False, False, True), math.nan),
        # At 5 two reach it and one is stopped: those who reach come first.
        ((5.0, 5.0, 5.0), (True, True, False), 5.0),
    ],
)
def test_medians_by_hand(values, is_reached, median):
    assert censored_median(values, is_reached) == pytest.approx(median, nan_ok=True)


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=9))
def test_without_censoring_it_is_the_lower_middle(values):
    assert censored_median(values, [True] * len(values)) == sorted(values)[(len(values) - 1) // 2]


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=9))
def test_who_stopped_later_than_all_others_counts_as_never(values):
    """Where all are stopped at one deadline, the rest being done, the median is that of values with infinity for them."""
    spent = [min(value, 60.0) for value in values]
    is_reached = [value < 60.0 for value in values]
    middle = sorted(value if value < 60.0 else math.nan for value in values if value < 60.0)
    place = (len(values) - 1) // 2
    expected = middle[place] if place < len(middle) else math.nan
    assert censored_median(spent, is_reached) == pytest.approx(expected, nan_ok=True)
