"""Add the figures and the report to a run folder."""

import base64
import hashlib
from pathlib import Path

from analysis.plots.study import save_plots
from analysis.report.context import context
from analysis.report.spaces import together
from mecsim.results.reader import open_run

_HERE = Path(__file__).parent


def add_analysis(folder: Path) -> None:
    """Write ``plots/`` and the self-contained ``report.html`` into a run folder, over older ones.

    The page needs no network and is allowed none: its policy lets a browser run the one script that is in it, and load nothing.
    """
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
    environment.filters["together"] = together
    css, script = (Markup((_HERE / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js"))  # noqa: S704
    html = environment.get_template("report.html.j2").render(
        css=css, script=script, script_hash=_hash_source(script), **context(run, plots)
    )
    (folder / "report.html").write_text(html, encoding="utf-8", newline="\n")


def _hash_source(script: str) -> str:
    """Return the source expression that allows this script alone (W3C, Content Security Policy Level 3, 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
