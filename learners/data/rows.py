"""Rows of samples, wherever they were read: what a table or a hub gives becomes content here, and gets its digest."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.data.content import Content
from learners.data.options import SampleParams
from learners.data.pictures import Picture, bytes_of, decoded
from mecsim.errors import JobError
from mecsim.hashing import canonical_json
from mecsim.rng import Streams

Cells = list[Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts or pictures, their labels, and their groups if they have any, as read; ``source`` is for messages."""

    source: str
    values: Cells
    labels: Cells
    groups: Cells | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def at_most(self, count: int | None) -> "Rows":
        """Return ``count`` of the rows in their order, always the same ones: drawn, as files are often sorted by label."""
        if count is None or count >= len(self):
            return self
        kept = np.sort(Streams(0).get("rows", "at_most").permutation(len(self))[:count])
        groups = None if self.groups is None else [self.groups[i] for i in kept]
        return Rows(self.source, [self.values[i] for i in kept], [self.labels[i] for i in kept], groups)


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows with checked values, and classes and groups as numbers; the last ``n_test`` are the test part."""

    values: list[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None
    group_names: tuple[str, ...]
    n_test: int

    def digest(self, params: SampleParams) -> str:
        """Return the SHA-256 of everything that ``content`` depends on."""
        facts: list[Any] = [list(self.classes), self.labels.tolist(), list(self.group_names), self.n_test]
        facts.append(None if self.groups is None else self.groups.tolist())
        if self.values and isinstance(self.values[0], str):
            facts.append(self.values)
        else:
            facts += [params.size_px, params.colour, [hashlib.sha256(bytes_of(value)).hexdigest() for value in self.values]]
        return hashlib.sha256(canonical_json(facts).encode()).hexdigest()

    def content(self, params: SampleParams) -> Content:
        """Return the samples, pictures decoded."""
        is_text = isinstance(self.values[0], str)
        n = len(self.labels)
        return Content(
            labels=self.labels,
            texts=tuple(self.values) if is_text else None,
            images=None if is_text else decoded(self.values, size_px=params.size_px, colour=params.colour),
            groups=self.groups,
            group_names=self.group_names,
            test=np.arange(n) >= n - self.n_test if self.n_test else None,
        )


def samples(train: Rows, test: Rows | None, as_picture: Callable[[Any], Picture] | None = None) -> Samples:
    """Return the rows of ``train`` and then those of ``test``; ``as_picture`` given, values become pictures, else texts."""
    parts = [train] if test is None else [train, test]
    for part in parts:
        if not len(part):
            raise JobError(f"{part.source} has no rows: name a file or a split with samples")
    values = [_value(part, i, as_picture) for part in parts for i in range(len(part))]
    labels, classes = _numbered(_class_names(_given(parts, "labels")))
    _check_classes(train, labels, classes)
    groups, group_names = None, tuple[str, ...]()
    if train.groups is not None:
        groups, group_names = _numbered(_group_names(_given(parts, "groups")))
    return Samples(values, labels, classes, groups, group_names, 0 if test is None else len(test))


def _value(part: Rows, i: int, as_picture: Callable[[Any], Picture] | None) -> Any:
    value = part.values[i]
    if value is None or (isinstance(value, str) and not value.strip()):
        kind = "text" if as_picture is None else "image"
        raise JobError(f"{part.source}, row {i + 1}, has no {kind}: fill it in, or leave the row out")
    return str(value) if as_picture is None else as_picture(value)


def _class_names(cells: Cells) -> list[Any]:
    """Return the labels as numbers if all are, so that 10 comes after 9, and else as text."""
    numbers = [_number(cell) for cell in cells]
    return [str(cell).strip() for cell in cells] if None in numbers else numbers


def _group_names(cells: Cells) -> list[Any]:
    return [str(cell).strip() for cell in cells]


def _numbered(names: list[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the names as indices into the sorted different ones, and those."""
    different = sorted(set(names))
    place = {name: index for index, name in enumerate(different)}
    shown = tuple(name if isinstance(name, str) else f"{name:.17g}" for name in different)
    return np.array([place[name] for name in names], dtype=np.int64), shown


def _given(parts: Sequence[Rows], which: str) -> Cells:
    """Return the labels or groups of all parts, none of them missing."""
    cells = []
    for part in parts:
        for i, cell in enumerate(getattr(part, which)):
            if cell is None or cell == "" or cell != cell:
                raise JobError(f"{part.source}, row {i + 1}, has no {which[:-1]}: fill it in, or leave the row out")
            cells.append(cell)
    return cells


def _number(cell: Any) -> float | None:
    if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):  # Python reads 1_1 as 11
        return None
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _check_classes(train: Rows, labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
    seen = np.unique(labels[: len(train)])
    if len(seen) < len(classes):
        unseen = [name for index, name in enumerate(classes) if index not in seen]
        raise JobError(f"the test part has labels that {train.source} has not: {_listed(unseen)}; is it the right column?")
    if len(classes) < 2:
        raise JobError(f"all labels of {train.source} are {classes[0]!r}: name the column of the labels")
    if len(classes) == len(labels):
        raise JobError(f"each of the {len(labels)} samples has a label of its own: name the column of the labels")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
