"""Local tables: texts or image files with labels, as CSV, TSV, JSON lines or Parquet."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from learners.data.content import Content, Task
from learners.data.options import SampleParams
from learners.data.pictures import Picture
from learners.data.rows import Cells, Rows, Samples, samples
from mecsim.errors import JobError

Column = str | int

_DELIMITED = (".csv", ".tsv")
_LINES = (".jsonl", ".ndjson")
_ENDINGS = (*_DELIMITED, *_LINES, ".parquet")


class TableParams(SampleParams):
    """Options of a table."""

    path: Path = Field(description="file ending in .csv, .tsv, .jsonl or .parquet; from the scenario's folder")
    test_path: Path | None = Field(
        default=None, description="a second file, whose rows are the test split: test_share is unused"
    )
    text: Column | None = Field(default=None, description="column of the texts: its name, or its number from 0")
    image: Column | None = Field(
        default=None, description="column of the image files, in place of texts; their paths start from the table's folder"
    )
    label: Column = Field(default="label", description="column of the labels, numbers or words")
    group: Column | None = Field(default=None, description="column that says who owns a sample, for the partition 'groups'")
    header: bool = Field(default=True, description="the first line names the columns (.csv and .tsv)")

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        if (self.text is None) == (self.image is None):
            raise ValueError("text: name the column of the texts, or with 'image' that of the image files, and not both")
        columns = [column for column in (self.text, self.image, self.label, self.group) if column is not None]
        for path in (self.path, self.test_path):
            ending = path.suffix.lower() if path is not None else ".csv"
            if ending not in _ENDINGS:
                raise ValueError(f"path: {path} should end in {', '.join(_ENDINGS)}")
            if ending in _DELIMITED and not self.header and any(isinstance(column, str) for column in columns):
                raise ValueError("header: without a line of names, columns (text, image, label, group) are numbers from 0")
            if ending not in _DELIMITED and any(isinstance(column, int) for column in columns):
                raise ValueError(f"text: columns of a {ending} file have names: write those, not numbers")
        if any(isinstance(column, int) and column < 0 for column in columns):
            raise ValueError("text: numbers of columns count from 0")
        return self

    @property
    def task(self) -> Task:
        """Return what the columns are for."""
        return "text-classification" if self.text is not None else "image-classification"


def digest(params: TableParams) -> str:
    """Return the SHA-256 of the samples that are used: not of columns, formats and places that do not matter."""
    return _samples(params).digest(params)


def n_classes(params: TableParams) -> int:
    """Return the number of different labels."""
    return len(_samples(params).classes)


def load(params: TableParams) -> Content:
    """Return the samples in the order of the rows, those of ``test_path`` last."""
    return _samples(params).content(params)


def _samples(params: TableParams) -> Samples:
    train = _rows(params.path, params).at_most(params.max_samples)
    test = _rows(params.test_path, params) if params.test_path is not None else None
    return samples(train, test, None if params.image is None else _picture)


def _rows(path: Path, params: TableParams) -> Rows:
    value = params.text if params.text is not None else params.image
    wanted = [column for column in (value, params.label, params.group) if column is not None]
    values, labels, *groups = read_columns(path, wanted, header=params.header)
    if params.image is not None:
        values = [_beside(path, cell) for cell in values]
    return Rows(str(path), values, labels, groups[0] if groups else None)


def _beside(path: Path, cell: Any) -> Any:
    if isinstance(cell, dict):  # how datasets write images into Parquet files
        cell = cell.get("bytes") or cell.get("path")
    return path.parent / cell if isinstance(cell, str) and cell.strip() else cell


def _picture(cell: Any) -> Picture:
    if not isinstance(cell, Path | bytes):
        raise JobError(f"the column of images holds {cell!r}: it should hold paths of image files")
    return cell


def read_columns(path: Path, columns: Sequence[Column], *, header: bool) -> list[Cells]:
    """Return the cells of ``columns``, as text from .csv and .tsv, with their types from .jsonl and .parquet.

    Quotes mean something in .csv alone, where they may hold commas and line ends; in .tsv a line is a row, whatever is in it.
    """
    ending = path.suffix.lower()
    try:
        if ending == ".parquet":
            return _read_parquet(path, columns)
        with path.open(encoding="utf-8-sig", newline="" if ending == ".csv" else None) as file:
            if ending in _LINES:
                return _read_json_lines(path, file, columns)
            lines = csv.reader(file, strict=True) if ending == ".csv" else (line.rstrip("\n").split("\t") for line in file)
            return _read_delimited(path, (line for line in lines if line not in ([], [""])), columns, header)
    except (csv.Error, UnicodeDecodeError) as error:
        raise JobError(f"{path} is no {ending[1:]} file in UTF-8: {error}") from error
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror or error}") from error


def _read_delimited(path: Path, lines: Iterator[list[str]], columns: Sequence[Column], header: bool) -> list[Cells]:
    first = next(lines, None)
    if first is None:
        raise JobError(f"{path} is empty: name a file with rows")
    places = [_place(path, first, column, header) for column in columns]
    cells: list[Cells] = [[] for _ in columns]
    rows = lines if header else chain([first], lines)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(first):
            way_out = "put quotes around cells that hold commas" if path.suffix.lower() == ".csv" else "take out stray tabs"
            raise JobError(f"{path}, row {number}, has {len(row)} cells, the first line has {len(first)}: {way_out}")
        for cell, place in zip(cells, places, strict=True):
            cell.append(row[place])
    return cells


def _place(path: Path, first: list[str], column: Column, header: bool) -> int:
    if isinstance(column, str) and first.count(column) == 1:
        return first.index(column)
    if isinstance(column, int) and column < len(first):
        return column
    names = ", ".join(map(repr, first)) if header else f"numbers 0 to {len(first) - 1}"
    raise JobError(f"{path} has no column {column!r}, or several: its columns are {names}")


def _read_json_lines(path: Path, lines: Iterator[str], columns: Sequence[Column]) -> list[Cells]:
    cells: list[Cells] = [[] for _ in columns]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise JobError(f"{path}, line {number}, is no JSON: {error}") from error
        if not isinstance(row, dict) or any(column not in row for column in columns):
            keys = ", ".join(map(repr, row)) if isinstance(row, dict) else "none"
            raise JobError(f"{path}, line {number}, needs the keys {', '.join(map(repr, columns))}, and has {keys}")
        for cell, column in zip(cells, columns, strict=True):
            cell.append(row[column])
    return cells


def _read_parquet(path: Path, columns: Sequence[Column]) -> list[Cells]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            missing = [column for column in columns if column not in names]
            if missing:
                raise JobError(f"{path} has no column {missing[0]!r}: its columns are {', '.join(map(repr, names))}")
            found = file.read(columns=list(dict.fromkeys(columns)))
    except pyarrow.ArrowInvalid as error:
        raise JobError(f"{path} is no Parquet file: {error}") from error
    return [found.column(column).to_pylist() for column in columns]
