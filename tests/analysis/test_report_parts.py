import math
import re

import pytest
from edited_run import EditedRun, with_summary
from made_up_study import SCENARIO, write_sweep

from analysis.formats import TIMES
from analysis.material import Material
from analysis.report.answers import summary_table, winners_table
from analysis.report.asked import asked
from analysis.report.compared import fairness_tables, paired_tables, target_table
from analysis.report.context import context
from analysis.report.facts import facts
from analysis.report.inline import inline_svg
from analysis.report.question import question
from analysis.report.spaces import together
from analysis.report.swept import swept_keys, without_swept
from analysis.report.table import Cell, Names

NARROW, WIDE = "bandwidth_mhz=2", "bandwidth_mhz=20"
SWEEP = [
    {"kind": "list", "key": "network.carrier.bandwidth_mhz", "values": [1, 5]},
    {"kind": "zip", "name": "devices", "points": [12], "values": {"fleet.groups.0.count": [6], "fleet.groups.1.count": [6]}},
    {
        "kind": "variants",
        "name": "skew",
        "variants": {"even": {"learning.partition.alpha": 10.0}, "wild": {"fleet.groups": []}},
    },
]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "demo"
    return write_sweep(folder, bandwidths_mhz=(2.0, 20.0), labels=("full", "bias"), seeds=(1, 2, 3))


def names_of(material):
    return Names(material.variants, list(dict.fromkeys(material.frame("summary")["label"])))


def rows_of(table):
    return [tuple(cell.text for cell in row) for row in table.rows]


def test_a_cell_carries_all_digits_of_its_number():
    assert float(Cell("1.23 kJ", 1234.5678901234567).data_value) == 1234.5678901234567
    assert Cell("-", float("nan")).data_value == Cell("name").data_value == ""


def test_the_keys_that_a_sweep_changes():
    assert swept_keys({"sweep": SWEEP}) == (
        "network.carrier.bandwidth_mhz",
        "fleet.groups.0.count",
        "fleet.groups.1.count",
        "learning.partition.alpha",
        "fleet.groups",
    )
    assert swept_keys({}) == swept_keys({"sweep": None}) == ()


def test_what_a_sweep_changes_is_not_said_of_the_world():
    import yaml

    scenario = {**yaml.safe_load(SCENARIO), "sweep": SWEEP}
    rest = without_swept(scenario)
    assert rest["network"]["carrier"] == {"frequency_ghz": 3.5, "downlink_share": 0.6}
    assert "groups" not in rest["fleet"]
    assert rest["learning"]["partition"] == {"kind": "dirichlet", "clients": 24, "min_samples": 10}
    assert scenario["network"]["carrier"]["bandwidth_mhz"] == 20.0
    said = " ".join(asked(scenario))
    assert "a carrier at 3.5 GHz, 60.0 % of the time for the downlink" in said
    assert "Dirichlet label skew (min samples 10)" in said
    assert not re.search(r"24 devices|20 MHz|alpha", said)


def test_sections_that_a_sweep_leaves_bare_are_told_in_little():
    keys = ("protocol.clients_per_round", "protocol.rounds", "learning.local.epochs", "learning.local.batch_size")
    scenario = {
        "learning": {"local": {"epochs": 1, "batch_size": 8, "optimizer": "sgd"}},
        "protocol": {"kind": "sync", "rounds": 5, "clients_per_round": 3},
        "sweep": [{"key": key, "values": [1, 2]} for key in keys],
    }
    assert asked(scenario) == ["A turn of a device is training, with SGD.", "rounds (sync), each asking some devices."]


def test_a_scenario_that_says_little_is_told_in_little():
    assert asked({}) == []
    assert asked({"target_accuracy": 0.9, "fleet": None}) == ["The target is an accuracy of 90.0 %."]


def test_the_question_counts_what_was_run(sweep):
    sentences = question(Material(sweep))
    assert sentences[0] == "What do 2 schemes to fine-tune vit-tiny on digits reach, and what do they take: full and bias?"
    assert sentences[2] == "The sweep is over Bandwidth (MHz): 2 and 20."
    assert sentences[3].endswith("each scheme is run with 3 seeds, and all schemes meet the same world.")


def test_the_best_and_those_not_told_apart_from_it_are_marked(sweep):
    values = {
        (NARROW, "full"): [0.9, 0.8, 0.7], (NARROW, "bias"): [0.88, 0.78, 0.69],
        (WIDE, "full"): [0.9, 0.8, 0.7], (WIDE, "bias"): [0.95, 0.75, 0.6],
    }  # fmt: skip
    material = with_summary(sweep, "final_accuracy", values)
    table = summary_table(material, names_of(material))
    place = table.heads.index("accuracy at the end")
    # Told apart: the best is marked and the other is not. Not told apart from the only other: nothing to mark.
    assert [row[place].mark for row in table.rows] == ["best", "", "", ""]
    winners = winners_table(material)
    assert [row[winners.heads.index("most accurate")].text.split(":")[0] for row in winners.rows] == ["full", "full or bias"]


def test_paired_differences_are_of_the_label_less_the_first(sweep):
    values = {(NARROW, "full"): [0.9, 0.8, 0.7], (NARROW, "bias"): [0.88, 0.78, 0.69]}
    material = with_summary(sweep, "final_accuracy", values)
    table = paired_tables(material, names_of(material))[0]
    assert table.caption == "Each scheme against full, the first of the scenario, in the same worlds"
    first = dict(zip(table.heads, rows_of(table)[0], strict=True))
    assert first["scheme"] == "bias"
    assert first["accuracy, points"] == "-1.7 ± 1.4, worse"


