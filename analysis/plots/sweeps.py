"""Accuracy and costs along the first axis of a sweep, a line a scheme, a panel for each point of the other axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.plots.costs import Cost, cost_axis, log_axis, needs_log, plain
from analysis.plots.style import Look, Style, below_in, finish_with, house_style, new_figure, wrapped
from analysis.sweep import Axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


#: More panels than this are not drawn; the note says which are left out.
N_FACETS = 6
#: An axis of at most so many points has a tick at each.
_N_TICKS = 8
_PANEL_IN = {"column": 1.75, "page": 1.9}
_N_COLUMNS = {"column": 2, "page": 3}
#: How much of the place of a name its schemes share.
_DODGE = 0.5


@dataclass(frozen=True, slots=True)
class Scale:
    """How amounts stand on the y axis: divided by ``unit``, under ``name``; logarithmic if they are of a cost ``log_of``."""

    unit: float
    name: str
    log_of: Cost | None = None

    @property
    def is_log(self) -> bool:
        """Whether the axis is logarithmic."""
        return self.log_of is not None


def quality_scale(look: Look) -> Scale:
    """Return the scale of accuracy at the end, or of bits a byte."""
    factor, name = look.quality_axis
    return Scale(1.0 / factor, name.replace("Accuracy", "Accuracy at the end"))


def cost_scale(cost: Cost, amounts: Sequence[float], more: str) -> Scale:
    """Return the scale of a cost, logarithmic where the ``amounts`` drawn differ much; ``more`` ends its name."""
    known = [amount for amount in amounts if amount == amount]
    if needs_log(known):
        return Scale(1.0, f"{cost.title}{more} ({cost.log_note})", log_of=cost)
    unit, unit_name = cost.unit_of(max(known, default=1.0))
    return Scale(unit, f"{cost.title}{more} ({unit_name})")


def sweep_lines(points: "pd.DataFrame", axis: Axis, look: Look, scale: Scale) -> "Figure":
    """Draw lines over ``axis``, in panels by facet.

    ``points`` has a row a (variant, label) with ``sweep.along``'s columns, ``value``, ``half`` (NaN for one seed) and
    ``censored``: such a value is a lower bound, drawn as an arrow and joined to nothing.
    """
    facets = list(dict.fromkeys(points["facet"]))
    shown, hidden = facets[:N_FACETS], facets[N_FACETS:]
    look = look.saying(
        f"{len(hidden)} of {len(facets)} panels are left out: {'; '.join(hidden)}" if hidden else "",
        "arrows: not every seed reached the target, so the mean lies above" if points["censored"].any() else "",
        _not_on(points, scale),
    )
    n_columns = 1 if len(shown) == 1 else min(_N_COLUMNS[look.size], len(shown))
    n_rows = -(-len(shown) // n_columns)
    panel_in = 2.3 if len(shown) == 1 else _PANEL_IN[look.size]
    with house_style(look.font):
        figure = new_figure(look.width_in, n_rows * panel_in + 0.2 + below_in(look, look.width_in))
        panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
        entries: dict[str, Artist] = {}
        for axes, facet in zip(panels.ravel(), shown, strict=False):
            entries |= _panel(axes, points[points["facet"] == facet], axis, look, scale)
            if facet:
                axes.set_title(wrapped(facet, 28 if n_columns < 3 else 34), fontsize=7)
        _name_axes(panels, len(shown), axis, points, scale)
        finish_with(figure, look, {label: entries[label] for label in look.labels if label in entries})
    return figure


def _not_on(points: "pd.DataFrame", scale: Scale) -> str:
    """Return which schemes have a zero, for which a logarithmic axis has no place."""
    zeros = points[(points["value"] == 0) & ~points["censored"].astype(bool)]
    names = list(dict.fromkeys(zeros["label"])) if scale.is_log else []
    return f"zero, so not on the logarithmic axis: {', '.join(names)}" if names else ""


def _panel(axes: "Axes", points: "pd.DataFrame", axis: Axis, look: Look, scale: Scale) -> "Mapping[str, Artist]":
    """Draw the lines of one facet; return one thing a label for the legend."""
    entries: dict[str, Artist] = {}
    for number, (label, style) in enumerate(look.styles().items()):
        own = points[points["label"] == label]
        if own.empty:
            continue
        x = own["axis_value" if axis.is_numeric else "axis_position"].to_numpy(dtype="float64")
        if not axis.is_numeric and len(look.labels) > 1:
            x = x + _DODGE * (number / (len(look.labels) - 1) - 0.5)
        y, half = own["value"].to_numpy() / scale.unit, own["half"].to_numpy() / scale.unit
        bounded = own["censored"].to_numpy(dtype=bool)
        entries[label] = _line(axes, x, np.where(bounded, np.nan, y), half, style, scale, joined=axis.is_numeric)
        axes.plot(
            x[bounded], y[bounded], linestyle="none", marker=_ARROW_UP, markersize=6, color=style.colour, markeredgewidth=0.9
        )
    return entries


#: An arrow upwards from where the value would be (matplotlib's CARETUPBASE).
_ARROW_UP = 10


def _line(axes: "Axes", x: Any, y: Any, half: Any, style: Style, scale: Scale, *, joined: bool) -> "Artist":
    """Draw a line with its band, or where points are names, separate points with their intervals."""
    if scale.is_log:
        y = np.where(y > 0, y, np.nan)
    low = np.maximum(y - half, y * 0.02) if scale.is_log else y - half
    settings: dict[str, Any] = {
        "color": style.colour, "marker": style.marker, "markersize": 3.8, "markeredgecolor": "white", "markeredgewidth": 0.4,
    }  # fmt: skip
    if joined:
        if np.isfinite(half).any():
            axes.fill_between(x, low, y + half, color=style.colour, alpha=0.13, linewidth=0)
            # Bands that lie over each other are told apart by their edges.
            for edge in (low, y + half):
                axes.plot(x, edge, color=style.colour, linestyle=style.line, linewidth=0.4, alpha=0.7, label="_edge")
        return axes.plot(x, y, linestyle=style.line, **settings)[0]
    if np.isfinite(half).any():
        axes.errorbar(x, y, yerr=[y - low, half], fmt="none", ecolor=style.colour, elinewidth=0.9, capsize=1.5)
    return axes.plot(x, y, linestyle="none", **settings)[0]


def _name_axes(panels: Any, n_shown: int, axis: Axis, points: "pd.DataFrame", scale: Scale) -> None:
    """Set scales, ticks and names; panels share their axes, and those that are not used go."""
    flat = panels.ravel()
    first = flat[0]
    if scale.log_of is not None:
        cost_axis(first, scale.log_of, "y")
    _ticks(first, axis)
    n_columns = panels.shape[1]
    for i, axes in enumerate(flat):
        if i >= n_shown:
            axes.set_visible(False)
            axes.set_in_layout(False)
            continue
        if i % n_columns == 0:
            axes.set_ylabel(wrapped(scale.name, 26 if len(flat) > 1 else 34))
        if i + n_columns >= n_shown:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(_title(axis))


def _title(axis: Axis) -> str:
    if not axis.is_wide:
        return axis.title
    return f"{axis.title[:-1]}, log scale)" if axis.title.endswith(")") else f"{axis.title} (log scale)"


def _ticks(axes: "Axes", axis: Axis) -> None:
    """Put a tick at each point of the axis, named as in the scenario; of many numbers only where there is room."""
    from matplotlib.ticker import FixedLocator, NullLocator

    if axis.is_wide:
        log_axis(axes, plain)
    if axis.values is None:
        names = [wrapped(point, 12) for point in axis.points]
        steep = max(map(len, names)) * len(names) > 40
        axes.set_xticks(range(len(names)), names, rotation=35 if steep else 0, ha="right" if steep else "center")
        axes.set_xlim(-0.6, len(names) - 0.4)
    elif len(axis.values) <= _N_TICKS and not axis.is_wide:
        axes.xaxis.set_major_locator(FixedLocator(list(axis.values)))
    elif axis.is_wide and len(axis.values) <= _N_TICKS:
        axes.set_xticks(axis.values, list(axis.points))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=axis.is_numeric, axis="x")
