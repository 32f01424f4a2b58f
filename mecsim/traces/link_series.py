"""The rows of a link trace, device by device, as they were measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.config.source import FILE
from mecsim.errors import Problem
from mecsim.traces.column_map import LinkMap
from mecsim.traces.problems import TraceError
from mecsim.traces.rows import Indices, by_device, check_times, in_time, joined_numbers, joined_texts
from mecsim.traces.schema import FIELDS, TEXT
from mecsim.traces.table import Floats, Table, Texts, read_tables

RATES = ("dl_mbps", "ul_mbps")
OPTIONAL = tuple(name for name in FIELDS["link"] if name not in ("t_s", "ue_id", *RATES))


@dataclass(frozen=True, slots=True)
class LinkSeries:
    """What was measured of one device, at increasing times; rates are nan where missing.

    The trace ends at ``end_s``. With ``sample_s``, a row speaks for so long only. ``n_rows`` counts all rows of the device,
    ``n_duplicates`` those of them that another row of the same time replaced. ``others`` are optional columns.
    """

    ue_id: str
    times_s: Floats
    downlink_bps: Floats
    uplink_bps: Floats
    end_s: float
    sample_s: float | None
    n_rows: int
    n_duplicates: int
    others: Mapping[str, Floats | Texts]

    @property
    def is_constant(self) -> bool:
        """Return whether one row says it all."""
        if len(self.times_s) != 1 or self.sample_s is not None or self.times_s[0] != 0.0:
            return False
        return not (math.isnan(self.downlink_bps[0]) or math.isnan(self.uplink_bps[0]))

    @property
    def n_missing(self) -> int:
        """Return the number of rows in which a rate is missing."""
        return int((np.isnan(self.downlink_bps) | np.isnan(self.uplink_bps)).sum())


def read_link_series(
    paths: Sequence[Path],
    *,
    preset: str | Path = "canonical",
    uplink_share: float | None = None,
    optional: Sequence[str] = (),
) -> tuple[LinkSeries, ...]:
    """Read the rows of each device, devices in the order of their first rows.

    With ``uplink_share``, the uplink is that share of the downlink, whatever the files say of it. ``optional`` names more
    columns to keep. ``TraceError`` with every problem of the files.
    """
    if uplink_share is not None and not 0.0 < uplink_share <= 1.0:
        raise ValueError(f"uplink_share must be above 0 and at most 1, got {uplink_share}")
    rates = RATES if uplink_share is None else RATES[:1]
    part, tables = read_tables(paths, preset, "link", ("t_s", "ue_id", *rates, *optional))
    assert isinstance(part, LinkMap)  # noqa: S101  # by the kind that was asked for
    check_times(tables, part)
    if uplink_share is None:
        _check_uplink(tables)
    else:
        for table in tables:
            table.numbers["ul_mbps"] = uplink_share * table.number("dl_mbps")
    columns = {name: _joined(tables, name) for name in ("t_s", *RATES, *optional) if _is_there(tables, name)}
    devices = tuple(_series(device, rows, columns, part) for device, rows in by_device(joined_texts(tables, "ue_id")))
    _check_values(devices, tables)
    return devices


def _series(device: str, rows: Indices, columns: Mapping[str, Any], part: LinkMap) -> LinkSeries:
    """Return what the ``rows`` of ``columns`` tell of a device: in time, a time once, from its beginning to its end."""
    times_s: Floats = columns["t_s"]
    kept = latest = rows[in_time(times_s[rows])] if len(rows) > 1 else rows
    first_s, last_s = float(times_s[latest[0]]), float(times_s[latest[-1]])
    if part.sample_s is not None:
        end_s = last_s + part.sample_s
    elif len(latest) > 1 and all(np.isnan(columns[name][latest[-1]]) for name in RATES):
        end_s, kept = last_s, latest[:-1]  # a row without rates marks the end
    else:
        end_s = last_s + (float(np.median(np.diff(times_s[latest]))) if len(latest) > 1 else 1.0)
    start_s = first_s if part.start == "first-row" else 0.0
    return LinkSeries(
        ue_id=device,
        times_s=times_s[kept] - start_s,
        downlink_bps=columns["dl_mbps"][kept],
        uplink_bps=columns["ul_mbps"][kept],
        end_s=end_s - start_s,
        sample_s=part.sample_s,
        n_rows=len(rows),
        n_duplicates=len(rows) - len(latest),
        others={name: column[kept] for name, column in columns.items() if name in OPTIONAL},
    )


def _check_uplink(tables: Sequence[Table]) -> None:
    problem = Problem(
        FILE,
        "there is no uplink rate",
        "Name its column in a column map; or say what it is of the downlink, and so make a file that has both: "
        "'mecsim import-trace --kind link --uplink-share 0.1 ...'.",
    )
    if without := [table for table in tables if "ul_mbps" not in table.numbers]:
        raise TraceError({str(table.raw.path): [problem] for table in without})


def _check_values(devices: Sequence[LinkSeries], tables: Sequence[Table]) -> None:
    """Refuse devices without a single value: they would never be connected."""
    problems: dict[str, list[Problem]] = {}
    for series in devices:
        for what, values in (("downlink", series.downlink_bps), ("uplink", series.uplink_bps)):
            if np.isnan(values).all():
                path = next(table.raw.path for table in tables if (table.text("ue_id") == series.ue_id).any())
                message = f"the device {series.ue_id!r} has no {what} rate in any row"
                problems.setdefault(str(path), []).append(
                    Problem(FILE, message, "Remove its rows: it would never be connected.")
                )
    if problems:
        raise TraceError(problems)


def _is_there(tables: Sequence[Table], name: str) -> bool:
    return any(name in table.numbers or name in table.texts for table in tables)


def _joined(tables: Sequence[Table], name: str) -> Floats | Texts:
    return joined_texts(tables, name) if FIELDS["link"][name].quantity == TEXT else joined_numbers(tables, name)
