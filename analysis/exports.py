"""The summary of a run as a table for a paper (Markdown, LaTeX), and as plain numbers (CSV)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from analysis.choices import variant_of
from analysis.findings import account_note, seeds_note
from analysis.formats import percent_text
from analysis.measures import Measure, available, measure_of, with_measures
from analysis.paired import best
from analysis.stats import interval
from analysis.target import target_text, to_target
from mecsim.errors import MecsimError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from mecsim.results.reader import Run

Format = Literal["md", "latex", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
#: What a table has unless it is told otherwise, where the run has it.
DEFAULT = (
    "bits_per_byte", "final_accuracy", "objective", "time_to_target_s", "sim_time_s", "device_energy_j", "uplink_bytes",
    "refused_device_share",
)  # fmt: skip
#: How a cell stands among those of its measure and variant: the best, or not told apart from the best; of differences, told
#: apart from none.
Mark = Literal["", "best", "near", "apart"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A formatted number and how it stands."""

    text: str
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One scheme in one variant: ``variant`` is "" where there is one alone."""

    variant: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table before it is written in some format: ``heads`` are the measures', ``notes`` sentences for its caption."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    is_swept: bool


def export(
    run: "Run",
    form: str,
    measures: Sequence[str] | None = None,
    variant: str | None = None,
    against: str | None = None,
) -> str:
    """Return the summary of ``run`` in one of ``FORMATS``, as the text of a file; with ``against`` its differences to a label.

    ``measures`` are names of ``measures.MEASURES``, by default those of ``DEFAULT`` that the run has; of a sweep all variants
    are there unless one is named. UnknownNameError for a name that is none, MecsimError for a measure that the run has not.
    """
    if form not in FORMATS:
        raise UnknownNameError("format of tables", form, FORMATS)
    from analysis.paired_export import paired_numbers, paired_table

    if form == "csv":
        plain = numbers(run, measures, variant) if against is None else paired_numbers(run, against, measures, variant)
        return str(plain.to_csv(index=False, lineterminator="\n"))
    from analysis.markup import latex, markdown

    made = table(run, measures, variant) if against is None else paired_table(run, against, measures, variant)
    return (markdown if form == "md" else latex)(made)


def table(run: "Run", measures: Sequence[str] | None = None, variant: str | None = None) -> Table:
    """Return the table of formatted numbers: a row a variant and label, in the order of the study.

    A number is the mean over the seeds with its 95 % t-interval; without one where all seeds have the same. What is counted to
    the target and was not reached with every seed has no mean, and says so. The best of a measure in a variant is marked, and
    so are those that are not told apart from it (``paired.best``; with one seed nobody is marked so). Where all are equal
    there is no best.
    """
    summary = summary_of(run, variant)
    chosen = chosen_of(summary, measures)
    is_swept = summary["variant"].nunique() > 1
    marks = {measure.name: _marks(summary, measure) for measure in chosen}
    reached = {(row.variant, row.label): row for row in to_target(summary).itertuples()}
    rows = []
    for (name, label), group in summary.groupby(["variant", "label"], sort=False):
        cells = tuple(
            Cell(_text(group, measure, reached.get((name, label))), marks[measure.name].get((name, label), ""))
            for measure in chosen
        )
        rows.append(Row(str(name) if is_swept else "", str(label), cells))
    return Table(
        name=str(run.manifest.get("name", "a run")),
        heads=tuple(measure.title for measure in chosen),
        rows=tuple(rows),
        notes=notes_of(run, summary, variant, _meanings(summary, {cell.mark for row in rows for cell in row.cells})),
        is_swept=is_swept,
    )


def numbers(run: "Run", measures: Sequence[str] | None = None, variant: str | None = None) -> "pd.DataFrame":
    """Return the same as plain numbers: a row a variant and label, in the order of the study.

    Columns: ``variant``; of a sweep a column an axis, by its name, with the number of the point or else its words; ``label``,
    ``scheme``, ``account_as``, ``n`` (seeds); and of each measure its mean under its own name and ``<name>_half``, the
    half-width of the 95 % t-interval (NaN for one seed). If some measure is to the target, also ``target_accuracy`` and
    ``n_reached`` (seeds that reached it) before them, and ``<name>_median`` and ``<name>_at_least`` behind each, as in
    ``target.to_target``. A mean that some seed lacks is NaN.
    """
    import pandas as pd

    summary = summary_of(run, variant)
    chosen = chosen_of(summary, measures)
    places = _places(run.frame("variants"))
    reached = to_target(summary).set_index(["variant", "label"]) if any(measure.to_target for measure in chosen) else None
    rows = []
    for (name, label), group in summary.groupby(["variant", "label"], sort=False):
        row: dict[str, Any] = {"variant": name, **places.get(str(name), {}), "label": label}
        row |= {"scheme": group["scheme"].iloc[0], "account_as": group["account_as"].iloc[0], "n": len(group)}
        target = None if reached is None else reached.loc[(name, label)]
        if target is not None:
            row |= {"target_accuracy": target["target_accuracy"], "n_reached": target["n_reached"]}
        for measure in chosen:
            middle = interval(group[measure.name].tolist())
            row |= {measure.name: middle.mean, f"{measure.name}_half": middle.half}
            if target is not None and measure.to_target:
                row |= {column: target[column] for column in (f"{measure.name}_median", f"{measure.name}_at_least")}
        rows.append(row)
    halves = {f"{measure.name}_half": "float64" for measure in chosen}
    return pd.DataFrame(rows).astype(halves)


def summary_of(run: "Run", variant: str | None) -> "pd.DataFrame":
    """Return the measures of all trials, or of a variant's; MecsimError if there is no such variant."""
    summary = with_measures(run.frame("summary"), run.frame("diagnostics"))
    return summary if variant is None else summary[summary["variant"] == variant_of(summary, variant)]


