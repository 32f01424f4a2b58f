"""Tables of single trials, and of what evaluations gave beside accuracy and loss."""

from typing import TYPE_CHECKING

from analysis.formats import count_text, diagnostic_text
from analysis.frames import diagnostics
from analysis.measures import MEASURES, with_measures
from analysis.report.table import Cell, Names, TextTable
from mecsim.results.records import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

#: Measures of a trial, in the order of the columns.
_COLUMNS = (
    "final_accuracy",
    "best_accuracy",
    "final_loss",
    "objective",
    "sim_time_s",
    "time_to_target_s",
    "device_energy_j",
    "server_energy_j",
    "uplink_bytes",
    "downlink_bytes",
    "wasted_bytes",
    "carbon_g",
)


def trials_table(summary: "pd.DataFrame", names: Names) -> TextTable:
    """Return a row a trial: seed, rounds, measures, and how its turns ended."""
    frame = with_measures(summary)
    columns = [MEASURES[name] for name in _COLUMNS if frame[name].notna().any()]
    ends = [name for name in OUTCOMES if frame[name].any()]
    rows = tuple(
        (
            *names.cells(row["variant"], row["label"]),
            Cell(str(row["seed"]), row["seed"]),
            Cell(count_text(row["rounds"]), row["rounds"]),
            *(Cell(measure.text(row[measure.name], None), row[measure.name]) for measure in columns),
            *(Cell(count_text(row[name]), row[name]) for name in ("turns", *ends)),
        )
        for _, row in frame.iterrows()
    )
    heads = (*names.heads, "seed", "rounds", *(measure.title.lower() for measure in columns), "turns", *ends)
    return TextTable("Every trial: a scheme in one variant with one seed", heads, rows, n_names=len(names.heads))


def diagnostics_table(recorded: "pd.DataFrame", names: Names) -> TextTable:
    """Return a row a scheme and number: where it was at first, and where at the end."""
    rows = tuple(
        (
            *names.cells(row.variant, row.label),
            Cell(row.name.replace("_", " ")),
            Cell(f"{diagnostic_text(row.name, row.first)} (round {row.first_round})", row.first),
            Cell(f"{diagnostic_text(row.name, row.last, row.last_half)} (round {row.last_round})", row.last),
        )
        for row in diagnostics(recorded).itertuples(index=False)
    )
    heads = (*names.heads, "number", "at first", "at the end")
    caption = "Numbers beside accuracy and loss, at the first and at the last evaluation"
    return TextTable(caption, heads, rows, n_names=len(heads) - 2)
