"""The command: what it writes reads as the same trace, and what it says is what is there."""

import math

import numpy as np
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mecsim.cli.traces import import_trace
from mecsim.errors import MecsimError
from mecsim.traces.availability import read_availability_rows
from mecsim.traces.canonical import link_rows, write_csv
from mecsim.traces.devices import read_device_rows
from mecsim.traces.link import LinkTrace, read_link_trace, to_track
from mecsim.traces.link_series import OPTIONAL, LinkSeries, read_link_series
from mecsim.traces.mobility import read_mobility_rows

LOG = (
    "Timestamp,Longitude,Latitude,Speed,RAWCELLID,NetworkMode,RSRP,DL_bitrate,UL_bitrate\n"
    "2019.12.16_11.49.59,1.0,0.0,36,7,5G,-91,22,36\n"
    "2019.12.16_11.49.59,1.0,0.0,36,7,5G,-90,2001,503\n"
    "2019.12.16_11.50.00,1.001,0.0,36,7,5G,-,-,500\n"
    "2019.12.16_11.50.10,1.002,0.0,-,8,LTE,-80,1000,100\n"
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in a folder with a log, and return what it says."""
    app = typer.Typer()
    app.command()(import_trace)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drive.csv").write_text(LOG, encoding="utf-8")

    def invoke(*arguments):
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    return invoke


def test_a_log_becomes_a_canonical_file(run, tmp_path):
    run("--preset", "ucc5g", "--kind", "link", "--out", "made/link.csv", "drive.csv")
    assert (tmp_path / "made" / "link.csv").read_text().splitlines() == [
        "t_s,ue_id,dl_mbps,ul_mbps,rsrp_dbm,cell_id,rat",
        "0,drive,2.001,0.503,-90,7,5G",
        "1,drive,2.001,0.5,,7,5G",
        "6,drive,0,0.5,,,",
        "7,drive,0,0,,,",
        "11,drive,1,0.1,-80,8,LTE",
        "12,drive,,,,,",
    ]
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["link.csv"]


def test_what_is_in_a_log_is_told(run):
    said = run("--preset", "ucc5g", "--kind", "link", "--out", "link.csv", "drive.csv").splitlines()
    assert " ".join(said[0].split()) == "device rows duplicates missing duration s held s outage % down Mbit/s up Mbit/s"
    # Of 12 s, the downlink is known in 0-1 s and 11-12 s, and held until 6 s; the uplink is held in 2-7 s.
    assert said[1].split() == ["drive", "4", "1", "1", "12", "5", "41.7", "1", "0.5"]
    assert said[-1] == "6 rows of 1 devices are in link.csv."


def test_the_file_reads_as_the_same_trace(run, tmp_path):
    run("--preset", "ucc5g", "--kind", "link", "--out", "link.csv", "drive.csv")
    log, written = (
        read_link_trace([tmp_path / name], preset=preset)
        for name, preset in [("drive.csv", "ucc5g"), ("link.csv", "canonical")]
    )
    assert written.tracks[0].rates_bps == log.tracks[0].rates_bps
    assert written.tracks[0].starts_s == log.tracks[0].starts_s
    assert written.duration_s(0) == log.duration_s(0) == 12.0


rates = st.one_of(st.just(math.nan), st.integers(0, 10**9).map(float), st.floats(1e-3, 1e10))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.floats(0.01, 20.0), min_size=0, max_size=8),
    downlink=st.lists(rates, min_size=9, max_size=9),
    uplink=st.lists(rates, min_size=9, max_size=9),
    hold_s=st.sampled_from([0.0, 1.0, 5.0]),
    sample_s=st.sampled_from([None, 1.0]),
)
def test_any_trace_survives_being_written(tmp_path, gaps, downlink, uplink, hold_s, sample_s):
    times_s = np.cumsum([0.0, *gaps])
    n = len(times_s)
    down, up = np.array([*downlink[: n - 1], 5e6]), np.array([3e6, *uplink[1:n]])
    series = LinkSeries("a", times_s, down, up, float(times_s[-1] + 1.0), sample_s, n, 0, {})
    path = tmp_path / "link.csv"
    write_csv(path, "link", link_rows([series], hold_s=hold_s))
    found = read_link_trace([path], hold_s=hold_s)
    expected = LinkTrace((to_track(series, hold_s=hold_s),))
    assert found.duration_s(0) == expected.duration_s(0)
    np.testing.assert_array_equal(found.tracks[0].starts_s, expected.tracks[0].starts_s)
    np.testing.assert_allclose(found.tracks[0].rates_bps, expected.tracks[0].rates_bps, rtol=1e-15)


def test_positions_and_their_origin(run, tmp_path):
    said = run("--preset", "ucc5g", "--kind", "mobility", "--out", "m.csv", "drive.csv")
    assert "drive" in said
    assert said.splitlines()[1].split() == ["drive", "3", "11", "0.22", "10.0"]
    assert "x = y = 0 is at longitude 1.0, latitude 0.0." in said
    found, log = read_mobility_rows([tmp_path / "m.csv"]), read_mobility_rows([tmp_path / "drive.csv"], "ucc5g")
    np.testing.assert_array_equal(found.x_m, log.x_m)
    np.testing.assert_array_equal(found.speed_mps, log.speed_mps)
    run("--preset", "ucc5g", "--kind", "mobility", "--origin", "1.002,0", "--out", "m.csv", "drive.csv")
    assert read_mobility_rows([tmp_path / "m.csv"]).x_m[-1] == 0.0


def test_availability_and_devices(run, tmp_path):
    (tmp_path / "t.json").write_text('{"7": {"active": [1, 5], "inactive": [3, 6], "finish_time": 10}}')
    (tmp_path / "c.json").write_text('{"7": {"computation": 20.5, "communication": 100}}')
    said = run("--preset", "fedscale", "--kind", "availability", "--out", "a.csv", "t.json")
    assert said == "2 intervals of 1 devices are in a.csv.\n"
    assert (tmp_path / "a.csv").read_text() == "ue_id,start_s,end_s,period_s\n7,1,3,10\n7,5,6,10\n"
    assert len(read_availability_rows([tmp_path / "a.csv"])) == 2
    assert run("--preset", "fedscale", "--kind", "device", "--out", "d.csv", "c.json") == "1 devices are in d.csv.\n"
    assert read_device_rows([tmp_path / "d.csv"]) == read_device_rows([tmp_path / "c.json"], "fedscale")


def test_an_uplink_that_is_assumed_is_called_so(run, tmp_path):
    said = run("--preset", "ucc5g", "--kind", "link", "--uplink-share", "0.1", "--out", "link.csv", "drive.csv")
    assert "The uplink is 0.1 of the downlink: an assumption, not a measurement." in said
    assert read_link_trace([tmp_path / "link.csv"]).rates(0, 0.0) == pytest.approx((2.001e6, 0.2001e6))


def test_many_devices_do_not_fill_the_screen(run, tmp_path):
    (tmp_path / "c.json").write_text("[" + ",".join(f'{{"client_id": {i}, "communication": 100}}' for i in range(25)) + "]")
    assert "... and 5 more devices" in run("--preset", "fedscale", "--kind", "link", "--out", "link.csv", "c.json")


def test_optional_columns_are_kept_only_where_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t_s,ue_id,dl_mbps,ul_mbps,loss\n0,a,1,1,0.5\n")
    assert set(read_link_series([path], optional=OPTIONAL)[0].others) == {"loss"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "link", "--out", "./drive.csv"), "--out drive.csv is one of the files to read"),
        (("--kind", "link", "--uplink-share", "2", "--out", "o.csv"), "--uplink-share must be above 0 and at most 1, got 2"),
        (
            ("--kind", "device", "--uplink-share", "0.5", "--out", "o.csv"),
            "--uplink-share is for --kind link alone, not for device",
        ),
        (("--kind", "link", "--origin", "1,2", "--out", "o.csv"), "--origin is for --kind mobility alone"),
        (
            ("--kind", "mobility", "--origin", "51.9", "--out", "o.csv"),
            "--origin must be a longitude and a latitude in degrees",
        ),
        (("--kind", "mobility", "--origin", "0,91", "--out", "o.csv"), "got '0,91'"),
        (
            ("--kind", "link", "--out", "drive.csv/o.csv"),
            r"cannot write it: .*\n    Choose another file with --out",
        ),
    ],
)
def test_calls_that_cannot_be(run, tmp_path, arguments, message):
    with pytest.raises(MecsimError, match=message):
        run("--preset", "ucc5g", *arguments, "drive.csv")
    assert (tmp_path / "drive.csv").read_text() == LOG
