"""Files that cannot be read: every problem with its line, its value, the rule and the way out."""

import json
import pickle
import re

import pytest

from mecsim.traces.availability import read_availability_rows
from mecsim.traces.link import read_link_trace
from mecsim.traces.problems import MOST_TOLD, TraceError

HEAD = "t_s,ue_id,dl_mbps,ul_mbps\n"


@pytest.fixture
def problems(tmp_path):
    """Write files, read them as a link, and return what was wrong by file name."""

    def read(files, **options):
        paths = []
        for name, content in files.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(TraceError) as caught:
            read_link_trace(paths, **options)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return read


def test_all_problems_of_all_files_are_told_at_once(problems):
    told = problems(
        {"a.csv": HEAD + "0,a,fast,1\n1,,2,1\n2,a,-4,1\n", "b.csv": HEAD + "zero,a,1,1_0\n", "c.csv": HEAD + "0,a,1,1\n"}
    )
    assert re.sub(r"\n    .*", "", told).splitlines() == [
        "a.csv: 3 problems",
        "  line 2: dl_mbps: 'fast' is not a number",
        "  line 3: ue_id: the value is missing",
        "  line 4: dl_mbps: must be at least 0, got '-4'",
        "b.csv: 2 problems",
        "  line 2: t_s: 'zero' is not a number",
        "  line 2: ul_mbps: '1_0' is not a number",
    ]
    assert "Write a decimal number without a unit; a value that is missing is '', '-', 'nan'" in told


def test_a_screen_is_not_filled(problems):
    told = problems({"a.csv": HEAD + "0,a,fast,1\n" * (MOST_TOLD + 7)})
    assert told.startswith("a.csv: 27 problems\n")
    assert told.endswith("\n  ... and 7 more")
    assert told.count("is not a number") == MOST_TOLD


def test_the_unit_of_a_value_is_told(problems):
    head = "Timestamp,DL_bitrate,UL_bitrate\n"
    told = problems({"a.csv": head + "2019.12.16_11.49.59,-7,1\n2019-12-16,1,1\n"}, preset="ucc5g")
    assert "line 2: DL_bitrate: must be at least 0, got '-7' kbit/s" in told
    assert "line 3: Timestamp: '2019-12-16' is not a stamp of the form '%Y.%m.%d_%H.%M.%S'" in told


@pytest.mark.parametrize("value", ["inf", "1e999", "0x10", "1,5"])
def test_what_is_no_decimal_number_is_refused(problems, value):
    assert f"line 2: dl_mbps: '{value}' is not a number" in problems({"a.csv": HEAD + f'0,a,"{value}",1\n'})


def test_a_row_that_is_torn(problems):
    told = problems({"a.csv": HEAD + "0,a,1,1\n\n1,a,1\n"})
    assert "line 4: (row): the row has 3 cells, the header 4\n    Complete or remove the row; if cells are parted" in told


def test_a_column_that_is_not_there_has_a_suggestion(problems):
    told = problems({"a.csv": "t_s,ue_id,dl_mbp,ul_mbps\n0,a,1,1\n"})
    assert "(file): the file has no column 'dl_mbps'\n    Did you mean 'dl_mbp'? Known: dl_mbp, t_s, ue_id, ul_mbps." in told


def test_a_column_that_is_there_twice(problems):
    assert "line 1: dl_mbps: the header has this column twice" in problems({"a.csv": "t_s,ue_id,dl_mbps,ul_mbps,dl_mbps\n"})


@pytest.mark.parametrize("content", ["", HEAD])
def test_a_file_without_rows(problems, content):
    assert "there are no rows" in problems({"a.csv": content})


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TraceError, match=r"no\.csv: 1 problem\n  \(file\): cannot read it: No such file"):
        read_link_trace([tmp_path / "no.csv"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"t_s,\xff", "line 1: (file): not text in UTF-8"),
        (b"PK\x03\x04rest", "it is a zip archive\n    Unpack it"),
        (b"\x1f\x8brest", "it is packed with gzip"),
        (HEAD.encode() + b"0,a,\0,1\n", "there are bytes of value 0 in it"),
    ],
)
def test_what_is_no_text(problems, content, message):
    assert message in problems({"a.csv": content})


class Bomb:
    """Fails the test if it is ever unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["capacity.pkl", "capacity.csv", "client_device_capacity", "capacity.json"])
def test_a_pickle_is_refused_by_its_ending_and_by_its_bytes(problems, name, protocol):
    told = problems({name: pickle.dumps({1: Bomb(), 2: {"computation": 1.5}}, protocol)}, preset="fedscale")
    assert "a pickle is never read: loading one runs whatever code is in it\n    If you trust where it comes from" in told


def test_the_way_to_convert_a_pickle_works(problems, tmp_path, monkeypatch):
    told = problems({"capacity.pkl": pickle.dumps({1: {"computation": 1.5, "communication": 800.0}})}, preset="fedscale")
    code = re.search(r'python -c "(.*)"', told)[1]
    monkeypatch.chdir(tmp_path)
    exec(code)  # noqa: S102  # what the message tells people to run
    trace = read_link_trace([tmp_path / "capacity.json"], preset="fedscale")
    assert trace.rates(0, 0.0) == (8e5, 8e5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"1": {"communication": 5},}', "line 1: (file): not valid JSON"),
        ("[1, 2]", "it is JSON, but not a list or an object of records"),
        ('{"1": {"communication": true}}', "record 1, communication: True is not a number"),
        ('[{"client_id": 4, "communication": 5}, {"client_id": 4}]', None),
        ('{"1": {"communication": -5}}', "record 1, communication: must be at least 0, got -5 kbit/s"),
    ],
)
def test_json_that_does_not_fit(problems, content, message):
    if message is None:  # a value that is not there is missing; the last record counts
        message = "the device '4' has no downlink rate in any row"
    assert message in problems({"a.json": content}, preset="fedscale")


def test_lists_of_a_record_have_one_length(tmp_path):
    path = tmp_path / "behave.json"
    path.write_text(json.dumps({"7": {"active": [1, 5], "inactive": [3], "finish_time": 10}}))
    with pytest.raises(TraceError, match="record 1: its lists differ in length: 2 of active, 1 of inactive"):
        read_availability_rows([path], "fedscale")


def test_no_files_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="there are no files to read"):
        read_link_trace([])


def test_a_byte_order_mark_and_spaces_around_names_are_no_problem(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbft_s, ue_id, dl_mbps, ul_mbps\r\n0, a, 8, 1\r\n")
    assert read_link_trace([path]).rates(0, 0.0) == (8e6, 1e6)
    assert read_link_trace([path]).ue_ids == ("a",)
