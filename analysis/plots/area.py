"""The map of the area: stations, how well they cover it, and which devices took part."""

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.formats import count_text
from analysis.plots.kind import FigureKind
from analysis.plots.panels import INK, first_seed, first_seed_note, telling
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure
from analysis.plots.words import capital
from analysis.turns import device_turns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

#: Level of a line on the map -> its style.
_CONTOURS_DB = {0.0: "solid", 10.0: "dashed", 20.0: "dotted"}
_MARKERS = ("o", "s", "^", "D", "v", "P", "p", "<", ">", "h")
#: Whether a device completed a turn, over the schemes -> how its marker is filled.
_EVERY = "white: completed turns with every scheme"
_FILLS = {
    _EVERY: {"markerfacecolor": "white", "fillstyle": "full"},
    "half white: with some schemes": {"markerfacecolor": "white", "markerfacecoloralt": INK, "fillstyle": "left"},
    "black: asked, completed none": {"markerfacecolor": INK, "fillstyle": "full"},
    "grey: never asked": {"markerfacecolor": "#999999", "fillstyle": "full"},
}
#: Half-width of a sector's wedge, that of a 3-sector antenna's main beam (65 degrees).
_HALF_BEAM_DEG = 32.5
_Places = np.ndarray[Any, np.dtype[np.float64]]


def _of_seed(frame: "pd.DataFrame", seed: int) -> "pd.DataFrame":
    return frame[frame["seed"] == seed].reset_index(drop=True)


def _places(material: "Material") -> "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]":
    """Return devices (with ``state``, one of ``_FILLS``), stations and coverage of the first seed."""
    seed = first_seed(material)
    tables = ("devices", "stations", "coverage", "clients")
    devices, stations, coverage, clients = (_of_seed(material.frame(name), seed) for name in tables)
    # Nothing can be coloured where no point has a number: a map without coverage says so.
    coverage = coverage if np.isfinite(coverage["downlink_sinr_db"]).any() else coverage.iloc[:0]
    labels = [str(label) for label in dict.fromkeys(clients["label"])]
    if devices.empty or not labels:
        return devices.assign(state=list(_FILLS)[-1]), stations, coverage
    counts = device_turns(devices, clients, labels).groupby("device").agg(
        done=("completed", lambda completed: int((completed > 0).sum())), turns=("turns", "sum")
    )  # fmt: skip
    every, some, none, never = _FILLS
    states = np.select(
        [counts["done"] == len(labels), counts["done"] > 0, counts["turns"] > 0], [every, some, none], default=never
    )
    states_of = dict(zip(counts.index, states, strict=True))
    return devices.assign(state=devices["device"].map(states_of)), stations, coverage


def area_map(material: "Material", look: Look) -> "Figure":
    """Draw the places of the first seed's world; the coverage is left out where none is recorded."""
    devices, stations, coverage = _places(material)
    look = telling(
        material,
        look,
        first_seed_note(material),
        "devices where they were at the start",
        *_remarks(devices, coverage, material),
    )
    west, east, south, north = _limits(devices, stations, coverage)
    with house_style(look.font):
        entries = _entries(devices, stations)
        bar_in = 0.65 if len(coverage) else 0.0
        map_in = min((look.width_in - 0.7 - bar_in) * (north - south) / (east - west), 6.5)
        figure = new_figure(look.width_in, map_in + 0.6 + below_in(look, look.width_in, list(entries)))
        axes = figure.add_subplot()
        if len(coverage):
            _coverage(figure, axes, coverage)
        _stations(axes, stations, 0.07 * max(east - west, north - south))
        _devices(axes, devices)
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_aspect("equal")
        axes.grid(visible=False)
        axes.set_xlabel("x (m)")
        axes.set_ylabel("y (m)")
        finish_with(figure, look, entries)
    return figure


def _limits(*frames: "pd.DataFrame") -> tuple[float, float, float, float]:
    """Return west, east, south and north of everything, with a margin."""
    x_m, y_m = (np.concatenate([frame[axis].to_numpy(dtype=float) for frame in frames]) for axis in ("x_m", "y_m"))
    margin_m = 0.04 * max(np.ptp(x_m), np.ptp(y_m), 1.0)
    return x_m.min() - margin_m, x_m.max() + margin_m, y_m.min() - margin_m, y_m.max() + margin_m


def _coverage(figure: "Figure", axes: "Axes", coverage: "pd.DataFrame") -> None:
    """Fill the area by SINR, with lines at 0, 10 and 20 dB; points without a number stay white."""
    grid = coverage.pivot_table(index="y_m", columns="x_m", values="downlink_sinr_db", dropna=False)
    sinr_db = np.ma.masked_invalid(grid.to_numpy(dtype=float))
    x_m, y_m = grid.columns.to_numpy(dtype=float), grid.index.to_numpy(dtype=float)
    half_x_m, half_y_m = _half_step(x_m), _half_step(y_m)
    extent = (x_m[0] - half_x_m, x_m[-1] + half_x_m, y_m[0] - half_y_m, y_m[-1] + half_y_m)
    shown = axes.imshow(
        sinr_db, extent=extent, origin="lower", cmap="cividis", interpolation="nearest", aspect="equal", zorder=1
    )
    figure.colorbar(shown, ax=axes, label="Downlink SINR (dB)", fraction=0.05, pad=0.03)
    levels = [level for level in _CONTOURS_DB if sinr_db.min() < level < sinr_db.max()]
    if levels and min(sinr_db.shape) > 1:
        _contours(axes, x_m, y_m, sinr_db, levels)


