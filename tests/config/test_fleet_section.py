"""The sections ``fleet``, ``server``, ``energy`` and ``faults``: what they refuse."""

import pytest
from worlds import problems, refused, scenario

from mecsim.build.fleet import profile_of_group

PROFILE = """\
name: box
peak_tflops: 0.1
efficiency: 0.5
memory_bandwidth_gbytes_per_s: 10
memory_gb: 4
usable_memory: 0.5
idle_w: 1
active_w: 3
launch_ms: 1
"""
BOX = {"fleet.groups.0.profile": "path:box.yaml"}


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (
            {
                "fleet.area_m": [0, 500],
                "network.stations": [{"name": "a", "position_m": [0, 0], "height_m": 10, "tx_power_dbm": 30}],
            },
            "fleet.area_m.0",
            "greater than 0",
        ),
        ({"fleet.starts_at_hour": 24}, "fleet.starts_at_hour", "less than 24"),
        ({"fleet.groups": []}, "fleet.groups", "at least 1 item"),
        ({"fleet.groups.0.count": 0, "protocol.clients_per_round": 1}, "fleet.groups.0.count", "greater than or equal to 1"),
        ({"fleet.groups.0.profile": "phone-mdi"}, "fleet.groups.0.profile", "no device profile called 'phone-mdi'"),
        ({"fleet.groups.1.name": "phones"}, "fleet.groups.1.name", "a group 'phones' already"),
        ({"fleet.groups.0.memory_gb": 0}, "fleet.groups.0.memory_gb", "greater than 0"),
        ({"fleet.groups.0.storage_gb": -1}, "fleet.groups.0.storage_gb", "greater than 0"),
        ({"fleet.groups.0.frequency": 1.2}, "fleet.groups.0.frequency", "less than or equal to 1"),
        ({"fleet.groups.0.contention": 1}, "fleet.groups.0.contention", "less than 1"),
        ({"fleet.groups.0.throttling": {"after_s": 60, "factor": 0}}, "fleet.groups.0.throttling.factor", "greater than 0"),
        ({"fleet.groups.0.throttling": {"factor": 0.5}}, "fleet.groups.0.throttling.after_s", "required and missing"),
        ({"fleet.groups.0.spread": {"speed": -0.1}}, "fleet.groups.0.spread.speed", "greater than or equal to 0"),
        ({"fleet.groups.0.battery": {"level": [0.5, 1.5]}}, "fleet.groups.0.battery.level.1", "less than or equal to 1"),
        ({"fleet.groups.0.battery": {"level": [0.9, 0.5]}}, "fleet.groups.0.battery.level", r"the least \(0.9\) is above"),
        ({"fleet.groups.0.battery": {"least_level": 1}}, "fleet.groups.0.battery.least_level", "less than 1"),
        ({"fleet.groups.0.battery": {"charging": {"length_h": 25}}}, "fleet.groups.0.battery.charging.length_h", "to 24"),
        ({"fleet.groups.1.battery": {}}, "fleet.groups.1.battery.capacity_wh", "'raspberry-pi-5' has no battery"),
        (
            {"fleet.groups.0.mobility": {"kind": "random-waypoint", "speed_mps": [0, 1]}},
            "fleet.groups.0.mobility.speed_mps.0",
            "than 0",
        ),
        (
            {"fleet.groups.0.mobility": {"kind": "random-waypoint", "speed_mps": [2, 1]}},
            "fleet.groups.0.mobility.speed_mps",
            "is above",
        ),
        (
            {"fleet.groups.0.mobility": {"kind": "gauss-markov", "memory": 1.1}},
            "fleet.groups.0.mobility.memory",
            "than or equal to 1",
        ),
        (
            {"fleet.groups.0.mobility": {"kind": "static", "speed_mps": [1, 2]}},
            "fleet.groups.0.mobility.speed_mps",
            "no such key",
        ),
        ({"fleet.groups.0.mobility": {"kind": "walk"}}, "fleet.groups.0.mobility.kind", "there is no kind 'walk' of mobility"),
        ({"fleet.groups.0.mobility": {"kind": "trace", "files": ["no.csv"]}}, "fleet.groups.0.mobility.files", "no such file"),
        (
            {"fleet.groups.0.availability": {"kind": "daily", "length_h": 30}},
            "fleet.groups.0.availability.length_h",
            "equal to 24",
        ),
        ({"fleet.groups.0.availability": {"kind": "trace"}}, "fleet.groups.0.availability.files", "required and missing"),
        ({"fleet.groups.0.devices": "no.csv"}, "fleet.groups.0.devices", "no such file"),
        ({"server.profile": "phone-mid"}, "server.profile", "no server profile called 'phone-mid'"),
        ({"energy": {"backhaul_kwh_per_gb": -1}}, "energy.backhaul_kwh_per_gb", "greater than or equal to 0"),
        ({"energy": {"carbon_trace": "no.csv"}}, "energy.carbon_trace", "no such file"),
        ({"faults": {"slow_factor": 1.5}}, "faults.slow_factor", "less than or equal to 1"),
        ({"faults": {"crash_per_hour": -1}}, "faults.crash_per_hour", "greater than or equal to 0"),
        ({"faults": {"station_schedule": [["west", 0, 5]]}}, "faults.station_schedule.0.0", "there is no station 'west'"),
        ({"faults": {"station_schedule": [["north", 5, 5]]}}, "faults.station_schedule.0.2", "ends at 5 s, and begins at 5 s"),
        ({"faults": {"station_schedule": [["north", -5, 5]]}}, "faults.station_schedule.0.1", "greater than or equal to 0"),
        ({"faults": {"station_schedule": [["north", 5]]}}, "faults.station_schedule.0.2", "position 2 of the list is missing"),
    ],
)
def test_what_cannot_be_is_refused_with_key_line_rule_and_way_out(changes, key, message):
    if message == "to 24":
        message = "less than or equal to 24"
    refused(key, message, changes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("memory_gb: 4\n", "", "memory_gb: this key is required and missing"),
        ("memory_gb: 4", "memory_gb: 0", "memory_gb: must be greater than 0"),
        ("active_w: 3", "active_w: 0.5", "computing takes no negative power"),
        ("idle_w: 1", "idle_w: -1", "idle_w: must be greater than or equal to 0"),
        ("name: box\n", "name: box\nradio: lte-2099\n", "radio"),
        (PROFILE, "- a list\n", "a section of keys"),
    ],
)
def test_an_impossible_profile_is_refused(tmp_path, old, new, message):
    (tmp_path / "box.yaml").write_text(PROFILE.replace(old, new))
    refused("fleet.groups.0.profile", message, BOX, tmp_path)
    refused("server.profile", message, {"server.profile": "path:box.yaml"}, tmp_path)


