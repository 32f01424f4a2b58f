"""The summary as Markdown, LaTeX and CSV: marks by hand, numbers exact, LaTeX that compiles or at least parses."""

import csv
import io
import re
import shutil
import subprocess

import pandas as pd
import pytest
from made_up_study import write_demo, write_grid, write_sweep
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexMacroNode, LatexWalker
from rich.console import Console

from analysis.exports import DEFAULT, FORMATS, Cell, Row, Table, export, numbers, table
from analysis.frames import by_label
from analysis.markup import latex, markdown
from analysis.paired import differences
from analysis.tables import print_summary
from mecsim.errors import MecsimError, UnknownNameError

NASTY = r"lora_8 50% & #1 ~^\ {x} $y$ <a> |b| [c] *d* -- é µ α × ± …"  # noqa: RUF001
#: What a document needs no package for, and booktabs.
KNOWN = {
    "centering", "caption", "label", "toprule", "midrule", "bottomrule", "textbf", "shortstack", "pm", "times", "mu", "alpha",
    "dagger", "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "ldots", "\\",
    "{", "}", "$", "&", "#", "_", "%", "begin", "end", "usepackage",
}  # fmt: skip
DOCUMENT = (
    r"\documentclass{article}\usepackage{booktabs}\usepackage[a3paper,landscape]{geometry}\begin{document}%s\end{document}"
)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return write_sweep(tmp_path_factory.mktemp("exports") / "sweep")


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A study whose name and labels are all that LaTeX and Markdown stumble on."""
    folder = tmp_path_factory.mktemp("exports") / "nasty"
    return write_demo(folder, labels=(f"lora {NASTY}", "bias -x-"), seeds=(1, 2), manifest={"name": "50%_of #1"})


def marks(of, measure):
    """Return the mark of each (variant, label) in a table of one measure."""
    made = table(of, [measure])
    return {(row.variant, row.label): row.cells[0].mark for row in made.rows}


def test_the_best_of_each_column_is_marked_by_its_direction(run):
    summary = run.frame("summary").set_index("label")
    for measure, best in (("final_accuracy", "idxmax"), ("sim_time_s", "idxmin"), ("uplink_bytes", "idxmin")):
        winner = getattr(summary[measure], best)()
        assert [label for (_, label), mark in marks(run, measure).items() if mark == "best"] == [winner]


def test_with_one_seed_nobody_is_said_to_be_near_the_best(run):
    assert "near" not in {
        mark for measure in DEFAULT if measure not in ("bits_per_byte", "objective") for mark in marks(run, measure).values()
    }
    assert "One seed, so no interval is given." in table(run).notes
    assert not any("\N{DAGGER}" in note for note in table(run).notes)


def test_who_is_not_told_apart_from_the_best_is_marked_as_the_paired_interval_says(sweep):
    summary = sweep.frame("summary")
    found = marks(sweep, "sim_time_s")
    for variant, group in summary.groupby("variant", sort=False):
        means = group.groupby("label")["sim_time_s"].mean()
        winner = means.idxmin()
        against = differences(group, "sim_time_s", winner).set_index("label")["told_apart"]
        assert found[variant, winner] == "best"
        for label, told_apart in against.items():
            assert found[variant, label] == ("" if told_apart else "near"), (variant, label)
    assert "near" in found.values()
    assert any("paired difference contains zero" in note for note in table(sweep).notes)


def test_equals_share_the_mark_and_where_all_are_equal_there_is_none(run, tmp_path):
    found = marks(run, "refused_device_share")
    assert [mark for (_, label), mark in found.items() if label != "full"] == ["best"] * 5
    assert found["", "full"] == ""
    equal = write_demo(tmp_path / "equal", labels=("lora", "bias"))
    assert set(marks(equal, "refused_device_share").values()) == {""}
    alone = write_demo(tmp_path / "alone", labels=("lora",))
    assert set(marks(alone, "final_accuracy").values()) == {""}


def test_what_was_not_reached_has_no_mean_and_no_mark(tmp_path):
    labels, seeds = ("full", "bias", "head"), (1, 2, 3)
    easy = write_demo(tmp_path / "easy", labels=labels, seeds=seeds).frame("summary")
    low, middle, _ = sorted(easy[easy["label"] == "bias"]["best_accuracy"])
    run = write_demo(tmp_path / "hard", labels=labels, seeds=seeds, target=(low + middle) / 2)
    cells = {row.label: row.cells[0] for row in table(run, ["time_to_target_s"]).rows}
    summary = run.frame("summary")
    n_reached = summary.groupby("label")["time_to_target_s"].count()
    assert n_reached["bias"] == 2
    assert cells["bias"].text.startswith(f"not reached in {3 - n_reached['bias']} of 3 seeds (> ")
    assert cells["head"].text.startswith("not reached in any of 3 seeds (> ")
    assert [cells[label].mark for label in ("bias", "head")] == ["", ""]
    plain = numbers(run, ["time_to_target_s"]).set_index("label")
    assert pd.isna(plain.loc["bias", "time_to_target_s"])
    assert plain.loc["bias", "n_reached"] == n_reached["bias"]
    missed = summary[(summary["label"] == "bias")]
    assert plain.loc["bias", "time_to_target_s_at_least"] == pytest.approx(
        missed["time_to_target_s"].fillna(missed["sim_time_s"]).mean()
    )


def test_an_interval_of_no_width_is_left_out(seeded_run):
    made = table(seeded_run, ["refused_device_share", "final_accuracy"])
    assert [row.cells[0].text for row in made.rows] == ["33.3 %", "0 %"]
    assert all("±" in row.cells[1].text for row in made.rows)


def test_csv_has_the_exact_numbers(sweep):
    rows = list(csv.DictReader(io.StringIO(export(sweep, "csv"))))
    labels = by_label(sweep.frame("summary"))
    for column in ("variant", "label"):
        assert [row[column] for row in rows] == labels[column].tolist()
    assert [float(row["bandwidth_mhz"]) for row in rows[::3]] == [2.0, 5.0, 20.0, 100.0]
    for column in ("final_accuracy", "sim_time_s", "sim_time_s_half", "uplink_bytes", "time_to_target_s", "n"):
        assert [float(row[column]) for row in rows] == labels[column].tolist(), column


def test_axes_without_numbers_are_words_in_csv(tmp_path):
    grid = write_grid(tmp_path / "grid", bandwidths_mhz=(5.0,), fleets=("equal", "wild"), labels=("bias",), seeds=(1,))
    plain = numbers(grid)
    assert plain["fleet"].tolist() == ["equal", "wild"]
    assert plain["bandwidth_mhz"].tolist() == [5.0, 5.0]
    assert plain["final_accuracy_half"].isna().all()


def test_markdown_is_a_table_with_the_same_cells(sweep):
    made = table(sweep)
    lines = markdown(made).splitlines()
    assert lines[0].startswith("| Variant | Scheme | Accuracy at the end |")
    assert lines[1].split("|")[2:4] == [" --- ", " ---: "]
    assert len(lines) == 2 + len(made.rows) + 2
    first = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert first[:3] == [r"bandwidth\_mhz=2", "full", f"**{made.rows[0].cells[0].text}**"]
    near = next(line for line, row in zip(lines[2:], made.rows, strict=False) if row.cells[2].mark == "near")
    assert "min \N{DAGGER} |" in near


def test_markdown_keeps_names_as_they_are(nasty):
    body = markdown(table(nasty)).splitlines()[2]
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", body.strip("|"))]
    assert re.sub(r"\\([\\`*_{}\[\]<|~$#&])", r"\1", cells[0]) == f"lora {NASTY}"
    assert len(cells) == 1 + len(table(nasty).heads)


def nodes(of):
    """Return all nodes of a piece of LaTeX, however deep; a ParseError says what is wrong with it."""
    found = []

    def walk(several):
        for node in several or []:
            if node is None:
                continue
            found.append(node)
            walk(getattr(node, "nodelist", None))
            walk(getattr(getattr(node, "nodeargd", None), "argnlist", None))

    walk(LatexWalker(of, tolerant_parsing=False).get_latex_nodes()[0])
    return found


@pytest.mark.parametrize("name", ["run", "sweep", "nasty"])
def test_latex_parses_and_needs_booktabs_alone(name, request):
    written = export(request.getfixturevalue(name), "latex")
    parsed = nodes(written)
    environments = [node.environmentname for node in parsed if isinstance(node, LatexEnvironmentNode)]
    assert environments == ["table", "tabular"]
    used = {node.macroname for node in parsed if isinstance(node, LatexMacroNode)}
    assert used <= KNOWN, used - KNOWN


def test_a_latex_row_has_a_cell_a_column(sweep):
    written, made = export(sweep, "latex"), table(sweep)
    columns = re.search(r"\\begin\{tabular\}\{(l+r+)\}", written)[1]
    rows = [line for line in written.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + len(made.rows)
    assert columns == "ll" + "r" * len(made.heads)
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns) - 1}
    assert written.count(r"\midrule") == 4
    assert written.count("bandwidth") == 4


def test_latex_reads_as_it_was_written():
    made = Table("name", ("Head",), (Row("", NASTY, (Cell("1.5 ± 0.1 %", "best"),)),), ("A note: 5 % > 3.",), is_swept=False)
    row = next(line for line in latex(made).splitlines() if "lora" in line)
    read = LatexNodes2Text(keep_braced_groups=False).latex_to_text(row)
    # The reader does not know the names of three signs.
    assert r"\textless{}a\textgreater{} \textbar{}b\textbar{}" in row
    for part in ("lora_8 50%", "&", "#1", "{x}", "$y$", "[c]", "*d*", "é", "±"):
        assert part in read, (part, read)
    assert r"\textbf{1.5 $\pm$ 0.1 \%}" in row
    assert "-{}-" in row
    assert r"A note: 5 \% \textgreater{} 3." in latex(made)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["run", "sweep", "nasty"])
def test_latex_compiles(name, request, tmp_path):
    (tmp_path / "doc.tex").write_text(DOCUMENT % export(request.getfixturevalue(name), "latex"), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "doc.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_notes_say_what_is_reconstructed_and_whose_costs_are_counted(run, sweep):
    notes = " ".join(table(run).notes)
    assert "Reconstructions of their papers: prompt." in notes
    assert "memory are those of vit-base-16" in notes
    assert "The target accuracy is 85.0 %." in notes
    assert "Reconstructions" not in " ".join(table(sweep).notes)
    assert table(sweep).notes[0] == "Mean of 3 seeds with its 95 % t-interval."


def test_measures_and_a_variant_can_be_chosen(sweep):
    made = table(sweep, ["uplink_bytes", "final_accuracy", "uplink_bytes"], "bandwidth_mhz=5")
    assert made.heads == ("Uplink", "Accuracy at the end")
    assert not made.is_swept
    assert [row.label for row in made.rows] == ["full", "lora", "bias"]
    assert made.notes[0] == "Variant bandwidth_mhz=5."


def test_what_is_not_there_says_what_is(run, sweep, tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'final_accuracy'"):
        export(run, "md", ["final_acuracy"])
    with pytest.raises(UnknownNameError, match="Did you mean 'latex'"):
        export(run, "latx")
    with pytest.raises(UnknownNameError, match="Did you mean 'bandwidth_mhz=5'"):
        export(sweep, "csv", variant="bandwidth_mhz=3")
    with pytest.raises(MecsimError, match="no bits_per_byte: no trial of it has that number"):
        export(run, "md", ["bits_per_byte"])
    untargeted = write_demo(tmp_path / "untargeted", labels=("bias",), target=None)
    with pytest.raises(MecsimError, match="sets no target_accuracy"):
        export(untargeted, "csv", ["time_to_target_s"])
    assert "Time to the target" not in table(untargeted).heads


def test_each_format_is_one_file_of_text(run):
    for form in FORMATS:
        text = export(run, form)
        assert text.endswith("\n")
        assert "\r" not in text
        assert text == export(run, form)


def printed(run):
    console = Console(width=100, file=io.StringIO(), color_system=None)
    print_summary(run, console)
    return console.file.getvalue()


def test_a_sweep_is_told_as_a_whole_first_and_variant_by_variant_where_there_are_few(sweep, tmp_path):
    few = printed(sweep)
    assert few.startswith("The highest accuracy at the end, by Bandwidth (MHz)")
    assert few.count("ends with the highest accuracy") == 4
    many = printed(write_grid(tmp_path / "grid", labels=("lora", "bias"), seeds=(1, 2)))
    assert "ends with the highest accuracy" not in many
    assert "fleet=wild\n" not in many
    assert "The tables of its 9 variants: mecsim table" in many
