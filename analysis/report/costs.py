"""Tables of what schemes are and take: their settings and sizes, and where the energy went."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from analysis.formats import NOTHING, bytes_text, count_text, energy_text, flop_text
from analysis.frames import energy_parts
from analysis.report.table import Cell, Names, TextTable, texts

if TYPE_CHECKING:
    import pandas as pd


def schemes_table(labels: "pd.DataFrame", settings: Mapping[str, str]) -> TextTable:
    """Return a row a scheme, from ``by_label``'s frame: as it is in the first variant that has it."""
    rows = tuple(
        (
            *texts((row.label, row.scheme, settings.get(row.label, NOTHING))),
            Cell(count_text(row.trainable_parameters), row.trainable_parameters),
            Cell(bytes_text(row.update_bytes), row.update_bytes),
            Cell(flop_text(row.turn_flop), row.turn_flop),
            Cell(flop_text(row.inference_flop), row.inference_flop),
            Cell(bytes_text(row.peak_memory_bytes), row.peak_memory_bytes),
            Cell(row.account_as or "the model trained"),
        )
        for row in labels.drop_duplicates("label").itertuples()
    )
    sizes = ("trained parameters", "one update", "one turn", "one query", "peak memory", "costs are of")
    return TextTable("The schemes", ("label", "scheme", "settings", *sizes), rows, n_names=3)


def energy_table(energy: "pd.DataFrame", names: Names) -> TextTable:
    """Return a row a scheme and a column a part that takes anything, means over the seeds."""
    frame = energy_parts(energy)
    parts = [column for column in frame.columns[2:] if frame[column].any()]
    rows = tuple(
        (*names.cells(row["variant"], row["label"]), *(Cell(energy_text(row[part]), row[part]) for part in parts))
        for _, row in frame.iterrows()
    )
    return TextTable("Energy of the whole study by node and part", (*names.heads, *parts), rows, n_names=len(names.heads))
