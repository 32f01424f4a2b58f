"""What a surrogate of quality foretold against what came: point by point, and by round."""

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.foretold import SOURCES, errors, residuals_by_round
from analysis.formats import count_text
from analysis.plots.kind import FigureKind
from analysis.plots.panels import INDIGO, INK, ROSE, TEAL, panel_grid
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from analysis.material import Material

_STYLES: dict[str, dict[str, Any]] = {
    "fit": {"color": TEAL, "marker": "o", "linestyle": (0, (1.2, 1.2))},
    "held-out": {"color": INDIGO, "marker": "^", "linestyle": (0, (5, 1.5))},
    "run": {"color": ROSE, "marker": "s", "linestyle": "-"},
}
_PANEL_IN = 2.2
#: More points than this of a source would be one blot, and a large file: those drawn are spread evenly over them.
_N_POINTS = 500


def _met(material: "Material") -> list[str]:
    known = set(material.frame("surrogate")["source"])
    return [source for source in SOURCES if source in known]


def without_seeds(look: Look, *notes: str) -> Look:
    """Return a look whose note says nothing of seeds: these are trials of several studies."""
    return Look(labels=look.labels, size=look.size, font=look.font).saying(*notes)


def surrogate_fit(material: "Material", look: Look) -> "Figure":
    """Draw the accuracy foretold after each round against the observed one, a panel a source."""
    points, met = material.frame("surrogate"), _met(material)
    of_source = {source: points[points["source"] == source] for source in met}
    many = max(len(own) for own in of_source.values()) > _N_POINTS
    look = without_seeds(look, f"of more than {_N_POINTS} points of a panel, as many are drawn, spread evenly" if many else "")
    low = 100 * float(min(points["predicted"].min(), points["observed"].min()))
    high = 100 * float(max(points["predicted"].max(), points["observed"].max()))
    ends = (low - 0.04 * (high - low) - 1e-6, high + 0.04 * (high - low) + 1e-6)
    with house_style(look.font):
        n_rows, n_columns = panel_grid(len(met), look.width_in, 3)
        names = _legend(met, errors(points))
        figure = new_figure(look.width_in, n_rows * _PANEL_IN + below_in(look, look.width_in, [*names.values(), "foretold"]))
        entries: dict[str, Artist] = {}
        for number, source in enumerate(met):
            axes = figure.add_subplot(n_rows, n_columns, number + 1)
            (diagonal,) = axes.plot(ends, ends, color=INK, linewidth=0.7, linestyle="-")
            own = _thinned(of_source[source])
            style = _STYLES[source] | {"linestyle": ""}
            (marks,) = axes.plot(100 * own["observed"], 100 * own["predicted"], markersize=2.2, alpha=0.5, **style)
            axes.set(xlim=ends, ylim=ends, aspect="equal", xlabel="Observed accuracy (%)")
            axes.set_title(wrapped(SOURCES[source].removeprefix("the "), 30), fontsize=7)
            axes.set_ylabel("Foretold accuracy (%)" if number % n_columns == 0 else "")
            entries[names[source]] = marks
        finish_with(figure, look, {**entries, "foretold as observed": diagonal})
    return figure


def _thinned(own: "pd.DataFrame") -> "pd.DataFrame":
    return own if len(own) <= _N_POINTS else own.iloc[np.linspace(0, len(own) - 1, _N_POINTS).round().astype(int)]


def _legend(met: list[str], found: "pd.DataFrame") -> dict[str, str]:
    """Return each source with its errors: those of the surrogate that is farthest off, where there are several."""
    whole = found[found["trial"] == ""]
    names = {}
    for source in met:
        worst = whole[whole["source"] == source].sort_values("rmse").iloc[-1]
        names[source] = f"{source}: RMSE {100 * worst['rmse']:.1f} points"
    return names


def _fit_caption(material: "Material") -> str:
    sources = ", ".join(f"{source} ({SOURCES[source]})" for source in _met(material))
    return f"Accuracy after each round as the surrogate of quality foretells it, against the observed one: {sources}."


def _fit_words(material: "Material") -> str:
    found = errors(material.frame("surrogate"))
    texts = [
        f"{row.source} root mean square error {100 * row.rmse:.1f} points, bias {100 * row.bias:+.1f} points, "
        f"{count_text(row.n)} rounds"
        for row in found[found["trial"] == ""].itertuples()
    ]
    return f"Scatter charts, a panel a source. {_fit_caption(material)} {'; '.join(texts)}."


def surrogate_residuals(material: "Material", look: Look) -> "Figure":
    """Draw foretold less observed accuracy by round: medians with the band between the quartiles, by source."""
    from matplotlib.ticker import MaxNLocator

    found, met = residuals_by_round(material.frame("surrogate")), _met(material)
    look = without_seeds(look, "band: from the lower to the upper quartile")
    with house_style(look.font):
        figure = new_figure(look.width_in, _PANEL_IN + below_in(look, look.width_in, met))
        axes = figure.add_subplot()
        axes.axhline(0.0, color=INK, linewidth=0.8)
        entries: dict[str, Artist] = {}
        for number, source in enumerate(met):
            own = found[found["source"] == source]
            step = max(1, len(own) // 6)
            (entries[source],) = axes.plot(
                own["round"], 100 * own["median"], markevery=(number % step, step), markeredgecolor="white",
                markeredgewidth=0.4, **_STYLES[source],
            )  # fmt: skip
            colour = _STYLES[source]["color"]
            axes.fill_between(own["round"], 100 * own["low"], 100 * own["high"], color=colour, alpha=0.16, linewidth=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.margins(x=0.03)
        axes.set_xlabel("Rounds")
        axes.set_ylabel("Foretold less observed (points)")
        finish_with(figure, look, entries)
    return figure


def _residuals_caption(material: "Material") -> str:
    sources = ", ".join(f"{source} ({SOURCES[source]})" for source in _met(material))
    return f"Foretold less observed accuracy by round, the median and the quartiles over trials: {sources}."


def _residuals_words(material: "Material") -> str:
    found, texts = residuals_by_round(material.frame("surrogate")), []
    for source in _met(material):
        own = found[found["source"] == source]
        ends = [f"{100 * row.median:+.1f} points in round {row.round}" for row in own.iloc[[0, -1]].itertuples()]
        texts.append(f"{source}: median {' and '.join(dict.fromkeys(ends))}")
    return f"Line chart, a line a source. {_residuals_caption(material)} {'; '.join(texts)}."


def _lacks_surrogate(material: "Material") -> str:
    return "" if len(material.frame("surrogate")) else "no policy of the study brings a surrogate of quality"


KINDS = (
    FigureKind(
        name="surrogate_fit", scope="study", draw=surrogate_fit, caption=_fit_caption, words=_fit_words,
        lacks=_lacks_surrogate, wide=True,
    ),
    FigureKind(
        name="surrogate_residuals", scope="study", draw=surrogate_residuals, caption=_residuals_caption,
        words=_residuals_words, lacks=_lacks_surrogate,
    ),
)  # fmt: skip
