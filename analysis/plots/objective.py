"""The objective of each scheme: what it is made of, and how far others are from the learned policy in the same worlds."""

from typing import TYPE_CHECKING

import numpy as np

from analysis.amounts import Amounts, amounts
from analysis.formats import duration_text, energy_text, percent_text, times_text
from analysis.measures import MEASURES, with_measures
from analysis.objective import PARTS, lacks_objective, parts_of, reference_of, until_text, weights_of
from analysis.paired import differences
from analysis.plots.kind import FigureKind
from analysis.plots.panels import CYAN, INK, SAND, WINE, Fill, fills_of, name_rows, rows_in, stack
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure
from analysis.plots.words import replications
from analysis.target import to_target

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

_FILLS = dict(zip(PARTS, (Fill(WINE, "\\\\\\\\\\"), Fill(CYAN), Fill(SAND, "/////")), strict=True))
_REACHED = "in brackets: seeds that reach the target accuracy; in the others all rounds count"
_text = MEASURES["objective"].text


def _stacked(material: "Material") -> Amounts:
    """Return the parts of the labels that have an objective with every seed."""
    found, summary = parts_of(material), material.frame("summary")
    assert found is not None  # noqa: S101 - ``_lacks_parts`` says so before
    has = summary.groupby("label", sort=False)["objective"].apply(lambda values: values.notna().all())
    trials = summary[summary["label"].isin(has.index[has])]
    rows = found[found["label"].isin(has.index[has])].melt(["label", "seed"], list(PARTS), var_name="part")
    return amounts(rows, trials, PARTS)


def objective_by_scheme(material: "Material", look: Look) -> "Figure":
    """Draw the objective of each scheme as a bar of its parts, with the interval of their sum."""
    spent = _stacked(material)
    names = [str(label) for label in spent.parts.index]
    fills = fills_of(spent.parts.columns, _FILLS)
    reached = _reached(material, names)
    look = look.saying(_REACHED if reached else "")
    with house_style(look.font):
        entries = {name: fill.patch() for name, fill in fills.items()}
        figure = new_figure(look.width_in, rows_in(names) + 0.1 + below_in(look, look.width_in, list(entries)))
        axes = figure.add_subplot()
        stack(axes, {part: spent.parts[part].tolist() for part in spent.parts}, fills)
        ends = [spent.totals[name].mean + (spent.totals[name].half or 0.0) for name in names]
        for row, name in enumerate(names):
            total = spent.totals[name]
            if total.half is not None:
                axes.errorbar(total.mean, row, xerr=total.half, ecolor=INK, elinewidth=0.8, capsize=1.8, capthick=0.8)
            told = _text(total.mean, None) + (f" ({reached[name]})" if reached else "")
            axes.annotate(told, (ends[row], row), (4, 0), textcoords="offset points", va="center", fontsize=6.5)
        name_rows(axes, names)
        axes.set_xlim(0, (1.42 if reached else 1.15) * max(ends) or 1.0)
        axes.set_xlabel("Objective (lower is better)")
        finish_with(figure, look, entries)
    return figure


def _reached(material: "Material", names: list[str]) -> dict[str, str]:
    """Return in how many of its seeds each scheme reaches the target; empty where all do, or where there is none."""
    rows = [row for row in to_target(material.frame("summary")).itertuples() if row.label in names]
    if not any(row.censored for row in rows):
        return {}
    return {row.label: f"{row.n_reached} of {row.n}" for row in rows}


def _parts_caption(material: "Material") -> str:
    weights = weights_of(material.scenario)
    assert weights is not None  # noqa: S101 - ``_lacks_parts`` says so before
    units = (
        f"error (weight {times_text(weights.quality)}), time (weight {times_text(weights.time)}, in units of "
        f"{duration_text(weights.time_scale_s)}) and device energy (weight {times_text(weights.energy)}, in units of "
        f"{energy_text(weights.energy_scale_j)})"
    )
    return f"Objective of each scheme in its parts: {units}, over {until_text(material)}. {replications(material)}"


