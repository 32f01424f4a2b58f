"""The trace of a run: checked against the format's description, against the tables, and one turn by hand."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_study import write_demo, write_sweep
from trace_format import in_order, problems, slices
from worlds import rows_of, scenario

from analysis.trace_events import _counted, trace_events, trace_json
from analysis.trace_tracks import device_events, server_events, station_events
from mecsim.config.loader import resolved_yaml
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.results.folder import write_run
from mecsim.results.reader import open_run
from mecsim.results.records import TABLES

TURN = {
    "round": 3, "start_s": 10.0, "download_s": 5.0, "compute_s": 20.0, "upload_s": 4.0, "end_s": 39.0, "outcome": "completed",
    "reason": "", "n_samples": 60, "staleness": 0, "profile": "phone", "idle_energy_j": 1.0, "tail_energy_j": 0.5,
    "download_bytes": 1000, "upload_bytes": 200, "connect_energy_j": 0.25, "download_energy_j": 0.75, "compute_energy_j": 7.0,
    "upload_energy_j": 2.0,
}  # fmt: skip
TRANSFER = {
    "round": 3, "device": 4, "station": "north", "direction": "downlink", "payload": "state-3", "payload_kind": "state",
    "start_s": 11.0, "end_s": 15.0, "size_bytes": 1000, "wire_bytes": 1050.0, "carried_bytes": 1050.0, "complete": True,
    "handovers": 0, "energy_j": 0.75,
}  # fmt: skip
PROTOCOLS = (
    {"kind": "sync", "rounds": 3, "clients_per_round": 4},
    {"kind": "async", "rounds": 12, "clients_per_round": 4, "evaluate_every": 2},
    {"kind": "hierarchical", "rounds": 2, "clients_per_round": 6, "edge_rounds": 2},
)


def turn(**changes):
    return SimpleNamespace(**{**TURN, **changes})


def transfer(**changes):
    return SimpleNamespace(**{**TRANSFER, **changes})


def spans(events):
    return [(event["name"], event["ts"] / 1e6, event.get("dur", 0) / 1e6) for event in events]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return write_sweep(tmp_path_factory.mktemp("trace") / "sweep", bandwidths_mhz=(2.0, 20.0), seeds=(1, 2))


def test_a_made_up_run_follows_the_format(run, sweep):
    for each in (run, sweep):
        trace = json.loads(trace_json(each))
        assert problems(trace) == []
        assert in_order(trace)
        assert trace == trace_events(each)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol["kind"])
def test_a_real_run_has_every_turn_and_payload_and_byte(tmp_path, protocol):
    rows = {name: rows_of(protocol=protocol).get(name, []) for name in TABLES}
    write_run(tmp_path / "small", scenario_yaml=resolved_yaml(scenario(protocol=protocol)), manifest={}, tables=rows)
    run = open_run(tmp_path / "small")
    trace = trace_events(run)
    assert problems(trace) == []
    met = Counter(event.get("cat") for event in trace["traceEvents"])
    clients, transfers = run.frame("clients"), run.frame("transfers")
    assert met["turn"] == len(clients) > 0
    assert met["payload"] == len(transfers) > 0
    assert met["round"] == len(run.frame("rounds"))
    carried = sum(event["args"].get("carried_bytes", 0.0) for event in trace["traceEvents"] if event.get("cat") == "payload")
    assert carried == pytest.approx(transfers["carried_bytes"].sum())
    computed = sum(event["args"]["energy_j"] for event in trace["traceEvents"] if event.get("cat") == "compute")
    assert computed == pytest.approx(clients["compute_energy_j"].sum())


def test_a_scheme_is_a_process_and_its_tracks_are_server_stations_and_devices(run):
    trace = trace_events(run)
    names = {(e["pid"], e["name"]): e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    assert list(names.values()) == ["full", "head", "bias", "lora", "adapter", "prompt"]
    tracks = [e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name" and e["pid"] == 1]
    assert tracks[:4] == ["server", "station bs-0", "station bs-1", "station bs-2"]
    asked = run.frame("clients").query("label == 'full'")
    assert sorted(tracks[4:]) == sorted(f"device {d} ({g})" for d, g in set(zip(asked["device"], asked["group"], strict=True)))
    numbers = [(e["pid"], e["tid"]) for e in trace["traceEvents"] if e["name"] == "thread_name"]
    assert len({tid for _, tid in numbers}) == len(numbers)


def test_rounds_lie_on_the_server_from_opening_to_close_with_accuracy_at_the_close(run):
    rounds = run.frame("rounds").query("label == 'lora'")
    trace = trace_events(run, label="lora")
    drawn = [event for event in slices(trace, "lora", "server") if event["cat"] == "round"]
    assert [event["name"] for event in drawn] == ["preparation", *(f"round {number}" for number in range(1, 16))]
    for event, row in zip(drawn, rounds.itertuples(), strict=True):
        assert event["ts"] == round(1e6 * row.opened_at_s)
        assert event["ph"] == ("X" if row.sim_time_s > row.opened_at_s else "i")
        assert event["ts"] + event.get("dur", 0) == round(1e6 * row.sim_time_s)
        assert event["args"]["uplink_bytes"] == row.uplink_bytes
    counted = [(e["ts"], e["args"]["accuracy"]) for e in trace["traceEvents"] if e["ph"] == "C"]
    assert counted == [(round(1e6 * r.sim_time_s), round(100 * r.accuracy, 4)) for r in rounds.itertuples()]


def test_a_round_that_is_not_evaluated_has_no_accuracy():
    row = SimpleNamespace(
        round=1, opened_at_s=0.0, sim_time_s=2.0, accuracy=float("nan"), completed=1, late=0, refused=0, lost=0, offline=0,
        uplink_bytes=1, downlink_bytes=1, server_energy_j=1.0,
    )  # fmt: skip
    events = list(server_events([row], [turn(round=1, end_s=1.5), turn(round=1, end_s=1.9, outcome="late")]))
    assert spans(events) == [("round 1", 0.0, 2.0), ("after the last update", 1.5, 0.5)]
    assert "accuracy" not in events[0]["args"]


def test_a_turn_by_hand():
    sent = transfer(direction="uplink", payload="update", payload_kind="update", start_s=35.0, end_s=39.0)
    events = list(device_events([turn()], [transfer(), sent]))
    assert spans(events) == [
        ("round 3", 10.0, 29.0),
        ("download", 10.0, 5.0),
        ("state", 11.0, 4.0),
        ("compute", 15.0, 20.0),
        ("upload", 35.0, 4.0),
        ("update", 35.0, 4.0),
    ]
    by_name = {event["name"]: event["args"] for event in events}
    assert by_name["round 3"]["outcome"] == "completed"
    assert "reason" not in by_name["round 3"]
    assert by_name["download"] == {"bytes": 1000, "energy_j": 1.0, "outcome": "completed"}
    assert by_name["compute"] == {"energy_j": 7.0, "outcome": "completed"}
    assert (by_name["state"]["carried_bytes"], by_name["state"]["station"]) == (1050.0, "north")


def test_a_turn_that_was_broken_off_ends_where_it_ended():
    crashed = turn(outcome="lost", reason="crash: the device crashed", compute_s=3.0, upload_s=0.0, upload_bytes=0, end_s=18.0)
    events = list(device_events([crashed], [transfer()]))
    assert spans(events)[0] == ("round 3: lost", 10.0, 8.0)
    assert ("compute", 15.0, 3.0) in spans(events)
    assert "upload" not in [event["name"] for event in events]
    assert events[0]["args"]["reason"] == "crash: the device crashed"


def test_a_refusal_is_an_instant():
    nothing = {"download_s": 0.0, "compute_s": 0.0, "upload_s": 0.0, "end_s": 10.0}
    (event,) = device_events([turn(outcome="refused", reason="memory: needs more", **nothing)], [])
    assert (event["ph"], event["s"], event["name"], event["ts"]) == ("i", "t", "round 3: refused", 10_000_000)


def test_two_turns_in_one_round_keep_their_own_payloads():
    second = turn(start_s=50.0, end_s=79.0)
    events = list(device_events([turn(), second], [transfer(), transfer(start_s=51.0, end_s=55.0)]))
    assert [event["ts"] for event in events if event["name"] == "state"] == [11_000_000, 51_000_000]


times = st.floats(0.0, 1e6, allow_nan=False)
lengths = st.floats(0.0, 1e4, allow_nan=False)


@given(st.lists(st.tuples(lengths, lengths, lengths, lengths), min_size=1, max_size=6), times)
@settings(max_examples=60, deadline=None)
def test_slices_nest_whatever_rounding_does(phases, start_s):
    turns, payloads = [], []
    for gap_s, download_s, compute_s, upload_s in phases:
        start_s += gap_s
        end_s = start_s + download_s + compute_s + upload_s
        turns.append(turn(start_s=start_s, download_s=download_s, compute_s=compute_s, upload_s=upload_s, end_s=end_s))
        payloads.append(transfer(start_s=start_s, end_s=start_s + download_s))
        payloads.append(transfer(direction="uplink", start_s=end_s - upload_s, end_s=end_s))
        start_s = end_s
    named = [{"ph": "M", "name": name, "pid": 1, "tid": 1, "args": {"name": "x"}} for name in ("process_name", "thread_name")]
    events = [{"pid": 1, "tid": 1, **event} for event in device_events(turns, payloads)]
    assert problems({"traceEvents": named + events, "displayTimeUnit": "ms"}) == []


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20), st.booleans()), max_size=12))
@settings(max_examples=100, deadline=None)
def test_a_station_shows_how_many_are_under_way_at_any_moment(drawn):
    rows = [
        transfer(device=i, start_s=float(begin), end_s=float(begin + length), direction="uplink" if up else "downlink")
        for i, (begin, length, up) in enumerate(drawn)
    ]
    events = list(station_events(rows))
    for moment in [0.5 + second for second in range(65)]:
        here = [r for r in rows if r.start_s < moment < r.end_s]
        ups = sum(r.direction == "uplink" for r in here)
        shown = [e for e in events if e["ts"] < 1e6 * moment < e["ts"] + e["dur"]]
        counts = [f"{n} {way}" for n, way in ((len(here) - ups, "down"), (ups, "up")) if n]
        assert [e["name"] for e in shown] == ([", ".join(counts)] if here else [])


def test_tracks_of_stations_are_in_the_order_of_their_numbers():
    names = ["cell-1", "cell-10", "cell-2", "10", "9", "north"]
    assert sorted(names, key=_counted) == ["9", "10", "cell-1", "cell-2", "cell-10", "north"]


def test_one_label_variant_and_seed_can_be_chosen(sweep):
    first, other = trace_events(sweep), trace_events(sweep, variant="bandwidth_mhz=20", seed=2, label="lora")
    assert (first["otherData"]["variant"], first["otherData"]["seed"]) == ("bandwidth_mhz=2", "1")
    assert (other["otherData"]["variant"], other["otherData"]["seed"]) == ("bandwidth_mhz=20", "2")
    assert [e["args"]["name"] for e in other["traceEvents"] if e["name"] == "process_name"] == ["lora"]
    rounds = sweep.frame("rounds").query("variant == 'bandwidth_mhz=20' and seed == 2 and label == 'lora'")
    ends = [event["ts"] + event.get("dur", 0) for event in slices(other, "lora", "server") if event["cat"] == "round"]
    assert ends[-1] == round(1e6 * rounds["sim_time_s"].max())


def test_names_that_are_not_there_say_which_are(run, sweep):
    with pytest.raises(UnknownNameError, match="Did you mean 'lora'"):
        trace_events(run, label="loar")
    with pytest.raises(UnknownNameError, match=r"no seed called '7'\. Known: 1, 2"):
        trace_events(sweep, seed=7)
    with pytest.raises(UnknownNameError, match="Did you mean 'bandwidth_mhz=2'"):
        trace_events(sweep, variant="bandwidth=2")
    with pytest.raises(MecsimError, match="no sweep"):
        trace_events(run, variant="narrow")


def test_equal_runs_give_equal_files(run, tmp_path):
    again = write_demo(tmp_path / "again")
    assert trace_json(run) == trace_json(again)


def test_the_checker_finds_what_is_wrong(run):
    trace = trace_events(run, label="lora")
    assert problems(trace) == []
    events = trace["traceEvents"]
    slice_ = next(event for event in events if event["ph"] == "X" and event["cat"] == "turn")
    cut = {**slice_, "ts": slice_["ts"] + slice_["dur"] // 2}
    wrong = [
        cut, {**slice_, "dur": -1}, {**slice_, "ts": 1.5}, {**slice_, "tid": 9999}, {**slice_, "ph": "Q"},
        {**slice_, "args": {"energy_j": float("nan")}}, {key: value for key, value in slice_.items() if key != "dur"},
    ]  # fmt: skip
    for event in wrong:
        assert problems({**trace, "traceEvents": [*events, event]}), event
