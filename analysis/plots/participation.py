"""Who took part and who was refused: devices, how turns spread over them, and how turns ended by group."""

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.formats import percent_text, significant
from analysis.plots.kind import FigureKind
from analysis.plots.panels import (
    INDIGO,
    PALE,
    ROSE,
    SAND,
    Fill,
    is_narrow,
    name_rows,
    rows_in,
    shortened,
    stack,
    telling,
    together_note,
)
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure
from analysis.plots.words import capital
from analysis.turns import FATES, device_turns, fate_shares, group_outcomes
from mecsim.results.records import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

#: One fill for what became of a device and of a turn.
_DONE, _REFUSED, _FAILED, _NEVER = Fill("#A6DCD3"), Fill(INDIGO), Fill(ROSE, "xxxxx"), Fill(PALE)
_FATE_FILLS = dict(zip(FATES, (_DONE, _REFUSED, _FAILED, _NEVER), strict=True))
_OUTCOME_FILLS = {
    "completed": _DONE,
    "refused": _REFUSED,
    "lost": _FAILED,
    "late": Fill(SAND, "/////"),
    "offline": Fill("#AAAAAA", "-----"),
}
_ENTRIES = {
    "completed (device: at least once)": ("completed", FATES[0]),
    "refused": ("refused", FATES[1]),
    "lost (device: completed nothing)": ("lost", FATES[2]),
    "too late": ("late",),
    "not reached": ("offline",),
    "never asked": (FATES[3],),
}
_EDGE: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.4}
#: More rows than this for groups would not fit on a page: all groups of a scheme are then one row.
_N_ROWS = 42
_ALL = "all groups"


def _labels(material: "Material") -> list[str]:
    """Return the labels that asked a device at all, in the study's order."""
    asked = set(material.frame("clients")["label"])
    return [str(label) for label in material.labels["label"] if label in asked]


def _turns(material: "Material") -> "pd.DataFrame":
    return device_turns(material.frame("devices"), material.frame("clients"), _labels(material))


def _groups(material: "Material") -> "pd.DataFrame":
    """Return how turns ended by group; in one row for a scheme with which all completed, or for each where rows are many."""
    import pandas as pd

    clients, labels = material.frame("clients"), _labels(material)
    by_group, by_label = group_outcomes(clients, labels), group_outcomes(clients, labels, by_group=False)
    failed = set(by_group.loc[by_group["completed"] < 1, "label"])
    rows = [
        by_group[by_group["label"] == label] if label in failed else by_label[by_label["label"] == label].assign(group=_ALL)
        for label in labels
    ]
    together = pd.concat(rows, ignore_index=True)
    return together if len(together) <= _N_ROWS else by_label.assign(group=_ALL)


def participation(material: "Material", look: Look) -> "Figure":
    """Draw what became of the devices, how often each took part, and how turns ended by group; all seeds together."""
    turns, outcomes = _turns(material), _groups(material)
    shares = fate_shares(turns)
    names = [str(label) for label in shares.index]
    look = telling(material, look, together_note(material), *_remarks(material))
    met = {outcome for outcome in OUTCOMES if outcomes[outcome].sum() > 0} | {fate for fate in FATES if shares[fate].sum() > 0}
    fills = _OUTCOME_FILLS | _FATE_FILLS
    with house_style(look.font):
        entries: dict[str, Artist] = {name: fills[of[0]].patch() for name, of in _ENTRIES.items() if met & set(of)}
        entries |= _curve_entries(names, look)
        narrow, below = is_narrow(look.width_in), below_in(look, look.width_in, list(entries))
        upper_in, lower_in = max(rows_in(names), 1.9), rows_in(["x"] * len(outcomes), 0.17)
        heights = [rows_in(names), 2.1, lower_in] if narrow else [upper_in, lower_in]
        figure = new_figure(look.width_in, sum(heights) + below + 0.2)
        rows = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        upper = rows[0].subgridspec(1, 2)
        _devices(figure.add_subplot(rows[0] if narrow else upper[0]), shares, names)
        _sorted_turns(figure.add_subplot(rows[1] if narrow else upper[1]), turns, names, look)
        _by_group(figure.add_subplot(rows[-1]), outcomes)
        finish_with(figure, look, entries)
    return figure


def _curve_entries(names: list[str], look: Look) -> "dict[str, Artist]":
    from matplotlib.lines import Line2D

    styles = look.styles()
    return {
        name: Line2D([], [], color=styles[name].colour, linestyle=styles[name].line, marker=styles[name].marker, **_EDGE)
        for name in names
    }


