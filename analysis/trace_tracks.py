"""The tracks of a trace, one function each: rows of one trial in, events without their process and thread out.

A row is one of ``DataFrame.itertuples``: thousands of small frames would take far longer than thousands of rows.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

#: A trace event.
Event = dict[str, Any]
#: Rows of one table.
Rows = Sequence[Any]

#: A slice: its first and last microsecond.
_Span = tuple[int, int]


def server_events(rounds: Rows, clients: Rows) -> Iterator[Event]:
    """Yield a slice a round, from its opening to its close, and the accuracy of each evaluation as a counter.

    A round that took no time is an instant, such as a preparation in which there is nothing to do.
    Within a round that got updates there is a slice from the last of them to the close: there the server merges, or waits for
    what it computes alongside. When within a round the server computed is not recorded; its energy is an argument.
    """
    arrived_s: dict[int, float] = {}
    for row in clients:
        if row.outcome == "completed":
            arrived_s[row.round] = max(row.end_s, arrived_s.get(row.round, row.end_s))
    for row in rounds:
        span = _span(row.opened_at_s, row.sim_time_s)
        name = f"round {row.round}" if row.round else "preparation"
        args = {
            "completed": row.completed, "late": row.late, "refused": row.refused, "lost": row.lost, "offline": row.offline,
            "uplink_bytes": row.uplink_bytes, "downlink_bytes": row.downlink_bytes, "server_energy_j": row.server_energy_j,
            "accuracy": row.accuracy,
        }  # fmt: skip
        yield _slice(name, "round", span, args) if span[1] > span[0] else _instant(name, "round", span[0], args)
        if row.round in arrived_s:
            last = _within(_span(arrived_s[row.round], row.sim_time_s), span)
            yield from _not_empty("after the last update", "server", last, {"server_energy_j": row.server_energy_j})
        if row.accuracy == row.accuracy:
            percent = round(100 * float(row.accuracy), 4)
            yield {"ph": "C", "name": "accuracy (%)", "ts": span[1], "args": {"accuracy": percent}}


def station_events(transfers: Rows) -> Iterator[Event]:
    """Yield slices over which the same transfers are under way at a station, named by how many they are each way.

    A transfer counts at the station where it began, also after a handover.
    """
    changes: defaultdict[int, list[tuple[int, tuple[str, int]]]] = defaultdict(list)
    for row in transfers:
        begin, end = _span(row.start_s, row.end_s)
        if end > begin:
            changes[begin].append((1, (row.direction, row.device)))
            changes[end].append((-1, (row.direction, row.device)))
    under_way: defaultdict[tuple[str, int], int] = defaultdict(int)
    instants = sorted(changes)
    for begin, end in pairwise(instants):
        for step, transfer in changes[begin]:
            under_way[transfer] += step
            if not under_way[transfer]:
                del under_way[transfer]
        now = sorted(under_way)
        if now:
            down, up = ([device for way, device in now if way == direction] for direction in ("downlink", "uplink"))
            args = {"to devices": ", ".join(map(str, down)), "from devices": ", ".join(map(str, up))}
            counts = [f"{len(devices)} {way}" for devices, way in ((down, "down"), (up, "up")) if devices]
            yield _slice(", ".join(counts), "station", (begin, end), args)


def device_events(turns: Rows, transfers: Rows) -> Iterator[Event]:
    """Yield a slice a turn of one device, in it download, compute and upload, and in these the payloads.

    The time to connect is the download's beginning. A turn that took no time, such as a refused one, is an instant.
    """
    payloads: defaultdict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in transfers:
        payloads[row.round, row.direction].append(row)
    for row in turns:
        span = _span(row.start_s, row.end_s)
        name = f"round {row.round}" if row.outcome == "completed" else f"round {row.round}: {row.outcome}"
        args = {
            "outcome": row.outcome, "reason": row.reason, "samples": row.n_samples, "staleness": row.staleness,
            "profile": row.profile, "idle_energy_j": row.idle_energy_j, "tail_energy_j": row.tail_energy_j,
        }  # fmt: skip
        if span[0] == span[1]:
            yield _instant(name, "turn", span[0], args)
            continue
        yield _slice(name, "turn", span, args)
        yield from _phases(row, span, payloads)


def _phases(row: Any, turn: _Span, payloads: Mapping[tuple[int, str], Rows]) -> Iterator[Event]:
    loaded_s, sent_s = row.start_s + row.download_s, row.end_s - row.upload_s
    phases = (
        ("download", "downlink", row.start_s, loaded_s, row.download_bytes, row.connect_energy_j + row.download_energy_j),
        ("compute", "", loaded_s, loaded_s + row.compute_s, 0, row.compute_energy_j),
        ("upload", "uplink", sent_s, row.end_s, row.upload_bytes, row.upload_energy_j),
    )
    for name, direction, begin_s, end_s, n_bytes, energy_j in phases:
        span = _within(_span(begin_s, end_s), turn)
        args = {"bytes": n_bytes} if direction else {}
        yield from _not_empty(name, name, span, {**args, "energy_j": energy_j, "outcome": row.outcome})
        yield from _payloads(payloads.get((row.round, direction), ()), span)


def _payloads(transfers: Rows, phase: _Span) -> Iterator[Event]:
    """Yield those transfers that are of this phase: a device may have had several turns in a round."""
    for row in transfers:
        span = _span(row.start_s, row.end_s)
        if span[0] < phase[0] or span[0] >= phase[1]:
            continue
        args = {
            "payload": row.payload, "station": row.station, "size_bytes": row.size_bytes, "wire_bytes": row.wire_bytes,
            "carried_bytes": row.carried_bytes, "complete": bool(row.complete), "handovers": row.handovers,
            "energy_j": row.energy_j,
        }  # fmt: skip
        yield from _not_empty(row.payload_kind, "payload", _within(span, phase), args)


def _span(begin_s: float, end_s: float) -> _Span:
    """Return the microseconds of a slice; an order in seconds stays one, so what is nested or apart stays so."""
    begin = round(1e6 * float(begin_s))
    return begin, max(begin, round(1e6 * float(end_s)))


def _within(inner: _Span, outer: _Span) -> _Span:
    """Cut what rounding left over the edge."""
    begin = min(max(inner[0], outer[0]), outer[1])
    return begin, min(max(inner[1], begin), outer[1])


def _not_empty(name: str, category: str, span: _Span, args: Mapping[str, Any]) -> Iterator[Event]:
    if span[1] > span[0]:
        yield _slice(name, category, span, args)


def _slice(name: str, category: str, span: _Span, args: Mapping[str, Any]) -> Event:
    return {"ph": "X", "name": name, "cat": category, "ts": span[0], "dur": span[1] - span[0], "args": _plain(args)}


def _instant(name: str, category: str, at: int, args: Mapping[str, Any]) -> Event:
    return {"ph": "i", "name": name, "cat": category, "ts": at, "s": "t", "args": _plain(args)}


def _plain(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as JSON has them: no numpy, and neither empty nor missing ones."""
    plain = {key: value.item() if hasattr(value, "item") else value for key, value in args.items()}
    return {key: value for key, value in plain.items() if value == value and value not in ("", None)}
