"""How much more each scheme has than another one in the same worlds, as a table for a paper and as plain numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.exports import Cell, Row, Table, chosen_of, notes_of, summary_of
from analysis.findings import size_text
from analysis.formats import NOTHING
from analysis.measures import Measure
from analysis.paired import differences

if TYPE_CHECKING:
    import pandas as pd

    from mecsim.results.reader import Run

_MINUS = "\N{MINUS SIGN}"


def paired_table(run: "Run", against: str, measures: Sequence[str] | None = None, variant: str | None = None) -> Table:
    """Return each label less the label ``against``: a row a variant and other label, in the order of the study.

    A number is the mean difference over the seeds that both have, with its 95 % t-interval; of what is counted to the target
    over the seeds in which both reach it, and how many they are. What is told apart from none is marked. Measures and errors
    are those of ``exports.export``; UnknownNameError if no variant has the label.
    """
    summary = summary_of(run, variant)
    chosen = chosen_of(summary, measures)
    found = [_found(summary, measure, against).set_index(["variant", "label"]) for measure in chosen]
    is_swept = summary["variant"].nunique() > 1
    keys = [key for key in dict.fromkeys(zip(summary["variant"], summary["label"], strict=True)) if key in found[0].index]
    rows = tuple(
        Row(
            variant=str(name) if is_swept else "",
            label=str(label),
            cells=tuple(_cell(frame.loc[(name, label)], measure) for frame, measure in zip(found, chosen, strict=True)),
        )
        for name, label in keys
    )
    return Table(
        name=f"{run.manifest.get('name', 'a run')} less {against}",
        heads=tuple(measure.title for measure in chosen),
        rows=rows,
        notes=notes_of(run, summary, variant, [*_meanings(against, chosen, rows)]),
        is_swept=is_swept,
    )


def paired_numbers(
    run: "Run", against: str, measures: Sequence[str] | None = None, variant: str | None = None
) -> "pd.DataFrame":
    """Return the same as plain numbers: the columns of ``paired.differences``, a row a measure, variant and other label."""
    import pandas as pd

    summary = summary_of(run, variant)
    return pd.concat([_found(summary, measure, against) for measure in chosen_of(summary, measures)], ignore_index=True)


def _found(summary: "pd.DataFrame", measure: Measure, against: str) -> "pd.DataFrame":
    return differences(summary, measure.name, against, where_both=measure.to_target)


def _cell(row: Any, measure: Measure) -> Cell:
    if row["mean"] != row["mean"]:
        return Cell(NOTHING)
    size = size_text(row["mean"], row["half"], measure)
    sign = "+" if row["mean"] > 0 else _MINUS if row["mean"] < 0 else ""
    worlds = f" ({row['n']})" if measure.to_target else ""
    return Cell(f"{sign}{size}{worlds}", "apart" if row["told_apart"] else "")


def _meanings(against: str, measures: Sequence[Measure], rows: Sequence[Row]) -> list[str]:
    """Return what the numbers and their marks mean."""
    meanings = [f"how much more than {against}, in the same worlds"]
    if any(measure.to_target for measure in measures):
        meanings.append("to the target: over the worlds in which both reach it, whose number is in brackets")
    if any(cell.mark for row in rows for cell in row.cells):
        meanings.append("bold: told apart, as the 95 % interval leaves out zero, each for itself")
    return meanings
