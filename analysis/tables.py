"""The summary of a run as formatted text, for the terminal and for the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.findings import Finding, account_note, findings, seeds_note
from analysis.formats import bytes_text, duration_text, energy_text, percent_text, ratio_text
from analysis.frames import by_label
from analysis.material import Material
from analysis.measures import measure_of
from analysis.sweep_findings import sweep_findings

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from mecsim.results.reader import Run

#: Columns of the text table that hold names and not numbers.
NAMES = ("variant", "scheme")
_PADDING = 2
#: Of a sweep with more variants than this the report has each in words, and the terminal does not.
_FEW = 4
#: A label is folded to no less than this to keep the ratio in a narrow table.
_FOLDED = 10


def summary_table(run: "Run") -> "pd.DataFrame":
    """Return one row a variant and label, all cells formatted text, with ± the 95 % interval where there are seeds.

    Columns: ``variant`` (only in a sweep), ``scheme`` (the label), ``accuracy`` (at the end), ``objective`` (only where there
    is one), ``time`` (to the end), ``device energy``, ``uplink``, ``ratio`` (of uplink to the smallest of the variant),
    ``refused`` (share of devices without the memory). The last two are of means.
    """
    return text_table(by_label(run.frame("summary")))


def text_table(labels: "pd.DataFrame", *, intervals: bool = True) -> "pd.DataFrame":
    """Format ``by_label``'s frame as ``summary_table`` does; without ``intervals`` only accuracy and objective keep theirs."""
    import pandas as pd

    swept = labels["variant"].nunique() > 1
    has_objective = labels["objective"].notna().any()
    objective_text = measure_of("objective").text
    rows = []
    for row in labels.itertuples():
        half = row if intervals else None
        cells = {"variant": row.variant} if swept else {}
        cells |= {
            "scheme": row.label,
            "accuracy": percent_text(row.final_accuracy, row.final_accuracy_half),
            **({"objective": objective_text(row.objective, row.objective_half)} if has_objective else {}),
            "time": duration_text(row.sim_time_s, half and half.sim_time_s_half),
            "device energy": energy_text(row.device_energy_j, half and half.device_energy_j_half),
            "uplink": bytes_text(row.uplink_bytes, half and half.uplink_bytes_half),
            "ratio": ratio_text(row.uplink_ratio),
            "refused": percent_text(row.refused_device_share),
        }
        rows.append(cells)
    return pd.DataFrame(rows)


def print_summary(run: "Run", console: "Console") -> None:
    """Print what the study says and its table, a table a variant, in whatever width there is; and what the numbers stand for.

    Of a sweep the sentences are those on it as a whole; where there are few variants, each has its table and its own.
    """
    material = Material(run)
    labels = material.labels
    told = findings(material)
    over_all = sweep_findings(material)
    _say(over_all, console)
    is_long = bool(over_all) and len(material.variants) > _FEW
    if is_long:
        text = f"The tables of its {len(material.variants)} variants: mecsim table {run.folder}, and in the report."
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        console.print()
    for variant, group in labels.groupby("variant", sort=False) if not is_long else ():
        if variant:
            console.print(str(variant), style="bold underline", markup=False, highlight=False)
        console.print(_fitting_table(group, console.width))
        console.print()
        _say([finding for finding in told if finding.variant == variant], console)
    for note in filter(None, (account_note(labels), seeds_note(labels["n"].tolist()))):
        console.print(f"{note[0].upper()}{note[1:]}.", markup=False, highlight=False, style="dim")


def _say(told: Sequence[Finding], console: "Console") -> None:
    for finding in told:
        console.print(finding.text, markup=False, highlight=False)
    if told:
        console.print()


def _fitting_table(labels: "pd.DataFrame", width: int) -> "Table":
    """Give up, in this order and only as needed: intervals of costs, space between columns, the ratio, lines."""
    frame = text_table(labels)
    if _width(frame, _PADDING) > width:
        frame = text_table(labels, intervals=False)
    padding = _PADDING if _width(frame, _PADDING) <= width else 1
    if _width(frame, padding) > width and _width(frame, padding) - max(0, _longest(frame, "scheme") - _FOLDED) > width:
        frame = frame.drop(columns="ratio")
    return _rich_table(frame, padding)


def _rich_table(frame: "pd.DataFrame", padding: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, padding, 0, 0), pad_edge=False, header_style="bold", show_edge=False)
    for column in frame.columns:
        name = column in NAMES
        table.add_column(
            Text(_header(column)), justify="left" if name else "right", no_wrap=not name, overflow="fold", vertical="bottom"
        )
    for cells in frame.itertuples(index=False):
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _header(column: str) -> str:
    return column.replace(" ", "\n")


def _longest(frame: "pd.DataFrame", column: str) -> int:
    return max(*(len(line) for line in _header(column).split("\n")), *(len(cell) for cell in frame[column]), 0)


def _width(frame: "pd.DataFrame", padding: int) -> int:
    return sum(_longest(frame, column) + padding for column in frame.columns)