def test_a_profile_in_a_file_stands_for_a_name(tmp_path):
    (tmp_path / "box.yaml").write_text(PROFILE)
    of = scenario(BOX, tmp_path)
    assert profile_of_group(of.fleet.groups[0]).memory_budget_bytes == 2e9
    assert of.fleet.groups[0].name == "phones"
    refused("fleet.groups.0.profile", "no such file or folder", BOX, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("d1,-5", "ram_gb"),
        ("d1,much", "ram_gb"),
        ("d1,2\nd1,3", "'d1' is there twice"),
    ],
)
def test_an_impossible_file_of_devices_is_refused(tmp_path, rows, message):
    (tmp_path / "devices.csv").write_text(f"device_id,ram_gb\n{rows}\n")
    refused("fleet.groups.0.devices", message, {"fleet.groups.0.devices": "devices.csv"}, tmp_path)


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        ("profile", "phone-mdi", "d1.*no device profile called 'phone-mdi'"),
        ("active_w", "0.01", "active_w .0.01. is below idle_w"),
        ("profile,ram_gb", "pickle,4", "pickle"),
    ],
)
def test_an_impossible_device_of_a_file_is_refused(tmp_path, head, row, message):
    (tmp_path / "devices.csv").write_text(f"device_id,{head}\nd1,{row}\n")
    problem = refused("fleet.groups.0.devices", message, {"fleet.groups.0.devices": "devices.csv"}, tmp_path)
    assert "devices.csv" in problem.message


