"""The register of figures: each by its name, in the order in which a reader meets them."""

from collections.abc import Mapping
from types import MappingProxyType

from analysis.plots import (
    area,
    curves,
    decisions,
    diagnostics,
    energy,
    foretold,
    fronts,
    heat_kinds,
    objective,
    overview,
    participation,
    payloads,
    sweep_kinds,
    targets,
    timeline,
    training,
)
from analysis.plots.kind import FigureKind

_KINDS: tuple[FigureKind, ...] = (
    *overview.KINDS,
    *sweep_kinds.KINDS,
    *heat_kinds.KINDS,
    *curves.KINDS,
    *fronts.KINDS,
    *targets.KINDS,
    *objective.KINDS,
    *decisions.KINDS,
    *foretold.KINDS,
    *training.KINDS,
    *timeline.KINDS,
    *energy.KINDS,
    *payloads.KINDS,
    *participation.KINDS,
    *area.KINDS,
    *diagnostics.KINDS,
)

#: Name -> figure.
FIGURES: Mapping[str, FigureKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
