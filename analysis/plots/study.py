"""All figures of a run, variant by variant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.findings import account_note, seeds_note
from analysis.formats import percent_text
from analysis.frames import by_label, cumulative, with_diagnostic
from analysis.plots.curves import accuracy_energy, accuracy_time, accuracy_uplink
from analysis.plots.overview import overview
from analysis.plots.style import Look, save

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mecsim.results.reader import Run

#: The figures, in the order in which a reader meets them.
KINDS = ("overview", "accuracy_time", "accuracy_energy", "accuracy_uplink")


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure on disk: ``plots/<name>.svg`` and the like."""

    kind: str
    name: str
    variant: str


def save_plots(run: "Run", folder: Path) -> list[Plot]:
    """Draw every figure of the run into ``folder``; return them variant by variant."""
    folder.mkdir(exist_ok=True)
    plots = []
    for plot, figure in _figures(run):
        save(figure, folder, plot.name)
        plots.append(plot)
    return plots


def _figures(run: "Run") -> "Iterator[tuple[Plot, Figure]]":
    series, labels, recorded = cumulative(run.frame("rounds")), by_label(run.frame("summary")), run.frame("diagnostics")
    quality = quality_of(labels, recorded)
    if quality != "accuracy":
        series = with_diagnostic(series, recorded, quality)
    variants = list(dict.fromkeys(labels["variant"]))
    for number, variant in enumerate(variants):
        suffix = f"-{number + 1}-{_slug(variant)}" if len(variants) > 1 else ""
        rows, names = series[series["variant"] == variant], labels[labels["variant"] == variant]
        look = look_of(labels, variant if len(variants) > 1 else "", quality)
        drawn = {
            "overview": overview(rows, names, look),
            "accuracy_time": accuracy_time(rows, look),
            "accuracy_energy": accuracy_energy(rows, look),
            "accuracy_uplink": accuracy_uplink(rows, look),
        }
        for kind in KINDS:
            yield Plot(kind, kind + suffix, variant), drawn[kind]


def quality_of(labels: "pd.DataFrame", diagnostics: "pd.DataFrame") -> str:
    """Return what curves are of: bits a byte where every label has them, as there the share of tokens guessed says little."""
    told = set(diagnostics.loc[diagnostics["name"] == "bits_per_byte", "label"])
    return "bits_per_byte" if told >= set(labels["label"]) else "accuracy"


def look_of(labels: "pd.DataFrame", variant: str = "", quality: str = "accuracy") -> Look:
    """Return the look that all figures of a study share, from ``by_label``'s frame; ``variant`` is named in the note."""
    target = labels["target_accuracy"].iloc[0]
    target = None if target is None or target != target else float(target)
    line = "" if target is None else f"dashed line: target accuracy of {percent_text(target)}"
    notes = (seeds_note(labels["n"].tolist()), account_note(labels), line)
    text = ". ".join([*filter(None, [variant]), *(f"{note[0].upper()}{note[1:]}" for note in notes if note)])
    return Look(labels=tuple(dict.fromkeys(labels["label"])), note=f"{text}.", target_accuracy=target, quality=quality)


def _slug(variant: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", variant).strip("-.").lower()[:60] or "variant"
