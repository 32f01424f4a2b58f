"""What devices can do, one a row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mecsim.config.source import FILE
from mecsim.errors import Problem
from mecsim.traces.problems import TraceError
from mecsim.traces.schema import FIELDS
from mecsim.traces.table import Table, read_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device as a file describes it; None is what the file does not say. ``efficiency`` is the share of the peak reached."""

    device_id: str
    profile: str | None = None
    peak_flops: float | None = None
    memory_bandwidth_bytes_per_s: float | None = None
    memory_bytes: float | None = None
    efficiency: float | None = None
    idle_w: float | None = None
    active_w: float | None = None
    battery_wh: float | None = None
    ms_per_sample: float | None = None


#: The canonical column of each number of a `DeviceRow`.
COLUMNS = {
    "peak_flops": "peak_gflops_fp32",
    "memory_bandwidth_bytes_per_s": "mem_gbps",
    "memory_bytes": "ram_gb",
    "efficiency": "eff",
    "idle_w": "idle_w",
    "active_w": "active_w",
    "battery_wh": "batt_wh",
    "ms_per_sample": "ms_per_sample",
}


def read_device_rows(paths: Sequence[Path], preset: str | Path = "canonical") -> list[DeviceRow]:
    """Read devices from CSV or JSON files in the layout of the column map ``preset``, a name or a file.

    ``TraceError`` with every problem of every file, a device that is there twice among them.
    """
    _, tables = read_tables(paths, preset, "device", FIELDS["device"])
    _check_once(tables)
    return [device for table in tables for device in _devices(table)]


def _devices(table: Table) -> list[DeviceRow]:
    ids, profiles = table.text("device_id").tolist(), table.text("profile").tolist()
    columns = {name: table.number(column).tolist() for name, column in COLUMNS.items()}
    rows = []
    for i in range(len(table)):
        numbers = {name: None if math.isnan(column[i]) else column[i] for name, column in columns.items()}
        rows.append(DeviceRow(device_id=ids[i], profile=profiles[i] or None, **numbers))
    return rows


def _check_once(tables: Sequence[Table]) -> None:
    problems: dict[str, list[Problem]] = {}
    seen: set[str] = set()
    for table in tables:
        for device in table.text("device_id").tolist():
            if device in seen:
                problem = Problem(FILE, f"the device {device!r} is there twice", "Give every device a name of its own.")
                problems.setdefault(str(table.raw.path), []).append(problem)
            seen.add(device)
    if problems:
        raise TraceError(problems)
