"""The answer of a study: what it says, and the compact table behind it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.findings import Finding, account_note, findings, quality_measure, seeds_note
from analysis.formats import ratio_text
from analysis.measures import MEASURES, with_measures
from analysis.paired import best
from analysis.plots.ends import means
from analysis.report.table import Cell, Mark, Names, TextTable
from analysis.sweep import axes
from analysis.sweep_findings import measure_asked, sweep_findings, winners

if TYPE_CHECKING:
    from analysis.material import Material

_HEADS = {
    "final_accuracy": "accuracy at the end",
    "bits_per_byte": "bits a byte at the end",
    "objective": "objective",
    "sim_time_s": "time to the end",
    "device_energy_j": "device energy",
    "uplink_bytes": "uplink",
    "refused_device_share": "devices left out",
}
_WON = {
    "accuracy": "most accurate",
    "target": "fastest to the target",
    "objective": "lowest objective",
    "time": "first at the end",
    "energy": "least device energy",
    "uplink": "least uplink",
}


#: So many that are not told apart from the best are counted and not named.
_NAMED = 3
_TIED = " With \N{ALMOST EQUAL TO}: not told apart from it in the same worlds."


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands under "The answer"; ``variants`` and ``summary`` are folded away, and are empty without a sweep."""

    headline: list[Finding]
    compact: TextTable
    notes: list[str]
    variants: list[tuple[str, list[Finding]]]
    summary: TextTable | None


def answer(material: "Material", names: Names) -> Answer:
    """Return the findings of the study and their table: with a sweep who wins where, and variant by variant below."""
    of_variants = findings(material)
    notes = [_sentence(note) for note in (account_note(material.labels), seeds_note(material.labels["n"].tolist())) if note]
    summary = summary_table(material, names)
    marked = f"In bold: the best of its column.{_TIED if material.n_seeds > 1 else ''}"
    if not material.is_swept:
        return Answer(of_variants, summary, [marked, *notes], [], None)
    each = [(name, [finding for finding in of_variants if finding.variant == name]) for name in material.variants]
    headline = sweep_findings(material) or of_variants
    told = 'Where it says "A or B", the same worlds do not tell the two apart; the number is that of the first.'
    return Answer(headline, winners_table(material), [told, *notes] if material.n_seeds > 1 else notes, each, summary)


def summary_table(material: "Material", names: Names) -> TextTable:
    """Return a row a (variant, label) with the measures that a first look is at, the best of a variant marked."""
    frame = with_measures(material.frame("summary"), material.frame("diagnostics"))
    has_objective = frame["objective"].notna().any()
    columns = [quality_measure(material), *(name for name in list(_HEADS)[2:] if name != "objective" or has_objective)]
    ratios = material.labels.set_index(["variant", "label"])["uplink_ratio"]
    first = {name: best(frame, name).set_index("variant") for name in columns}
    rows = []
    for row in means(frame, columns).to_dict("records"):
        key = (row["variant"], row["label"])
        cells = {name: _cell(row, name, first[name].loc[key[0]]) for name in columns}
        ratio = Cell(ratio_text(ratios[key]), ratios[key])
        rows.append((*names.cells(*key), *list(cells.values())[:-1], ratio, cells[columns[-1]]))
    heads = [_HEADS[name] for name in columns]
    heads.insert(-1, "uplink to the smallest")
    caption = "What each scheme reached, and what it took"
    return TextTable(caption, (*names.heads, *heads), tuple(rows), n_names=len(names.heads))


def _cell(row: Mapping[str, Any], name: str, first: Any) -> Cell:
    """Return a cell, marked where it is the best of its column; nothing is where all are equal or none is beaten."""
    equal = row["label"] == first["winner"] or math.isclose(row[name], first["mean"], rel_tol=1e-12)
    tied = first["n"] > 1 and row["label"] in first["rivals"]
    told = bool(first["beaten"]) or first["n"] == 1
    mark: Mark = "" if not told else "best" if equal else "tied" if tied else ""
    return Cell(MEASURES[name].text(row[name], row[f"{name}_half"]), row[name], mark)


def winners_table(material: "Material") -> TextTable:
    """Return a row a variant: where it stands on the axes, and who is best at what."""
    found = winners(material)
    heads, places = _places(material)
    columns = {about: rows.set_index("variant") for about, rows in found.items()}
    rows = tuple(
        (*places[variant], *(_won(columns[about].loc[variant], measure_asked(material, about)) for about in columns))
        for variant in material.variants
    )
    caption = "Who is best at what, by variant"
    return TextTable(caption, (*heads, *(_WON[about] for about in columns)), rows, n_names=len(heads) + len(columns))


def _won(row: Any, name: str) -> Cell:
    if not row.winner:
        return Cell("nobody")
    rivals = row.rivals if row.n > 1 else ()
    who = " or ".join((row.winner, *rivals)) if len(rivals) < _NAMED else f"{row.winner} or {len(rivals)} others"
    return Cell(f"{who}: {MEASURES[name].text(row['mean'], row['half'])}")


def _places(material: "Material") -> tuple[tuple[str, ...], Mapping[str, Sequence[Cell]]]:
    """Return the heads and, by variant, the cells that say where it stands: its points on the axes, or its name."""
    variants = material.frame("variants")
    found = axes(variants)
    if not found:
        return ("variant",), {name: (Cell(name, float(i)),) for i, name in enumerate(material.variants)}
    points = {(row.variant, row.axis): Cell(row.point, float(row.position)) for row in variants.itertuples()}
    cells = {name: tuple(points[name, axis.name] for axis in found) for name in material.variants}
    return tuple(axis.title for axis in found), cells


def _sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."
