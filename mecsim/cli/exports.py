"""Commands that take a run apart for papers and other tools: table, plot, compare, trace."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mecsim.errors import MecsimError

if TYPE_CHECKING:
    from analysis.combined_run import CombinedRun
    from mecsim.results.reader import Run


class TableFormat(StrEnum):
    """How a table is written."""

    MD = "md"
    LATEX = "latex"
    CSV = "csv"


class PlotFormat(StrEnum):
    """How a figure is written."""

    SVG = "svg"
    PDF = "pdf"
    PNG = "png"


class PlotSize(StrEnum):
    """How wide a figure is: a column of a two-column paper, or its page."""

    COLUMN = "column"
    PAGE = "page"


class PlotFont(StrEnum):
    """What a figure's texts are set in."""

    SANS = "sans"
    SERIF = "serif"
    LATEX = "latex"


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, as 'mecsim run' leaves it.", show_default=False)]
Variant = Annotated[str | None, typer.Option(help="One variant of the sweep, by its name.", show_default=False)]
Measures = Annotated[
    str | None,
    typer.Option("--measure", metavar="A,B,...", help="Columns, such as final_accuracy,uplink_bytes.", show_default=False),
]
_FILES = {TableFormat.MD: "table.md", TableFormat.LATEX: "table.tex", TableFormat.CSV: "table.csv"}


def table(
    run: RunFolder,
    form: Annotated[TableFormat, typer.Option("--format", help="Markdown, LaTeX, or plain numbers.")] = TableFormat.MD,
    measure: Measures = None,
    variant: Variant = None,
    against: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Differences to this scheme in the same worlds.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: the terminal.", show_default=False)] = None,
) -> None:
    """Print the summary of a run as a table for a paper, the best of each column in bold; or as plain numbers.

    With --against, how much more each scheme has than that one in the same worlds, with 95 % t-intervals.

    Example: mecsim table runs/quickstart --format latex --measure final_accuracy,time_to_target_s,uplink_bytes
    """
    from analysis.exports import export
    from mecsim.results.reader import open_run

    text = export(open_run(run), form.value, _split(measure), variant, against)
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
        typer.echo(f"Table: {out}")


def plot(
    run: RunFolder,
    figure: Annotated[str | None, typer.Option(help="Name of a figure; without it all are listed.", show_default=False)] = None,
    variant: Variant = None,
    size: Annotated[PlotSize | None, typer.Option(help="Width; default: the figure's own.", show_default=False)] = None,
    font: Annotated[PlotFont, typer.Option(help="DejaVu Sans, STIX (as Times), or Computer Modern.")] = PlotFont.SANS,
    form: Annotated[
        PlotFormat | None, typer.Option("--format", help="Default: as --out is called, or svg.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File or folder to write; default: FIGURE.svg, here.", show_default=False),
    ] = None,
) -> None:
    """Draw one figure of a run in the size and font of a paper; without --figure, list those that there are.

    Example: mecsim plot runs/quickstart --figure pareto_energy --size column --font latex --format pdf
    """
    from mecsim.results.reader import open_run

    opened = open_run(run)
    if figure is None:
        _list_figures(opened)
        return
    from analysis.plots.study import draw
    from analysis.plots.style import write

    path = _plot_path(figure, variant, form, out)
    drawn = draw(opened, figure, variant, None if size is None else size.value, font.value)
    _made(path.parent)
    try:
        write(drawn, path)
    except OSError as error:
        raise MecsimError(f"{path} cannot be written ({error}). Name another file with --out.") from error
    typer.echo(f"Figure: {path}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Two run folders or more.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables and figures of all runs together.", show_default=False)
    ] = None,
    measure: Measures = None,
) -> None:
    """Put several runs into one table, and with --out into the same figures; say in what their worlds differ.

    Runs of the same world become one study: their schemes are compared on the same replications. Runs of different worlds
    stand side by side.

    Example: mecsim compare runs/quickstart runs/quickstart__bandwidth_mhz-2 --out comparison
    """
    from rich.console import Console

    from analysis.combined_run import combined
    from analysis.compare import in_words
    from analysis.tables import print_summary
    from mecsim.results.reader import open_run

    together = combined([open_run(folder) for folder in runs])
    lines = in_words(together.differences, together.names)
    for line in lines:
        typer.echo(line, err=True)
    print_summary(together, Console())
    if out is not None:
        _write_comparison(together, lines, out, _split(measure))
        typer.echo(f"Tables and figures: {out}")


