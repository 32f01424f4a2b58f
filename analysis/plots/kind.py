"""What a figure is to everyone who draws, lists or describes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.material import Material
    from analysis.plots.style import Look


def _nothing(material: "Material") -> str:
    return ""


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A kind of figure: its name (of the file, and for ``--figure``), and how to draw and describe it.

    ``scope`` says what it is drawn from: the "study" as a whole, or one "variant" of it. ``caption`` says what the figure
    shows and of how many replications; ``words`` says it to those who cannot see it, with the numbers; ``lacks`` says why it
    cannot be drawn of this material, and "" where it can.
    """

    name: str
    scope: Literal["study", "variant"]
    draw: "Callable[[Material, Look], Figure]"
    caption: "Callable[[Material], str]"
    words: "Callable[[Material], str]"
    lacks: "Callable[[Material], str]" = _nothing
    wide: bool = False
