"""What it takes each scheme to the target accuracy; where a seed did not reach it, that more would be needed."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.formats import percent_text
from analysis.plots.costs import ENERGY, TIME, UPLINK, Cost, cost_axis, needs_log
from analysis.plots.kind import FigureKind
from analysis.plots.style import Look, below_in, finish_with, house_style, lay_out, new_figure, wrapped
from analysis.plots.words import replications
from analysis.target import target_text, to_target

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from analysis.material import Material

_NAME_CHARACTERS = 18
_BAR_IN, _AROUND_IN = 0.26, 0.62
_HATCH = "////"


def target_bars(targets: "pd.DataFrame", look: Look, costs: Sequence[Cost]) -> "Figure":
    """Draw a panel of bars a cost from ``target.to_target``'s frame of one variant, the first label on top.

    Where every seed reached the target a bar is the mean, with its interval. Else it is hatched, ends in an arrow, and is as
    long as what a seed had spent without reaching the target: the mean lies beyond, and none is drawn of the others.
    """
    look = look.saying(f"target accuracy: {percent_text(float(targets['target_accuracy'].iloc[0]))}")
    if targets["censored"].any():
        look = look.saying("hatched: not every seed reached the target; the bar is the least that one of those had spent")
    names = [wrapped(label, _NAME_CHARACTERS) for label in targets["label"]]
    bars_in = _AROUND_IN + _BAR_IN * len(names) * (1 + 0.4 * max(name.count("\n") for name in names))
    n_rows = len(costs) if look.size == "column" else 1
    with house_style(look.font):
        figure = new_figure(look.width_in, n_rows * bars_in + below_in(look, look.width_in, ()))
        panels = figure.subplots(n_rows, len(costs) // n_rows, squeeze=False).ravel().tolist()
        texts = [_bars(axes, targets, cost, look) for axes, cost in zip(panels, costs, strict=True)]
        for i, axes in enumerate(panels):
            axes.set_yticks(range(len(names)), names)
            axes.invert_yaxis()
            axes.grid(visible=False, axis="y")
            axes.tick_params(axis="y", length=0, labelleft=i == 0 or n_rows > 1)
        figure.get_layout_engine().set(wspace=0.05)  # type: ignore[union-attr,call-arg]
        finish_with(figure, look, {})
        lay_out(figure, look.font)
        for axes, of_axes in zip(panels, texts, strict=True):
            _make_room(axes, of_axes)
    return figure


def _bars(axes: "Axes", targets: "pd.DataFrame", cost: Cost, look: Look) -> "list[Annotation]":
    """Draw the bars of one cost and what stands at their ends; return these texts."""
    censored = targets["censored"].to_numpy(dtype=bool)
    lengths = np.where(censored, targets[f"{cost.to_target}_spent"], targets[cost.to_target])
    is_log = needs_log(lengths.tolist())
    unit, unit_name = (1.0, cost.log_note) if is_log else cost.unit_of(lengths.max())
    texts, left = [], lengths[lengths > 0].min() / 3 if is_log else 0.0
    for place, row in enumerate(targets.itertuples()):
        colour, length = look.styles()[row.label].colour, lengths[place] / unit
        half = getattr(row, f"{cost.to_target}_half") / unit
        _bar(axes, place, length, half, colour, is_censored=row.censored)
        beyond = length + (half if half == half and not row.censored else 0.0)
        texts.append(
            axes.annotate(
                _at_end(row, cost), (max(beyond, left), place), xytext=(6 if row.censored else 3, 0),
                textcoords="offset points", va="center", ha="left", fontsize=6.5, linespacing=1.05,
            )
        )  # fmt: skip
        texts[-1].set_in_layout(False)
    if is_log:
        axes.set_xlim(left, lengths.max() * 1.5)
        # The axis goes on where texts need room, its ticks do not.
        cost_axis(axes, cost, up_to=lengths.max() * 1.5)
    else:
        axes.set_xlim(0, lengths.max() / unit * 1.5)
    axes.set_xlabel(f"{cost.title} to the target\n({unit_name})")
    return texts


def _bar(axes: "Axes", place: int, length: float, half: float, colour: str, *, is_censored: bool) -> None:
    if not is_censored:
        axes.barh(place, length, height=0.62, color=colour, linewidth=0)
        if half == half:
            axes.errorbar(length, place, xerr=half, ecolor="black", elinewidth=0.8, capsize=1.8, capthick=0.8)
        return
    axes.barh(place, length, height=0.62, facecolor="white", edgecolor=colour, hatch=_HATCH, linewidth=0.8)
    axes.plot(length, place, marker=">", color=colour, markersize=5.5, clip_on=False)


def _at_end(row: Any, cost: Cost) -> str:
    """Return what stands at the end of a bar: "1 h 23 min", or "> 2 h" and in how many seeds it was not reached."""
    if not row.censored:
        return cost.text(getattr(row, cost.to_target), getattr(row, f"{cost.to_target}_half"))
    in_seeds = "" if row.n == 1 else f" in {row.n - row.n_reached} of {row.n}"
    return f"> {cost.text(getattr(row, f'{cost.to_target}_spent'), None)}\nnot reached{in_seeds}"


def _make_room(axes: "Axes", texts: "Sequence[Annotation]") -> None:
    """Move the right end of the axis until every text ends within the axes, whose size is settled by now."""
    width = axes.bbox.width
    low, high = axes.transScale.transform([(axes.get_xlim()[i], 1.0) for i in (0, 1)])[:, 0]
    for text in texts:
        box = text.get_window_extent()
        begins = axes.transScale.transform((text.xy[0], 1.0))[0]
        reserved = box.x1 - axes.transData.transform((text.xy[0], 0.0))[0] + 2
        high = max(high, low + (begins - low) * width / max(width - reserved, 0.2 * width))
    axes.set_xlim(right=axes.transScale.inverted().transform((high, 1.0))[0])
    _thin_ticks(axes)


def _thin_ticks(axes: "Axes") -> None:
    """Leave out every other tick until no label touches the next; ticks are made here, in the font of the figure."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    while True:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        if all(left.x1 + 3 < right.x0 for left, right in itertools.pairwise(boxes)):
            return
        kept = [(tick, label.get_text()) for tick, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)][::2]
        axes.xaxis.set_major_locator(FixedLocator([tick for tick, _ in kept]))
        axes.xaxis.set_major_formatter(FixedFormatter([text for _, text in kept]))


