"""What the drawings of the network's studies share: panels, shares, bars, colours that all can tell apart."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.plots.style import FORMATS, Look, house_style, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN, _HEIGHT_IN = 6.4, 2.45
#: How a legend says that accuracy is not the point.
NOTHING_TRAINED: dict[str, Any] = {"title": "learning: synthetic, so nothing is trained here", "title_fontsize": 6.5}


def colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name that all can tell apart, by its place."""
    labels = tuple(names)
    return {name: style.colour for name, style in Look(labels=labels).styles().items()}


def styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    labels = tuple(names)
    looks = Look(labels=labels).styles().items()
    return {name: {"color": look.colour, "linestyle": look.line, "marker": look.marker} for name, look in looks}


def save_png(figure: "Figure", path: Path) -> None:
    with house_style():
        figure.savefig(path, format="png", **FORMATS["png"])
    print(f"\nPicture: {path}")


def panels(titles: Sequence[str], widths: Sequence[float] | None = None) -> "tuple[Figure, list[Axes]]":
    figure = new_figure(_WIDTH_IN, _HEIGHT_IN)
    axes = list(figure.subplots(1, len(titles), width_ratios=widths, squeeze=False)[0])
    for each, title in zip(axes, titles, strict=True):
        each.set_title(title, loc="left", fontsize=7.5)
    return figure, axes


def shares(axes: "Axes", values: "pd.Series[float]", label: str, **style: Any) -> None:
    """Draw the share of ``values`` that are not above x."""
    ordered = np.sort(values.to_numpy())
    style.pop("marker", None)
    axes.step(ordered, 100 * np.arange(1, len(ordered) + 1) / len(ordered), where="post", label=label, **style)
    axes.set_ylim(0, 101)


def level_bars(axes: "Axes", names: Sequence[str], values: Sequence[float], fill: Sequence[str]) -> None:
    """Draw a horizontal bar a name, in percent, the first on top."""
    drawn = axes.barh(range(len(names)), values, height=0.62, color=fill)
    axes.bar_label(drawn, [f"{value:.0f}" for value in values], padding=2, fontsize=6.5)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 112)
    axes.set_xticks([0, 50, 100])
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def plain_log(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
