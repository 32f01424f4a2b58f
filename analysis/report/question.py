"""The question of a study in two or three sentences: what is compared, in which world, over what, how often."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.report.asked import course, is_synthetic, replications, world
from analysis.report.swept import without_swept
from analysis.sweep import Axis, axes

if TYPE_CHECKING:
    from analysis.material import Material

#: More schemes, or more points of an axis, than this are not all named.
_NAMED = 8


def question(material: "Material") -> list[str]:
    """Return the sentences, made of the scenario and of the labels and variants that the run has."""
    rest = without_swept(material.scenario)
    labels = list(dict.fromkeys(material.frame("summary")["label"]))
    verbs = ("does", "reach, and what does it take") if len(labels) == 1 else ("do", "reach, and what do they take")
    asked = f"What {verbs[0]} {_task(rest, len(labels))} {verbs[1]}: {_names(labels)}?"
    place = [part for part in world(rest) if not part.startswith(("an area of", "the pretrained"))]
    swept = _over(axes(material.frame("variants")), len(material.variants)) if material.is_swept else ""
    held = "; ".join([*course(rest), replications(material.n_seeds)])
    return [sentence for sentence in (asked, f"The world: {'; '.join(place)}." if place else "", swept, f"{held}.") if sentence]


def _task(scenario: Any, n_labels: int) -> str:
    learning = scenario.get("learning") or {}
    dataset = learning.get("dataset")
    data = dataset.get("name") if isinstance(dataset, dict) else dataset
    schemes = "the scheme" if n_labels == 1 else f"{n_labels} schemes"
    if is_synthetic(scenario):
        return f"{schemes}, of which only the costs are simulated,"
    model = learning.get("model")
    return f"{schemes} to fine-tune {model}{f' on {data}' if data else ''}" if model else schemes


def _over(found: Sequence[Axis], n_variants: int) -> str:
    """Return "The sweep is over bandwidth (MHz): 2, 5, 20 and 100 ..."; the variants alone where axes are not recorded."""
    if not found:
        return f"There are {n_variants} variants."
    each = " and over ".join(f"{axis.title}: {_points(axis)}" for axis in found)
    rest = f"; {n_variants} variants in all" if len(found) > 1 else ""
    return f"The sweep is over {each}{rest}."


def _points(axis: Axis) -> str:
    points = list(axis.points)
    if len(points) <= _NAMED:
        return _names(points)
    return f"{len(points)} points from {points[0]} to {points[-1]}"


def _names(names: Sequence[str]) -> str:
    """Return "a, b and c", of many the first ones and how many there are beside."""
    if len(names) > _NAMED:
        return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} more"
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