def _of(costs: Sequence[Cost], name: str, wide: bool) -> FigureKind:
    things = [cost.title.lower() for cost in costs]
    listed = things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"

    def caption(material: "Material") -> str:
        target = percent_text(float(to_target(material.frame("summary"))["target_accuracy"].iloc[0]))
        missed = "" if not to_target(material.frame("summary"))["censored"].any() else (
            " Hatched bars with an arrow: not every seed reached the target, so there is no mean; the bar is the least that "
            "one of those seeds had spent."
        )  # fmt: skip
        return f"What it takes each scheme to an accuracy of {target}: {listed}.{missed} {replications(material)}"

    def words(material: "Material") -> str:
        rows = to_target(material.frame("summary")).itertuples()
        told = "; ".join(f"{row.label} {', '.join(target_text(row, cost.to_target) for cost in costs)}" for row in rows)
        return f"Bar chart, a bar a scheme. {caption(material)} In that order: {told}."

    return FigureKind(
        name=name,
        scope="variant",
        draw=lambda material, look: target_bars(to_target(material.frame("summary")), look, costs),
        caption=caption,
        words=words,
        lacks=_lacks,
        wide=wide,
    )


def _lacks(material: "Material") -> str:
    return "" if material.frame("summary")["target_accuracy"].notna().any() else "the scenario sets no target_accuracy"


KINDS = (_of((TIME,), "time_to_target", wide=False), _of((TIME, ENERGY, UPLINK), "costs_to_target", wide=True))
