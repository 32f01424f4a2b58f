import pytest
from made_up_study import write_demo

from analysis.plots import style
from analysis.report import add_analysis
from mecsim.results.reader import Run


@pytest.fixture
def svg_only(monkeypatch):
    """Save figures as SVG alone, for tests that look at nothing else."""
    monkeypatch.setattr(style, "FORMATS", {"svg": style.FORMATS["svg"]})


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Run:
    """A study with one seed."""
    return write_demo(tmp_path_factory.mktemp("one") / "demo")


@pytest.fixture(scope="session")
def seeded_run(tmp_path_factory) -> Run:
    """A study of two schemes with three seeds."""
    return write_demo(tmp_path_factory.mktemp("three") / "demo", labels=("full", "bias"), seeds=(1, 2, 3))


@pytest.fixture(scope="session")
def reported(tmp_path_factory) -> Run:
    """The study with one seed, with its plots and report."""
    return write_demo(tmp_path_factory.mktemp("reported") / "demo", extras=add_analysis)
