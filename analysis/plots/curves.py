"""Accuracy against what it took: simulated time, device energy, bytes, rounds."""

from typing import TYPE_CHECKING

import numpy as np

from analysis.formats import percent_text
from analysis.frames import curve
from analysis.plots.costs import BYTES, DOWNLINK, ENERGY, TIME, UPLINK, Cost, cost_axis, needs_log
from analysis.plots.ends import lacks_quality
from analysis.plots.kind import FigureKind
from analysis.plots.style import Look, below_in, finish, house_style, new_figure
from analysis.plots.words import at_the_end, quality_name, replications

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

_AXES_IN = 2.3
#: More markers than this on a curve would hide it.
_N_MARKERS = 8


def accuracy_over(series: "pd.DataFrame", look: Look, cost: Cost) -> "Figure":
    """Draw accuracy against ``cost`` from ``cumulative``'s frame of one variant."""
    look = look.saying(target_note(look))
    with house_style(look.font):
        figure, axes = _single(look)
        draw_over(axes, series, look, cost)
        finish(figure, axes, look)
    return figure


def accuracy_rounds(series: "pd.DataFrame", look: Look) -> "Figure":
    """Draw accuracy against the server's rounds from ``cumulative``'s frame of one variant."""
    from matplotlib.ticker import MaxNLocator

    look = look.saying(target_note(look))
    with house_style(look.font):
        figure, axes = _single(look)
        _curves(axes, series, look, "round", 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Rounds (without rounds: merges)")
        finish(figure, axes, look)
    return figure


def target_note(look: Look) -> str:
    """Return what the dashed line is, for a figure that has one."""
    if look.target_accuracy is None or look.quality != "accuracy":
        return ""
    return f"dashed line: target accuracy of {percent_text(look.target_accuracy)}"


def _single(look: Look) -> "tuple[Figure, Axes]":
    figure = new_figure(look.width_in, _AXES_IN + below_in(look, look.width_in))
    axes = figure.add_subplot()
    axes.set_ylabel(look.quality_axis[1])
    return figure, axes


def draw_over(axes: "Axes", series: "pd.DataFrame", look: Look, cost: Cost) -> None:
    """Put the curves on a linear axis, or on a logarithmic one (without its zero) where lengths differ too much for that."""
    if cost is BYTES:
        series = series.assign(**{cost.spent: series["cum_uplink_bytes"] + series["cum_downlink_bytes"]})
    lengths = series.groupby("label")[cost.spent].max()
    if cost.spreads or needs_log(lengths.tolist()):
        _curves(axes, series, look, cost.spent, 1.0, positive=True)
        cost_axis(axes, cost)
        axes.set_xlabel(f"{cost.title} ({cost.log_note})")
        return
    unit, unit_name = cost.unit_of(series[cost.spent].max())
    _curves(axes, series, look, cost.spent, unit)
    axes.set_xlabel(f"{cost.title} ({unit_name})")


def _curves(axes: "Axes", series: "pd.DataFrame", look: Look, x: str, unit: float, *, positive: bool = False) -> None:
    """Draw a curve a label, without its points at zero if ``positive``; what never takes anything is then a level line."""
    factor, _ = look.quality_axis
    for number, (label, style) in enumerate(look.styles().items()):
        own = series[series["label"] == label]
        points = curve(own[own[x] > 0] if positive else own, x, look.quality)
        place, level, half = points["x"] / unit, factor * points[look.quality], factor * points["half"]
        if points.empty and not (whole := curve(own, x, look.quality)).empty:
            axes.axhline(
                factor * whole[look.quality].iloc[-1], label=label, color=style.colour, linestyle=style.line, linewidth=0.8
            )
            continue
        axes.plot(
            place, level, label=label, color=style.colour, linestyle=style.line, marker=style.marker,
            markevery=_marked(len(points), number), markeredgecolor="white", markeredgewidth=0.4,
        )  # fmt: skip
        if half.notna().any():
            axes.fill_between(place, level - half, level + half, color=style.colour, alpha=0.16, linewidth=0)
    if look.target_accuracy is not None and look.quality == "accuracy":
        axes.axhline(100 * look.target_accuracy, color="#666666", linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    axes.margins(x=0.03)


def _marked(n_points: int, number: int) -> list[int]:
    """Return which points get a marker: the last, and some that are spread and shifted from curve to curve."""
    if n_points <= _N_MARKERS:
        return list(range(n_points))
    step = n_points / (_N_MARKERS - 1)
    start = (number % 4) * step / 4
    return sorted({*np.arange(start, n_points - 1, step).astype(int).tolist(), n_points - 1})


def _over(cost: Cost, more: str) -> FigureKind:
    def caption(material: "Material") -> str:
        return f"{quality_name(material)} against {cost.phrase}, as it is spent{more}. {replications(material)}"

    return FigureKind(
        name=f"accuracy_{cost.name}",
        scope="variant",
        draw=lambda material, look: accuracy_over(material.series, look, cost),
        caption=caption,
        words=lambda material: f"Line chart, one curve a scheme. {caption(material)} {at_the_end(material, [cost])}",
        lacks=lacks_quality,
    )


def _rounds_caption(material: "Material") -> str:
    return f"{quality_name(material)} after each evaluated round of the server. {replications(material)}"


_LOGARITHMIC = "; round 0 is not on the logarithmic axis"
KINDS = (
    _over(TIME, ", from the server's preparation on"),
    _over(ENERGY, ""),
    _over(UPLINK, _LOGARITHMIC),
    _over(DOWNLINK, _LOGARITHMIC),
    _over(BYTES, _LOGARITHMIC),
    FigureKind(
        name="accuracy_rounds",
        scope="variant",
        draw=lambda material, look: accuracy_rounds(material.series, look),
        caption=_rounds_caption,
        words=lambda material: f"Line chart, one curve a scheme. {_rounds_caption(material)} {at_the_end(material, [])}",
        lacks=lacks_quality,
    ),
)
