"""scenarios/README.md has every scenario, the gallery every figure, and every sweep runs in a shortened form."""

import re
from pathlib import Path

import pytest

from analysis.plots.figures import FIGURES
from benchmarks.gallery import PICTURES, SOURCES
from mecsim.cli.names import build_catalog
from mecsim.cli.run import run
from mecsim.config.loader import load_study
from mecsim.results.reader import open_run

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "scenarios"
SWEEPS = sorted(path.stem for path in (LIBRARY / "sweeps").glob("*.yaml"))
#: What makes a sweep short, unless it is swept.
SHORT = ("replications=1", "protocol.rounds=1", "protocol.evaluate_every=1")


def rows():
    """Return the rows of the library: file, question, time, figures."""
    text = (LIBRARY / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert found
    return found


def test_every_scenario_has_one_row():
    shipped = sorted(path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.yaml"))
    assert sorted(link for _, link, *_ in rows()) == shipped
    assert all(name == link for name, link, *_ in rows())


def test_the_time_is_that_of_the_header():
    for name, _, _, time, _ in rows():
        header = (LIBRARY / name).read_text(encoding="utf-8").partition("\nschema:")[0]
        assert f"about {time.strip()}" in header, (name, time)


def test_every_row_names_figures_that_there_are():
    for name, _, _, _, figures in rows():
        named = re.findall(r"`(\w+)`", figures)
        assert named, name
        assert set(named) <= set(FIGURES), name


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_says_what_it_taught_in_two_sentences(name):
    header = " ".join(
        line.removeprefix("#").strip()
        for line in (LIBRARY / "sweeps" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    )
    taught = header.partition("What it taught: ")[2]
    assert len(re.findall(r"[.!?](?= [A-Z]|$)", taught)) == 2, taught


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.learning
def test_a_sweep_runs_to_its_end_in_a_shortened_form(name, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.report.build.add_analysis", lambda folder: None)
    path = LIBRARY / "sweeps" / f"{name}.yaml"
    variants = load_study(path, build_catalog(), ["replications=1"]).variants
    ends = [variants[0].name, variants[-1].name]
    run(path, list(SHORT), tmp_path / "run", tmp_path / "store", variants=ends, workers=1, quiet=True)
    summary = open_run(tmp_path / "run").frame("summary")
    assert set(summary["variant"]) == set(ends)
    assert summary["final_accuracy"].between(0.0, 1.0).all()
    assert (summary["sim_time_s"] > 0).all()


def test_the_sweep_over_bandwidths_is_what_was_promised():
    loaded = load_study(LIBRARY / "sweeps" / "bandwidth.yaml", build_catalog())
    assert len(loaded.variants) >= 8
    assert len(loaded.scenario.schemes) >= 5
    assert loaded.scenario.replications == 3
    assert loaded.scenario.protocol.kind == "sync"
    widths = [variant.scenario.network.carrier.bandwidth_mhz for variant in loaded.variants]
    assert (min(widths), max(widths)) == (0.5, 100.0)


def test_the_gallery_shows_every_figure_with_its_command():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"^## (\w+)\n\n!\[\1\]\(images/gallery/\1\.png\)\n\n(.+)\n\n```\n(.+)\n(.+)\n```$", text, re.MULTILINE)
    assert [name for name, *_ in shown] == list(FIGURES)
    assert {path.stem for path in PICTURES.glob("*.png")} == set(FIGURES)
    for name, caption, study, plot in shown:
        assert len(caption) > 20
        scenario = ROOT / study.removeprefix("mecsim run ")
        folder = re.search(r"runs/([^ ]+)", plot)[1]
        assert re.search(rf"^name: {re.escape(folder)}$", scenario.read_text(encoding="utf-8"), re.MULTILINE), study
        assert f"--figure {name}" in plot


def test_the_gallery_draws_of_scenarios_that_there_are():
    assert set(SOURCES) <= set(FIGURES)