def _contours(axes: "Axes", x_m: "_Places", y_m: "_Places", sinr_db: "_Places", levels: list[float]) -> None:
    """Draw a line for each level, dashed in its own way, named once where it is longest: shadowing makes islands of it."""
    styles = [_CONTOURS_DB[level] for level in levels]
    lines = axes.contour(x_m, y_m, sinr_db, levels=levels, colors="white", linewidths=0.7, linestyles=styles, zorder=2)
    for level, parts in zip(levels, lines.allsegs, strict=True):
        longest = max(parts, key=len)
        x, y = longest[len(longest) // 2]
        name = axes.text(x, y, f"{level:g} dB", fontsize=6, color="white", ha="center", va="center", zorder=5.5)
        name.set_path_effects(_outline(INK))


def _half_step(places_m: "_Places") -> float:
    return float(np.diff(places_m).mean()) / 2 if len(places_m) > 1 else 0.5


def _outline(colour: str) -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=1.4, foreground=colour)]


def _stations(axes: "Axes", stations: "pd.DataFrame", length_m: float) -> None:
    """Put a triangle at each station, wedges of its sectors where it has several, and its name where there are few."""
    from matplotlib.patches import Wedge

    for row in stations.itertuples():
        for sector in range(row.sectors if row.sectors > 1 else 0):
            middle = row.azimuth_deg + 360.0 / row.sectors * sector
            wedge = (row.x_m, row.y_m), length_m, middle - _HALF_BEAM_DEG, middle + _HALF_BEAM_DEG
            axes.add_patch(Wedge(*wedge, facecolor="white", edgecolor=INK, linewidth=0.5, alpha=0.45, zorder=3))
        if len(stations) <= 12:
            name = axes.annotate(row.station, (row.x_m, row.y_m), (0, 5), textcoords="offset points", ha="center", zorder=6)
            name.set(fontsize=6, path_effects=_outline("white"))
    axes.plot(stations["x_m"], stations["y_m"], linestyle="", zorder=5, **_STATION)


_STATION: dict[str, Any] = {
    "marker": "*",
    "markersize": 9.0,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 0.8,
}


def _devices(axes: "Axes", devices: "pd.DataFrame") -> None:
    size = 4.2 if len(devices) <= 150 else 2.6
    for group, marker in _marker_of(devices).items():
        for state, fill in _FILLS.items():
            own = devices[(devices["group"] == group) & (devices["state"] == state)]
            axes.plot(own["x_m"], own["y_m"], **_mark(marker, fill, size), zorder=4)


def _marker_of(devices: "pd.DataFrame") -> dict[str, str]:
    groups = dict.fromkeys(devices.sort_values("device", kind="stable")["group"])
    return {str(group): _MARKERS[i % len(_MARKERS)] for i, group in enumerate(groups)}


def _mark(marker: str, fill: dict[str, str], size: float) -> dict[str, Any]:
    return {"linestyle": "", "marker": marker, "markersize": size, "markeredgecolor": INK, "markeredgewidth": 0.6, **fill}


def _entries(devices: "pd.DataFrame", stations: "pd.DataFrame") -> "dict[str, Artist]":
    from matplotlib.lines import Line2D

    entries: dict[str, Artist] = {}
    if len(stations):
        entries["base station"] = Line2D([], [], linestyle="", **_STATION)
    entries |= {group: Line2D([], [], **_mark(mark, _FILLS[_EVERY], 4.2)) for group, mark in _marker_of(devices).items()}
    met = set(devices["state"])
    return entries | {state: Line2D([], [], **_mark("8", fill, 4.2)) for state, fill in _FILLS.items() if state in met}


def _remarks(devices: "pd.DataFrame", coverage: "pd.DataFrame", material: "Material") -> list[str]:
    told = [] if len(coverage) else ["no coverage is recorded of this network"]
    asked = set(material.frame("clients")["device"])
    if len(devices) and asked - set(material.frame("devices")["device"]):
        told.append(f"of a larger fleet, {_number(len(devices), 'device')}")
    return told


def _number(count: int, name: str) -> str:
    return f"{count_text(count)} {name}{'' if count == 1 else 's'}"


def _caption(material: "Material") -> str:
    devices, stations, coverage = _places(material)
    text = f"The area with {_number(len(stations), 'base station')} and {_number(len(devices), 'device')}"
    if len(coverage):
        text += ", and the downlink SINR at the height of a device, outdoors, with the interference of cells that all send"
    return f"{text}. {capital(first_seed_note(material))}, devices where they were at the start."


def _words(material: "Material") -> str:
    devices, _, coverage = _places(material)
    states = devices["state"].value_counts()
    told = (
        [", ".join(f"{states[state]} {state.partition(': ')[2]}" for state in _FILLS if state in states)]
        if len(devices)
        else []
    )
    sinr_db = coverage["downlink_sinr_db"].replace([np.inf, -np.inf], np.nan).dropna()
    if len(sinr_db):
        low, middle, high = sinr_db.quantile([0.05, 0.5, 0.95])
        told.append(f"over the area the SINR is {middle:.0f} dB in the middle, {low:.0f} dB or less in a twentieth, and "
                    f"{high:.0f} dB or more in another")  # fmt: skip
    return f"Map. {_caption(material)} Devices: {'; '.join(told)}." if told else f"Map. {_caption(material)}"


def _lacks(material: "Material") -> str:
    devices, stations, _ = _places(material)
    if len(devices) or len(stations):
        return ""
    return "no places of devices or stations are recorded, as where rates come from traces"


KINDS = (FigureKind(name="area_map", scope="variant", draw=area_map, caption=_caption, words=_words, lacks=_lacks),)
