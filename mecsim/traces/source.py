"""Files as people have them: comma-separated text or JSON, as cells that remember where they stood. Never a pickle."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from mecsim.config.source import FILE
from mecsim.errors import Problem, suggestion
from mecsim.traces.column_map import FILE_STEM, ROW_NUMBER, TraceMap
from mecsim.traces.problems import TraceError, file_error

_PICKLE_ENDINGS = (".pkl", ".pickle", ".p", ".joblib")
_FRAMED_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_TEXT_PICKLE = (b"(dp", b"(lp", b"}q", b"]q", b"ccopy_reg", b"cnumpy", b"ccollections")
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "packed with gzip",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
}


@dataclass(frozen=True, slots=True)
class RawTable:
    """Cells of the columns that were asked for and are there; text, or what JSON has in its place."""

    path: Path
    cells: dict[str, Sequence[Any]]
    places: Sequence[int]
    header: tuple[str, ...]
    is_json: bool

    def problem(self, row: int, column: str, message: str, remedy: str) -> Problem:
        """Return a problem of one cell, with its line, or its record where lines say nothing."""
        if self.is_json:
            return Problem(f"record {self.places[row]}, {column}", message, remedy)
        return Problem(column, message, remedy, self.places[row])


def read_raw(path: Path, wanted: Collection[str], layout: TraceMap) -> RawTable:
    """Read the columns ``wanted`` of a CSV or JSON file; those that it does not have are left out.

    ``TraceError`` for a file that is not there, is a pickle, or is not of its form, with every line that is not.
    """
    text = _read_text(path)
    is_json = path.suffix.lower() == ".json"
    read = _read_json if is_json else _read_csv
    header, cells, places = read(path, text, wanted, layout)
    cells |= {FILE_STEM: [path.stem] * len(places), ROW_NUMBER: [str(n) for n in range(1, len(places) + 1)]}
    if not places:
        raise file_error(path, "there are no rows", "Give a file with at least one row below its header.")
    return RawTable(path, {name: column for name, column in cells.items() if name in wanted}, places, header, is_json)


def unknown_column(table: RawTable, column: str) -> Problem:
    """Return the problem of a column that the map names and the file does not have."""
    message = f"the file has no column {column!r}"
    return Problem(FILE, message, f"{suggestion(column, table.header)} Choose the column map that fits the file.")


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise file_error(path, f"cannot read it: {error.strerror}", "Give the path of a file that you may read.") from error
    if path.suffix.lower() in _PICKLE_ENDINGS or content.startswith(_FRAMED_PICKLE + _TEXT_PICKLE):
        raise file_error(path, "a pickle is never read: loading one runs whatever code is in it", _how_to_convert(path))
    for magic, what in _ARCHIVES.items():
        if content.startswith(magic):
            raise file_error(path, f"it is {what}", "Unpack it, and give the CSV or JSON files that are in it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TraceError({str(path): [Problem(FILE, "not text in UTF-8", "Save it as CSV in UTF-8.", line)]}) from error
    if "\0" in text:
        raise file_error(path, "it is no text: there are bytes of value 0 in it", "Give a CSV or JSON file.")
    return text


def _how_to_convert(path: Path) -> str:
    target = path.with_suffix(".json").name
    loaded = f"pickle.loads(Path('{path.name}').read_bytes())"
    code = f"import json, pickle; from pathlib import Path; Path('{target}').write_text(json.dumps({loaded}, default=float))"
    return f'If you trust where it comes from, convert it once and give the JSON file: python -c "{code}"'


_Content = tuple[tuple[str, ...], dict[str, Sequence[Any]], Sequence[int]]


def _read_csv(path: Path, text: str, wanted: Collection[str], layout: TraceMap) -> _Content:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter)
    header = tuple(name.strip() for name in next(reader, []))
    present = [name for name in header if name in wanted]
    problems = [
        Problem(name, "the header has this column twice", "Rename one of the two.", 1)
        for name in dict.fromkeys(present)
        if present.count(name) > 1
    ]
    pick = itemgetter(*(header.index(name) for name in present)) if present else None
    rows: list[Any] = []
    places: list[int] = []
    try:
        for row in reader:
            if len(row) == len(header):
                places.append(reader.line_num)
                if pick is not None:
                    rows.append(pick(row))
            elif row:  # an empty line is no row
                message = f"the row has {len(row)} cells, the header {len(header)}"
                problems.append(Problem("(row)", message, _DELIMITER_REMEDY, reader.line_num))
    except csv.Error as error:
        problems.append(Problem("(row)", f"not valid CSV: {error}", "Check the quotes around cells.", reader.line_num))
    if problems:
        raise TraceError({str(path): problems})
    columns: Iterable[Sequence[Any]] = (rows,) if len(present) == 1 else zip(*rows, strict=True)
    return header, dict(zip(present, columns, strict=False)), places


_DELIMITER_REMEDY = "Complete or remove the row; if cells are parted by another sign, say so as 'delimiter' in a column map."


def _read_json(path: Path, text: str, wanted: Collection[str], layout: TraceMap) -> _Content:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise TraceError({str(path): [Problem(FILE, f"not valid JSON: {error}", "Correct the file.", line)]}) from error
    if isinstance(data, dict) and all(isinstance(record, dict) for record in data.values()):
        records = [{**record, layout.json_key: key} for key, record in data.items()]
    elif isinstance(data, list) and all(isinstance(record, dict) for record in data):
        records = data
    else:
        raise file_error(path, "it is JSON, but not a list or an object of records", 'Write {"1": {"column": 1.5}}.')
    header = tuple(dict.fromkeys(name for record in records for name in record))
    present = [name for name in header if name in wanted]
    cells: dict[str, list[Any]] = {name: [] for name in present}
    places: list[int] = []
    problems: list[Problem] = []
    for number, record in enumerate(records, start=1):
        n_rows = _add_record(cells, record, number, problems)
        places += [number] * n_rows
    if problems:
        raise TraceError({str(path): problems})
    return header, dict(cells), places


def _add_record(cells: dict[str, list[Any]], record: dict[str, Any], number: int, problems: list[Problem]) -> int:
    """Add a record as one row, or as a row for each place of its lists; return how many."""
    values = {name: record.get(name) for name in cells}
    lengths = {name: len(value) for name, value in values.items() if isinstance(value, list)}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{n} of {name}" for name, n in lengths.items())
        problems.append(Problem(f"record {number}", f"its lists differ in length: {told}", "Give as many of each."))
        return 0
    n_rows = next(iter(lengths.values()), 1)
    for name, value in values.items():
        cells[name] += value if isinstance(value, list) else [value] * n_rows
    return n_rows
