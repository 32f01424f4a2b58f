"""Add the figures and the report to a run folder."""

from pathlib import Path

from analysis.plots.study import save_plots
from analysis.report.context import context
from mecsim.results.reader import open_run

_HERE = Path(__file__).parent


def add_analysis(folder: Path) -> None:
    """Write ``plots/`` and the self-contained ``report.html`` into a run folder, over older ones."""
    import jinja2
    from markupsafe import Markup

    run = open_run(folder)
    plots = save_plots(run, folder / "plots")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = Markup((_HERE / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - a file of this package
    html = environment.get_template("report.html.j2").render(css=css, **context(run, plots))
    (folder / "report.html").write_text(html, encoding="utf-8", newline="\n")