def test_a_file_of_devices_has_to_bring_the_batteries_that_the_profile_has_not(tmp_path):
    changes = {"fleet.groups.1.devices": "devices.csv", "fleet.groups.1.battery": {}}
    (tmp_path / "devices.csv").write_text("device_id,batt_wh\nd1,10\nd2,\n")
    refused("fleet.groups.1.battery.capacity_wh", "no battery", changes, tmp_path)
    (tmp_path / "devices.csv").write_text("device_id,batt_wh\nd1,10\nd2,12\n")
    assert scenario(changes, tmp_path).fleet.groups[1].battery is not None


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("mobility", "t_s,ue_id,x_m\n0,a,1\n", "y_m"),
        ("mobility", "t_s,ue_id,x_m,y_m\n-1,a,1,1\n", "between 0 and"),
        ("mobility", b"\x80\x04\x95", "[Pp]ickle"),
        ("availability", "ue_id,start_s,end_s\na,10,5\n", "ends at 5 s, before its start"),
        ("availability", "ue_id,start_s,end_s\na,5,5\n", "."),
        ("availability", "ue_id,start_s,end_s\n", "."),
    ],
)
def test_files_that_are_no_trace_are_refused(tmp_path, kind, content, message):
    path = tmp_path / "rows.csv"
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    changes = {f"fleet.groups.0.{kind}": {"kind": "trace", "files": ["rows.csv"]}}
    refused(f"fleet.groups.0.{kind}.files", message, changes, tmp_path)


@pytest.mark.parametrize(
    "content",
    ["t_s,g_per_kwh\n0,100\n", "t_s,grams\n0,1\n1,1\n", "t_s,g_per_kwh\n0,-5\n10,5\n", "t_s,g_per_kwh\n5,1\n0,1\n", "", "\x00"],
)
def test_a_carbon_trace_has_increasing_times_and_intensities(tmp_path, content):
    (tmp_path / "carbon.csv").write_text(content)
    refused(
        "energy.carbon_trace",
        "not a carbon trace.*t_s, increasing, and g_per_kwh",
        {"energy": {"carbon_trace": "carbon.csv"}},
        tmp_path,
    )


def test_all_files_are_told_at_once(tmp_path):
    (tmp_path / "bad.csv").write_text("nothing\n1\n")
    found = problems(
        {
            "network.trace": {"files": ["bad.csv"]},
            "fleet.groups.0.mobility": {"kind": "trace", "files": ["bad.csv"]},
            "fleet.groups.0.availability": {"kind": "trace", "files": ["bad.csv"]},
            "fleet.groups.1.devices": "bad.csv",
            "energy": {"carbon_trace": "bad.csv"},
        },
        tmp_path,
    )
    assert set(found) == {
        "network.trace.files",
        "fleet.groups.0.mobility.files",
        "fleet.groups.0.availability.files",
        "fleet.groups.1.devices",
        "energy.carbon_trace",
    }


def test_memory_that_cannot_hold_the_weights_is_refused_unless_a_file_has_the_devices(tmp_path):
    (tmp_path / "devices.csv").write_text("device_id,ram_gb\nd1,64\n")
    trained = {"model": "tiny-vit-s", "dataset": {"name": "digits"}, "partition": {"kind": "iid"}, "account_as": "vit-base-16"}
    changes = {
        "learning": trained,
        "schemes": [{"name": "full"}],
        "fleet.groups.0.memory_gb": 0.25,
        "fleet.groups.1.memory_gb": 8,
    }
    refused("fleet.groups.0", "'phones' can use .* every scheme would refuse it", changes, tmp_path)
    assert scenario({**changes, "fleet.groups.0.devices": "devices.csv"}, tmp_path).fleet.groups[0].devices is not None
