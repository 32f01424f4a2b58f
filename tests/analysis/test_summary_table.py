from io import StringIO

import pytest
from made_up_study import write_demo, write_sweep
from rich.console import Console

from analysis.findings import account_note
from analysis.formats import bytes_text, percent_text
from analysis.frames import by_label
from analysis.tables import print_summary, summary_table

LONG = "fedpeft-" + "lora-" * 14


def printed(run, width):
    console = Console(width=width, file=StringIO(), color_system=None)
    print_summary(run, console)
    return console.file.getvalue()


def test_the_table_is_text_in_the_order_of_the_study(run):
    table = summary_table(run)
    assert list(table.columns) == ["scheme", "accuracy", "time", "device energy", "uplink", "ratio", "refused"]
    row = table.set_index("scheme").loc["full"]
    summary = run.frame("summary").set_index("label").loc["full"]
    assert row["accuracy"] == percent_text(summary["final_accuracy"])
    assert row["uplink"] == bytes_text(summary["uplink_bytes"])
    assert row["refused"] == "33.3 %"
    assert table["ratio"].tolist()[1] == "\N{MULTIPLICATION SIGN} 1"


def test_seeds_give_intervals(seeded_run):
    assert all("±" in text for text in summary_table(seeded_run)["accuracy"])
    assert "Mean of 3 seeds with its 95 % t-interval." in printed(seeded_run, 100)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_is_printed_fits_and_says_it_all(run, seeded_run, width):
    for each in (run, seeded_run):
        text = printed(each, width)
        assert max(len(line.rstrip()) for line in text.splitlines()) <= width
        table = text.split("\n\n")[0]
        for row in summary_table(each).itertuples():
            line = next(line for line in table.splitlines() if line.startswith(row.scheme))
            assert row.accuracy in line
            assert row.refused in line


def test_a_long_label_is_folded_and_not_cut(tmp_path):
    run = write_demo(tmp_path / "demo", labels=(f"lora {LONG}"[:80], "bias"))
    table = printed(run, 80).split("\n\n")[0]
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 80
    assert "…" not in table


def test_brackets_in_a_label_are_no_markup(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("lora [bold]", "bias"))
    assert "lora [bold]" in printed(run, 100)


def test_variants_are_told_apart(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("full", "bias"), variants=("5 MHz", "20 MHz"))
    assert summary_table(run)["variant"].tolist() == ["5 MHz", "5 MHz", "20 MHz", "20 MHz"]
    assert printed(run, 80).index("5 MHz") < printed(run, 80).index("20 MHz")


def test_a_sweep_of_many_variants_is_told_as_a_whole(tmp_path):
    few, many = (write_sweep(tmp_path / f"{n}", bandwidths_mhz=[2.0 * (i + 1) for i in range(n)], seeds=(1, 2)) for n in (4, 5))
    told = printed(many, 80)
    assert f"The tables of its 5 variants: mecsim table {many.folder}, and in the report." in told
    assert "\nbandwidth_mhz=2\n" not in told
    assert "\nbandwidth_mhz=2\n" in printed(few, 80)
    assert len(told.splitlines()) < 40


def test_whose_costs_are_counted(run, tmp_path):
    note = "ytes, FLOPs and memory are those of vit-base-16; accuracy is of the model trained here"
    assert account_note(by_label(run.frame("summary"))) == f"b{note}"
    assert f"B{note}." in printed(run, 200)
    own = write_demo(tmp_path / "demo", labels=("bias",), account_as="")
    assert account_note(by_label(own.frame("summary"))) == ""
