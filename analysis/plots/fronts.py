"""Accuracy against a cost, a point a scheme, with the front of those that no other beats on both."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.pareto import front
from analysis.plots.costs import BYTES, ENERGY, TIME, UPLINK, Cost, cost_axis, needs_log
from analysis.plots.ends import means, trials
from analysis.plots.kind import FigureKind
from analysis.plots.placing import named, place
from analysis.plots.style import Look, below_in, finish_with, house_style, lay_out, new_figure, wrapped
from analysis.plots.words import quality_name, quality_text, replications

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from analysis.material import Material

#: Where points stand on the axis of costs.
Places = npt.NDArray[np.float64]
_AXES_IN = 2.5
_MARKER_PT = 5.0
_NAME_CHARACTERS = 24
#: More names than this stand in a legend: next to their points they would cover each other.
_N_NAMED = 12
#: On a logarithmic axis a cost of nothing stands this many times to the left of the smallest other.
_NOTHING = 4.0


def points_of(trials: "pd.DataFrame", cost: Cost, quality: str) -> "pd.DataFrame":
    """Return a row a label that has both numbers: ``label``, ``cost``, ``quality``, their ``_half``, and ``on_front``.

    ``trials`` is ``ends.trials``'s frame of one variant. The front is of the means over the seeds; bits a byte are better the
    fewer they are.
    """
    ends = means(trials, [cost.total, "quality"]).dropna(subset=[cost.total, "quality"]).reset_index(drop=True)
    ends = ends.rename(columns={cost.total: "cost", f"{cost.total}_half": "cost_half"})
    sign = 1.0 if quality == "accuracy" else -1.0
    return ends.assign(on_front=front(ends["cost"].tolist(), (sign * ends["quality"]).tolist()))


def pareto(trials: "pd.DataFrame", look: Look, cost: Cost) -> "Figure":
    """Draw quality against ``cost`` at the end from ``ends.trials``'s frame of one variant, the front as a line of steps."""
    points = points_of(trials, cost, look.quality)
    missing = [label for label in look.labels if label not in set(points["label"])]
    look = look.saying(
        "hollow: some other scheme costs no more, is no worse, and is better in one of both",
        f"not drawn, as some seed has no number: {', '.join(missing)}" if missing else "",
    )
    with_legend = len(points) > _N_NAMED
    with house_style(look.font):
        figure = new_figure(look.width_in, _AXES_IN + below_in(look, look.width_in, look.labels if with_legend else ()))
        axes = figure.add_subplot()
        places = _place(axes, points, cost)
        entries = _markers(axes, points, places, look)
        steps = _front_line(axes, points, places, look)
        axes.set_ylabel(look.quality_axis[1].replace("Accuracy", "Accuracy at the end"))
        notes = []
        if not with_legend:
            entries = {}
            rows = zip(points["label"], places, look.quality_axis[0] * points["quality"], strict=True)
            notes = [named(axes, x, y, wrapped(label, _NAME_CHARACTERS), look.styles()[label].colour) for label, x, y in rows]
        finish_with(figure, look, entries)
        lay_out(figure, look.font)
        place(axes, notes, [*_crosses(axes, points, places, look), *_boxes(axes, steps)], _MARKER_PT)
    return figure


def _place(axes: "Axes", points: "pd.DataFrame", cost: Cost) -> Places:
    """Give the x axis its scale, limits and name; return where the points stand on it."""
    costs = points["cost"].to_numpy(dtype="float64")
    positive = costs[costs > 0]
    if not len(positive) or not (cost.spreads or needs_log(costs.tolist())):
        unit, unit_name = cost.unit_of(max(costs.max(initial=0.0), 1e-12))
        axes.set_xlabel(f"{cost.title} ({unit_name})")
        axes.margins(x=0.16, y=0.14)
        return np.asarray(costs / unit)
    axes.set_xlabel(f"{cost.title} ({cost.log_note})")
    places = np.where(costs > 0, costs, positive.min() / _NOTHING)
    axes.set_xlim(places.min() / 2.5, places.max() * 2.5)
    axes.margins(y=0.14)
    cost_axis(axes, cost)
    if len(positive) < len(costs):
        _tick_nothing(axes, positive.min())
    return np.asarray(places)


