from io import StringIO

import pytest
from made_up_study import write_demo
from rich.console import Console

from analysis.findings import account_note, findings, seeds_note
from analysis.formats import bytes_text, percent_text, times_text
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
    assert [finding.variant for finding in findings(by_label(run.frame("summary")))[::5]] == ["5 MHz", "20 MHz"]


def test_findings_carry_the_numbers(run):
    labels = by_label(run.frame("summary"))
    told = {finding.about: finding.text for finding in findings(labels)}
    of = labels.set_index("label")
    best = of["final_accuracy"].idxmax()
    assert told["accuracy"].startswith(f"{best} ends with the highest accuracy, {percent_text(of.loc[best, 'final_accuracy'])}")
    ratio = of.loc["full", "uplink_bytes"] / of.loc["head", "uplink_bytes"]
    assert f"full sends {times_text(ratio)} times the uplink bytes of head" in told["uplink"]
    assert told["energy"].startswith(f"{of['device_energy_j'].idxmin()} takes the least device energy")
    fastest = of["time_to_target_s"].idxmin()
    assert told["target"].startswith(f"{fastest} is the fastest to the target accuracy of 85.0 %")
    assert "Not reached by head and prompt" in told["target"]
    assert told["memory"] == "Devices without the memory to take part: 33.3 % for full."


def test_totals_that_hide_fewer_updates_are_set_right(run):
    text = next(finding.text for finding in findings(by_label(run.frame("summary"))) if finding.about == "uplink")
    assert "One update of it is 1,120 times as large" in text  # 343 MB / 307.6 kB = 1115


def test_a_study_of_one_scheme_without_target(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("bias",), target=None)
    assert [finding.about for finding in findings(by_label(run.frame("summary")))] == ["accuracy", "memory"]


def test_nobody_reaches_the_target(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("bias", "head"), target=0.99)
    told = {finding.about: finding.text for finding in findings(by_label(run.frame("summary")))}
    assert told["target"] == "No scheme reaches the target accuracy of 99.0 %."
    assert told["memory"] == "Every device has the memory for every scheme."


def test_whose_costs_are_counted(run, tmp_path):
    note = "ytes, FLOPs and memory are those of vit-base-16; accuracy is of the model trained here"
    assert account_note(by_label(run.frame("summary"))) == f"b{note}"
    assert f"B{note}." in printed(run, 200)
    own = write_demo(tmp_path / "demo", labels=("bias",), account_as="")
    assert account_note(by_label(own.frame("summary"))) == ""


def test_what_seeds_mean():
    assert seeds_note([1, 1]) == "one seed, so no interval is given"
    assert seeds_note([2, 5]) == "mean of 2 to 5 seeds with its 95 % t-interval"


def test_equal_uplinks_are_told_as_equal(run):
    labels = by_label(run.frame("summary")).assign(uplink_bytes=5e6)
    text = next(finding.text for finding in findings(labels) if finding.about == "uplink")
    assert text.endswith("send the same uplink bytes, 5.00 MB.")


def test_a_target_that_is_met_before_the_first_round_says_so(run):
    labels = by_label(run.frame("summary"))
    labels.loc[labels["n_reached"] > 0, "uplink_bytes_to_target"] = 0.0
    text = next(finding.text for finding in findings(labels) if finding.about == "target")
    assert "from the server's preparation alone" in text
