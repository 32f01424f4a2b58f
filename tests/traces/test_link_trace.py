"""Link traces by hand, and as functions of time on random steps."""

import math
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.traces.link import LinkTrace, Track, median_rates, read_link_trace, to_track
from mecsim.traces.link_series import read_link_series
from mecsim.traces.problems import TraceError


@pytest.fixture
def csv(tmp_path):
    def write(text, name="link.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def changes(trace, row, until_s):
    """Return times and rates in Mbit/s of all steps before ``until_s``."""
    t_s, found = 0.0, []
    while t_s < until_s:
        found.append((t_s, *(rate / 1e6 for rate in trace.rates(row, t_s))))
        t_s = trace.next_change(row, t_s)
    return found


TWO_STEPS = "t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,1\n10,a,2,1\n20,a,,\n"


def test_a_trace_is_constant_between_its_rows_and_begins_anew_at_its_end(csv):
    trace = read_link_trace([csv(TWO_STEPS)])
    assert trace.duration_s(0) == 20.0
    assert changes(trace, 0, 45.0) == [(0, 8, 1), (10, 2, 1), (20, 8, 1), (30, 2, 1), (40, 8, 1)]
    assert trace.rates(0, 9.999) == (8e6, 1e6)


def test_a_trace_that_ends_is_held_and_then_there_is_no_link(csv):
    trace = read_link_trace([csv(TWO_STEPS)], loop=False, hold_s=5.0)
    assert changes(trace, 0, 1e6) == [(0, 8, 1), (10, 2, 1), (25, 0, 0)]
    assert trace.next_change(0, 25.0) == math.inf
    assert (trace.tracks[0].held_s, trace.tracks[0].outage_s) == (0.0, 0.0)  # of one pass


def test_a_shift_and_a_scale(csv):
    trace = read_link_trace([csv(TWO_STEPS)], shift_s=15.0, scale=0.5)
    assert changes(trace, 0, 16.0) == [(0, 1, 0.5), (5, 4, 0.5), (15, 1, 0.5)]


@pytest.mark.parametrize("option", ["shift_s", "scale"])
def test_negative_options_are_refused(csv, option):
    with pytest.raises(ValueError, match=f"{option} must not be negative, got -1"):
        read_link_trace([csv(TWO_STEPS)], **{option: -1.0})


def test_the_last_row_lasts_as_long_as_rows_do(csv):
    trace = read_link_trace([csv("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,1\n2,a,2,1\n4,a,3,1\n")])
    assert trace.duration_s(0) == 6.0


def test_one_row_is_a_constant(csv):
    trace = read_link_trace([csv("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,1\n")])
    assert trace.rates(0, 1e5) == (8e6, 1e6)
    assert trace.next_change(0, 0.0) == math.inf


def test_both_directions_have_gaps_of_their_own(csv):
    series = read_link_series([csv("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,1\n1,a,-,2\n3,a,NaN,3\n9,a,4,3\n10,a,,\n")])
    track = to_track(series[0], hold_s=5.0)
    assert list(zip(track.starts_s, track.rates_bps, strict=True)) == [
        (0.0, (8e6, 1e6)),
        (1.0, (8e6, 2e6)),
        (3.0, (8e6, 3e6)),
        (6.0, (0.0, 3e6)),  # the gap begins at 1 s
        (9.0, (4e6, 3e6)),
    ]
    assert (track.held_s, track.outage_s, series[0].n_missing) == (5.0, 3.0, 2)
    assert median_rates(track) == (8e6, 3e6)


def test_of_rows_of_one_time_the_last_counts_even_if_it_is_missing(csv):
    series = read_link_series([csv("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,1\n0,a,7,1\n1,a,6,1\n1,a,-,1\n1,b,5,1\n3,a,4,1\n")])
    trace = LinkTrace(tuple(to_track(one, hold_s=1.0) for one in series))
    assert trace.ue_ids == ("a", "b")
    assert changes(trace, 0, 4.0) == [(0, 7, 1), (2, 0, 1), (3, 4, 1)]
    assert changes(trace, 1, 1.9) == [(0, 0, 0), (1, 5, 1)]
    assert [(one.n_rows, one.n_duplicates) for one in series] == [(5, 2), (1, 0)]


def test_rows_may_stand_in_any_order_and_in_several_files(csv):
    first = csv("t_s,ue_id,dl_mbps,ul_mbps\n10,a,2,1\n0,b,3,1\n", "1.csv")
    second = csv("ue_id,ul_mbps,t_s,dl_mbps\na,1,0,8\n", "2.csv")
    trace = read_link_trace([first, second])
    assert trace.ue_ids == ("a", "b")
    assert changes(trace, 0, 19.0) == [(0, 8, 1), (10, 2, 1)]


UCC = (
    "Timestamp,Longitude,Latitude,Speed,RAWCELLID,NetworkMode,DL_bitrate,UL_bitrate\n"
    "2019.12.16_11.49.59,-8.39,51.91,36,7,5G,22,36\n"
    "2019.12.16_11.49.59,-8.39,51.91,36,7,5G,2000,500\n"
    "2019.12.16_11.50.00,-8.39,51.91,36,7,5G,-,500\n"
    "2019.12.16_11.50.10,-8.40,51.92,36,7,LTE,1000,100\n"
)


def test_logs_with_stamps_begin_at_their_first_row(csv):
    path = csv(UCC, "drive.csv")
    trace = read_link_trace([path], preset="ucc5g")
    assert trace.ue_ids == ("drive",)
    # The downlink is missing from 1 s on, the uplink from 2 s on as no row follows.
    assert changes(trace, 0, 12.0) == [(0, 2, 0.5), (6, 0, 0.5), (7, 0, 0), (11, 1, 0.1)]
    assert trace.duration_s(0) == 12.0


def test_an_uplink_that_was_not_measured_is_a_share_of_the_downlink(csv):
    header = "run_num,seq_num,mobility_mode,trajectory_direction,Throughput,nrStatus\n"
    path = csv(header + "1,5,walking,CW,100,CONNECTED\n1,6,walking,CW,200,CONNECTED\n1,1,driving,CW,300,NONE\n")
    with pytest.raises(TraceError, match=r"there is no uplink rate\n.*--uplink-share 0.1"):
        read_link_trace([path], preset="lumos5g")
    trace = read_link_trace([path], preset="lumos5g", uplink_share=0.1)
    assert trace.ue_ids == ("walking-CW-1", "driving-CW-1")
    assert changes(trace, 0, 1.9) == [(0, 100, 10), (1, 200, 20)]


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_an_uplink_share_is_a_share(csv, share):
    with pytest.raises(ValueError, match="uplink_share must be above 0 and at most 1"):
        read_link_trace([csv(TWO_STEPS)], uplink_share=share)


def test_each_speed_test_is_a_device_with_constant_rates(csv):
    text = 'Date,downlink_Mbps,uplink_Mbps,latency_ms,carrier,radio_type\n"01/16/2021, 4:04 PM",2253.4,106.5,6,V,mmWave\n'
    trace = read_link_trace([csv(text + '"01/16/2021, 4:05 PM",174.5,34.4,18,V,LTE\n')], preset="sigcomm21")
    assert trace.ue_ids == ("V-mmWave-1", "V-LTE-2")
    assert trace.rates(1, 77.0) == (174.5e6, 34.4e6)
    assert trace.next_change(1, 77.0) == math.inf


def test_a_capacity_of_fedscale_is_both_rates(csv):
    path = csv(
        '{"1": {"computation": 20.5, "communication": 5000}, "2": {"computation": 3, "communication": 64}}', "capacity.json"
    )
    trace = read_link_trace([path], preset="fedscale")
    assert trace.ue_ids == ("1", "2")
    assert trace.rates(0, 3.0) == (5e6, 5e6)


def test_a_device_without_any_rate_is_refused(csv):
    with pytest.raises(TraceError, match=r"the device 'b' has no uplink rate in any row\n.*never be connected"):
        read_link_trace([csv("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,1\n0,b,8,-\n")])


def test_a_name_in_two_logs_is_refused(csv, tmp_path):
    (tmp_path / "other").mkdir()
    paths = [csv(UCC, "drive.csv"), csv(UCC, "other/drive.csv")]
    with pytest.raises(TraceError, match=r"the device 'drive' is in .*drive.csv too.*\n.*Rename one of the files"):
        read_link_trace(paths, preset="ucc5g")


@pytest.mark.parametrize("time", ["-1", "1.6e9"])
def test_times_of_a_clock_are_refused_where_time_begins_at_zero(csv, time):
    with pytest.raises(TraceError, match=r"line 2: t_s: must be between 0 and 1e\+08 s.*\n.*start: first-row"):
        read_link_trace([csv(f"t_s,ue_id,dl_mbps,ul_mbps\n{time},a,8,1\n")])


steps = st.lists(st.tuples(st.integers(1, 40), st.sampled_from([1.0, 2.0, 3.0])), min_size=1, max_size=6)


def made(parts):
    """Return a trace with a step for each length in tenths of a second and rate."""
    starts, rates, t = [], [], 0.0
    for tenths, rate in parts:
        if not rates or rates[-1][0] != rate:
            starts.append(t)
            rates.append((rate, rate))
        t += tenths * 0.1
    return Track("a", t, tuple(starts), tuple(rates), 0.0, 0.0)


@settings(max_examples=200)
@given(steps, st.floats(0.0, 1e5), st.floats(0.0, 300.0), st.floats(0.0, 300.0), st.booleans())
def test_changes_go_forward_and_are_exact(parts, start_s, shift_s, ahead_s, loop):
    """Between a change and the next one the rates are the same; at the change, to the bit, they are new. Time never stands."""
    trace = LinkTrace((made(parts),), loop=loop, shift_s=shift_s)
    t_s = start_s
    rates, next_change = partial(trace.rates, 0, ahead_s=ahead_s), partial(trace.next_change, 0, ahead_s=ahead_s)
    for _ in range(12):
        following = next_change(t_s)
        assert following > t_s
        if following == math.inf:
            assert rates(t_s) == rates(t_s + 1e4)
            break
        assert rates(math.nextafter(following, 0.0)) == rates(t_s)
        assert rates(following) != rates(t_s)
        t_s = following


def test_a_device_ahead_of_another_on_the_same_trace(csv):
    trace = read_link_trace([csv(TWO_STEPS)], shift_s=2.0)
    assert trace.rates(0, 4.9, ahead_s=3.0) == (8e6, 1e6)
    assert trace.next_change(0, 0.0, ahead_s=3.0) == 5.0
    assert trace.next_change(0, 0.0) == 8.0


@given(steps, st.integers(0, 50), st.floats(0.0, 1.0, exclude_max=True))
def test_every_pass_is_like_the_first(parts, n_passes, share):
    track = made(parts)
    trace = LinkTrace((track,))
    t_s = share * track.duration_s
    distance_s = min(abs(t_s - start) for start in (*track.starts_s, track.duration_s))
    if distance_s > 1e-6:  # at a step, rounding decides
        assert trace.rates(0, t_s + n_passes * track.duration_s) == trace.rates(0, t_s)
