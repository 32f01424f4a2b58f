"""Rows of several files as one sequence for each device: in time, a stamp once, the last of its rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.config.source import FILE
from mecsim.errors import Problem
from mecsim.traces.column_map import FILE_STEM, TimedMap
from mecsim.traces.problems import TraceError
from mecsim.traces.table import Floats, Table, Texts

Indices = NDArray[np.int64]

#: A time above this, about three years, is a clock's and not one since a beginning.
LATEST_S = 1e8


def joined_texts(tables: Sequence[Table], name: str) -> Texts:
    """Return a column of all files, one after the other."""
    return np.concatenate([table.text(name) for table in tables])


def joined_numbers(tables: Sequence[Table], name: str) -> Floats:
    """Return a column of all files, one after the other."""
    return np.concatenate([table.number(name) for table in tables])


def by_device(ids: Texts) -> Iterator[tuple[str, Indices]]:
    """Yield each device and its rows as they stand, devices in the order of their first rows."""
    names, first, code = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(code, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(code, minlength=len(names)))[:-1])
    for device in np.argsort(first):
        yield str(names[device]), groups[device]


def in_time(times_s: Floats) -> Indices:
    """Return the rows of a device in the order of their times; of those with one time, the last of the file."""
    order = np.argsort(times_s, kind="stable")
    in_order = times_s[order]
    is_last: NDArray[np.bool_] = np.append(in_order[1:] != in_order[:-1], True)
    kept: Indices = order[is_last]
    return kept


def check_times(tables: Sequence[Table], part: TimedMap) -> None:
    """Refuse times that do not start where the map says, and devices that two files describe from their own beginnings.

    ``TraceError`` with all of them.
    """
    problems: dict[str, list[Problem]] = {}
    owner: dict[str, Path] = {}
    own_beginning = part.start == "first-row" or not part.columns["t_s"].column
    for table in tables:
        found = problems.setdefault(str(table.raw.path), [])
        if part.start == "zero":
            found += _bad_times(table, part)
        devices = np.unique(table.text("ue_id")).tolist() if own_beginning else []
        found += [_second_file(device, owner[device], part) for device in devices if device in owner]
        owner |= dict.fromkeys(devices, table.raw.path)
    if any(problems.values()):
        raise TraceError({source: found for source, found in problems.items() if found})


def _bad_times(table: Table, part: TimedMap) -> Iterator[Problem]:
    times_s = table.number("t_s")
    column = (*part.columns["t_s"].column, "t_s")[0]
    for row in np.flatnonzero((times_s < 0.0) | (times_s > LATEST_S)):
        message = f"must be between 0 and {LATEST_S:g} s, got {times_s[row]:g} s"
        remedy = "For times of a clock, use a column map with 'start: first-row'; t = 0 is then a device's first row."
        yield table.raw.problem(int(row), column, message, remedy)


def _second_file(device: str, other: Path, part: TimedMap) -> Problem:
    message = f"the device {device!r} is in {other} too, and its time begins anew in each file"
    by_name = FILE_STEM in part.columns["ue_id"].column
    return Problem(FILE, message, "Rename one of the files." if by_name else "Give the devices different names.")
