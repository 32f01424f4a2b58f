"""The heat maps of a study: accuracy at the end, and time to the target or to the end."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from analysis.formats import significant
from analysis.paired import best
from analysis.plots.costs import TIME, Cost, needs_log
from analysis.plots.ends import lacks_quality, means, trials
from analysis.plots.heat import Heat, heat_map
from analysis.plots.kind import FigureKind
from analysis.plots.words import quality_name, replications
from analysis.sweep import axes
from analysis.target import to_target

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material


def accuracy_heat(material: "Material") -> Heat:
    """Return quality at the end by label and variant; per cent with one decimal, or bits a byte."""
    is_accuracy = material.quality == "accuracy"
    ends = means(trials(material), ["quality"]).rename(columns={"quality": "value"})
    return _heat(
        material,
        ends.assign(value=ends["value"] * (100 if is_accuracy else 1), censored=False),
        "final_accuracy" if is_accuracy else "bits_per_byte",
        "Accuracy at the end (%)" if is_accuracy else "Bits a byte at the end",
        (lambda value: f"{value:.1f}") if is_accuracy else (lambda value: f"{value:.3f}"),
        " %" if is_accuracy else "",
    )


def time_heat(material: "Material") -> Heat:
    """Return the time to the target by label and variant, lower bounds where it is censored; without a target to the end."""
    if _has_target(material):
        found = to_target(material.frame("summary"))
        value = found["time_to_target_s"].where(~found["censored"], found["time_to_target_s_at_least"])
        times, measure, until = found[["variant", "label", "censored"]].assign(value=value), "time_to_target_s", "target"
    else:
        ends = means(trials(material), ["sim_time_s"]).rename(columns={"sim_time_s": "value"})
        times, measure, until = ends.assign(censored=False), "sim_time_s", "end"
    amounts = times["value"].tolist()
    if needs_log(amounts):
        return _heat(material, times, measure, f"Simulated time to the {until} (log scale)", _in_own_unit, "", TIME)
    unit_s, unit = TIME.unit_of(max(amounts))
    times = times.assign(value=times["value"] / unit_s)
    return _heat(material, times, measure, f"Simulated time to the {until} ({unit})", significant, f" {unit}")


def _in_own_unit(time_s: float) -> str:
    unit_s, unit = TIME.unit_of(time_s)
    return f"{significant(time_s / unit_s)} {unit}"


def _heat(
    material: "Material",
    rows: "pd.DataFrame",
    measure: str,
    name: str,
    text: Callable[[float], str],
    unit: str,
    cost: Cost | None = None,
) -> Heat:
    labels = list(dict.fromkeys(rows["label"]))
    variants = list(material.variants)
    cells = rows.assign(row=rows["label"].map(labels.index), column=rows["variant"].map(variants.index))
    values, bounds = np.full((len(labels), len(variants)), np.nan), np.zeros((len(labels), len(variants)), dtype=bool)
    values[cells["row"], cells["column"]] = cells["value"]
    bounds[cells["row"], cells["column"]] = cells["censored"]
    winners = best(trials(material), measure).set_index("variant")
    of = [winners.loc[variant] for variant in variants]
    title, points = _points(material, variants)
    return Heat(
        labels=labels, columns=points, columns_title=title, values=values, bounds=bounds,
        best=[labels.index(one["winner"]) if one["winner"] else None for one in of],
        # With one seed nothing is told apart from anything, which the note on seeds says already.
        rivals=[[labels.index(rival) for rival in one["rivals"]] if one["n"] > 1 else [] for one in of],
        name=name, text=text, unit=unit, cost=cost,
    )  # fmt: skip


def _points(material: "Material", variants: list[str]) -> tuple[str, list[str]]:
    """Return what the columns are, and the name of each: its points on the axes of the sweep, or the variant's own name."""
    rows = material.frame("variants")
    found = axes(rows)
    if not found:
        return "Variant", variants
    points = rows.set_index(["variant", "axis"])["point"].to_dict()
    names = [" / ".join(str(points.get((variant, axis.name), "")) for axis in found) for variant in variants]
    return " / ".join(axis.title for axis in found), names


def _has_target(material: "Material") -> bool:
    return bool(material.frame("summary")["target_accuracy"].notna().any())


def _lacks(material: "Material") -> str:
    return "" if material.is_swept else "this study has no sweep, so there is one column only"


def _told(heat: Heat) -> str:
    """Return the winner of each column in words."""
    winners = [
        f"{column}: {'none' if row is None else f'{heat.labels[row]} with {heat.text(float(heat.values[row, i]))}{heat.unit}'}"
        for i, (column, row) in enumerate(zip(heat.columns, heat.best, strict=True))
    ]
    return f"The best for each {heat.columns_title}: {'; '.join(winners)}."


def _accuracy_caption(material: "Material") -> str:
    what = quality_name(material)
    return f"{what} at the end of each scheme in each variant; the best of a variant is framed. {_seeds(material)}"


def _time_caption(material: "Material") -> str:
    until = "the target accuracy" if _has_target(material) else "the end"
    return f"Simulated time to {until} of each scheme in each variant; the shortest of a variant is framed. {_seeds(material)}"


def _seeds(material: "Material") -> str:
    more = " Dotted: not told apart from the best, as the interval of the paired difference contains zero."
    return replications(material, has_intervals=False) + (more if material.n_seeds > 1 else "")


KINDS = (
    FigureKind(
        name="heat_accuracy",
        scope="study",
        draw=lambda material, look: heat_map(accuracy_heat(material), look),
        caption=_accuracy_caption,
        words=lambda material: f"Heat map. {_accuracy_caption(material)} {_told(accuracy_heat(material))}",
        lacks=lambda material: _lacks(material) or lacks_quality(material),
    ),
    FigureKind(
        name="heat_time",
        scope="study",
        draw=lambda material, look: heat_map(time_heat(material), look),
        caption=_time_caption,
        words=lambda material: f"Heat map. {_time_caption(material)} {_told(time_heat(material))}",
        lacks=_lacks,
    ),
)
