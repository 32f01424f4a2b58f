"""mecsim from Python: load a scenario, run it, open what it left; in a notebook a run shows itself."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mecsim.config.loader import Loaded

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.material import Material
    from analysis.plots.style import Font, Size
    from mecsim.results.reader import Run

__all__ = ["StudyRun", "load_scenario", "open_run", "run"]


def load_scenario(path: str | Path, overrides: Sequence[str] = ()) -> Loaded:
    """Return the valid scenario in a file, and its variants; ``overrides`` are as in ``--set``: "protocol.rounds=5".

    Raises ScenarioError with everything that is wrong with it, or with a variant of its sweep.
    """
    from mecsim.cli.names import load

    return load(Path(path), list(overrides))


def run(
    scenario: str | Path | Loaded,
    *,
    overrides: Sequence[str] = (),
    variants: Sequence[str] = (),
    out: str | Path | None = None,
    store: str | Path = ".mecsim/store",
    workers: int = 1,
    report: bool = True,
    quiet: bool = False,
) -> "StudyRun":
    """Simulate and train as ``mecsim run`` does, and return the run; ``out`` is its folder, by default runs/NAME.

    ``overrides`` are for a file that is still to be loaded. Without ``report`` no plots and no report are drawn.
    With more ``workers`` than one, code that is not in a notebook has to stand under ``if __name__ == "__main__":``, as always
    where Python starts processes. Stopped and called again, it goes on from what is done.
    """
    from rich.console import Console

    from mecsim.cli.execute import Order, execute_order
    from mecsim.cli.run import default_folder

    if isinstance(scenario, Loaded) and overrides:
        raise ValueError("overrides are for a file: give them to load_scenario")
    loaded = scenario if isinstance(scenario, Loaded) else load_scenario(scenario, overrides)
    folder = Path(out) if out is not None else default_folder(loaded.scenario.name, overrides, variants)
    order = Order(
        loaded=loaded,
        folder=folder,
        store=Path(store),
        command=f"mecsim.run({loaded.scenario.name!r})",
        variants=tuple(variants),
        n_workers=workers,
        draws=report,
    )
    with warnings.catch_warnings():
        # Of the progress bars of a library that loads models; there are none to show.
        warnings.filterwarnings("ignore", message="IProgress not found")
        execute_order(order, Console(stderr=True), quiet=quiet)
    return open_run(folder)


def open_run(folder: str | Path) -> "StudyRun":
    """Return the run in a folder; RunFolderError says what is wrong where it is missing, unfinished or of an old version."""
    from mecsim.results.reader import open_run as open_folder

    return StudyRun(open_folder(Path(folder)))


class StudyRun:
    """A finished run: its tables as frames, its figures, what it says; evaluated as the last line of a cell it shows itself."""

    def __init__(self, opened: "Run") -> None:
        self.opened = opened

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.opened.folder

    @property
    def manifest(self) -> dict[str, Any]:
        """How it came about: versions, seeds, real seconds, jobs run and reused."""
        return dict(self.opened.manifest)

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of its variants; ("",) without a sweep."""
        return self.material.variants

    @property
    def material(self) -> "Material":
        """What figures and tables are made of: see ``analysis.material``."""
        from analysis.material import Material

        return Material(self.opened)

    def frame(self, table: str) -> "pd.DataFrame":
        """Return a table of the run folder, as "rounds", "clients" or "summary"; columns as in ``mecsim.results.records``."""
        return self.opened.frame(table)

    def table(self) -> "pd.DataFrame":
        """Return what each scheme reached and took, as text: a row a scheme, and in a sweep a variant."""
        from analysis.tables import summary_table

        return summary_table(self.opened)

    def findings(self) -> list[str]:
        """Return what the run says, in sentences; of a sweep what it says as a whole."""
        from analysis.findings import findings
        from analysis.sweep_findings import sweep_findings

        material = self.material
        told = sweep_findings(material) or findings(material)
        return [
            f"{finding.variant}: {finding.text}" if material.is_swept and finding.variant else finding.text for finding in told
        ]

    def plot(self, figure: str, variant: str | None = None, *, size: "Size | None" = None, font: "Font" = "sans") -> "Figure":
        """Return a figure by name; ``size`` is "column" or "page" (its own unless given), ``font`` sans, serif or latex."""
        from analysis.plots.study import draw

        return draw(self.opened, figure, variant, size, font)

    def __repr__(self) -> str:
        return f"<run {self.folder}>"

    def _repr_html_(self) -> str:
        from html import escape

        points = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.findings())
        table = self.table().to_html(index=False, border=0)
        return f"<h4>{escape(str(self.manifest.get('name')))}</h4><ul>{points}</ul>{table}"
