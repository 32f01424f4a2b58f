"""The study on one page: three curves, what each scheme sends, and whom it leaves out."""

from typing import TYPE_CHECKING

from analysis.formats import bytes_text, percent_text
from analysis.plots.curves import byte_axis, draw_energy, draw_time, draw_uplink
from analysis.plots.style import PAGE_IN, Look, below_in, finish, house_style, new_figure, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CURVES_IN = 2.3
_NAME_CHARACTERS = 26


def overview(series: "pd.DataFrame", labels: "pd.DataFrame", look: Look) -> "Figure":
    """Draw the curves from ``cumulative``'s frame and the bars from ``by_label``'s, both of one variant."""
    names = [wrapped(label, _NAME_CHARACTERS) for label in labels["label"]]
    bars_in = 0.6 + 0.16 * len(names) * max(name.count("\n") + 1 for name in names)
    with house_style():
        height_in = _CURVES_IN + bars_in + below_in(look, PAGE_IN)
        figure = new_figure(PAGE_IN, height_in)
        rows = figure.add_gridspec(2, 1, height_ratios=[_CURVES_IN, bars_in])
        upper, lower = rows[0].subgridspec(1, 3), rows[1].subgridspec(1, 2)
        curves = [figure.add_subplot(upper[0])]
        curves += [figure.add_subplot(upper[i], sharey=curves[0]) for i in (1, 2)]
        for axes, draw in zip(curves, (draw_time, draw_energy, draw_uplink), strict=True):
            draw(axes, series, look)
        for axes in curves[1:]:
            axes.tick_params(labelleft=False)
        curves[0].set_ylabel(look.quality_axis[1])
        sent, refused = figure.add_subplot(lower[0]), figure.add_subplot(lower[1])
        _sent(sent, labels, look)
        _refused(refused, labels, look)
        refused.tick_params(labelleft=False)
        finish(figure, curves[0], look)
    return figure


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
    axes.set_yticks(places, [wrapped(name, _NAME_CHARACTERS) for name in names])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
