from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from made_up_study import write_demo, write_sweep

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
    """The study with one seed, with its plots (SVG alone) and report."""
    with _svg_alone():
        return write_demo(tmp_path_factory.mktemp("reported") / "demo", extras=add_analysis)


@pytest.fixture(scope="session")
def reported_sweep(tmp_path_factory) -> Run:
    """A sweep over four bandwidths with three schemes and seeds, with its plots (SVG alone) and report."""
    with _svg_alone():
        return write_sweep(tmp_path_factory.mktemp("reported_sweep") / "demo", extras=add_analysis)


@contextmanager
def _svg_alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "FORMATS", {"svg": style.FORMATS["svg"]})
        yield