def _tick_nothing(axes: "Axes", smallest: float) -> None:
    """Let the place of a cost of nothing have its own tick, "0", and no other tick left of the ``smallest`` cost."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    place, low, high = smallest / _NOTHING, *axes.get_xlim()
    others = [tick for tick in axes.xaxis.get_major_locator().tick_values(low, high) if smallest / 2 <= tick <= high]
    text = axes.xaxis.get_major_formatter()
    axes.xaxis.set_major_locator(FixedLocator([place, *others]))
    axes.xaxis.set_major_formatter(FixedFormatter(["0", *(text(tick, 0) for tick in others)]))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.axvline(smallest / 2, color="#999999", linewidth=0.6, linestyle=(0, (1, 2)))


def _markers(axes: "Axes", points: "pd.DataFrame", places: Places, look: Look) -> "dict[str, Artist]":
    """Draw crosses and markers; return the marker of each label."""
    factor, styles = look.quality_axis[0], look.styles()
    drawn: dict[str, Artist] = {}
    wide = _half_places(points, places)
    for i, row in enumerate(points.itertuples()):
        style, y = styles[row.label], factor * row.quality
        if row.cost_half == row.cost_half:
            axes.errorbar(
                places[i], y, xerr=wide[:, i : i + 1], yerr=factor * row.quality_half, fmt="none", ecolor=style.colour,
                elinewidth=0.7, zorder=2,
            )  # fmt: skip
        fill = style.colour if row.on_front else "white"
        drawn[row.label] = axes.plot(
            places[i], y, linestyle="none", marker=style.marker, markersize=_MARKER_PT, color=style.colour,
            markerfacecolor=fill, markeredgewidth=1.0, zorder=3, label=row.label,
        )[0]  # fmt: skip
    return drawn


def _half_places(points: "pd.DataFrame", places: Places) -> Places:
    """Return how far the interval of each cost goes to the left and right of its place, never beyond 0 (array (2, n))."""
    costs, half = points["cost"].to_numpy(dtype="float64"), points["cost_half"].to_numpy(dtype="float64")
    share = np.divide(half, costs, out=np.zeros_like(half), where=costs > 0)
    return np.stack([np.minimum(share, 0.98) * places, share * places])


def _front_line(axes: "Axes", points: "pd.DataFrame", places: Places, look: Look) -> list[tuple[float, float]]:
    """Draw the front as steps: what quality can be had for what cost, up to the edges of the axes; return the corners."""
    mask = points["on_front"].to_numpy(dtype=bool)
    if not mask.any():
        return []
    axes.autoscale_view()
    (_, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    order = np.argsort(places[mask], kind="stable")
    x, y = places[mask][order], look.quality_axis[0] * points["quality"].to_numpy()[mask][order]
    corners = [(float(x[0]), low if look.quality == "accuracy" else high)]
    for i in range(len(x)):
        corners += [(float(x[i]), corners[-1][1]), (float(x[i]), float(y[i]))]
    corners.append((right, float(y[-1])))
    axes.plot(*zip(*corners, strict=True), color="#444444", linewidth=0.9, linestyle=(0, (4, 1.5)), zorder=1.5, label="_front")
    axes.set_xlim(right=right)
    axes.set_ylim(low, high)
    return corners


def _boxes(axes: "Axes", corners: "Sequence[tuple[float, float]]") -> "list[Bbox]":
    """Return a thin box in pixels for each level or upright piece of a line: names had better not stand on them."""
    from matplotlib.transforms import Bbox

    pixels = [axes.transData.transform(corner) for corner in corners]
    pairs = [(np.minimum(a, b) - 1, np.maximum(a, b) + 1) for a, b in itertools.pairwise(pixels)]
    return [Bbox([low, high]) for low, high in pairs]


def _crosses(axes: "Axes", points: "pd.DataFrame", places: Places, look: Look) -> "list[Bbox]":
    """Return the boxes of the crosses of intervals in pixels."""
    factor, wide, boxes = look.quality_axis[0], _half_places(points, places), []
    for i, row in enumerate(points.itertuples()):
        if row.cost_half == row.cost_half:
            x, y, half = float(places[i]), factor * row.quality, factor * row.quality_half
            boxes += _boxes(axes, [(x - wide[0, i], y), (x + wide[1, i], y)])
            boxes += _boxes(axes, [(x, y - half), (x, y + half)])
    return boxes


def _kind(cost: Cost) -> FigureKind:
    def caption(material: "Material") -> str:
        return (
            f"{quality_name(material)} at the end against {cost.phrase}, a point a scheme. The line of steps is the Pareto "
            f"front of the means: for what a scheme on it costs, no other is better. {replications(material)}"
        )

    def words(material: "Material") -> str:
        points = points_of(trials(material), cost, material.quality)
        told = "; ".join(
            f"{row.label} {quality_text(material, row.quality, row.quality_half)} for {cost.text(row.cost, row.cost_half)}"
            f"{', on the front' if row.on_front else ''}"
            for row in points.sort_values("cost", kind="stable").itertuples()
        )
        return f"Scatter chart, a point a scheme. {caption(material)} From the cheapest: {told}."

    return FigureKind(
        name=f"pareto_{cost.name}",
        scope="variant",
        draw=lambda material, look: pareto(trials(material), look, cost),
        caption=caption,
        words=words,
        lacks=_lacks,
    )


def _lacks(material: "Material") -> str:
    known = trials(material).dropna(subset=["quality"])
    return "" if known["label"].nunique() > 1 else "a front needs at least two schemes whose accuracy is known"


KINDS = tuple(_kind(cost) for cost in (TIME, ENERGY, UPLINK, BYTES))
