"""Who did what when: one lane a device, over the early rounds of each scheme."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.formats import duration_text, percent_text, time_unit
from analysis.plots.kind import FigureKind
from analysis.plots.panels import (
    CYAN,
    INDIGO,
    INK,
    SAND,
    Fill,
    first_seed,
    first_seed_note,
    is_narrow,
    panel_grid,
    shortened,
    telling,
)
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure, wrapped
from analysis.plots.words import capital
from analysis.turns import last_early_round, phases

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

#: Schemes that are drawn by columns of panels, and lanes by rows of them: what fits on a page.
_N_SCHEMES = {1: 3, 2: 6}
_N_LANES = {1: 30, 2: 24, 3: 16}
_LANE_IN = 0.105
_GROUP_CHARACTERS = 17

#: Phase -> its name, its columns in ``turns.phases``, and its fill.
_PHASES = {
    "download": ("downloading", "start_s", "download_s", Fill(CYAN)),
    "compute": ("computing", "compute_at_s", "compute_s", Fill(INDIGO)),
    "upload": ("uploading", "upload_at_s", "upload_s", Fill(SAND, "//////")),
}
_WAITING, _BORDER = "waiting for the round's end", "end of a round"
#: Outcome -> its name and the mark at the end of the turn.
_MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "lost": ("lost", {"marker": "X", "color": INK, "markeredgecolor": "white", "markeredgewidth": 0.5}),
    "refused": ("refused", {"marker": "D", "markerfacecolor": "white", "color": INK, "markeredgewidth": 0.8}),
    "late": ("too late", {"marker": ">", "markerfacecolor": "#777777", "color": INK, "markeredgewidth": 0.6}),
    "offline": ("not reached", {"marker": "_", "color": INK, "markeredgewidth": 1.2}),
}


@dataclass(frozen=True, slots=True)
class _Early:
    """What is drawn: turns (with ``lane``) and round borders of the schemes shown, and what is left out."""

    turns: "pd.DataFrame"
    rounds: "pd.DataFrame"
    last: int
    labels: tuple[str, ...]
    n_more_labels: int
    lanes: tuple[str, ...]
    n_more_devices: int


def _early(material: "Material", n_columns: int = 2) -> _Early:
    """Return the early rounds of the first seed; ``n_columns`` of panels decide how many lanes fit."""
    seed = first_seed(material)
    clients, rounds = (frame[frame["seed"] == seed] for frame in (material.frame("clients"), material.frame("rounds")))
    last = last_early_round(clients)
    turns = phases(clients[clients["round"] <= last], rounds)
    busy = (turns["end_s"] > turns["start_s"]) | (turns["outcome"] != "completed")
    known = set(turns.loc[busy, "label"])
    labels = [label for label in dict.fromkeys(rounds["label"]) if label in known]
    shown = tuple(labels[: _N_SCHEMES[n_columns]])
    turns = turns[turns["label"].isin(shown)]
    n_lanes = _N_LANES[max(1, -(-len(shown) // n_columns))]
    counts = turns.groupby(["device", "group"]).size().sort_values(ascending=False, kind="stable")
    chosen = sorted(counts.index[:n_lanes])
    lane_of = {device: number for number, (device, _) in enumerate(chosen)}
    turns = turns[turns["device"].isin(lane_of)]
    return _Early(
        turns=turns.assign(lane=turns["device"].map(lane_of)),
        rounds=rounds[rounds["label"].isin(shown) & (rounds["round"] <= last)],
        last=last,
        labels=shown,
        n_more_labels=len(labels) - len(shown),
        lanes=tuple(f"{shortened(str(group), _GROUP_CHARACTERS)} {device}" for device, group in chosen),
        n_more_devices=len(counts) - len(chosen),
    )


def timeline(material: "Material", look: Look) -> "Figure":
    """Draw what each device did in the early rounds of the first seed, a panel a scheme; time axes differ."""
    n_columns = 1 if is_narrow(look.width_in) else 2
    early = _early(material, n_columns)
    look = telling(material, look, first_seed_note(material), *_left_out(early))
    with house_style(look.font):
        entries = _entries(early)
        n_rows, n_columns = panel_grid(len(early.labels), look.width_in, 2)
        height_in = n_rows * (0.62 + _LANE_IN * len(early.lanes)) + below_in(look, look.width_in, list(entries))
        figure = new_figure(look.width_in, height_in)
        for number, label in enumerate(early.labels):
            axes = figure.add_subplot(n_rows, n_columns, number + 1)
            _panel(axes, early, label)
            if number % n_columns:
                axes.tick_params(labelleft=False)
        finish_with(figure, look, entries)
    return figure


def _panel(axes: "Axes", early: _Early, label: str) -> None:
    turns = early.turns[early.turns["label"] == label]
    borders = early.rounds[early.rounds["label"] == label]
    unit_s, unit = time_unit(max(float(borders["sim_time_s"].max()), float(turns["end_s"].max())))
    for _, begins, lasts, fill in _PHASES.values():
        bars = turns[turns[lasts] > 0]
        _bars(axes, bars["lane"], bars[begins] / unit_s, bars[lasts] / unit_s, fill)
    ends = turns["end_s"] / unit_s
    axes.hlines(turns["lane"], ends, ends + turns["waits_s"] / unit_s, color="#888888", linewidth=0.8, linestyle=(0, (1, 1)))
    for outcome, (_, mark) in _MARKS.items():
        ended = turns["outcome"] == outcome
        if not ended.any():
            continue
        axes.plot(ends[ended], turns["lane"][ended], linestyle="", markersize=4.2, clip_on=False, zorder=4, **mark)
    for end_s in borders["sim_time_s"]:
        axes.axvline(end_s / unit_s, color=INK, linewidth=0.6, zorder=0.9)
    axes.set_title(wrapped(label, 44))
    axes.set_xlabel(f"Simulated time ({unit})")
    axes.set_xlim(left=0.0)
    axes.set_yticks(range(len(early.lanes)), early.lanes, fontsize=6)
    axes.set_ylim(len(early.lanes) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _bars(axes: "Axes", lanes: "pd.Series", starts: "pd.Series", lengths: "pd.Series", fill: Fill) -> None:
    """Draw bars as one collection, which is several times as fast as one patch each."""
    from matplotlib.collections import PolyCollection

    ends, half = starts + lengths, 0.37
    corners = [(starts, lanes - half), (ends, lanes - half), (ends, lanes + half), (starts, lanes + half)]
    axes.add_collection(
        PolyCollection(list(np.stack([np.column_stack(corner) for corner in corners], axis=1)), **fill.settings())
    )


def _entries(early: _Early) -> "dict[str, Artist]":
    from matplotlib.lines import Line2D

    entries: dict[str, Artist] = {name: fill.patch() for name, _, _, fill in _PHASES.values()}
    if (early.turns["waits_s"] > 0).any():
        entries[_WAITING] = Line2D([], [], color="#888888", linewidth=0.8, linestyle=(0, (1, 1)))
    entries[_BORDER] = Line2D([], [], color=INK, linewidth=0.6, linestyle="", marker="|", markersize=8)
    outcomes = set(early.turns["outcome"])
    return entries | {
        name: Line2D([], [], linestyle="", markersize=4.2, **mark) for out, (name, mark) in _MARKS.items() if out in outcomes
    }


def _left_out(early: _Early) -> list[str]:
    told = ["each scheme has a time axis of its own"] if len(early.labels) > 1 else []
    if (early.rounds.loc[early.rounds["round"] == 0, "sim_time_s"] > 0).any():
        told.append("round 0 is the server's preparation")
    if early.n_more_devices:
        told.append(f"of the devices that were asked, the {len(early.lanes)} with most turns")
    if early.n_more_labels:
        told.append(f"the first {len(early.labels)} of {len(early.labels) + early.n_more_labels} schemes")
    return told


def _caption(material: "Material") -> str:
    early = _early(material)
    rounds = f"rounds (or merges) 1 to {early.last}" if early.last > 1 else "the first round"
    return f"What each device did in {rounds}: a lane a device, a panel a scheme. {capital(first_seed_note(material))}."


def _words(material: "Material") -> str:
    early = _early(material)
    texts = []
    for label in early.labels:
        turns = early.turns[early.turns["label"] == label]
        texts.append(f"{label}: {_told(turns, early.rounds[early.rounds['label'] == label])}")
    return f"Lanes of bars over simulated time. {_caption(material)} In the lanes drawn: {'; '.join(texts)}."


def _told(turns: "pd.DataFrame", borders: "pd.DataFrame") -> str:
    spent = {name: float(turns[lasts].sum()) for name, _, lasts, _ in _PHASES.values()}
    spent["waiting"] = float(turns["waits_s"].sum())
    total = sum(spent.values())
    shares = ", ".join(f"{percent_text(each / total)} {name}" for name, each in spent.items()) if total else "no time spent"
    counts = turns["outcome"].value_counts()
    others = "".join(f", {counts[outcome]} {name}" for outcome, (name, _) in _MARKS.items() if outcome in counts)
    took = duration_text(float(borders["sim_time_s"].max()))
    return f"{len(turns)} turns in {took}{others}; of the devices' time {shares}"


def _lacks(material: "Material") -> str:
    return "" if _early(material).labels else "no device had a turn in which it did anything"


KINDS = (FigureKind(name="timeline", scope="variant", draw=timeline, caption=_caption, words=_words, lacks=_lacks, wide=True),)
