"""The study on one page: three curves, what each scheme sends, and whom it leaves out."""

from typing import TYPE_CHECKING

from analysis.formats import bytes_text, percent_text
from analysis.plots.costs import ENERGY, TIME, UPLINK, byte_axis
from analysis.plots.curves import draw_over, target_note
from analysis.plots.ends import lacks_quality
from analysis.plots.kind import FigureKind
from analysis.plots.style import Look, below_in, finish, house_style, new_figure, wrapped
from analysis.plots.words import at_the_end, quality_name, replications

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

    from analysis.material import Material

_CURVES_IN = 2.3
_NAME_CHARACTERS = {"page": 26, "column": 20}


def overview(series: "pd.DataFrame", labels: "pd.DataFrame", look: Look) -> "Figure":
    """Draw the curves from ``cumulative``'s frame and the bars from ``by_label``'s, both of one variant.

    On a page three panels stand above two; in a column all stand above each other.
    """
    look = look.saying(target_note(look))
    names = [_name(label, look) for label in labels["label"]]
    bars_in = 0.6 + 0.16 * len(names) * max(name.count("\n") + 1 for name in names)
    in_column = look.size == "column"
    panels_in = 3 * 1.7 + 2 * bars_in if in_column else _CURVES_IN + bars_in
    with house_style(look.font):
        figure = new_figure(look.width_in, panels_in + below_in(look, look.width_in))
        if in_column:
            rows = figure.add_gridspec(5, 1, height_ratios=[1.7] * 3 + [bars_in] * 2)
            curves = [figure.add_subplot(rows[i]) for i in range(3)]
            sent, refused = figure.add_subplot(rows[3]), figure.add_subplot(rows[4])
        else:
            curves, sent, refused = _on_page(figure, figure.add_gridspec(2, 1, height_ratios=[_CURVES_IN, bars_in]))
        for axes, cost in zip(curves, (TIME, ENERGY, UPLINK), strict=True):
            draw_over(axes, series, look, cost)
            if in_column or axes is curves[0]:
                axes.set_ylabel(look.quality_axis[1])
        _sent(sent, labels, look)
        _refused(refused, labels, look)
        if not in_column:
            refused.tick_params(labelleft=False)
        finish(figure, curves[0], look)
    return figure


def _on_page(figure: "Figure", rows: "GridSpec") -> "tuple[list[Axes], Axes, Axes]":
    """Return the axes of the curves, which share their y axis, and of both bars."""
    upper, lower = rows[0].subgridspec(1, 3), rows[1].subgridspec(1, 2)
    curves = [figure.add_subplot(upper[0])]
    curves += [figure.add_subplot(upper[i], sharey=curves[0]) for i in (1, 2)]
    for axes in curves[1:]:
        axes.tick_params(labelleft=False)
    return curves, figure.add_subplot(lower[0]), figure.add_subplot(lower[1])


def _name(label: str, look: Look) -> str:
    return wrapped(label, _NAME_CHARACTERS[look.size])


def _sent(axes: "Axes", labels: "pd.DataFrame", look: Look) -> None:
    sent = labels["uplink_bytes"].to_numpy()
    positive = sent[sent > 0]
    _bars(axes, labels, sent, [bytes_text(n_bytes) for n_bytes in sent], look)
    axes.set_xlabel("Total uplink data (bytes, log scale)")
    if len(positive):
        byte_axis(axes)
        axes.set_xlim(positive.min() / 4, positive.max() * 12)


def _refused(axes: "Axes", labels: "pd.DataFrame", look: Look) -> None:
    shares = labels["refused_device_share"].to_numpy()
    _bars(axes, labels, 100 * shares, [percent_text(share) for share in shares], look)
    axes.set_xlabel("Devices without the memory to take part (%)")
    axes.set_xlim(0, 118)
    axes.set_xticks([0, 25, 50, 75, 100])


def _bars(axes: "Axes", labels: "pd.DataFrame", widths: "pd.Series", texts: list[str], look: Look) -> None:
    """Draw one bar a label, the first on top, its number at its end."""
    styles = look.styles()
    names = labels["label"].tolist()
    places = range(len(names))
    bars = axes.barh(places, widths, height=0.7, color=[styles[name].colour for name in names], linewidth=0)
    axes.bar_label(bars, texts, padding=2, fontsize=6.5)
    axes.set_yticks(places, [_name(name, look) for name in names])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _caption(material: "Material") -> str:
    return (
        f"{quality_name(material)} against simulated time, device energy and uplink data; total uplink data; devices left out. "
        f"{replications(material)}"
    )


def _words(material: "Material") -> str:
    left_out = "; ".join(f"{row.label} {percent_text(row.refused_device_share)}" for row in material.labels.itertuples())
    return (
        f"Three line charts and two bar charts. {_caption(material)} {at_the_end(material, (TIME, ENERGY, UPLINK))} "
        f"Devices without the memory to take part: {left_out}."
    )


KINDS = (
    FigureKind(
        name="overview",
        scope="variant",
        draw=lambda material, look: overview(material.series, material.labels, look),
        caption=_caption,
        words=_words,
        lacks=lacks_quality,
        wide=True,
    ),
)