def chosen_of(summary: "pd.DataFrame", names: Sequence[str] | None) -> list[Measure]:
    """Return the measures called ``names``, by default those of ``DEFAULT`` that there are; raises as ``export`` does."""
    had = available(summary)
    if names is None:
        return [measure for name in DEFAULT for measure in had if measure.name == name]
    has_target = summary["target_accuracy"].notna().any()
    chosen = [measure_of(name) for name in dict.fromkeys(names)]
    for measure in chosen:
        if measure.to_target and not has_target:
            raise MecsimError(
                f"this run has no {measure.name}: its scenario sets no target_accuracy. Leave it out, or set one."
            )
        if measure not in had and not measure.to_target:
            known = ", ".join(each.name for each in had)
            raise MecsimError(f"this run has no {measure.name}: no trial of it has that number. It has {known}.")
    return chosen


def _text(group: "pd.DataFrame", measure: Measure, target: Any) -> str:
    if measure.to_target and target is not None:
        return target_text(target, measure.name)
    middle = interval(group[measure.name].tolist())
    return measure.text(middle.mean, middle.half or None)


def _marks(summary: "pd.DataFrame", measure: Measure) -> dict[tuple[str, str], Mark]:
    """Return the marks of a measure by variant and label; none of a variant where it is the same for all that have it."""
    means = summary.groupby(["variant", "label"], sort=False)[measure.name].mean()
    marks: dict[tuple[str, str], Mark] = {}
    for row in best(summary, measure.name).itertuples():
        ranked = [row.winner, *row.rivals, *row.beaten] if row.winner else []
        level = [label for label in ranked if math.isclose(means[row.variant, label], means[row.variant, row.winner])]
        if len(level) < len(ranked):
            marks |= {(row.variant, label): "near" for label in row.rivals if row.n > 1}
            marks |= {(row.variant, label): "best" for label in level}
    return marks


def notes_of(run: "Run", summary: "pd.DataFrame", variant: str | None, marks: Sequence[str]) -> tuple[str, ...]:
    """Return what the numbers are, as sentences; ``marks`` tells what their marks mean."""
    labels = summary.drop_duplicates(["variant", "label"])
    n_seeds = summary.groupby(["variant", "label"])["seed"].nunique().tolist()
    target = summary["target_accuracy"].iloc[0]
    notes = [f"variant {variant}"] if variant else []
    notes.append(seeds_note(n_seeds))
    if target == target and target is not None:
        notes.append(f"the target accuracy is {percent_text(float(target))}")
    notes += marks
    rebuilt = set(run.manifest.get("reconstructions") or ())
    names = list(dict.fromkeys(labels["label"][labels["scheme"].isin(rebuilt)]))
    if names:
        are_all = 1 < len(names) == labels["label"].nunique()
        notes.append(f"reconstructions of their papers: {'all schemes' if are_all else ', '.join(names)}")
    notes.append(account_note(labels))
    return tuple(f"{note[0].upper()}{note[1:]}." for note in notes if note)


def _meanings(summary: "pd.DataFrame", marks: set[Mark]) -> list[str]:
    where = "of its column and variant" if summary["variant"].nunique() > 1 else "of its column"
    meanings = {
        "best": f"bold: the best {where}",
        "near": "\N{DAGGER}: not told apart from the best, as the 95 % interval of the paired difference contains zero",
    }
    return [text for mark, text in meanings.items() if mark in marks]


def _places(variants: "pd.DataFrame") -> dict[str, dict[str, Any]]:
    """Return where each variant stands: axis -> number, or words where some point of the axis has no number."""
    taken = ("variant", "label", "scheme", "account_as", "n", "target_accuracy", "n_reached")
    wordy = set(variants["axis"][variants["value"].isna()])
    places: dict[str, dict[str, Any]] = {}
    for row in variants.itertuples():
        column = f"axis_{row.axis}" if row.axis in taken else row.axis
        places.setdefault(row.variant, {})[column] = row.point if row.axis in wordy else row.value
    return places
