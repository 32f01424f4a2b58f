"""Scheme by variant: a cell each, with its number written in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.plots.costs import Cost, cost_axis
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

#: More columns than this are not drawn; the note says which are left out.
N_COLUMNS = 60
#: Columns beside each other; more are continued below.
_PER_BLOCK = {"column": 8, "page": 18}
_CELL_IN, _AROUND_IN, _BAR_IN = 0.24, 0.5, 0.5
_NAME_CHARACTERS = 18
#: Even to the eye, from dark to light also in grey print.
_MAP = "cividis"
#: On colours whose relative luminance is below this, white has more contrast than black (WCAG 2.2).
_DARK = 0.179


@dataclass(frozen=True, slots=True)
class Heat:
    """What a heat map shows.

    ``values`` (labels, columns) as on the scale of ``name``, NaN where there is nothing; ``bounds`` (same shape) says where a
    value is only a lower bound; ``best`` and ``rivals`` are the rows of the best of each column and of those not told apart
    from it. ``text`` writes a value into its cell, ``unit`` follows it in a sentence; ``cost`` is what a logarithmic scale is
    of.
    """

    labels: Sequence[str]
    columns: Sequence[str]
    columns_title: str
    values: npt.NDArray[np.float64]
    bounds: npt.NDArray[np.bool_]
    best: Sequence[int | None]
    rivals: Sequence[Sequence[int]]
    name: str
    text: Callable[[float], str]
    unit: str = ""
    cost: Cost | None = None


def heat_map(heat: Heat, look: Look) -> "Figure":
    """Draw the cells in blocks of columns below each other, one scale of colours for all; the best of a column is framed."""
    shown = min(len(heat.columns), N_COLUMNS)
    look = look.without_intervals().saying(*_notes(heat, shown))
    names = [wrapped(label, _NAME_CHARACTERS) for label in heat.labels]
    n_blocks = -(-shown // _n_columns(heat, names, look))
    per_block = -(-shown // n_blocks)
    longest = max(len(column) for column in heat.columns[:shown])
    block_in = _CELL_IN * len(names) * max(1.0, 0.6 * max(name.count("\n") + 1 for name in names))
    under_in = _AROUND_IN if longest <= 5 else min(0.35 + 0.055 * longest, 2.0)
    with house_style(look.font):
        height_in = n_blocks * (block_in + under_in) + _BAR_IN + below_in(look, look.width_in, ())
        figure = new_figure(look.width_in, height_in)
        panels = figure.subplots(n_blocks, 1, squeeze=False).ravel().tolist()
        for block, axes in enumerate(panels):
            columns = range(block * per_block, min((block + 1) * per_block, shown))
            mappable = _block(axes, heat, columns, per_block, is_steep=longest > 5)
            axes.set_yticks(range(len(names)), names)
        panels[-1].set_xlabel(heat.columns_title)
        bar = figure.colorbar(mappable, ax=panels, location="top", aspect=40, pad=0.02, fraction=0.06)
        bar.set_label(heat.name, fontsize=7)
        _bar_ticks(bar, heat)
        bar.outline.set_linewidth(0.4)
        finish_with(figure, look, {})
    return figure


def _n_columns(heat: Heat, names: Sequence[str], look: Look) -> int:
    """Return how many columns there is room for: cells are as wide as the longest number needs."""
    texts = [heat.text(float(value)) for value in heat.values[np.isfinite(heat.values)]]
    longest = max(map(len, texts)) + int(heat.bounds.any())
    names_in = 0.2 + 0.06 * max(len(line) for name in names for line in name.split("\n"))
    return max(1, min(_PER_BLOCK[look.size], int((look.width_in - names_in) / (0.055 * longest + 0.05))))


def _notes(heat: Heat, shown: int) -> list[str]:
    hidden = len(heat.columns) - shown
    return [
        f"the last {hidden} of {len(heat.columns)} columns are left out" if hidden else "",
        "framed: the best of a column" + ("; dotted: not told apart from it" if any(heat.rivals) else ""),
        "hatched: not every seed reached the target, so the mean is more than this" if heat.bounds.any() else "",
    ]


def _block(axes: "Axes", heat: Heat, columns: range, per_block: int, *, is_steep: bool) -> "ScalarMappable":
    """Draw the cells of some columns, as wide as if there were ``per_block`` of them."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    known = heat.values[np.isfinite(heat.values)]
    low, high = float(known.min()), float(known.max())
    norm = (LogNorm if heat.cost else Normalize)(low, high if high > low else low * 1.01 + 1e-9)
    part = heat.values[:, columns.start : columns.stop]
    mesh = axes.pcolormesh(
        np.arange(len(columns) + 1) - 0.5, np.arange(len(heat.labels) + 1) - 0.5, np.ma.masked_invalid(part),
        cmap=_MAP, norm=norm, edgecolors="white", linewidth=0.8,
    )  # fmt: skip
    for place, column in enumerate(columns):
        for row in range(len(heat.labels)):
            if np.isfinite(heat.values[row, column]):
                _cell(axes, heat, row, column, place, colormaps[_MAP](norm(heat.values[row, column])))
    axes.set_xlim(-0.5, per_block - 0.5)
    axes.set_ylim(len(heat.labels) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), [heat.columns[column] for column in columns], rotation=90 if is_steep else 0)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return mesh


def _cell(axes: "Axes", heat: Heat, row: int, column: int, place: int, colour: Any) -> None:
    """Write the number into a cell, in black or white by what it stands on, and frame it where it is the best."""
    from matplotlib.patches import Rectangle

    value, is_bound = float(heat.values[row, column]), bool(heat.bounds[row, column])
    ink = "white" if _luminance(colour) < _DARK else "black"
    number = heat.text(value)
    axes.text(place, row, f">{number}" if is_bound else number, ha="center", va="center", fontsize=6, color=ink, zorder=4)
    if is_bound:
        axes.add_patch(
            Rectangle((place - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", edgecolor=ink, linewidth=0, alpha=0.25)
        )
    is_best, is_rival = heat.best[column] == row, row in heat.rivals[column]
    if is_best or is_rival:
        line: Any = "-" if is_best else (0, (1, 1.5))
        frame = Rectangle(
            (place - 0.45, row - 0.41), 0.9, 0.82, fill=False, edgecolor=ink, linewidth=1.3 if is_best else 0.8, linestyle=line
        )
        axes.add_patch(frame)


def _luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _bar_ticks(bar: Any, heat: Heat) -> None:
    if heat.cost is not None:
        cost_axis(bar.ax, heat.cost)
    bar.ax.tick_params(labelsize=6.5, length=2)
