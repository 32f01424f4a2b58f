"""Canonical CSV files: what an import writes. Read again, they are the same trace."""

import csv
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.traces.availability import AvailabilityRows
from mecsim.traces.devices import COLUMNS, DeviceRow
from mecsim.traces.link import to_track
from mecsim.traces.link_series import OPTIONAL, LinkSeries
from mecsim.traces.mobility import MobilityRows
from mecsim.traces.problems import file_error
from mecsim.traces.schema import FIELDS, TEXT, Kind, to_base


def write_csv(path: Path, kind: Kind, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write ``rows`` of canonical columns, values in the unit of the code; return their number.

    nan and None are missing, and an optional column that no row has is left out. The file appears when it is complete, and
    replaces one that is there. ``TraceError`` where it cannot be written.
    """
    listed = list(rows)
    factors = {name: 0.0 if field.quantity == TEXT else to_base(field.quantity) for name, field in FIELDS[kind].items()}
    shown = [[_shown(row.get(name), unit) for name, unit in factors.items()] for row in listed]
    used = [i for i, name in enumerate(factors) if FIELDS[kind][name].named or any(row[i] for row in shown)]
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow([list(factors)[i] for i in used])
                writer.writerows([row[i] for i in used] for row in shown)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise file_error(path, f"cannot write it: {error.strerror or error}", "Choose another file with --out.") from error
    return len(listed)


def _shown(value: Any, unit: float) -> str:
    """Return a value as text that reads as the same number; ``unit`` is 0 for texts."""
    if value is None or value == "":
        return ""
    if unit == 0.0:
        return str(value)
    number = float(value)
    if math.isnan(number):
        return ""
    # Fifteen digits hold what was read in another unit, without the tail that dividing leaves.
    text = f"{number / unit:.15g}"
    return text if float(text) * unit == number else repr(number / unit)


def link_rows(series: Iterable[LinkSeries], *, hold_s: float) -> Iterator[dict[str, Any]]:
    """Yield canonical rows of links: a row for each sample and for each begin of an outage, and one that marks the end."""
    for one in series:
        track = to_track(one, hold_s=hold_s)
        times_s = np.union1d(one.times_s, np.asarray(track.starts_s))
        step = np.searchsorted(track.starts_s, times_s, side="right") - 1
        sample = np.searchsorted(one.times_s, times_s)
        for t_s, at, i in zip(times_s.tolist(), step.tolist(), sample.tolist(), strict=True):
            downlink_bps, uplink_bps = track.rates_bps[at]
            measured = i < len(one.times_s) and one.times_s[i] == t_s
            others = {name: one.others[name][i] for name in OPTIONAL if name in one.others} if measured else {}
            yield {"t_s": t_s, "ue_id": one.ue_id, "dl_mbps": downlink_bps, "ul_mbps": uplink_bps, **others}
        yield {"t_s": one.end_s, "ue_id": one.ue_id}


def mobility_rows(rows: MobilityRows) -> Iterator[dict[str, Any]]:
    """Yield canonical rows of movement, in metres."""
    columns = (rows.t_s, rows.ue_id, rows.x_m, rows.y_m, rows.z_m, rows.speed_mps)
    return _by_row(("t_s", "ue_id", "x_m", "y_m", "z_m", "speed_mps"), columns)


def availability_rows(rows: AvailabilityRows) -> Iterator[dict[str, Any]]:
    """Yield canonical rows of availability; ``charging`` only where a device charges at all."""
    charging = rows.charging.astype(np.float64) if rows.charging.any() else np.full(len(rows), np.nan)
    columns = (rows.ue_id, rows.start_s, rows.end_s, rows.period_s, charging, rows.battery)
    return _by_row(("ue_id", "start_s", "end_s", "period_s", "charging", "battery"), columns)


def device_rows(rows: Iterable[DeviceRow]) -> Iterator[dict[str, Any]]:
    """Yield canonical rows of devices."""
    for row in rows:
        numbers = {column: getattr(row, name) for name, column in COLUMNS.items()}
        yield {"device_id": row.device_id, "profile": row.profile, **numbers}


def _by_row(names: Sequence[str], columns: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for values in zip(*(column.tolist() for column in columns), strict=True):
        yield dict(zip(names, values, strict=True))
