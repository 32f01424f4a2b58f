"""The course of a trial as Chrome trace events: simulated time as a profiler shows it, to open in Perfetto.

The format is the "JSON Object Format" of the Trace Event Format (Google): ``X`` is a slice with a duration, ``i`` an instant,
``C`` a counter, ``M`` names tracks. Times are whole microseconds of simulated time, so slices that touch in the tables do not
overlap here. A scheme is a process; its tracks are the server, the stations and the devices that had a turn.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from analysis.choices import label_of, seed_of, variant_of
from analysis.trace_tracks import Event, Rows, device_events, server_events, station_events

if TYPE_CHECKING:
    import pandas as pd

    from mecsim.results.reader import Run

#: The tables that the tracks are drawn from.
_TABLES = ("rounds", "clients", "transfers")


def trace_events(
    run: "Run", *, variant: str | None = None, label: str | None = None, seed: int | None = None
) -> dict[str, Any]:
    """Return the trace of one world as plain data for ``json.dumps``: of ``variant`` and ``seed``, by default the first ones.

    ``label`` leaves one scheme only; by default all are there, each a process, all starting at time zero. UnknownNameError for
    a name that the run does not have.
    """
    summary = run.frame("summary")
    variant, seed, labels = variant_of(summary, variant), seed_of(summary, seed), label_of(summary, label)
    world = {name: _of_world(run.frame(name), variant, seed) for name in _TABLES}
    events: list[Event] = []
    number = 1
    for position, name in enumerate(labels):
        rows = {table: list(frame[frame["label"] == name].itertuples()) for table, frame in world.items()}
        process = list(_process(rows, name, number, position))
        number = max(int(event["tid"]) for event in process) + 1
        events += process
    # What opens first comes first, behind what only happens then; of two that open together the longer one is around the other.
    events.sort(key=lambda event: (event["ph"] != "M", event.get("ts", 0), event["ph"] == "X", -event.get("dur", 0)))
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": _told(run, variant, seed)}


def trace_json(run: "Run", *, variant: str | None = None, label: str | None = None, seed: int | None = None) -> str:
    """Return ``trace_events`` as the text of a file, an event a line."""
    trace = trace_events(run, variant=variant, label=label, seed=seed)
    lines = ",\n".join(_compact(event) for event in trace["traceEvents"])
    rest = _compact({key: value for key, value in trace.items() if key != "traceEvents"})
    return f'{{"traceEvents":[\n{lines}\n],{rest[1:]}\n'


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _of_world(frame: "pd.DataFrame", variant: str, seed: int) -> "pd.DataFrame":
    return frame[(frame["variant"] == variant) & (frame["seed"] == seed)]


def _told(run: "Run", variant: str, seed: int) -> dict[str, str]:
    told = {
        "run": str(run.manifest.get("name", "")),
        "variant": variant,
        "seed": str(seed),
        "mecsim": str(run.manifest.get("mecsim_version", "")),
        "time": "simulated, in microseconds",
    }
    return {key: text for key, text in told.items() if text}


def _process(rows: Mapping[str, Rows], label: str, pid: int, position: int) -> Iterator[Event]:
    """Yield all events of one scheme: the server's track has the number of the process, the others follow on it.

    No number is used twice in a trace, as some viewers know a track by its number alone.
    """
    yield _named("process_name", pid, pid, name=label)
    yield _named("process_sort_index", pid, pid, sort_index=position)
    turns, payloads = _by(rows["clients"], "device"), _by(rows["transfers"], "device")
    stations = _by(rows["transfers"], "station")
    tracks: list[tuple[str, Iterator[Event]]] = [("server", server_events(rows["rounds"], rows["clients"]))]
    tracks += [(f"station {name}", station_events(stations[name])) for name in sorted(stations, key=_counted)]
    for device in sorted(turns):
        tracks.append((f"device {device} ({turns[device][0].group})", device_events(turns[device], payloads.get(device, ()))))
    for index, (name, events) in enumerate(tracks):
        yield _named("thread_name", pid, pid + index, name=name)
        yield _named("thread_sort_index", pid, pid + index, sort_index=index)
        for event in events:
            yield {"pid": pid, "tid": pid + index, **event}


def _by(rows: Rows, column: str) -> dict[Any, list[Any]]:
    groups = defaultdict[Any, list[Any]](list)
    for row in rows:
        groups[getattr(row, column)].append(row)
    return groups


def _counted(name: str) -> list[tuple[int, str]]:
    """Return a key that puts cell-2 before cell-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _named(what: str, pid: int, tid: int, **args: object) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": args}
