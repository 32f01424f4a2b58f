"""Differences in the same worlds as a table: by hand, with their marks, in every format, and what a user may get wrong."""

import csv
import io
import math

import pytest
from edited_run import with_summary
from made_up_study import write_demo, write_sweep
from pylatexenc.latexwalker import LatexWalker

from analysis.exports import FORMATS, export
from analysis.paired import differences
from analysis.paired_export import paired_numbers, paired_table
from mecsim.errors import MecsimError, UnknownNameError

MEASURES = ("final_accuracy", "sim_time_s", "time_to_target_s", "uplink_bytes")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paired") / "demo"
    return write_demo(folder, labels=("full", "bias", "lora"), seeds=(1, 2, 3))


def edited(study, column, **values):
    return with_summary(study, column, {("", label): each for label, each in values.items()}).run


def cells_of(run, measure, against="full"):
    return {row.label: row.cells[0] for row in paired_table(run, against, [measure]).rows}


def test_a_cost_is_compared_in_its_unit(study):
    """Differences of 10, 12 and 14 s: 12 on average, and 4.303 * 2 / sqrt(3) = 4.97 to either side; of -1, 0, 1: none."""
    run = edited(study, "sim_time_s", full=[100.0, 200.0, 300.0], bias=[110.0, 212.0, 314.0], lora=[99.0, 200.0, 301.0])
    cells = cells_of(run, "sim_time_s")
    assert (cells["bias"].text, cells["bias"].mark) == ("+12.0 ± 5.0 s", "apart")
    assert (cells["lora"].text, cells["lora"].mark) == ("0.0 ± 2.5 s", "")


def test_shares_are_compared_in_points(study):
    run = edited(study, "final_accuracy", full=[0.9, 0.8, 0.7], bias=[0.88, 0.78, 0.69], lora=[0.9, 0.8, 0.7])
    cells = cells_of(run, "final_accuracy")
    assert (cells["bias"].text, cells["bias"].mark) == ("\N{MINUS SIGN}1.7 ± 1.4 points", "apart")
    assert cells["lora"].text == "0.0 ± 0.0 points"


def test_to_the_target_the_worlds_count_in_which_both_reach_it(study):
    run = edited(
        study, "time_to_target_s",
        full=[10.0, 20.0, 30.0], bias=[40.0, 50.0, math.nan], lora=[math.nan, 25.0, math.nan],
    )  # fmt: skip
    made = paired_table(run, "full", ["time_to_target_s"])
    cells = {row.label: row.cells[0] for row in made.rows}
    assert (cells["bias"].text, cells["bias"].mark) == ("+30.0 ± 0 s (2)", "apart")
    assert (cells["lora"].text, cells["lora"].mark) == ("+5.00 s (1)", "")
    assert any("worlds in which both reach it" in note for note in made.notes)
    nowhere = edited(study, "time_to_target_s", full=[10.0, math.nan, math.nan], bias=[math.nan, 5.0, 5.0])
    assert cells_of(nowhere, "time_to_target_s")["bias"].text == "-"


def test_the_label_itself_has_no_row_and_the_rest_keeps_its_order(study):
    assert list(cells_of(study, "sim_time_s", against="bias")) == ["full", "lora"]


def test_plain_numbers_are_those_of_the_differences(study):
    rows = list(csv.DictReader(io.StringIO(export(study, "csv", ["uplink_bytes", "sim_time_s"], against="full"))))
    assert [(row["measure"], row["label"]) for row in rows] == [
        ("uplink_bytes", "bias"), ("uplink_bytes", "lora"), ("sim_time_s", "bias"), ("sim_time_s", "lora"),
    ]  # fmt: skip
    found = differences(study.frame("summary"), "sim_time_s", "full")
    for name in ("mean", "half", "p_value", "p_holm", "ratio"):
        assert [float(row[name]) for row in rows[2:]] == found[name].tolist()
    assert set(paired_numbers(study, "full")["measure"]) > {"final_accuracy", "sim_time_s"}


def test_variants_are_compared_each_in_its_own_worlds(tmp_path):
    sweep = write_sweep(tmp_path / "sweep", bandwidths_mhz=(2.0, 20.0), labels=("full", "bias"), seeds=(1, 2))
    made = paired_table(sweep, "full", MEASURES)
    assert [(row.variant, row.label) for row in made.rows] == [("bandwidth_mhz=2", "bias"), ("bandwidth_mhz=20", "bias")]
    alone = paired_table(sweep, "full", MEASURES, "bandwidth_mhz=20")
    assert alone.rows[0].cells == made.rows[1].cells
    assert (alone.rows[0].variant, alone.notes[0]) == ("", "Variant bandwidth_mhz=20.")


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_one_file_of_text(study, form):
    text = export(study, form, MEASURES, against="full")
    assert text.endswith("\n")
    assert "lora" in text
    if form == "latex":
        LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
        assert "$-$" in text
    if form == "md":
        assert "**\N{MINUS SIGN}" in text


def test_one_seed_has_differences_without_intervals(tmp_path):
    alone = write_demo(tmp_path / "alone", labels=("full", "bias"), seeds=(1,))
    made = paired_table(alone, "full", ["sim_time_s"])
    assert "±" not in made.rows[0].cells[0].text
    assert made.rows[0].cells[0].mark == ""
    assert made.notes[0] == "One seed, so no interval is given."


def test_mistakes_say_what_there_is(study):
    with pytest.raises(UnknownNameError, match="Did you mean 'bias'"):
        export(study, "md", against="bais")
    with pytest.raises(MecsimError, match="no bits_per_byte"):
        export(study, "csv", ["bits_per_byte"], against="full")
