"""Tables of who took part: how turns ended, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.formats import NOTHING, count_text
from analysis.frames import causes, empty_rounds, outcomes
from analysis.report.table import Cell, Names, TextTable, texts

if TYPE_CHECKING:
    import pandas as pd


def outcomes_table(clients: "pd.DataFrame", names: Names) -> TextTable:
    """Return a row a scheme and a column a group: completed of all turns, and how the others ended; sorted by that share."""
    frame = outcomes(clients)
    groups = list(dict.fromkeys(zip(frame["group"], frame["profile"], strict=True)))
    others = [column for column in frame.columns[6:] if column != "completed"]
    cells = {(row["variant"], row["label"], row["group"], row["profile"]): _ended(row, others) for _, row in frame.iterrows()}
    trials = dict.fromkeys(zip(frame["variant"], frame["label"], strict=True))
    return TextTable(
        caption="How the devices' turns ended, by group of devices",
        heads=(*names.heads, *(group if group == profile else f"{group} ({profile})" for group, profile in groups)),
        rows=tuple(
            (*names.cells(*trial), *(cells.get((*trial, *group), Cell("no turns")) for group in groups)) for trial in trials
        ),
        n_names=len(names.heads),
    )


def _ended(row: "pd.Series", others: Sequence[str]) -> Cell:
    completed = int(row.get("completed", 0))
    parts = [f"{completed} of {row['turns']} completed"]
    parts += [f"{row[outcome]} {outcome.replace('_', ' ')}" for outcome in others if row[outcome]]
    return Cell(", ".join(parts), completed / row["turns"])


def causes_table(clients: "pd.DataFrame", names: Names) -> TextTable:
    """Return a row a scheme, profile, outcome and cause, the most frequent first."""
    rows = tuple(
        (
            *names.cells(row.variant, row.label),
            *texts((row.profile, row.outcome, row.cause, row.example.partition(": ")[2] or NOTHING)),
            Cell(count_text(row.turns), row.turns),
        )
        for row in causes(clients).itertuples()
    )
    heads = (*names.heads, "profile", "outcome", "cause", "for example", "turns")
    return TextTable("Why turns did not complete", heads, rows, n_names=len(heads) - 1)


def empty_sentences(rounds: "pd.DataFrame") -> list[str]:
    """Return a sentence for each scheme and variant in which there was nobody to ask in some round."""
    return [
        f"In {row.empty} of {row.rounds} rounds of {' '.join(filter(None, (row.label, row.variant)))} there was nobody to ask: "
        "the server waited a week at most, and went on without an update."
        for row in empty_rounds(rounds).itertuples()
    ]
