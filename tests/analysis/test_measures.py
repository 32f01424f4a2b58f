import math

import pandas as pd
import pytest

from analysis.frames import by_label
from analysis.measures import MEASURES, available, measure_of, with_measures
from mecsim.errors import UnknownNameError


def test_measures_are_columns_of_the_summary(run):
    frame = with_measures(run.frame("summary"))
    lacking = ("bits_per_byte", "objective")
    assert [measure.name for measure in available(frame)] == [name for name in MEASURES if name not in lacking]


def test_made_columns_by_hand(run):
    summary = run.frame("summary")
    row, made = summary.iloc[0], with_measures(summary).iloc[0]
    assert made["total_bytes"] == row["uplink_bytes"] + row["downlink_bytes"]
    assert made["total_bytes_to_target"] == row["uplink_bytes_to_target"] + row["downlink_bytes_to_target"]
    assert made["completed_share"] == row["completed"] / row["turns"]
    assert made["device_energy_j"] == pytest.approx(by_label(summary).iloc[0]["device_energy_j"])


def test_making_them_again_changes_nothing_and_the_summary_stays_as_it_was(run):
    summary = run.frame("summary")
    before = summary.copy()
    once = with_measures(summary)
    pd.testing.assert_frame_equal(with_measures(once), once)
    pd.testing.assert_frame_equal(summary, before)


def test_no_turns_have_no_share_of_them(run):
    summary = run.frame("summary").assign(turns=0, completed=0)
    assert with_measures(summary)["completed_share"].isna().all()


def test_bits_are_those_of_the_last_round(run):
    told = run.frame("diagnostics").query("label == 'bias'").assign(name="bits_per_byte")
    frame = with_measures(run.frame("summary"), told).set_index("label")
    assert frame.loc["bias", "bits_per_byte"] == pytest.approx(0.2 * 0.5**15)
    assert math.isnan(frame.loc["full", "bits_per_byte"])


def test_a_measure_by_name():
    assert (measure_of("final_accuracy").sign, measure_of("sim_time_s").sign) == (1, -1)
    with pytest.raises(UnknownNameError, match="Did you mean 'device_energy_j'"):
        measure_of("devices_energy_j")


@pytest.mark.parametrize(
    ("name", "value", "half", "text"),
    [
        ("final_accuracy", 0.873, 0.008, "87.3 ± 0.8 %"), ("carbon_g", 1_300.0, None, "1.30 kg"),
        ("carbon_g", 0.32, math.nan, "320 mg"), ("carbon_g", None, None, "-"), ("carbon_g", 12.3, 0.4, "12.30 ± 0.40 g"),
        ("bits_per_byte", 2.345, 0.012, "2.345 ± 0.012"), ("bits_per_byte", math.nan, None, "-"),
        ("trainable_parameters", 179_250, 0.0, "179,250"), ("turn_flop", 9.1e13, 0.0, "91.0 TFLOP"),
    ],
)  # fmt: skip
def test_texts(name, value, half, text):
    assert measure_of(name).text(value, half) == text


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_every_measure_says_that_there_is_none(measure):
    assert measure.text(math.nan) == measure.text(None) == "-"


def test_a_measure_is_to_the_target_where_its_name_says_so():
    assert {name for name, measure in MEASURES.items() if measure.to_target} == {
        name for name in MEASURES if "to_target" in name
    }
