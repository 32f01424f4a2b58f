"""When devices are there, as intervals of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import Problem
from mecsim.traces.problems import TraceError
from mecsim.traces.rows import by_device, joined_numbers, joined_texts
from mecsim.traces.schema import FIELDS
from mecsim.traces.table import Floats, Table, Texts, read_tables


@dataclass(frozen=True, slots=True)
class AvailabilityRows:
    """Intervals [start, end], row by row: devices in the order of their first rows, each in increasing time.

    Intervals of a device do not overlap; one may begin where the last one ends. ``period_s`` is after what time they begin
    anew, nan where the files do not say; ``battery`` (0 to 1) likewise. ``charging`` is False where they do not say.
    """

    ue_id: Texts
    start_s: Floats
    end_s: Floats
    period_s: Floats
    charging: NDArray[np.bool_]
    battery: Floats

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def ue_ids(self) -> tuple[str, ...]:
        """Return the devices in the order of their rows."""
        return tuple(dict.fromkeys(self.ue_id.tolist()))


def read_availability_rows(paths: Sequence[Path], preset: str | Path = "canonical") -> AvailabilityRows:
    """Read intervals from CSV or JSON files in the layout of the column map ``preset``, a name or a file.

    Intervals without a length are left out. ``TraceError`` with every problem of every file: an end before its start, an
    interval that overlaps the one before, one that ends behind its period.
    """
    _, tables = read_tables(paths, preset, "availability", FIELDS["availability"])
    ids = joined_texts(tables, "ue_id")
    start_s, end_s, period_s, charging, battery = (
        joined_numbers(tables, name) for name in ("start_s", "end_s", "period_s", "charging", "battery")
    )
    groups = [rows[np.argsort(start_s[rows], kind="stable")] for _, rows in by_device(ids)]
    order = np.concatenate(groups)
    problems: dict[str, list[Problem]] = {}
    at = order[end_s[order] != start_s[order]]
    for source, problem in _wrong(tables, ids, start_s, end_s, period_s, at):
        problems.setdefault(source, []).append(problem)
    if problems:
        raise TraceError(problems)
    return AvailabilityRows(ids[at], start_s[at], end_s[at], period_s[at], charging[at] > 0.0, battery[at])


def _wrong(
    tables: Sequence[Table], ids: Texts, start_s: Floats, end_s: Floats, period_s: Floats, order: NDArray[np.int64]
) -> Iterator[tuple[str, Problem]]:
    """Yield each problem with its file; ``order`` has the rows by device and start."""
    first_row = np.cumsum([0, *(len(table) for table in tables)])

    def problem(row: int, column: str, message: str, remedy: str) -> tuple[str, Problem]:
        file = int(np.searchsorted(first_row, row, side="right")) - 1
        raw = tables[file].raw
        return str(raw.path), raw.problem(row - int(first_row[file]), column, message, remedy)

    for row in np.flatnonzero(end_s < start_s):
        message = f"the interval ends at {end_s[row]:g} s, before its start at {start_s[row]:g} s"
        yield problem(int(row), "end_s", message, "Exchange the two, or correct them.")
    for row in np.flatnonzero(end_s > period_s):
        message = f"the interval ends at {end_s[row]:g} s, after the period of {period_s[row]:g} s"
        yield problem(int(row), "period_s", message, "Cut the interval in two, or correct the period.")
    before, after = order[:-1], order[1:]
    overlap = (ids[before] == ids[after]) & (start_s[after] < end_s[before])
    for row in after[overlap]:
        message = f"the interval from {start_s[row]:g} s of {str(ids[row])!r} begins before the one before it ends"
        yield problem(int(row), "start_s", message, "Join the two to one row.")
