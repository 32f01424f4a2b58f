"""From cells to numbers: units, missing values, stamps, ranges; every problem of every file is found before one is raised."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import Problem
from mecsim.traces.column_map import KindMap, Origin, TraceMap, factor, kind_map
from mecsim.traces.problems import TraceError
from mecsim.traces.schema import FIELDS, TEXT, Field, Kind
from mecsim.traces.source import RawTable, read_raw, unknown_column

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one file by canonical column: numbers in the unit of the code, nan where missing, and texts, "" where missing."""

    raw: RawTable
    numbers: dict[str, Floats]
    texts: dict[str, Texts]

    def __len__(self) -> int:
        return len(self.raw.places)

    def number(self, name: str) -> Floats:
        """Return a column of numbers, all missing where the file does not have it."""
        return self.numbers[name] if name in self.numbers else np.full(len(self), np.nan)

    def text(self, name: str) -> Texts:
        """Return a column of texts, all missing where the file does not have it."""
        return self.texts[name] if name in self.texts else np.full(len(self), "")


def read_tables(
    paths: Sequence[Path], preset: str | Path, kind: Kind, wanted: Collection[str], needed: Collection[str] = ()
) -> tuple[KindMap, list[Table]]:
    """Read the canonical columns ``wanted`` of each file, by the map's part for ``kind``.

    Columns in ``needed``, and those that every row has to have, have to be in the files. ``TraceError`` with the problems of
    all files.
    """
    if not paths:
        raise ValueError("there are no files to read")
    layout, part = kind_map(preset, kind)
    found: list[Table] = []
    problems: dict[str, Sequence[Problem]] = {}
    for path in paths:
        try:
            found.append(_read_table(path, layout, part, wanted, needed))
        except TraceError as error:
            problems |= error.problems
    if problems:
        raise TraceError(problems)
    return part, found


def _read_table(path: Path, layout: TraceMap, part: KindMap, wanted: Collection[str], needed: Collection[str]) -> Table:
    origins = {name: origin for name, origin in part.columns.items() if name in wanted}
    raw = read_raw(path, {name for origin in origins.values() for name in origin.column}, layout)
    problems: list[Problem] = []
    table = Table(raw, {}, {})
    missing = frozenset(word.lower() for word in layout.missing)
    for name, origin in origins.items():
        field = FIELDS[part.kind][name]
        if absent := [column for column in origin.column if column not in raw.cells]:
            if field.named or name in needed:
                problems += [unknown_column(raw, column) for column in absent]
        elif field.quantity == TEXT:
            table.texts[name] = _texts(raw, origin, field, missing, problems)
        else:
            table.numbers[name] = _numbers(raw, origin, field, factor(part.kind, name, origin), missing, problems)
    if problems:
        raise TraceError({str(path): sorted(problems, key=lambda problem: problem.line or 0)})
    return table


def _texts(raw: RawTable, origin: Origin, field: Field, missing: frozenset[str], problems: list[Problem]) -> Texts:
    columns = []
    for column in origin.column:
        texts = ["" if cell is None else str(cell).strip() for cell in raw.cells[column]]
        texts = ["" if text.lower() in missing else text for text in texts]
        if field.filled:
            problems += [_missing(raw, row, column) for row, text in enumerate(texts) if not text]
        columns.append(texts)
    return np.array(["-".join(parts) for parts in zip(*columns, strict=True)], dtype=np.str_)


def _numbers(
    raw: RawTable, origin: Origin, field: Field, unit: float, missing: frozenset[str], problems: list[Problem]
) -> Floats:
    if origin.value is not None:
        return np.full(len(raw.places), origin.value * unit)
    column = origin.column[0]
    cells = raw.cells[column]
    read = _stamp_reader(origin.format) if origin.format is not None else _read_number
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            values[row] = (
                math.nan if cell is None or (isinstance(cell, str) and cell.strip().lower() in missing) else read(cell)
            )
        except ValueError as error:
            values[row] = math.nan
            problems.append(raw.problem(row, column, str(error), _remedy(origin, missing)))
        else:
            if field.filled and math.isnan(values[row]):
                problems.append(_missing(raw, row, column))
    values *= unit
    suspect = ~((values >= field.lowest) & (values <= field.highest) & (values > 0.0 if field.positive else True))
    for row in np.flatnonzero(suspect & ~np.isnan(values)).tolist():
        where = f"{cells[row]!r} {origin.unit}" if origin.unit is not None else repr(cells[row])
        problems.append(
            raw.problem(row, column, f"must {field.rule}, got {where}", "Correct the value, or the unit in the map.")
        )
    return values


def _read_number(cell: Any) -> float:
    if isinstance(cell, str) and "_" not in cell:
        try:
            value = float(cell)
        except ValueError:
            value = math.inf
    else:
        value = float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else math.inf
    if math.isinf(value):
        raise ValueError(f"{_shown(cell)} is not a number")
    return value


def _stamp_reader(form: str) -> Callable[[Any], float]:
    def read(cell: Any) -> float:
        try:
            stamp = datetime.strptime(cell.strip(), form)  # noqa: DTZ007  # what has no zone is taken as UTC: only differences count
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{_shown(cell)} is not a stamp of the form {form!r}") from error
        return (stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)).timestamp()

    return read


def _remedy(origin: Origin, missing: frozenset[str]) -> str:
    if origin.format is not None:
        return "Correct the stamp, or the format in a column map of your own."
    words = ", ".join(repr(word) for word in sorted(missing))
    return f"Write a decimal number without a unit; a value that is missing is {words} (key 'missing' of a column map)."


def _missing(raw: RawTable, row: int, column: str) -> Problem:
    return raw.problem(row, column, "the value is missing", "Every row has to have it: complete the row, or remove it.")


def _shown(cell: Any) -> str:
    text = repr(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."
