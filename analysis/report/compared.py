"""Tables of comparisons: differences in the same worlds, what it takes to the target, and how even it is."""

from typing import TYPE_CHECKING, Any

from analysis.fairness import accuracy_by_group, accuracy_spread, energy_by_device, participation
from analysis.findings import quality_measure
from analysis.formats import NOTHING, TIMES, energy_text, percent_text, significant
from analysis.measures import MEASURES, Measure, with_measures
from analysis.paired import differences
from analysis.report.table import Cell, Names, TextTable
from analysis.target import TO_TARGET, target_text, to_target

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

_TIED = "not told apart"
_COMPARED = ("objective", "sim_time_s", "device_energy_j", "uplink_bytes")
_HEADS = {
    "final_accuracy": "accuracy",
    "bits_per_byte": "bits a byte",
    "sim_time_s": "time",
    "device_energy_j": "device energy",
}


def paired_tables(material: "Material", names: Names) -> list[TextTable]:
    """Return each scheme against the first of the scenario, in the same worlds, at the end and on the way to the target.

    Empty with one seed or one scheme. The first is taken, and not the best, as it was chosen before there was any result.
    """
    frame = with_measures(material.frame("summary"), material.frame("diagnostics"))
    reference = str(frame["label"].iloc[0])
    if material.n_seeds < 2 or frame["label"].nunique() < 2:
        return []
    compared = [name for name in _COMPARED if name != "objective" or frame[name].notna().any()]
    measures = [MEASURES[name] for name in (quality_measure(material), *compared)]
    found = {m.name: differences(frame, m.name, reference).set_index(["variant", "label"]) for m in measures}
    rows = tuple(
        (*names.cells(*key), *(_difference(found[m.name].loc[key], m) for m in measures))
        for key in found[measures[0].name].index
    )
    heads = (*names.heads, *(f"{_HEADS.get(m.name, m.title.lower())}{'' if m.is_ratio else ', points'}" for m in measures))
    caption = f"Each scheme against {reference}, the first of the scenario, in the same worlds"
    both = _both_table(frame, reference, names)
    return [TextTable(caption, heads, rows, n_names=len(names.heads)), *([both] if both else [])]


def _both_table(frame: "pd.DataFrame", reference: str, names: Names) -> TextTable | None:
    """Return the comparison on the way to the target, over the worlds in which both reach it; None without two such worlds."""
    measures = [MEASURES[name] for name in TO_TARGET if name != "total_bytes_to_target"]
    found = {m.name: differences(frame, m.name, reference, where_both=True).set_index(["variant", "label"]) for m in measures}
    n_both = found[measures[0].name]["n"]
    if not (n_both > 1).any():
        return None
    rows = tuple(
        (
            *names.cells(*key),
            Cell(f"{n}", n),
            *(_difference(found[m.name].loc[key], m) if n > 1 else Cell(NOTHING) for m in measures),
        )
        for key, n in n_both.items()
    )
    heads = (*names.heads, "worlds", *(_to_it(m) for m in measures))
    caption = f"To the target, over the worlds in which both the scheme and {reference} reach it"
    return TextTable(caption, heads, rows, n_names=len(names.heads))


def _to_it(measure: Measure) -> str:
    """Return the name of what is counted to the target, below a title that says so."""
    return measure.title.removesuffix(" to the target").lower()


def _difference(row: Any, measure: Measure) -> Cell:
    """Return a ratio of a cost, or a difference of shares in points, with its interval and the verdict."""
    if row["mean"] != row["mean"]:
        return Cell(NOTHING)
    if measure.is_ratio and row["ratio"] == row["ratio"]:
        low, high = row["ratio_low"], row["ratio_high"]
        text = f"{TIMES} {significant(row['ratio'], 2)} ({significant(low, 2)} to {significant(high, 2)})"
        better = (row["ratio"] > 1) == (measure.better == "higher")
        return Cell(f"{text}, {'better' if better else 'worse'}" if low > 1 or high < 1 else f"{text}, {_TIED}", row["ratio"])
    scale = 1 if measure.is_ratio else 100
    text = f"{scale * row['mean']:+.1f} ± {scale * row['half']:.1f}" if scale > 1 else measure.text(row["mean"], row["half"])
    return Cell(f"{text}, {row['verdict']}", row["mean"])


