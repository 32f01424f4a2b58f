"""All figures of a run: which are drawn, and one by its name."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.findings import account_note, seeds_note
from analysis.material import Material
from analysis.plots.figures import FIGURES
from analysis.plots.kind import FigureKind
from analysis.plots.style import FONTS, SIZES, Font, Look, Size, lay_out, save
from mecsim.errors import MecsimError, UnknownNameError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mecsim.results.reader import Run

#: Sweeps of at most so many variants get the overview of each, wider ones those at the ends of each axis.
N_OVERVIEWS = 12
_OVERVIEW = "overview"


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure on disk, ``plots/<name>.svg`` and the like; ``variant`` is "" for one of the whole study."""

    kind: str
    name: str
    variant: str


def save_plots(run: "Run", folder: Path) -> list[Plot]:
    """Draw the figures of the run that can be drawn into ``folder``; return them in reading order.

    All of scope "study"; of scope "variant" all where there is one variant, and else the overview of each (of more than
    ``N_OVERVIEWS``, of those at the ends of each axis alone).
    """
    folder.mkdir(exist_ok=True)
    whole = Material(run)
    plots = []
    for plot, material in _chosen(whole):
        kind = FIGURES[plot.kind]
        if kind.lacks(material):
            continue
        save(_drawn(kind, whole, material, _size_of(kind), "sans"), folder, plot.name)
        plots.append(plot)
    return plots


def draw(run: "Run", name: str, variant: str | None = None, size: Size | None = None, font: Font = "sans") -> "Figure":
    """Return the figure ``name`` of ``FIGURES``, laid out and ready to be saved.

    ``variant`` is needed for a figure of scope "variant" where the study has several; ``size`` is the figure's own unless
    given. UnknownNameError for a name that is none; MecsimError if this run lacks what the figure shows.
    """
    _check("figure", name, FIGURES)
    _check("font", font, FONTS)
    if size is not None:
        _check("size", size, SIZES)
    kind, whole = FIGURES[name], Material(run)
    material = _material(kind, whole, variant)
    if lacks := kind.lacks(material):
        raise MecsimError(f"the figure {name} cannot be drawn of {run.folder}: {lacks}.")
    return _drawn(kind, whole, material, size or _size_of(kind), font)


def look_of(whole: Material, variant: str | None = None, size: Size = "column", font: Font = "sans") -> Look:
    """Return the look that all figures of a study share; the note names ``variant`` where there are several."""
    labels = whole.labels
    target = labels["target_accuracy"].iloc[0]
    look = Look(
        labels=tuple(dict.fromkeys(labels["label"])),
        target_accuracy=None if target is None or target != target else float(target),
        quality=whole.quality,
        size=size,
        font=font,
    )
    # A variant's name stands as it is written, with no capital made of its first letter.
    named = f"{variant}." if variant and whole.is_swept else ""
    return replace(look, note=named).saying(seeds_note(labels["n"].tolist()), account_note(labels))


def _drawn(kind: FigureKind, whole: Material, material: Material, size: Size, font: Font) -> "Figure":
    figure = kind.draw(material, look_of(whole, material.variant, size, font))
    lay_out(figure, font)
    return figure


def _size_of(kind: FigureKind) -> Size:
    return "page" if kind.wide else "column"


def _material(kind: FigureKind, whole: Material, variant: str | None) -> Material:
    """Return what ``kind`` is drawn from; MecsimError if ``variant`` is missing, unknown, or of no use."""
    if kind.scope == "study":
        if variant:
            raise MecsimError(f"the figure {kind.name} is of the whole study, not of one variant: leave the variant out.")
        return whole
    if variant is None:
        if whole.is_swept:
            some = "; ".join(whole.variants[:6]) + ("; ..." if len(whole.variants) > 6 else "")
            raise MecsimError(f"the figure {kind.name} is of one variant, and this study has several: choose one ({some}).")
        variant = whole.variants[0]
    _check("variant", variant, whole.variants)
    return whole.of(variant)


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise UnknownNameError(what, name, known)


def _chosen(whole: Material) -> Iterator[tuple[Plot, Material]]:
    """Return which figures are drawn, each with its material: of a sweep, those of the whole study first."""
    for kind in sorted(FIGURES.values(), key=lambda kind: whole.is_swept and kind.scope == "variant"):
        if kind.scope == "study":
            yield Plot(kind.name, kind.name, ""), whole
        elif not whole.is_swept:
            yield Plot(kind.name, kind.name, whole.variants[0]), whole.of(whole.variants[0])
        elif kind.name == _OVERVIEW:
            for number, variant in enumerate(whole.variants):
                if variant in _shown(whole):
                    yield Plot(kind.name, f"{kind.name}-{number + 1}-{_slug(variant)}", variant), whole.of(variant)


def _shown(whole: Material) -> set[str]:
    """Return the variants whose overview is drawn: all, or of many those at the first and last point of every axis."""
    if len(whole.variants) <= N_OVERVIEWS:
        return set(whole.variants)
    rows = whole.frame("variants")
    last = rows.groupby("axis")["position"].transform("max")
    at_end = rows.assign(at_end=(rows["position"] == 0) | (rows["position"] == last)).groupby("variant")["at_end"].all()
    return set(at_end.index[at_end])


def _slug(variant: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", variant).strip("-.").lower()[:60] or "variant"
