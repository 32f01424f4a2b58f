"""The variants of a scenario: every point of its sweep, validated as a scenario of its own before anything runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product
from typing import Self

from mecsim.config.overrides import NoSuchPlaceError, set_value
from mecsim.config.scenario import Scenario
from mecsim.config.source import Document, KeyPath, Outside, dotted, split_key
from mecsim.config.sweep import AnyAxis, Point
from mecsim.errors import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variant stands on one axis; ``position`` counts the axis' points from 0."""

    axis: str
    title: str
    position: int
    point: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One point of a sweep: its name ("" without a sweep), its place on each axis, and the scenario that is run."""

    name: str
    places: tuple[Place, ...]
    scenario: Scenario

    @classmethod
    def only(cls, scenario: Scenario) -> Self:
        """Return the one variant of a scenario without a sweep."""
        return cls("", (), scenario)


Read = Callable[[Document], tuple[Scenario | None, list[Problem]]]
"""Validates a document as a scenario."""


def variants_of(scenario: Scenario, document: Document, read: Read) -> tuple[list[Variant], list[Problem]]:
    """Return the variants of a valid scenario, the last axis changing fastest, and what is wrong with some of them."""
    if not scenario.sweep:
        return [Variant.only(scenario)], []
    base = _with_labels(document, scenario)
    variants, wrong = [], dict[Problem, list[str]]()
    for numbered in product(*(list(enumerate(axis.points())) for axis in scenario.sweep)):
        places = tuple(_place(axis, *at) for axis, at in zip(scenario.sweep, numbered, strict=True))
        name = ", ".join(f"{place.axis}={place.point}" for place in places)
        found, problems = _read(base, [point for _, point in numbered], read)
        for problem in problems:
            wrong.setdefault(problem, []).append(name)
        if found is not None and not problems:
            variants.append(Variant(name, places, found))
    return variants, [_told(problem, names) for problem, names in wrong.items()]


def _with_labels(document: Document, scenario: Scenario) -> Document:
    """Return the document without its sweep, every scheme labelled: a label made from swept values would change with them."""
    data = {key: value for key, value in deepcopy(document.data).items() if key != "sweep"}
    for entry, valid in zip(data["schemes"], scenario.schemes, strict=True):
        entry["label"] = valid.label
    return replace(document, data=data)


def _place(axis: AnyAxis, position: int, point: Point) -> Place:
    return Place(axis.label, axis.heading, position, point.name, point.value)


def _read(base: Document, points: Sequence[Point], read: Read) -> tuple[Scenario | None, list[Problem]]:
    data, changed, problems = deepcopy(base.data), list[Outside](), list[Problem]()
    for number, point in enumerate(points):
        line = base.line_of(("sweep", number))
        for key, value in point.changes.items():
            try:
                changed.append(Outside(set_value(data, key, deepcopy(value)), line=line))
            except NoSuchPlaceError as error:
                problems.append(Problem(key, error.message, error.remedy, line))
    if problems:
        return None, problems
    return read(replace(base, data=data, outside=(*base.outside, *changed)))


def _told(problem: Problem, names: Sequence[str]) -> Problem:
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return replace(problem, message=f"{problem.message} (in the variant {names[0]!r}{others})")


def swept_twice(axes: Sequence[AnyAxis]) -> Iterable[Problem]:
    """Report axes of one name, and keys that two axes set."""
    names, keys = dict[str, int](), dict[str, int]()
    for number, axis in enumerate(axes):
        if (other := names.setdefault(axis.label, number)) != number:
            yield Problem(
                f"sweep.{number}", f"this axis is called {axis.label!r}, as is axis {other}", "Give it a name of its own."
            )
        for key in axis.keys:
            if (other := keys.setdefault(key, number)) != number:
                yield Problem(f"sweep.{number}", f"{key} is swept by axis {other} as well", "Let one axis set it.")


def set_in_vain(axes: Sequence[AnyAxis], outside: Sequence[Outside]) -> Iterable[Problem]:
    """Report what was set from outside the file and is swept inside it, so that it would have no effect."""
    swept: Mapping[KeyPath, str] = {split_key(key): axis.label for axis in axes for key in axis.keys}
    for change in outside:
        if (axis := swept.get(change.path)) is not None:
            yield Problem(
                dotted(change.path),
                f"this key is swept by the axis {axis!r}, so --set has no effect on it",
                f"Choose points with --variant '{axis}=...', or give another sweep: --set 'sweep=[]' for none.",
            )


def chosen(variants: Sequence[Variant], names: Sequence[str]) -> tuple[Variant, ...]:
    """Return the variants that ``names`` ask for, in the study's order; a name may also be one "axis=point" of several axes."""

    def matches(variant: Variant, name: str) -> bool:
        return name == variant.name or name in variant.name.split(", ")

    return tuple(variant for variant in variants if any(matches(variant, name) for name in names))