def target_table(summary: "pd.DataFrame", names: Names) -> TextTable | None:
    """Return what each scheme took to the target, or that it was not reached; None where no target was set."""
    frame = to_target(summary)
    if frame.empty:
        return None
    columns = [name for name in TO_TARGET if name != "total_bytes_to_target"]
    rows = tuple(
        (
            *names.cells(row.variant, row.label),
            Cell(f"{row.n_reached} of {row.n}", row.n_reached / row.n),
            *(Cell(target_text(row, name), getattr(row, name)) for name in columns),
        )
        for row in frame.itertuples()
    )
    share = percent_text(float(frame["target_accuracy"].iloc[0]))
    heads = (
        *names.heads,
        "seeds that reach it",
        *(_to_it(MEASURES[name]) for name in columns),
    )
    return TextTable(f"What it takes to the target accuracy of {share}", heads, rows, n_names=len(names.heads))


def fairness_tables(material: "Material", names: Names) -> list[TextTable]:
    """Return how evenly turns and energy fall on devices, and the accuracy of each group where there are classes."""
    clients, devices, groups = (material.frame(name) for name in ("clients", "devices", "groups"))
    tables = [_shares(clients, devices, names)] if len(clients) and len(devices) else []
    return [*tables, _groups(groups, names)] if len(groups) else tables


def _shares(clients: "pd.DataFrame", devices: "pd.DataFrame", names: Names) -> TextTable:
    energy = energy_by_device(clients, devices).set_index(["variant", "label"])
    rows = []
    for row in participation(clients, devices).itertuples():
        spent = energy.loc[(row.variant, row.label)]
        rows.append(
            (
                *names.cells(row.variant, row.label),
                _plain(row.completed, row.completed_half),
                _plain(row.jain, row.jain_half),
                Cell(percent_text(row.never_completed_share, row.never_completed_share_half), row.never_completed_share),
                Cell(energy_text(spent["mean_j"], spent["mean_j_half"]), spent["mean_j"]),
                Cell(energy_text(spent["max_j"], spent["max_j_half"]), spent["max_j"]),
                _plain(spent["jain"], spent["jain_half"]),
            )
        )
    heads = (
        "completed turns a device",
        "Jain's index of completed turns",
        "devices that never completed one",
        "energy a device",
        "energy of the device that spent most",
        "Jain's index of energy",
    )
    return TextTable("How evenly turns and energy fall on devices", (*names.heads, *heads), tuple(rows), len(names.heads))


def _groups(groups: "pd.DataFrame", names: Names) -> TextTable:
    found = accuracy_by_group(groups)
    cells = {
        (row.variant, row.label, row.group): Cell(percent_text(row.accuracy, row.half), row.accuracy)
        for row in found.itertuples()
    }
    columns = list(dict.fromkeys(found["group"]))
    rows = tuple(
        (
            *names.cells(row.variant, row.label),
            *(cells.get((row.variant, row.label, group), Cell(NOTHING)) for group in columns),
            Cell(_points(row.spread, row.spread_half), row.spread),
        )
        for row in accuracy_spread(groups).itertuples()
    )
    heads = (*names.heads, *columns, "best group less worst, points")
    return TextTable("Accuracy at the end on each group's own mix of classes", heads, rows, n_names=len(names.heads))


def _points(spread: float, half: float) -> str:
    return f"{100 * spread:.1f}" if half != half else f"{100 * spread:.1f} ± {100 * half:.1f}"


def _plain(value: float, half: float) -> Cell:
    if value != value:
        return Cell(NOTHING)
    return Cell(significant(value) if half != half else f"{value:.2f} ± {half:.2f}", value)
