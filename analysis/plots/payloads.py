"""What travelled: bytes by payload and direction, and what of them was for nothing."""

from typing import TYPE_CHECKING

from analysis.amounts import Amounts, byte_amounts
from analysis.formats import bytes_text, percent_text
from analysis.plots.costs import byte_axis
from analysis.plots.kind import FigureKind
from analysis.plots.panels import (
    CYAN,
    GREEN,
    INDIGO,
    INK,
    PURPLE,
    ROSE,
    SAND,
    Fill,
    fills_of,
    is_narrow,
    name_rows,
    rows_in,
    share_panel,
)  # fmt: skip
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure
from analysis.plots.words import replications
from analysis.stats import Interval, interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

#: Downlink in tones by their lightness, uplink hatched.
_FILLS = {
    "backbone down": Fill(INDIGO),
    "emulator down": Fill(PURPLE, "-----"),
    "delta down": Fill(GREEN, "+++++"),
    "state down": Fill(CYAN),
    "update up": Fill(SAND, "/////"),
    "samples up": Fill(ROSE, "xxxxx"),
}
#: Column of the summary -> its name, its marker, and where it stands in the row.
_TOTALS = {
    "downlink_bytes": ("all downlink", "v", -0.27),
    "uplink_bytes": ("all uplink", "^", 0.0),
    "wasted_bytes": ("wasted: in turns that did not complete", "x", 0.27),
}


def _amounts(material: "Material") -> Amounts:
    return byte_amounts(material.frame("transfers"), material.frame("summary"))


def _totals_of(material: "Material") -> dict[str, dict[str, Interval]]:
    """Return label -> column of ``_TOTALS`` -> mean over seeds with its interval."""
    groups = material.frame("summary").groupby("label", sort=False)
    return {
        str(label): {column: interval(own[column].astype("float64").tolist()) for column in _TOTALS} for label, own in groups
    }


def bytes_parts(material: "Material", look: Look) -> "Figure":
    """Draw the bytes of each scheme in each direction on a logarithmic axis, and by payload as shares of its total."""
    moved, totals = _amounts(material), _totals_of(material)
    names = [str(label) for label in moved.parts.index]
    fills = fills_of(moved.parts.columns, _FILLS)
    with house_style(look.font):
        entries = _entries(fills, totals)
        below, narrow = below_in(look, look.width_in, list(entries)), is_narrow(look.width_in)
        figure = new_figure(look.width_in, below + rows_in(names, 0.3) * (2 if narrow else 1) + 0.1)
        left, right = (figure.add_subplot(*((2, 1) if narrow else (1, 2)), place) for place in (1, 2))
        _draw_totals(left, totals, names)
        texts = {name: _told(moved.totals[name], totals[name]) for name in names}
        share_panel(right, moved, names, fills, "Share of the scheme's bytes (%)", texts)
        if not narrow:
            right.tick_params(labelleft=False)
        finish_with(figure, look, entries)
    return figure


def _entries(fills: "Mapping[str, Fill]", totals: "Mapping[str, Mapping[str, Interval]]") -> "dict[str, Artist]":
    from matplotlib.lines import Line2D

    entries: dict[str, Artist] = {
        name: Line2D([], [], linestyle="", marker=marker, color=INK, markersize=4)
        for column, (name, marker, _) in _TOTALS.items()
        if any(own[column].mean > 0 for own in totals.values())
    }
    return entries | {name: fill.patch() for name, fill in fills.items()}


def _draw_totals(axes: "Axes", totals: "Mapping[str, Mapping[str, Interval]]", names: list[str]) -> None:
    """Put a mark for each total that is not zero in the row of its scheme; intervals are thin lines."""
    ends = []
    for row, name in enumerate(names):
        for column, (_, marker, shift) in _TOTALS.items():
            total = totals[name][column]
            if total.mean <= 0:
                continue
            half = total.half or 0.0
            low, high = max(total.mean - half, total.mean / 100), total.mean + half
            axes.plot([low, high], [row + shift] * 2, color=INK, linewidth=0.7)
            axes.plot([total.mean], [row + shift], linestyle="", marker=marker, color=INK, markersize=4)
            ends += [low, high]
    axes.set_xscale("log")
    axes.set_xlim(min(ends) / 2.5, max(ends) * 2.5)
    byte_axis(axes)
    name_rows(axes, names)
    axes.hlines(
        [row + 0.5 for row in range(len(names) - 1)], 0, 1, transform=axes.get_yaxis_transform(), color="#dddddd", linewidth=0.5
    )
    axes.set_xlabel("Data to the end (bytes, log scale)")


def _told(total: Interval, columns: "Mapping[str, Interval]") -> str:
    """Return "8.33 GB, 4.1 % wasted"."""
    wasted = columns["wasted_bytes"].mean
    return bytes_text(total.mean, total.half) + (f", {percent_text(wasted / total.mean)} wasted" if wasted > 0 else "")


def _caption(material: "Material") -> str:
    text = (
        "What all devices received and sent to the end of each scheme, without the transport's overhead: both directions and "
    )
    return f"{text}what was wasted on a logarithmic axis, and shares by payload. {replications(material)}"


def _words(material: "Material") -> str:
    moved, totals = _amounts(material), _totals_of(material)
    texts = []
    for label, row in moved.parts.iterrows():
        total = moved.totals[str(label)]
        if total.mean > 0:
            largest = row.sort_values(ascending=False, kind="stable")
            parts = ", ".join(f"{percent_text(value / total.mean)} {part}" for part, value in largest[:3].items() if value > 0)
            texts.append(f"{label} {_told(total, totals[str(label)])} ({parts})")
        else:
            texts.append(f"{label} nothing")
    return f"Marks and stacked bars, a row a scheme. {_caption(material)} {'; '.join(texts)}."


def _lacks(material: "Material") -> str:
    return "" if len(material.frame("transfers")) and len(_amounts(material).parts.columns) else "nothing was sent or received"


KINDS = (
    FigureKind(name="bytes_parts", scope="variant", draw=bytes_parts, caption=_caption, words=_words, lacks=_lacks, wide=True),
)
