"""Accuracy against what it took: simulated time, device energy, uplink bytes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from analysis.formats import bytes_text, prefix_of, time_unit
from analysis.frames import curve
from analysis.plots.style import COLUMN_IN, Look, below_in, finish, house_style, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AXES_IN = 2.3
#: Curves whose lengths differ by more than this are drawn on a logarithmic axis.
_LINEAR_SPAN = 10.0
#: More markers than this on a curve would hide it.
_N_MARKERS = 8


def accuracy_time(series: "pd.DataFrame", look: Look) -> "Figure":
    """Draw accuracy against simulated time from ``cumulative``'s frame of one variant."""
    return _single(series, look, draw_time)


def accuracy_energy(series: "pd.DataFrame", look: Look) -> "Figure":
    """Draw accuracy against the energy that all devices have taken."""
    return _single(series, look, draw_energy)


def accuracy_uplink(series: "pd.DataFrame", look: Look) -> "Figure":
    """Draw accuracy against the bytes that all devices have sent; round 0 has none, so it is not on the logarithmic axis."""
    return _single(series, look, draw_uplink)


def _single(series: "pd.DataFrame", look: Look, draw: "Callable[[Axes, pd.DataFrame, Look], None]") -> "Figure":
    with house_style():
        figure = new_figure(COLUMN_IN, _AXES_IN + below_in(look, COLUMN_IN))
        axes = figure.add_subplot()
        draw(axes, series, look)
        axes.set_ylabel(look.quality_axis[1])
        finish(figure, axes, look)
    return figure


def draw_time(axes: "Axes", series: "pd.DataFrame", look: Look) -> None:
    """Put the curves over time on ``axes``, in seconds, minutes, hours or days by their length."""
    _draw(axes, series, look, "sim_time_s", time_unit, "Simulated time")


def draw_energy(axes: "Axes", series: "pd.DataFrame", look: Look) -> None:
    """Put the curves over device energy on ``axes``, in J, kJ or MJ by their length."""
    _draw(axes, series, look, "cum_device_energy_j", _joules, "Device energy")


def _joules(length_j: float) -> tuple[float, str]:
    unit_j, prefix = prefix_of(length_j, smallest=-1)
    return unit_j, f"{prefix}J"


def _draw(
    axes: "Axes", series: "pd.DataFrame", look: Look, x: str, unit_of: Callable[[float], tuple[float, str]], name: str
) -> None:
    """Put the curves on a linear axis, or on a logarithmic one (without its zero) where lengths differ too much for that."""
    lengths = series.groupby("label")[x].max()
    lengths = lengths[lengths > 0]
    if lengths.empty or lengths.max() <= _LINEAR_SPAN * lengths.min():
        unit, unit_name = unit_of(series[x].max())
        _curves(axes, series, look, x, unit)
        axes.set_xlabel(f"{name} ({unit_name})")
        return
    unit, unit_name = unit_of(lengths.min())
    _curves(axes, series, look, x, unit, positive=True)
    log_axis(axes, lambda value: f"{value:,.10g}")
    axes.set_xlabel(f"{name} ({unit_name}, log scale)")


def draw_uplink(axes: "Axes", series: "pd.DataFrame", look: Look) -> None:
    """Put the curves over uplink bytes on ``axes``, each decade with its own unit."""
    _curves(axes, series, look, "cum_uplink_bytes", 1.0, positive=True)
    byte_axis(axes)
    axes.set_xlabel("Uplink data (bytes, log scale)")


def byte_axis(axes: "Axes") -> None:
    """Make the x axis logarithmic in bytes, with at most five labelled decades."""
    log_axis(axes, lambda n_bytes: bytes_text(n_bytes).replace(".00", "").replace("0.0 ", "0 "))


def log_axis(axes: "Axes", text: Callable[[float], str]) -> None:
    """Make the x axis logarithmic, its decades (on short axes also their threes) labelled by ``text``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 300.0 * low else (1.0, 3.0), numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


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
