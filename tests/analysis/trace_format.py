"""A checker of trace files, written from the public description of the Trace Event Format and not from the writer."""

import math
from collections import defaultdict
from itertools import pairwise

#: Keys that an event of each phase has to have, and those that it may have.
NEEDED = {
    "X": {"name", "ph", "ts", "dur", "pid", "tid"},
    "i": {"name", "ph", "ts", "pid", "tid", "s"},
    "C": {"name", "ph", "ts", "pid", "args"},
    "M": {"name", "ph", "pid", "args"},
}
ALLOWED = {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args", "s"}
NAMES = {"process_name": "name", "thread_name": "name", "process_sort_index": "sort_index", "thread_sort_index": "sort_index"}


def problems(trace: dict) -> list[str]:
    """Return what is wrong with a trace; nothing is if it is empty."""
    events = trace["traceEvents"]
    found = [f"{event}: {problem}" for event in events for problem in _of_event(event)]
    if found:
        return found
    if trace.get("displayTimeUnit") not in ("ms", "ns"):
        found.append("displayTimeUnit is neither ms nor ns")
    named = {(event["pid"], event["tid"]) for event in events if event["name"] == "thread_name"}
    used = {(event["pid"], event["tid"]) for event in events if event["ph"] in "Xi"}
    found += [f"track {track} has no name" for track in used - named]
    processes = {event["pid"] for event in events if event["name"] == "process_name"}
    found += [f"process {pid} has no name" for pid in {event["pid"] for event in events} - processes]
    return found + _overlaps(events)


def _of_event(event: dict) -> list[str]:
    phase = event.get("ph")
    if phase not in NEEDED:
        return [f"unknown phase {phase!r}"]
    found = [f"no {key}" for key in sorted(NEEDED[phase] - event.keys())]
    found += [f"unknown key {key}" for key in sorted(event.keys() - ALLOWED)]
    numbers = [event[key] for key in ("ts", "dur", "pid", "tid") if key in event]
    found += [f"{value!r} is no whole number from 0" for value in numbers if type(value) is not int or value < 0]
    if phase == "M" and set(event["args"]) != {NAMES.get(event["name"])}:
        found.append("unknown metadata")
    if phase == "C" and not all(isinstance(value, int | float) and math.isfinite(value) for value in event["args"].values()):
        found.append("a counter has something other than numbers")
    if phase == "i" and event["s"] not in ("g", "p", "t"):
        found.append(f"unknown scope {event['s']!r}")
    values = event.get("args", {}).values()
    found += [f"{value} is not finite" for value in values if isinstance(value, float) and not math.isfinite(value)]
    return found


def _overlaps(events: list[dict]) -> list[str]:
    """Return the slices of a track that cut each other: they have to be apart, or one within the other."""
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append(event)
    found = []
    for slices in tracks.values():
        around: list[int] = []
        for event in sorted(slices, key=lambda event: (event["ts"], -event["dur"])):
            end = event["ts"] + event["dur"]
            while around and around[-1] <= event["ts"]:
                around.pop()
            if around and end > around[-1]:
                found.append(f"{event} begins within another slice and ends behind it")
            around.append(end)
    return found


def in_order(trace: dict) -> bool:
    """Tell whether no event comes before one that is earlier."""
    times = [event["ts"] for event in trace["traceEvents"] if event["ph"] != "M"]
    return all(first <= second for first, second in pairwise(times))


def slices(trace: dict, label: str, track: str) -> list[dict]:
    """Return the slices and instants on a track of a scheme, in the order of the file."""
    events = trace["traceEvents"]
    (pid,) = (event["pid"] for event in events if event["name"] == "process_name" and event["args"]["name"] == label)
    tids = {event["args"]["name"]: event["tid"] for event in events if event["name"] == "thread_name" and event["pid"] == pid}
    return [event for event in events if event["ph"] in "Xi" and (event["pid"], event["tid"]) == (pid, tids[track])]
