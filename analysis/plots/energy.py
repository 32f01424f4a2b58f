"""Where the joules went: devices, server, stations and backhaul, part by part."""

from typing import TYPE_CHECKING

from analysis.amounts import ENERGY_PARTS, Amounts, energy_amounts, static_j
from analysis.formats import energy_text, percent_text, prefix_of
from analysis.plots.kind import FigureKind
from analysis.plots.panels import (
    CYAN,
    GREEN,
    INDIGO,
    PALE,
    ROSE,
    SAND,
    TEAL,
    WINE,
    Fill,
    fills_of,
    is_narrow,
    name_rows,
    rows_in,
    share_panel,
    stack,
)  # fmt: skip
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure
from analysis.plots.words import replications

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

_FILLS = dict(
    zip(
        ENERGY_PARTS.values(),
        (
            Fill(INDIGO), Fill(CYAN), Fill(TEAL, "/////"), Fill(GREEN, "-----"), Fill(PALE),
            Fill(WINE, "\\\\\\\\\\"), Fill(SAND, "xxxxx"), Fill(ROSE, "+++++"),
        ),
        strict=True,
    )
)  # fmt: skip


def _amounts(material: "Material") -> Amounts:
    return energy_amounts(material.frame("energy"), material.frame("summary"))


def _static(material: "Material") -> str:
    """Return what the stations draw whatever is sent, "" where nothing is known of it."""
    static = [joules for joules in static_j(material.frame("energy")).values() if joules > 0]
    if not static:
        return ""
    low, high = energy_text(min(static)), energy_text(max(static))
    amount = low if low == high else f"{low} to {high} with the schemes' duration"
    return f"what stations draw whether anything is sent or not is in no total: {amount}"


def energy_parts(material: "Material", look: Look) -> "Figure":
    """Draw the joules of each scheme by part, and the same as shares of its total."""
    spent = _amounts(material)
    names = [str(label) for label in spent.parts.index]
    fills = fills_of(spent.parts.columns, _FILLS)
    look = look.saying(_static(material))
    with house_style(look.font):
        entries = {name: fill.patch() for name, fill in fills.items()}
        below, panel_in, narrow = below_in(look, look.width_in, list(entries)), rows_in(names), is_narrow(look.width_in)
        figure = new_figure(look.width_in, below + panel_in * (2 if narrow else 1) + 0.1)
        left, right = (figure.add_subplot(*((2, 1) if narrow else (1, 2)), place) for place in (1, 2))
        _totals(left, spent, names, fills)
        share_panel(right, spent, names, fills, "Share of the scheme's energy (%)")
        if not narrow:
            right.tick_params(labelleft=False)
        finish_with(figure, look, entries)
    return figure


def _totals(axes: "Axes", spent: Amounts, names: list[str], fills: dict[str, Fill]) -> None:
    largest = max(spent.totals[name].mean for name in names)
    unit_j, prefix = prefix_of(largest, smallest=-1)
    stack(axes, {part: (spent.parts[part] / unit_j).tolist() for part in spent.parts}, fills)
    for row, name in enumerate(names):
        total = spent.totals[name]
        axes.annotate(
            energy_text(total.mean, total.half), (total.mean / unit_j, row), (3, 0), textcoords="offset points",
            va="center", fontsize=6.5,
        )  # fmt: skip
    name_rows(axes, names)
    axes.set_xlim(0, 1.35 * largest / unit_j)
    axes.set_xlabel(f"Energy to the end ({prefix}J)")


def _caption(material: "Material") -> str:
    text = (
        "Energy by part to the end of each scheme, in joules and as shares: devices (above idle, and idle during their turns)"
    )
    return f"{text}, server, stations' sending for the study, backhaul. {replications(material)}"


def _words(material: "Material") -> str:
    spent = _amounts(material)
    texts = []
    for label, row in spent.parts.iterrows():
        total = spent.totals[str(label)]
        largest = row.sort_values(ascending=False, kind="stable")
        parts = ", ".join(f"{percent_text(value / total.mean)} {part}" for part, value in largest[:3].items() if value > 0)
        texts.append(f"{label} {energy_text(total.mean, total.half)}" + (f" ({parts})" if parts else ""))
    return f"Stacked bars, a row a scheme. {_caption(material)} {'; '.join(texts)}."


def _lacks(material: "Material") -> str:
    return "" if len(_amounts(material).parts.columns) else "no energy was spent"


KINDS = (
    FigureKind(
        name="energy_parts", scope="variant", draw=energy_parts, caption=_caption, words=_words, lacks=_lacks, wide=True
    ),
)
