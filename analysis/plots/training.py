"""How a policy was trained: its return against the steps."""

from typing import TYPE_CHECKING

from analysis.formats import count_text
from analysis.plots.foretold import without_seeds
from analysis.plots.kind import FigureKind
from analysis.plots.panels import INDIGO, TEAL, panel_grid
from analysis.plots.style import Look, below_in, finish_with, house_style, new_figure, wrapped
from analysis.plots.words import capital

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.material import Material

_PANEL_IN = 2.2


def policy_training(material: "Material", look: Look) -> "Figure":
    """Draw the returns of a policy's training against the steps: those of training episodes, and in fixed worlds."""
    curves = material.frame("training")
    labels = [str(label) for label in dict.fromkeys(curves["label"])]
    look = without_seeds(look, "a return is minus the objective", "band: standard deviation over the episodes")
    names = ("training episodes", "evaluation in fixed worlds")
    with house_style(look.font):
        n_rows, n_columns = panel_grid(len(labels), look.width_in, 3)
        figure = new_figure(look.width_in, n_rows * _PANEL_IN + below_in(look, look.width_in, names))
        for number, label in enumerate(labels):
            axes = figure.add_subplot(n_rows, n_columns, number + 1)
            lines = _course(axes, curves[curves["label"] == label])
            axes.set_title(wrapped(label, 36), fontsize=7)
        finish_with(figure, look, dict(zip(names, lines, strict=True)))
    return figure


def _course(axes: "Axes", own: "pd.DataFrame") -> "list[Artist]":
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    steps, told = own["steps"].to_numpy(), own.dropna(subset=["mean_return"])
    (training,) = axes.plot(told["steps"], told["mean_return"], color=TEAL, linewidth=0.9)
    spread = told["std_return"].fillna(0.0)
    low, high = told["mean_return"] - spread, told["mean_return"] + spread
    axes.fill_between(told["steps"], low, high, color=TEAL, alpha=0.18, linewidth=0)
    every = max(1, len(own) // 8)
    (evaluation,) = axes.plot(
        steps, own["evaluation_return"], color=INDIGO, marker="D", markevery=every, markeredgecolor="white",
        markeredgewidth=0.4,
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.margins(x=0.02)
    axes.set_xlabel("Steps of the environment (rounds)")
    axes.set_ylabel("Return")
    return [training, evaluation]


def _caption(material: "Material") -> str:
    return "Return of a policy in its training against the steps that it was trained for, and in worlds that stay the same."


def _words(material: "Material") -> str:
    texts = []
    for label, own in material.frame("training").groupby("label", sort=False):
        best = own.loc[own["evaluation_return"].idxmax()]
        ends = [f"{row.evaluation_return:.3g} after {count_text(row.steps)} steps" for row in own.iloc[[0, -1]].itertuples()]
        top = f"the best {best['evaluation_return']:.3g} after {count_text(best['steps'])}"
        texts.append(f"{capital(str(label))}: in fixed worlds {' and '.join(dict.fromkeys(ends))}, {top}")
    return f"Line charts. {_caption(material)} {'. '.join(texts)}."


def _lacks(material: "Material") -> str:
    return "" if len(material.frame("training")) else "no policy of the study brings the course of its training"


KINDS = (FigureKind(name="policy_training", scope="study", draw=policy_training, caption=_caption, words=_words, lacks=_lacks),)