def _parts_words(material: "Material") -> str:
    spent = _stacked(material)
    texts = []
    for label, row in spent.parts.iterrows():
        total = spent.totals[str(label)]
        parts = ", ".join(f"{percent_text(value / total.mean)} {part}" for part, value in row.items()) if total.mean else ""
        texts.append(f"{label} {_text(total.mean, total.half)}" + (f" ({parts})" if parts else ""))
    return f"Stacked bars, a row a scheme. {_parts_caption(material)} {'; '.join(texts)}."


def _lacks_parts(material: "Material") -> str:
    if lacks := lacks_objective(material):
        return lacks
    return "its weights are not the same in all of the study" if parts_of(material) is None else ""


def _pairs(material: "Material") -> "tuple[str, str, pd.DataFrame]":
    """Return whom others are compared with, why, and those that have a difference to it, in the study's order."""
    label, why = reference_of(material)
    found = differences(with_measures(material.frame("summary")), "objective", label)
    return label, why, found[found["mean"].notna()].reset_index(drop=True)


def objective_paired(material: "Material", look: Look) -> "Figure":
    """Draw how much more each scheme's objective is than the reference's: means with intervals, and each world as a dot."""
    reference, _, pairs = _pairs(material)
    names = pairs["label"].tolist()
    look = look.saying("small: single worlds", "filled: told apart from zero")
    styles = look.styles()
    with house_style(look.font):
        figure = new_figure(look.width_in, rows_in(names, 0.26) + 0.15 + below_in(look, look.width_in, ()))
        axes = figure.add_subplot()
        axes.axvline(0.0, color=INK, linewidth=0.8)
        for place, row in enumerate(pairs.itertuples()):
            colour = styles[row.label].colour
            each = _by_seed(material, row.label, reference)
            axes.plot(each, np.full(len(each), place + 0.24), ".", color=colour, alpha=0.55, markersize=2.4)
            axes.errorbar(
                row.mean, place, xerr=row.half, color=colour, elinewidth=1.1, capsize=2.2, markersize=4.4,
                marker=styles[row.label].marker, markerfacecolor=colour if row.told_apart else "white",
            )  # fmt: skip
        _say_differences(axes, pairs)
        name_rows(axes, names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel(f"Objective less that of {reference}")
        finish_with(figure, look, {})
    return figure


def _by_seed(material: "Material", label: str, reference: str) -> list[float]:
    """Return the differences of the worlds that both have."""
    values = material.frame("summary").pivot_table(index="seed", columns="label", values="objective")
    each: list[float] = (values[label] - values[reference]).dropna().tolist()
    return each


def _say_differences(axes: "Axes", pairs: "pd.DataFrame") -> None:
    """Write each difference at the right end of its row."""
    for place, row in enumerate(pairs.itertuples()):
        axes.annotate(
            _signed(row.mean, row.half), (1.0, place), (3, 0), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", va="center", fontsize=6.5,
        )  # fmt: skip


def _signed(mean: float, half: float) -> str:
    return f"{'+' if mean > 0 else ''}{_text(mean, half)}"


def _pairs_caption(material: "Material") -> str:
    reference, why, _ = _pairs(material)
    told = f"How much more the objective of each scheme is than that of {reference}, {why}, in the same worlds"
    return f"{told}. Right of zero is worse. {replications(material)}"


def _pairs_words(material: "Material") -> str:
    _, _, pairs = _pairs(material)
    texts = [f"{row.label} {_signed(row.mean, row.half)}, {row.verdict}" for row in pairs.itertuples()]
    return f"Points with intervals, a row a scheme. {_pairs_caption(material)} {'; '.join(texts)}."


def _lacks_pairs(material: "Material") -> str:
    if lacks := lacks_objective(material):
        return lacks
    if material.n_seeds < 2:
        return "one seed has no differences with intervals"
    reference, _ = reference_of(material)
    if not reference:
        return "no scheme has an objective with every seed"
    if reference not in set(material.frame("summary")["label"]):
        return f"this variant has no {reference}"
    return "" if len(_pairs(material)[2]) else "there is one scheme alone"


KINDS = (
    FigureKind(
        name="objective_by_scheme", scope="variant", draw=objective_by_scheme, caption=_parts_caption, words=_parts_words,
        lacks=_lacks_parts,
    ),
    FigureKind(
        name="objective_paired", scope="variant", draw=objective_paired, caption=_pairs_caption, words=_pairs_words,
        lacks=_lacks_pairs,
    ),
)  # fmt: skip