def test_ratios_carry_their_interval(sweep):
    """Log-ratios of -0.65, -0.70 and -0.74: a mean of -0.697, and a half-width of 4.303 * 0.0451 / sqrt(3) = 0.112."""
    values = {(NARROW, "full"): [100.0, 1000.0, 10.0], (NARROW, "bias"): [52.2046, 496.5853, 4.77114]}
    material = with_summary(sweep, "sim_time_s", values)
    table = paired_tables(material, names_of(material))[0]
    # exp(-0.697) = 0.498, and exp(-0.697 - 0.112) = 0.445 to exp(-0.697 + 0.112) = 0.557.
    assert rows_of(table)[0][table.heads.index("time")] == f"{TIMES} 0.50 (0.45 to 0.56), better"


def test_one_seed_has_no_paired_differences(run):
    assert paired_tables(Material(run), names_of(Material(run))) == []


def test_what_it_takes_to_the_target_is_compared_where_both_reach_it(sweep):
    values = {(NARROW, "full"): [100.0, 110.0, math.nan], (NARROW, "bias"): [52.2046, 54.0, 4.0]}
    for more in ((WIDE, "full"), (WIDE, "bias")):
        values[more] = [math.nan] * 3
    material = with_summary(sweep, "time_to_target_s", values)
    table = paired_tables(material, names_of(material))[1]
    assert table.caption == "To the target, over the worlds in which both the scheme and full reach it"
    narrow, wide = (dict(zip(table.heads, row, strict=True)) for row in rows_of(table))
    # Log-ratios of -0.650 and -0.711: a mean of -0.681, and a half-width of 12.706 * 0.0434 / sqrt(2) = 0.390.
    assert (narrow["worlds"], narrow["time"]) == ("2", f"{TIMES} 0.51 (0.34 to 0.75), better")
    assert (wide["worlds"], wide["time"]) == ("0", "-")


def test_a_target_that_was_missed_has_a_bound_and_no_number(sweep):
    material = with_summary(sweep, "time_to_target_s", {(NARROW, "bias"): [60.0, None, None]})
    table = target_table(material.frame("summary"), names_of(material))
    row = next(row for row in table.rows if (row[0].text, row[1].text) == (NARROW, "bias"))
    cell = dict(zip(table.heads, row, strict=True))["time"]
    assert cell.text.startswith("not reached in 2 of 3 seeds (> ")
    assert cell.data_value == ""
    assert row[2].text == "1 of 3"


def test_groups_are_compared_where_there_are_classes(sweep):
    """Of the made-up groups, phones do 5 points worse than all and boxes 3 better."""
    material = Material(sweep)
    shares, groups = fairness_tables(material, names_of(material))
    assert shares.heads[:2] == groups.heads[:2] == ("variant", "scheme")
    assert {row[-1].text for row in groups.rows} == {"8.0 ± 0.0"}


def test_facts_that_are_not_there_are_left_out_or_said_to_be_missing():
    told = dict(facts({"seeds": [1, 2], "real_seconds": 90.0, "schema_version": 4}))
    assert told["seeds"] == "1, 2"
    assert told["real time taken"] == "1 min 30 s"
    assert told["host"] == "-"
    assert "commit" not in told


def test_inlining_renames_ids_and_keeps_the_rest():
    text = '<?xml version="1.0"?><!DOCTYPE svg><svg width="3pt" height="2pt" viewBox="0 0 3 2"><!-- a --><g id="a" width="1"/>'
    drawing = inline_svg(f'{text}<use href="#a" clip-path="url(#a)"/></svg>', prefix="f1", words='say "hi" & go')
    assert drawing == (
        '<svg viewBox="0 0 3 2" role="img" aria-label="say &#34;hi&#34; &amp; go"><g id="f1-a" width="1"/>'
        '<use href="#f1-a" clip-path="url(#f1-a)"/></svg>'
    )


def test_places_are_rounded_and_scales_are_not():
    body = (
        '<path d="M 12.345678 -0.004321 \nL 100.0 7.5" id="p1.23456"/>'
        '<g transform="translate(1.23456 10.000000) scale(0.015625 -0.015625)"/><text style="font: 1.23456px">1.23456</text>'
    )
    drawing = inline_svg(f"<svg>{body}</svg>", prefix="f", words="words")
    assert 'd="M 12.35 -0\nL 100.0 7.5"' in drawing
    assert 'transform="translate(1.23 10) scale(0.015625 -0.015625)"' in drawing
    assert "1.23456px" in drawing
    assert ">1.23456<" in drawing


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("1 h 26 min", "1_h_26_min"),
        ("91.3 ± 1.3 % of 5 schemes", "91.3_±_1.3_% of 5 schemes"),
        (f"{TIMES} 822", f"{TIMES}_822"),
        ("2 d 4 h to 27 min 4 s", "2_d_4_h to 27_min_4_s"),
        ("8 MBytes and 8 mixed", "8 MBytes and 8 mixed"),
        ("at 20 MHz, 63.5 MB", "at 20_MHz, 63.5_MB"),
    ],
)
def test_numbers_stay_with_their_units(text, joined):
    assert together(text) == joined.replace("_", "\N{NO-BREAK SPACE}")


def test_a_study_in_which_no_device_had_a_turn_has_a_page(run):
    """As when the server trains alone: no turns, no devices' groups, no coverage."""
    bare = {
        name: lambda frame: frame.iloc[:0] for name in ("clients", "transfers", "devices", "groups", "coverage", "diagnostics")
    }
    told = context(EditedRun(run, bare), [])
    assert not {"fairness", "inside", "figures"} & set(told["contents"])
    assert told["outcomes"].rows == told["causes"].rows == ()
