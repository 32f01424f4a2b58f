"""Sentences that the captions and words of several figures share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.findings import seeds_note
from analysis.formats import NOTHING, percent_text, significant
from analysis.plots.ends import means, trials
from analysis.plots.style import WITH_INTERVAL

if TYPE_CHECKING:
    from analysis.material import Material
    from analysis.plots.costs import Cost


def capital(text: str) -> str:
    """Return ``text`` with its first letter as a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def replications(material: "Material", *, has_intervals: bool = True) -> str:
    """Return the sentence on seeds: "One seed, so no interval is given." or what a band means, where there are bands."""
    note = seeds_note(material.labels["n"].tolist())
    return f"{capital(note if has_intervals else note.replace(WITH_INTERVAL, ''))}."


def quality_name(material: "Material") -> str:
    """Return what curves are of, as a caption begins."""
    return "Accuracy" if material.quality == "accuracy" else "Bits a byte (fewer are better)"


def quality_text(material: "Material", value: float, half: float | None = None) -> str:
    """Return an accuracy as a percentage, bits a byte as a number."""
    if material.quality == "accuracy":
        return percent_text(value, half)
    if value != value:
        return NOTHING
    return f"{significant(value)} bits a byte" if half is None or half != half else f"{value:.3f} ± {half:.3f} bits a byte"


def at_the_end(material: "Material", costs: "Sequence[Cost]") -> str:
    """Return where each scheme ends: "At the end: full 91.2 % after 3 h 2 min and 4.20 kJ; ..."."""
    ends = means(trials(material), ["quality", *(cost.total for cost in costs)])
    texts = []
    for row in ends.to_dict("records"):
        spent = " and ".join(cost.text(row[cost.total], None) for cost in costs)
        reached = quality_text(material, row["quality"], row["quality_half"])
        texts.append(f"{row['label']} {reached}{f' after {spent}' if spent else ''}")
    return f"At the end: {'; '.join(texts)}."