def trace(
    run: RunFolder,
    variant: Variant = None,
    label: Annotated[str | None, typer.Option(help="One scheme; default: all.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="One replication; default: the first.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: NAME.trace.json, here.", show_default=False)] = None,
) -> None:
    """Write the course of a run as a trace of simulated time: who downloads, computes and uploads when.

    It opens in Perfetto (ui.perfetto.dev) and in chrome://tracing, a track each for the server, every station and device.

    Example: mecsim trace runs/quickstart --label lora
    """
    from analysis.trace_events import trace_json
    from mecsim.results.reader import open_run

    opened = open_run(run)
    path = out or Path(f"{run.resolve().name}.trace.json")
    _write(path, trace_json(opened, variant=variant, label=label, seed=seed))
    typer.echo(f"Trace: {path}. Open it at ui.perfetto.dev, which keeps it on this computer.")


def _split(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _list_figures(run: "Run") -> None:
    """Print a line a figure: first those that can be drawn, then why the others cannot."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from analysis.plots.menu import menu

    entries = menu(run)
    console = Console()
    for can_be_drawn, head in ((True, "Figures of this run (--figure NAME):"), (False, "Cannot be drawn of this run:")):
        chosen = [entry for entry in entries if entry.can_be_drawn is can_be_drawn]
        if not chosen:
            continue
        console.print(head, highlight=False)
        listed = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        for entry in chosen:
            suffix = " (of one --variant)" if entry.needs_variant and can_be_drawn else ""
            listed.add_row(Text(entry.name, style="bold", no_wrap=True), Text(f"{entry.line}{suffix}"))
        console.print(listed)


def _plot_path(figure: str, variant: str | None, form: PlotFormat | None, out: Path | None) -> Path:
    """Return the file of a figure; MecsimError if the name of the file and the format do not agree, or there is no such one."""
    slug = "".join(c if c.isalnum() or c in ".-_" else "-" for c in variant or "")
    name = f"{figure}-{slug}" if slug else figure
    if out is None or out.is_dir():
        return (out or Path()) / f"{name}.{form or PlotFormat.SVG}"
    if not out.suffix:
        return out.with_name(f"{out.name}.{form or PlotFormat.SVG}")
    suffix = out.suffix.removeprefix(".").lower()
    known = [each.value for each in PlotFormat]
    if suffix not in known:
        raise MecsimError(f"a figure cannot be written as {out.name}: its name must end in {', '.join(known)}.")
    if form is not None and form.value != suffix:
        raise MecsimError(f"--format {form.value} and --out {out.name} do not agree. Leave one of them out.")
    return out


def _write_comparison(together: "CombinedRun", lines: list[str], out: Path, measures: list[str] | None) -> None:
    from analysis.exports import export
    from analysis.plots.study import save_plots
    from mecsim.results.folder import MANIFEST

    if (out / MANIFEST).exists():
        raise MecsimError(f"{out} is a run folder, and a comparison would be lost with its next run. Name another folder.")
    texts = {name: export(together, form.value, measures) for form, name in _FILES.items()}
    texts["differences.txt"] = "\n".join(lines or ["The worlds and settings of the runs are the same."]) + "\n"
    for name, text in texts.items():
        _write(out / name, text)
    save_plots(together, _made(out / "plots"))


def _write(path: Path, text: str) -> None:
    _made(path.parent)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MecsimError(f"{path} cannot be written ({error}). Name another file with --out.") from error


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MecsimError(f"the folder {folder} cannot be made ({error}). Name another place with --out.") from error
    return folder
