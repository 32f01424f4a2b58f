"""What a sweep says as a whole: who is best at which points of its first axis, and where that changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.findings import Finding, join, quality_measure
from analysis.formats import duration_text, percent_text
from analysis.measures import measure_of, with_measures
from analysis.paired import best
from analysis.sweep import Axis, along, axes

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

#: More combinations of the other axes than this are left to the table.
_N_FACETS = 6
#: More than this that are not told apart are not all named.
_NAMED = 4
#: About -> the measure that it is decided by, and how its sentence begins.
_ASKED = {
    "accuracy": ("final_accuracy", "The highest accuracy at the end"),
    "target": ("time_to_target_s", "The fastest to the target accuracy"),
    "objective": ("objective", "The lowest objective"),
    "time": ("sim_time_s", "The first at the end of its rounds"),
    "energy": ("device_energy_j", "The least device energy"),
    "uplink": ("uplink_bytes", "The least uplink"),
}


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Neighbouring points of an axis with the same best: the first and last, who, and the values of the one in front."""

    points: list[str]
    who: tuple[str, ...]
    values: list[float]


def winners(material: "Material") -> "Mapping[str, pd.DataFrame]":
    """Return ``paired.best``'s frame of each measure that has a winner anywhere, by what it is about."""
    frame = with_measures(material.frame("summary"), material.frame("diagnostics"))
    found = {about: best(frame, measure_asked(material, about)) for about in _ASKED}
    return {about: rows for about, rows in found.items() if (rows["winner"] != "").any()}


def measure_asked(material: "Material", about: str) -> str:
    """Return the measure that decides what a finding is ``about``."""
    return quality_measure(material) if about == "accuracy" else _ASKED[about][0]


def sweep_findings(material: "Material") -> list[Finding]:
    """Return a finding on each measure and on who is left out; none where the axes are not recorded.

    "A or B" are those whom the same worlds do not tell apart at these points; with one seed the first one stands alone.
    """
    variants = material.frame("variants")
    found = axes(variants)
    if not found:
        return []
    told = [
        Finding(about, f"{_opening(material, about)}{text}{_from_the_start(material, rows) if about == 'target' else ''}.")
        for about, rows in winners(material).items()
        if (text := _where(along(rows, variants, found[0].name), found[0], material, about))
    ]
    moved = _moved(material, found[0]) if len(found) == 1 and found[0].is_numeric else ""
    return [*told, *([Finding("time", moved)] if moved else []), *_left_out(material.labels)]


def _opening(material: "Material", about: str) -> str:
    if about == "accuracy" and material.quality != "accuracy":
        return "The fewest bits a byte"
    if about == "target":
        return f"{_ASKED[about][1]} of {percent_text(float(material.labels['target_accuracy'].dropna().iloc[0]))}"
    return _ASKED[about][1]


def _from_the_start(material: "Material", rows: "pd.DataFrame") -> str:
    """Return who is the fastest to the target before a device has sent anything."""
    uplink = material.labels.set_index(["variant", "label"])["uplink_bytes_to_target"]
    names = list(dict.fromkeys(row.winner for row in rows.itertuples() if row.winner and uplink[row.variant, row.winner] == 0))
    return f". For {join(names)} the server's preparation alone is enough" if names else ""


def _where(rows: "pd.DataFrame", axis: Axis, material: "Material", about: str) -> str:
    """Return ", by Bandwidth (MHz): full from 2 to 20 (...), lora at 100 (...)", facet by facet where they differ."""
    text = measure_of(measure_asked(material, about)).text
    facets = {str(name): list(_stretches(group)) for name, group in rows.groupby("facet", sort=False)}
    if len(facets) > _N_FACETS:
        who = list(dict.fromkeys(name for stretches in facets.values() for stretch in stretches for name in stretch.who))
        return f": {_or(who)}, depending on the variant (see the table)" if len(who) > 1 else f": {_or(who)} in every variant"
    if len({tuple((*stretch.points, *stretch.who) for stretch in stretches) for stretches in facets.values()}) == 1:
        return f", by {axis.title}: {_told(_merged(list(facets.values())), axis, text)}"
    each = [f"{name.replace(': ', ' ')}: {_told(stretches, axis, text)}" for name, stretches in facets.items()]
    return f", by {axis.title}. {'. '.join(each)}"


def _merged(facets: Sequence[Sequence[_Stretch]]) -> list[_Stretch]:
    """Return the stretches that all facets share, each with the values of all of them, from the smallest to the largest."""
    return [
        _Stretch(first.points, first.who, sorted(value for stretches in facets for value in stretches[place].values))
        if len(facets) > 1
        else first
        for place, first in enumerate(facets[0])
    ]


def _stretches(rows: "pd.DataFrame") -> Iterator[_Stretch]:
    """Yield the stretches of one facet, along the axis."""
    current: _Stretch | None = None
    for row in rows.itertuples():
        who = _who(row)
        if current is None or set(current.who) != set(who):
            if current is not None:
                yield current
            current = _Stretch([], who, [])
        current.points.append(row.axis_point)
        current.values.append(row.mean)
    if current is not None:
        yield current


def _who(row: Any) -> tuple[str, ...]:
    """Return the best and those not told apart from it; with one seed the best alone, as nothing is told apart."""
    if not row.winner:
        return ()
    return (row.winner, *row.rivals) if row.n > 1 else (row.winner,)


def _told(stretches: Sequence[_Stretch], axis: Axis, text: Any) -> str:
    """Return "full from 2 to 20 (3 h to 20 min); lora at 100 (12 min)"; points without numbers are named one by one."""
    parts = []
    for stretch in stretches:
        if len(stretch.points) == len(axis.points):
            place = "at every point"
        elif len(stretch.points) > 1 and axis.is_numeric:
            place = f"from {stretch.points[0]} to {stretch.points[-1]}"
        else:
            place = f"at {join(stretch.points)}"
        if not stretch.who:
            parts.append(f"nobody with every seed {place}")
            continue
        ends = list(dict.fromkeys([text(stretch.values[0], None), text(stretch.values[-1], None)]))
        parts.append(f"{_or(stretch.who)} {place} ({' to '.join(ends)})")
    return "; ".join(parts)


def _or(names: Sequence[str]) -> str:
    """Return "a", "a or b", "a, b or c"; of many the first one and how many there are beside."""
    if len(names) > _NAMED:
        return f"{names[0]} or one of {len(names) - 1} others"
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _moved(material: "Material", axis: Axis) -> str:
    """Return how the time of each scheme changes from the first to the last point of the only axis."""
    rows = along(material.labels, material.frame("variants"), axis.name)
    parts = []
    for label, group in rows.groupby("label", sort=False):
        of = group.set_index("axis_position")["sim_time_s"]
        if {0, len(axis.points) - 1} <= set(of.index):
            parts.append(f"from {duration_text(of[0])} to {duration_text(of[len(axis.points) - 1])} for {label}")
    return f"From {axis.points[0]} to {axis.points[-1]}, {axis.title}, the time to the end goes {join(parts)}." if parts else ""


def _left_out(labels: "pd.DataFrame") -> Iterator[Finding]:
    parts, differ = [], ""
    for label, shares in labels.groupby("label", sort=False)["refused_device_share"]:
        low, high = float(shares.min()), float(shares.max())
        if high > 0:
            parts.append(f"{percent_text(high) if low == high else f'{percent_text(low)} to {percent_text(high)}'} for {label}")
            differ = ", depending on the variant" if low != high else differ
    text = "Every device has the memory for every scheme"
    yield Finding("memory", f"Devices without the memory to take part{differ}: {join(parts)}." if parts else f"{text}.")
