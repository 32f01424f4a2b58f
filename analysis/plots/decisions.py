"""What control policies decided: the choices of turns, and who was asked how often with what, by group of devices."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.controls import decided, knobs
from analysis.decisions import by_group, choice_shares
from analysis.findings import join
from analysis.formats import percent_text, times_text
from analysis.plots.kind import FigureKind
from analysis.plots.panels import PALE, Fill, is_narrow, name_rows, rows_in, shortened, stack, telling, together_note
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure
from analysis.plots.words import capital

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

#: Choices in their order are from light to dark, and hatched by turns: told apart in grey print.
_MAP, _HATCHES = "YlGnBu", ("", "/////", "", "xxxxx")
_NO_KNOB = "no knob"
#: Characters that names of groups have beside each other, and names of more groups than this are upright.
_ROOM_CHARACTERS, _N_BESIDE, _GROUP_CHARACTERS = {True: 46, False: 33}, 4, 16
#: Cells of a share from white to this blue; from half of it on text is white.
_CELLS = "Blues"


def choice_text(choice: float) -> str:
    """Return a choice of a knob as it stands in a legend; NaN is a turn without one."""
    return _NO_KNOB if choice != choice else times_text(choice)


def _shares(material: "Material") -> "pd.DataFrame":
    return choice_shares(material.frame("clients"), decided(material))


def _groups(material: "Material") -> "pd.DataFrame":
    clients, rounds, devices = (material.frame(name) for name in ("clients", "rounds", "devices"))
    return by_group(clients, rounds, devices, decided(material))


def decisions(material: "Material", look: Look) -> "Figure":
    """Draw the share of turns with each choice, and by group how often a device was asked and its mean choice."""
    shares, groups = _shares(material), _groups(material)
    names = [str(label) for label in shares.index]
    of = knobs(material.scenario)
    look = telling(material, look, f"choices are of {join(of)}" if of else "", together_note(material))
    has_choices = groups["mean_choice"].notna().any()
    with house_style(look.font):
        fills = _fills(shares.columns)
        entries = {name: fill.patch() for name, fill in fills.items()}
        n_panels, narrow = 3 if has_choices else 2, is_narrow(look.width_in)
        upright_in = 0.45 if groups["group"].nunique() > _N_BESIDE else 0.0
        panel_in, below = rows_in(names) + 0.35 + upright_in, below_in(look, look.width_in, list(entries))
        figure = new_figure(look.width_in, panel_in * (n_panels if narrow else 1) + below + 0.1)
        shape = {"height_ratios": [1] * n_panels} if narrow else {"width_ratios": [1.25, 1, 1][:n_panels]}
        panels = figure.subplots(n_panels if narrow else 1, 1 if narrow else n_panels, squeeze=False, gridspec_kw=shape)
        first, *others = panels.ravel().tolist()
        stack(first, {choice_text(choice): (100 * shares[choice]).tolist() for choice in shares}, fills)
        name_rows(first, names)
        first.set_xlim(0, 100)
        first.set_xlabel("Turns by choice (%)")
        _cells(others[0], _table(groups, names, "asked_share"), "Rounds in which it is asked (%)", is_share=True)
        if has_choices:
            _cells(others[1], _table(groups, names, "mean_choice"), "Mean choice of its turns", is_share=False)
        for axes in others:
            name_rows(axes, names)
            _name_groups(axes, list(dict.fromkeys(groups["group"])), _ROOM_CHARACTERS[narrow])
            axes.tick_params(labelleft=narrow)
        finish_with(figure, look, entries)
    return figure


def _fills(choices: "Sequence[float] | pd.Index") -> dict[str, Fill]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    known = [choice for choice in choices if choice == choice]
    fills = {
        choice_text(choice): Fill(to_hex(colormaps[_MAP](0.12 + 0.78 * i / max(1, len(known) - 1))), _HATCHES[i % 4])
        for i, choice in enumerate(known)
    }
    return fills if len(known) == len(choices) else fills | {_NO_KNOB: Fill(PALE)}


def _table(groups: "pd.DataFrame", names: list[str], column: str) -> "pd.DataFrame":
    """Return ``column`` with a row a label and a column a group."""
    order = list(dict.fromkeys(groups["group"]))
    return groups.pivot(index="label", columns="group", values=column).reindex(index=names, columns=order)


def _cells(axes: "Axes", table: "pd.DataFrame", title: str, *, is_share: bool) -> None:
    """Draw a table as cells from light to dark, each with its number."""
    values = table.to_numpy(dtype=float) * (100 if is_share else 1)
    known = values[np.isfinite(values)]
    low = 0.0 if is_share else float(known.min(initial=np.inf))
    high = max(float(known.max(initial=low)), low + 1e-9)
    grid = np.ma.masked_invalid(values)
    edges = (np.arange(values.shape[1] + 1) - 0.5, np.arange(values.shape[0] + 1) - 0.5)
    axes.pcolormesh(*edges, grid, cmap=_CELLS, vmin=low, vmax=high + 0.25 * (high - low), edgecolors="white", linewidth=0.8)
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        text = "-" if not np.isfinite(value) else f"{value:.0f}" if is_share else times_text(float(f"{value:.2g}"))
        is_dark = np.isfinite(value) and value - low > 0.7 * (high - low)
        axes.text(column, row, text, ha="center", va="center", fontsize=6, color="white" if is_dark else "black", zorder=4)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(title)


def _name_groups(axes: "Axes", groups: list[str], n_characters: int) -> None:
    """Name the columns, in several lines where there is little room, and upright where there is none."""
    is_upright = len(groups) > _N_BESIDE
    lines = [textwrap.fill(group, max(6, n_characters // len(groups) - 1)) for group in groups]
    names = [shortened(group, _GROUP_CHARACTERS) for group in groups] if is_upright else lines
    axes.set_xticks(range(len(groups)), names, fontsize=6, rotation=90 if is_upright else 0)
    axes.tick_params(axis="x", length=0)


def _caption(material: "Material") -> str:
    of = knobs(material.scenario)
    what = f" of {join(of)}" if of else ""
    text = f"What was decided: turns by choice{what}; by group of devices in how many of the rounds one of them was asked"
    more = ", and the mean choice of its turns" if material.frame("clients")["choice"].notna().any() else ""
    return f"{text}{more}. {capital(together_note(material))}."


def _words(material: "Material") -> str:
    shares, groups = _shares(material), _groups(material)
    texts = []
    for label, row in shares.iterrows():
        chosen = ", ".join(f"{percent_text(share)} {choice_text(choice)}" for choice, share in row.items() if share > 0)
        own = groups[groups["label"] == label].itertuples()
        asked = ", ".join(f"{group.group} in {percent_text(group.asked_share)} of the rounds" for group in own)
        texts.append(f"{label}: choices {chosen}; asked {asked}")
    return f"Stacked bars and cells, a row a scheme. {_caption(material)} {'. '.join(texts)}."


def _lacks(material: "Material") -> str:
    return "" if decided(material) else "no scheme is under a control policy, or none asked a device"


KINDS = (
    FigureKind(name="decisions", scope="variant", draw=decisions, caption=_caption, words=_words, lacks=_lacks, wide=True),
)