def _devices(axes: "Axes", shares: "pd.DataFrame", names: list[str]) -> None:
    stack(axes, {fate: (100 * shares[fate]).tolist() for fate in FATES}, _FATE_FILLS)
    for row, share in enumerate(shares[FATES[0]]):
        axes.text(101.5, row, percent_text(share), va="center", fontsize=6.5)
    name_rows(axes, names)
    axes.set_xlim(0, 122)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("Devices (%); number: took part")


def _sorted_turns(axes: "Axes", turns: "pd.DataFrame", names: list[str], look: Look) -> None:
    """Draw the completed turns of devices, from the one with most to the one with fewest."""
    styles = look.styles()
    for number, name in enumerate(names):
        own = np.sort(turns.loc[turns["label"] == name, "completed"].to_numpy())[::-1]
        place = 100.0 * (np.arange(len(own)) + 0.5) / len(own)
        step = max(1, len(own) // 6)
        axes.plot(
            place, own, label=name, color=styles[name].colour, linestyle=styles[name].line, marker=styles[name].marker,
            markevery=(number * step // max(len(names), 1), step), drawstyle="steps-mid", **_EDGE,
        )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Devices, by completed turns (%)")
    axes.set_ylabel("Completed turns")


def _by_group(axes: "Axes", outcomes: "pd.DataFrame") -> None:
    stack(axes, {outcome: (100 * outcomes[outcome]).tolist() for outcome in OUTCOMES}, _OUTCOME_FILLS, height=0.76)
    for row, told in enumerate(outcomes.to_dict("records")):
        if told["cause"]:
            axes.text(101, row, f"{told['cause']} {percent_text(told['cause_share'])}", va="center", fontsize=6)
    pairs = zip(outcomes["label"], outcomes["group"], strict=True)
    texts = [f"{shortened(label, 24)}, {shortened(group, 18)}" for label, group in pairs]
    axes.set_yticks(range(len(texts)), texts, fontsize=6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(texts) - 0.4, -0.6)
    first = [row for row in range(1, len(texts)) if outcomes["label"].iloc[row] != outcomes["label"].iloc[row - 1]]
    axes.hlines([row - 0.5 for row in first], 0, 1, transform=axes.get_yaxis_transform(), color="#888888", linewidth=0.5)
    axes.set_xlim(0, 130)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("Turns by outcome (%), and their main cause")


def _remarks(material: "Material") -> list[str]:
    devices, clients = material.frame("devices"), material.frame("clients")
    if devices.empty:
        return ["which devices there are was not recorded, so those that were never asked are missing"]
    if set(clients["device"]) - set(devices["device"]):
        n_devices = devices.groupby("seed")["device"].nunique().max()
        return [f"of the fleet, {n_devices:,} devices spread evenly over it stand for all in the upper panels"]
    return []


def _caption(material: "Material") -> str:
    text = (
        "Devices by what became of them; completed turns of each device, from the most to the fewest; turns by how they ended"
    )
    grouped = "scheme" if (_groups(material)["group"] == _ALL).all() else "group of devices"
    return f"{text}, a row a {grouped}. {capital(together_note(material))}."


def _words(material: "Material") -> str:
    turns, outcomes = _turns(material), _groups(material)
    texts = []
    for label, shares in fate_shares(turns).iterrows():
        own = turns.loc[turns["label"] == label, "completed"]
        fates = ", ".join(f"{percent_text(shares[fate])} {fate}" for fate in FATES if shares[fate] > 0)
        spread = f"{significant(float(own.mean()))} completed turns a device, {own.min()} to {own.max()}"
        texts.append(f"{label}: of the devices {fates}; {spread}{_failures(outcomes[outcomes['label'] == label])}")
    return f"Stacked bars and curves. {_caption(material)} {'. '.join(texts)}."


def _failures(outcomes: "pd.DataFrame") -> str:
    failed = [
        f"{percent_text(row['cause_share'])} of the turns of {row['group']} by {row['cause']}"
        for row in outcomes.to_dict("records")
        if row["cause"]
    ]
    return f"; most frequent causes of failure: {', '.join(failed)}" if failed else "; every turn completed"


def _lacks(material: "Material") -> str:
    return "" if len(material.frame("clients")) else "no device was asked"


KINDS = (
    FigureKind(
        name="participation", scope="variant", draw=participation, caption=_caption, words=_words, lacks=_lacks, wide=True
    ),
)
