"""Availability and devices, by hand."""

import json
import math

import pytest

from mecsim.traces.availability import read_availability_rows
from mecsim.traces.devices import DeviceRow, read_device_rows
from mecsim.traces.problems import TraceError


@pytest.fixture
def file(tmp_path):
    def write(text, name="rows.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_intervals_are_in_time_and_by_device(file):
    text = "ue_id,start_s,end_s,charging,battery\nb,50,60,1,0.5\na,5,9,0,\nb,0,50,,\na,2,2,,\n"
    found = read_availability_rows([file(text)])
    assert found.ue_ids == ("b", "a")
    assert list(zip(found.ue_id, found.start_s, found.end_s, strict=True)) == [("b", 0, 50), ("b", 50, 60), ("a", 5, 9)]
    assert found.charging.tolist() == [False, True, False]
    assert [None if math.isnan(share) else share for share in found.battery] == [None, 0.5, None]
    assert all(math.isnan(period) for period in found.period_s)


def test_a_trace_of_fedscale_is_intervals_that_begin_anew(file):
    record = {"duration": 90, "inactive": [30, 70], "finish_time": 100, "active": [10, 50], "model": "X"}
    found = read_availability_rows(
        [file(json.dumps({"7": record, "3": {**record, "active": [], "inactive": []}}), "t.json")], "fedscale"
    )
    assert found.ue_ids == ("7",)  # a device that is never there has no row
    assert list(zip(found.start_s, found.end_s, found.period_s, strict=True)) == [(10, 30, 100), (50, 70, 100)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,9,5,\n", "line 2: end_s: the interval ends at 5 s, before its start at 9 s\n    Exchange the two"),
        (
            "a,0,5,\nb,1,2,\na,3,3,\na,4,9,\n",
            "line 5: start_s: the interval from 4 s of 'a' begins before the one before it ends",
        ),
        ("a,0,5,4\n", "line 2: period_s: the interval ends at 5 s, after the period of 4 s"),
        ("a,0,,\n", "line 2: end_s: the value is missing"),
        ("a,0,5,0\n", "line 2: period_s: must be above 0 s, got '0'"),
    ],
)
def test_intervals_that_make_no_sense(file, rows, message):
    with pytest.raises(TraceError) as caught:
        read_availability_rows([file("ue_id,start_s,end_s,period_s\n" + rows)])
    assert message in str(caught.value)


def test_devices_with_what_is_said_of_them(file):
    text = "device_id,profile,peak_gflops_fp32,mem_gbps,ram_gb,eff,idle_w,active_w,batt_wh,ms_per_sample\n"
    found = read_device_rows([file(text + "a,pi-4,13.5,4,8,0.3,2.7,6.4,19.24,\nb,-,,,,,,,,12\n")])
    assert found == [
        DeviceRow(
            device_id="a",
            profile="pi-4",
            peak_flops=13.5e9,
            memory_bandwidth_bytes_per_s=4e9,
            memory_bytes=8e9,
            efficiency=0.3,
            idle_w=2.7,
            active_w=6.4,
            battery_wh=19.24,
        ),
        DeviceRow(device_id="b", ms_per_sample=12.0),
    ]


def test_a_capacity_of_fedscale_is_a_time_of_a_sample(file):
    path = file('{"1": {"computation": 20.5, "communication": 5000}}', "capacity.json")
    assert read_device_rows([path], "fedscale") == [DeviceRow(device_id="1", ms_per_sample=20.5)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,0,\n", "peak_gflops_fp32: must be above 0, got '0'"),
        ("a,,1.5\n", "eff: must be above 0 and at most 1, got '1.5'"),
        (",1,1\n", "device_id: the value is missing"),
        ("a,1,1\na,1,1\n", "the device 'a' is there twice"),
    ],
)
def test_devices_that_cannot_be(file, row, message):
    with pytest.raises(TraceError) as caught:
        read_device_rows([file("device_id,peak_gflops_fp32,eff\n" + row)])
    assert message in str(caught.value)
