"""The figures over a sweep: which amounts are drawn along its first axis."""

from typing import TYPE_CHECKING

from analysis.plots.costs import ENERGY, TIME, UPLINK, Cost
from analysis.plots.ends import lacks_quality, means, trials
from analysis.plots.kind import FigureKind
from analysis.plots.style import Look
from analysis.plots.sweeps import N_FACETS, cost_scale, quality_scale, sweep_lines
from analysis.plots.words import quality_name, quality_text, replications
from analysis.sweep import Axis, along, axes
from analysis.target import to_target

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.material import Material


def axis_of(material: "Material") -> Axis | None:
    """Return the axis that lines are drawn over: the first of the sweep with more than one point, if there is one."""
    return next((axis for axis in axes(material.frame("variants")) if len(axis.points) > 1), None)


def ends_along(material: "Material", axis: Axis, column: str) -> "pd.DataFrame":
    """Return ``sweeps.sweep_lines``'s points of ``column`` of ``ends.trials``'s frame."""
    ends = means(trials(material), [column]).rename(columns={column: "value", f"{column}_half": "half"})
    return along(ends.assign(censored=False), material.frame("variants"), axis.name)


def targets_along(material: "Material", axis: Axis, cost: Cost) -> "pd.DataFrame":
    """Return ``sweeps.sweep_lines``'s points of what it takes to the target; lower bounds where that is censored."""
    name = cost.to_target
    found = to_target(material.frame("summary"))
    value = found[name].where(~found["censored"], found[f"{name}_at_least"])
    columns = found[["variant", "label", "censored"]].assign(value=value, half=found[f"{name}_half"])
    return along(columns, material.frame("variants"), axis.name)


def _points(material: "Material", cost: Cost | None, *, to_the_target: bool) -> "tuple[Axis, pd.DataFrame]":
    axis = axis_of(material)
    assert axis is not None  # noqa: S101 - ``_lacks`` says so before
    if to_the_target and cost is not None:
        return axis, targets_along(material, axis, cost)
    return axis, ends_along(material, axis, "quality" if cost is None else cost.total)


def _kind(name: str, cost: Cost | None, *, to_the_target: bool = False) -> FigureKind:
    """Return the figure of accuracy (no ``cost``) or of a cost, to the end of the trial or to the target accuracy."""
    until = " to the target" if to_the_target else " to the end"

    def draw(material: "Material", look: Look) -> "Figure":
        axis, points = _points(material, cost, to_the_target=to_the_target)
        scale = quality_scale(look) if cost is None else cost_scale(cost, points["value"].tolist(), until)
        return sweep_lines(points, axis, look, scale)

    def caption(material: "Material") -> str:
        axis, points = _points(material, cost, to_the_target=to_the_target)
        what = f"{quality_name(material)} at the end" if cost is None else f"{cost.title}{until}"
        n_facets = points["facet"].nunique()
        panels = f", in {min(n_facets, N_FACETS)} of {n_facets} panels for the other axes" if n_facets > 1 else ""
        return f"{what} over the sweep's axis {axis.title}{panels}. {replications(material)}"

    def words(material: "Material") -> str:
        axis, points = _points(material, cost, to_the_target=to_the_target)
        chart = "Line chart, one line a scheme." if axis.is_numeric else "Point chart, one kind of point a scheme."
        return f"{chart} {caption(material)} {_told(material, points, axis, cost)}"

    def lacks(material: "Material") -> str:
        if to_the_target and not material.frame("summary")["target_accuracy"].notna().any():
            return "the scenario sets no target_accuracy"
        if not axis_of(material):
            return "this study has no sweep"
        return lacks_quality(material) if cost is None else ""

    return FigureKind(name=name, scope="study", draw=draw, caption=caption, words=words, lacks=lacks)


def _told(material: "Material", points: "pd.DataFrame", axis: Axis, cost: Cost | None) -> str:
    """Return where each line begins and ends, facet by facet."""
    told = []
    for (facet, label), own in points.groupby(["facet", "label"], sort=False):
        ends = [
            f"{'more than ' if row.censored else ''}"
            f"{quality_text(material, row.value) if cost is None else cost.text(row.value, None)} at {row.axis_point}"
            for row in (own.iloc[[0, -1]] if len(own) > 1 else own).itertuples()
        ]
        told.append(f"{f'{facet}, ' if facet else ''}{label} {' and '.join(ends)}")
    return f"First and last point of {axis.title}: {'; '.join(told)}."


KINDS = (
    _kind("sweep_accuracy", None),
    _kind("sweep_time", TIME),
    _kind("sweep_energy", ENERGY),
    _kind("sweep_uplink", UPLINK),
    _kind("sweep_time_to_target", TIME, to_the_target=True),
    _kind("sweep_energy_to_target", ENERGY, to_the_target=True),
)
