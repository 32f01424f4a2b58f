"""What evaluations recorded beside accuracy and loss, and what the accuracy is worth to each group of devices."""

from typing import TYPE_CHECKING, Any

from analysis.fairness import accuracy_by_group, accuracy_spread
from analysis.formats import percent_text, significant
from analysis.plots.kind import FigureKind
from analysis.plots.panels import CYAN, GREEN, INK, OLIVE, PURPLE, WINE, is_narrow, name_rows, panel_grid
from analysis.plots.recorded import DEPLOYED, PARTS, Panel, panels
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure, wrapped
from analysis.plots.words import replications

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

#: Panels that fit on a page, and in a column.
_N_PANELS, _N_NARROW = 12, 5
_PANEL_IN = 1.75
#: How each part of a scheme is drawn, in none of the schemes' colours.
_PART_STYLES: dict[str, dict[str, Any]] = {
    DEPLOYED: {"color": INK, "linestyle": "-", "marker": "o"},
    PARTS["emulator"]: {"color": WINE, "linestyle": (0, (5, 1.5)), "marker": "s"},
    PARTS["proxy"]: {"color": WINE, "linestyle": (0, (5, 1.5)), "marker": "^"},
    PARTS["large"]: {"color": GREEN, "linestyle": (0, (4, 1, 1, 1)), "marker": "D"},
    PARTS["small"]: {"color": PURPLE, "linestyle": (0, (1.2, 1.2)), "marker": "v"},
    PARTS["mixture"]: {"color": OLIVE, "linestyle": (0, (7, 1.2, 1, 1.2, 1, 1.2)), "marker": "P"},
    PARTS["alpha_1"]: {"color": CYAN, "linestyle": (0, (2.2, 1.3)), "marker": "X"},
}


def diagnostics(material: "Material", look: Look) -> "Figure":
    """Draw the parts of each scheme in a panel of its own, and the other diagnostics in one each, over the rounds."""
    found = panels(material)
    n_most = _N_NARROW if is_narrow(look.width_in) else _N_PANELS
    if len(found) > n_most:
        look = look.saying(f"not drawn, as the page ends: {', '.join(panel.title for panel in found[n_most:])}")
    styles = _label_styles(look)
    shown = found[:n_most]
    with house_style(look.font):
        entries = _entries(shown, styles)
        n_rows, n_columns = panel_grid(len(shown), look.width_in, 3)
        figure = new_figure(look.width_in, n_rows * _PANEL_IN + below_in(look, look.width_in, list(entries)))
        for number, panel in enumerate(shown):
            _draw(figure.add_subplot(n_rows, n_columns, number + 1), panel, styles if panel.by == "label" else _PART_STYLES)
        finish_with(figure, look, entries)
    return figure


def _label_styles(look: Look) -> dict[str, dict[str, Any]]:
    return {
        label: {"color": style.colour, "linestyle": style.line, "marker": style.marker}
        for label, style in look.styles().items()
    }


def _entries(shown: list[Panel], styles: "Mapping[str, dict[str, Any]]") -> "dict[str, Artist]":
    """Return the legend: parts first, then the schemes that have a curve."""
    from matplotlib.lines import Line2D

    met = {(panel.by, name) for panel in shown for name in panel.curves}
    parts = {name: style for name, style in _PART_STYLES.items() if ("part", name) in met}
    labels = {name: style for name, style in styles.items() if ("label", name) in met}
    return {
        name: Line2D([], [], markeredgecolor="white", markeredgewidth=0.4, **style) for name, style in (parts | labels).items()
    }


