"""The figures of the page: where each stands, inlined, told in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from analysis.plots.figures import FIGURES
from analysis.report.inline import inline_svg

if TYPE_CHECKING:
    from analysis.material import Material
    from analysis.plots.study import Plot

#: Figure -> the section that it belongs to; all others stand among the main ones.
_SECTIONS = {
    "area_map": "asked",
    "timeline": "devices",
    "participation": "devices",
    "groups": "fairness",
    "pareto_time": "tradeoffs",
    "pareto_energy": "tradeoffs",
    "pareto_uplink": "tradeoffs",
    "pareto_bytes": "tradeoffs",
    "time_to_target": "target",
    "costs_to_target": "target",
    "objective_by_scheme": "control",
    "objective_paired": "control",
    "decisions": "control",
    "surrogate_fit": "control",
    "surrogate_residuals": "control",
    "policy_training": "control",
    "energy_parts": "spent",
    "bytes_parts": "spent",
    "diagnostics": "inside",
}
#: The sections that have figures; "folded" are those of single variants of a sweep.
PLACES = ("main", "folded", "tradeoffs", "target", "control", "devices", "fairness", "spent", "inside", "asked")


@dataclass(frozen=True, slots=True)
class InlineFigure:
    """A figure in the page; ``wide`` ones scroll in their own box on a phone. ``name`` is that of its files."""

    svg: Markup
    name: str
    caption: str
    wide: bool


def inline_figures(whole: "Material", plots: "Sequence[Plot]", folder: Path) -> dict[str, list[InlineFigure]]:
    """Return the figures by the place in the page where they stand, each of ``PLACES``, in the order of ``plots``."""
    places: dict[str, list[InlineFigure]] = {place: [] for place in PLACES}
    of = {variant: whole.of(variant) for variant in whole.variants}
    for number, plot in enumerate(plots):
        kind = FIGURES[plot.kind]
        of_variant = whole.is_swept and kind.scope == "variant"
        material = of[plot.variant] if kind.scope == "variant" else whole
        where = f"{plot.variant}: " if of_variant else ""
        text = (folder / f"{plot.name}.svg").read_text(encoding="utf-8")
        svg = inline_svg(text, prefix=f"figure{number + 1}", words=where + kind.words(material))
        place = "folded" if of_variant else _SECTIONS.get(plot.kind, "main")
        places[place].append(InlineFigure(svg, plot.name, where + kind.caption(material), kind.wide))
    return places
