"""The commands table, plot, compare and trace, as a user would type them, right and wrong."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from analysis.exports import FORMATS
from analysis.plots import style
from analysis.plots.figures import FIGURES
from mecsim.cli import exports
from mecsim.errors import MecsimError

sys.path.append(str(Path(__file__).parent.parent / "analysis"))
from made_up_study import SCENARIO, write_demo, write_sweep
from trace_format import problems

COMMANDS = ("table", "plot", "compare", "trace")


@pytest.fixture(scope="module")
def app():
    app = typer.Typer(pretty_exceptions_enable=False)
    for name in COMMANDS:
        app.command()(getattr(exports, name))
    return app


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run, one of another world, and a sweep."""
    folder = tmp_path_factory.mktemp("commands")
    write_demo(folder / "wide", labels=("full", "lora"), seeds=(1, 2))
    write_demo(folder / "narrow", labels=("full", "lora"), seeds=(1, 2), scenario=SCENARIO.replace("mhz: 20.0", "mhz: 2.0"))
    write_sweep(folder / "sweep", bandwidths_mhz=(2.0, 20.0), labels=("full", "lora"), seeds=(1, 2))
    return folder


@pytest.fixture
def done(app, folders, tmp_path, monkeypatch):
    """Run a command in an empty folder; W, N and S stand for the runs."""
    monkeypatch.chdir(tmp_path)
    names = {"W": folders / "wide", "N": folders / "narrow", "S": folders / "sweep"}

    def run(*args):
        return CliRunner().invoke(app, [str(names.get(arg, arg)) for arg in args], env={"COLUMNS": "100"})

    return run


@pytest.fixture
def refused(done):
    """Run a command that must fail with a message, and return it."""

    def run(*args):
        result = done(*args)
        assert isinstance(result.exception, MecsimError), (result.exception, result.output)
        return str(result.exception)

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(app, command):
    shown = CliRunner().invoke(app, [command, "--help"], terminal_width=120)
    assert shown.exit_code == 0
    assert f"Example: mecsim {command}" in shown.output


def test_what_can_be_chosen_is_what_there_is():
    assert tuple(each.value for each in exports.TableFormat) == FORMATS
    assert tuple(each.value for each in exports.PlotFormat) == tuple(style.FORMATS)
    assert tuple(each.value for each in exports.PlotSize) == style.SIZES
    assert tuple(each.value for each in exports.PlotFont) == style.FONTS


def test_a_table_goes_to_the_terminal_with_nothing_else(done):
    shown = done("table", "W", "--format", "csv", "--measure", "final_accuracy, uplink_bytes")
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    assert [row["label"] for row in rows] == ["full", "lora"]
    assert [column for column in rows[0] if column.endswith("_half")] == ["final_accuracy_half", "uplink_bytes_half"]
    assert done("table", "W").stdout.startswith("| Scheme |")


def test_a_table_goes_to_a_file_in_a_new_folder(done, tmp_path):
    shown = done("table", "S", "--format", "latex", "--variant", "bandwidth_mhz=2", "--out", "paper/table.tex")
    assert shown.stdout == "Table: paper/table.tex\n"
    assert r"\begin{tabular}{lrrrrrr}" in (tmp_path / "paper" / "table.tex").read_text(encoding="utf-8")


def test_figures_are_listed_with_what_they_show(done):
    shown = done("plot", "W").stdout
    drawable, _, lacking = shown.partition("Cannot be drawn of this run:")
    listed = [line.split()[0] for line in drawable.splitlines() if line.startswith("  ") and line[2] != " "]
    assert "overview" in listed
    assert "pareto_time" in listed
    assert set(listed) <= set(FIGURES)
    lacks = [line.split()[0] for line in lacking.splitlines() if line.startswith("  ") and line[2] != " "]
    assert set(listed) | set(lacks) == set(FIGURES)
    assert "(of one --variant)" not in shown
    assert "(of one --variant)" in done("plot", "S").stdout


def test_a_figure_is_a_file_named_as_it_is(done, tmp_path):
    assert done("plot", "W", "--figure", "accuracy_time").stdout == "Figure: accuracy_time.svg\n"
    assert (tmp_path / "accuracy_time.svg").read_text(encoding="utf-8").startswith("<?xml")
    done("plot", "S", "--figure", "accuracy_time", "--variant", "bandwidth_mhz=2", "--format", "png")
    assert (tmp_path / "accuracy_time-bandwidth_mhz-2.png").read_bytes().startswith(b"\x89PNG")
    done("plot", "W", "--figure", "accuracy_time", "--out", "new/figure.pdf", "--size", "page", "--font", "serif")
    assert (tmp_path / "new" / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert done("plot", "W", "--figure", "accuracy_time", "--out", "new").stdout == "Figure: new/accuracy_time.svg\n"


def test_runs_of_different_worlds_are_compared_with_a_warning(done, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "FORMATS", {"svg": style.FORMATS["svg"]})
    shown = done("compare", "W", "N", "--out", "both", "--measure", "final_accuracy")
    assert shown.exit_code == 0, shown.exception
    assert "The worlds differ in 1 key" in shown.stderr
    assert "network.carrier.bandwidth_mhz: 20 in wide, 2 in narrow" in shown.stderr
    made = {path.relative_to(tmp_path / "both").as_posix() for path in (tmp_path / "both").rglob("*") if path.is_file()}
    assert {"table.md", "table.tex", "table.csv", "differences.txt"} <= made
    assert {"plots/overview-1-wide.svg", "plots/overview-2-narrow.svg", "plots/heat_accuracy.svg"} <= made
    table = (tmp_path / "both" / "table.md").read_text(encoding="utf-8")
    assert [line.split(" | ")[0] for line in table.splitlines()[2:6]] == ["| wide"] * 2 + ["| narrow"] * 2


def test_a_trace_is_a_file_that_follows_the_format(done, tmp_path):
    shown = done("trace", "S", "--label", "lora", "--seed", "2", "--variant", "bandwidth_mhz=20")
    assert shown.stdout.startswith("Trace: sweep.trace.json.")
    trace = json.loads((tmp_path / "sweep.trace.json").read_text(encoding="utf-8"))
    assert problems(trace) == []
    assert trace["otherData"]["variant"] == "bandwidth_mhz=20"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("table", "W", "--measure", "acuracy"), "Did you mean"),
        (("table", "W", "--variant", "x"), "no sweep"),
        (("table", "S", "--variant", "bandwidth_mhz=3"), "Did you mean 'bandwidth_mhz="),
        (("table", "W", "--against", "ful"), "Did you mean 'full'"),
        (("table", "nowhere"), "there is no run folder nowhere"),
        (("plot", "W", "--figure", "pareto_tim"), "Did you mean 'pareto_time'"),
        (("plot", "S", "--figure", "overview"), "choose one"),
        (("plot", "W", "--figure", "overview", "--out", "a.jpg"), "must end in svg, pdf, png"),
        (("plot", "W", "--figure", "overview", "--out", "a.svg", "--format", "pdf"), "do not agree"),
        (("compare", "W"), "two run folders or more"),
        (("compare", "W", "W"), "with itself"),
        (("compare", "W", "N", "--out", "W"), "is a run folder"),
        (("trace", "W", "--label", "loar"), "Did you mean 'lora'"),
        (("trace", "W", "--seed", "9"), "Known: 1, 2"),
        (("trace", "W", "--out", "W"), "cannot be written"),
    ],
)
def test_mistakes_say_the_way_out(refused, args, message):
    assert message in refused(*args)