def _draw(axes: "Axes", panel: Panel, styles: "Mapping[str, dict[str, Any]]") -> None:
    from matplotlib.ticker import MaxNLocator

    for number, (name, points) in enumerate(panel.curves.items()):
        step = max(1, len(points) // 5)
        axes.plot(
            points["x"], points["value"], markevery=(number % step, step), markeredgecolor="white", markeredgewidth=0.4,
            **styles[name],
        )  # fmt: skip
        if points["half"].notna().any():
            low, high = points["value"] - points["half"], points["value"] + points["half"]
            axes.fill_between(points["x"], low, high, color=styles[name]["color"], alpha=0.16, linewidth=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(wrapped(panel.title, 36), fontsize=7)
    axes.set_xlabel("Rounds (or merges)")
    axes.set_ylabel(panel.axis)
    axes.margins(x=0.03)


def _caption(material: "Material") -> str:
    parts = any(panel.by == "part" for panel in panels(material))
    text = "What each evaluation recorded beside accuracy and loss, over the rounds"
    if parts:
        text += ": of schemes that train in another model than they deploy, both, and then one panel a number"
    return f"{text}. {replications(material)}"


def _words(material: "Material") -> str:
    texts = []
    for panel in panels(material):
        ends = [
            f"{name} {significant(float(points['value'].iloc[0]))} to {significant(float(points['value'].iloc[-1]))}"
            for name, points in panel.curves.items()
            if len(points)
        ]
        texts.append(f"{panel.title}, {panel.axis}, first to last evaluation: {', '.join(ends)}")
    return f"Line charts. {_caption(material)} {'. '.join(texts)}."


def _lacks(material: "Material") -> str:
    return "" if panels(material) else "its schemes record nothing beside accuracy and loss"


def groups(material: "Material", look: Look) -> "Figure":
    """Draw the accuracy of each group's own mix of classes at the end, a mark a scheme."""
    frame = accuracy_by_group(material.frame("groups"))
    names = list(dict.fromkeys(frame["group"]))
    labels = [str(label) for label in dict.fromkeys(frame["label"])]
    styles = _label_styles(look)
    with house_style(look.font):
        row_in = max(0.24, 0.085 * len(labels) + 0.08)
        figure = new_figure(look.width_in, 0.55 + row_in * len(names) + below_in(look, look.width_in, labels))
        axes = figure.add_subplot()
        entries: dict[str, Artist] = {}
        for number, label in enumerate(labels):
            own = frame[frame["label"] == label]
            shift = 0.76 * ((number + 0.5) / len(labels) - 0.5)
            rows = [names.index(group) + shift for group in own["group"]]
            error = (100 * own["half"]).fillna(0.0) if own["half"].notna().any() else None
            style = {key: value for key, value in styles[label].items() if key != "linestyle"}
            marks = axes.errorbar(
                100 * own["accuracy"], rows, xerr=error, linestyle="", elinewidth=0.8, markeredgecolor="white",
                markeredgewidth=0.4, markersize=4.2, **style,
            )  # fmt: skip
            entries[label] = marks.lines[0]
        name_rows(axes, [_row_name(frame, group) for group in names])
        edges = [row + 0.5 for row in range(len(names) - 1)]
        axes.hlines(edges, 0, 1, transform=axes.get_yaxis_transform(), color="#bbbbbb", linewidth=0.5)
        axes.set_xlabel("Accuracy on own mix of classes (%)")
        finish_with(figure, look, entries)
    return figure


def _row_name(frame: "Any", group: str) -> str:
    n_devices = frame.loc[frame["group"] == group, "n_devices"].iloc[0]
    return f"{group} ({n_devices:.0f}\N{NO-BREAK SPACE}device{'' if n_devices == 1 else 's'})"


def _groups_caption(material: "Material") -> str:
    text = (
        "Accuracy at the end of what each scheme would deploy, weighted to the mix of classes that each group of devices holds"
    )
    return f"{text}. {replications(material)}"


def _groups_words(material: "Material") -> str:
    frame, spread = accuracy_by_group(material.frame("groups")), accuracy_spread(material.frame("groups"))
    texts = []
    for row in spread.itertuples():
        own = frame[frame["label"] == row.label].itertuples()
        each = ", ".join(f"{group.group} {percent_text(group.accuracy, group.half)}" for group in own)
        texts.append(f"{row.label}: {each}, {100 * row.spread:.1f} points between the best and the worst")
    return f"Marks in rows, a row a group of devices. {_groups_caption(material)} {'; '.join(texts)}."


def _groups_lacks(material: "Material") -> str:
    if len(material.frame("groups")):
        return ""
    return "no accuracy by group is recorded, as where samples have no classes or nothing is trained"


KINDS = (
    FigureKind(
        name="diagnostics", scope="variant", draw=diagnostics, caption=_caption, words=_words, lacks=_lacks, wide=True
    ),
    FigureKind(
        name="groups", scope="variant", draw=groups, caption=_groups_caption, words=_groups_words, lacks=_groups_lacks
    ),
)  # fmt: skip
