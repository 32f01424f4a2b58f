"""Which figures there are of a run, in a line each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.material import Material
from analysis.plots.figures import FIGURES

if TYPE_CHECKING:
    from mecsim.results.reader import Run


@dataclass(frozen=True, slots=True)
class Entry:
    """A figure by its name: ``line`` says what it shows, or why it cannot be drawn of this run.

    ``needs_variant`` tells that it is of one variant, and this study has several.
    """

    name: str
    line: str
    can_be_drawn: bool
    needs_variant: bool


def menu(run: "Run") -> list[Entry]:
    """Return all figures in reading order, those of one variant as they are for the first one."""
    whole = Material(run)
    first = whole.of(whole.variants[0])
    entries = []
    for kind in FIGURES.values():
        material = whole if kind.scope == "study" else first
        lacks = kind.lacks(material)
        line = lacks or kind.caption(material).partition(". ")[0].rstrip(".")
        entries.append(Entry(kind.name, line, not lacks, needs_variant=kind.scope == "variant" and whole.is_swept))
    return entries
