"""Measured movement: positions of devices at times, on a plane."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mecsim.config.source import FILE
from mecsim.errors import Problem
from mecsim.traces.column_map import MobilityMap
from mecsim.traces.geography import Degrees, to_plane
from mecsim.traces.problems import TraceError, file_error
from mecsim.traces.rows import by_device, check_times, in_time, joined_numbers, joined_texts
from mecsim.traces.table import Floats, Table, Texts, read_tables


@dataclass(frozen=True, slots=True)
class MobilityRows:
    """Positions, row by row: devices in the order of their first rows, each in increasing time.

    Between rows nothing was measured; rows without a position are left out. ``z_m`` and ``speed_mps`` are nan where the files
    do not say. ``origin`` is the longitude and latitude of (0, 0), None where the files have metres.
    """

    ue_id: Texts
    t_s: Floats
    x_m: Floats
    y_m: Floats
    z_m: Floats
    speed_mps: Floats
    origin: Degrees | None
    n_duplicates: int
    n_missing: int

    def __len__(self) -> int:
        return len(self.t_s)

    @property
    def ue_ids(self) -> tuple[str, ...]:
        """Return the devices in the order of their rows."""
        return tuple(dict.fromkeys(self.ue_id.tolist()))


def read_mobility_rows(paths: Sequence[Path], preset: str | Path = "canonical", origin: Degrees | None = None) -> MobilityRows:
    """Read positions over time from CSV or JSON files in the layout of the column map ``preset``, a name or a file.

    Longitudes and latitudes become metres east and north of ``origin``; left out, it is the south-west corner of all that is
    read, so that x and y are not negative, and another file may move it. Of rows of one time the last counts. ``TraceError``
    with every problem of every file.
    """
    part, tables = read_tables(paths, preset, "mobility", ("t_s", "ue_id", "x_m", "y_m", "lon", "lat", "z_m", "speed_mps"))
    assert isinstance(part, MobilityMap)  # noqa: S101  # by the kind that was asked for
    check_times(tables, part)
    x, y, origin = _places(tables, origin)
    t_s = joined_numbers(tables, "t_s")
    ids = joined_texts(tables, "ue_id")
    n_duplicates = n_missing = 0
    order = []
    for device, rows in by_device(ids):
        latest = rows[in_time(t_s[rows])]
        kept = latest[~(np.isnan(x) | np.isnan(y))[latest]]
        if not len(kept):
            raise TraceError({_source(tables, device): [_no_place(device)]})
        n_duplicates += len(rows) - len(latest)
        n_missing += len(latest) - len(kept)
        if part.start == "first-row":
            t_s[rows] -= t_s[latest[0]]
        order.append(kept)
    at = np.concatenate(order)
    z_m, speed_mps = (joined_numbers(tables, name)[at] for name in ("z_m", "speed_mps"))
    return MobilityRows(ids[at], t_s[at], x[at], y[at], z_m, speed_mps, origin, n_duplicates, n_missing)


def _places(tables: Sequence[Table], origin: Degrees | None) -> tuple[Floats, Floats, Degrees | None]:
    """Return positions in metres, and the origin if they were in degrees; refuse files that do not have one form of them."""
    problems = {
        str(table.raw.path): [_no_columns()] for table in tables if not (_has(table, "x_m", "y_m") or _has(table, "lon", "lat"))
    }
    if problems:
        raise TraceError(problems)
    in_metres = [_has(table, "x_m", "y_m") for table in tables]
    if all(in_metres):
        if origin is not None:
            raise file_error(tables[0].raw.path, "positions are in metres: they have no origin in degrees", "Give no origin.")
        return joined_numbers(tables, "x_m"), joined_numbers(tables, "y_m"), None
    if any(in_metres):
        other = str(tables[in_metres.index(False)].raw.path)
        raise TraceError(
            {other: [Problem(FILE, "positions are in degrees here and in metres in other files", "Import each alone.")]}
        )
    longitude, latitude = joined_numbers(tables, "lon"), joined_numbers(tables, "lat")
    if origin is None:
        known = ~(np.isnan(longitude) | np.isnan(latitude))
        if not known.any():
            raise TraceError({str(tables[0].raw.path): [Problem(FILE, "no row has a position", "Give a file that has some.")]})
        origin = float(longitude[known].min()), float(latitude[known].min())
    return *to_plane(longitude, latitude, origin), origin


def _has(table: Table, *names: str) -> bool:
    return all(name in table.numbers for name in names)


def _no_columns() -> Problem:
    return Problem(
        FILE, "there are neither x_m and y_m nor lon and lat", "Name them in the header, or choose the column map that fits."
    )


def _no_place(device: str) -> Problem:
    return Problem(FILE, f"the device {device!r} has no position in any row", "Remove its rows.")


def _source(tables: Sequence[Table], device: str) -> str:
    return next(str(table.raw.path) for table in tables if (table.text("ue_id") == device).any())
