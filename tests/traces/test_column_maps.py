"""Column maps: those that come along, and those that people write."""

from pathlib import Path

import pytest

from mecsim.errors import UnknownNameError
from mecsim.traces.column_map import kind_map, load_map, preset_names
from mecsim.traces.link import read_link_trace
from mecsim.traces.problems import TraceError
from mecsim.traces.schema import FIELDS, KINDS, TEXT, UNITS, to_base

OWN = """
missing: ["", x]
delimiter: ";"
link:
  start: first-row
  columns:
    ue_id: [site, phone]
    t_s: {column: minute, unit: min}
    dl_mbps: {column: down, unit: kB/s}
    ul_mbps: {value: 2, unit: Gbit/s}
"""


@pytest.fixture
def own(tmp_path):
    def write(text):
        path = tmp_path / "own.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", preset_names())
def test_a_map_that_comes_along_says_what_it_is_for_and_where_from(name):
    found = load_map(name)
    assert found.description
    assert found.source
    assert any(getattr(found, kind) is not None for kind in KINDS)


def test_the_canonical_map_has_every_column_under_its_own_name():
    found = load_map("canonical")
    for kind in KINDS:
        columns = getattr(found, kind).columns
        assert {name: origin.column for name, origin in columns.items()} == {name: (name,) for name in FIELDS[kind]}
        assert all(origin.unit is None for origin in columns.values())


def test_the_first_unit_of_a_quantity_is_the_one_in_the_columns_names():
    for name, factor in {
        "dl_mbps": 1e6,
        "rtt_ms": 1e-3,
        "t_s": 1.0,
        "speed_mps": 1.0,
        "peak_gflops_fp32": 1e9,
        "ram_gb": 1e9,
    }.items():
        kind = next(kind for kind in KINDS if name in FIELDS[kind])
        assert to_base(FIELDS[kind][name].quantity) == factor
    assert {field.quantity for fields in FIELDS.values() for field in fields.values()} == {*UNITS, TEXT}


@pytest.mark.parametrize(
    ("quantity", "unit", "factor"),
    [("rate", "kbit/s", 1e3), ("rate", "kB/s", 8e3), ("speed", "km/h", 1 / 3.6), ("speed", "mph", 1609.344 / 3600)],
)
def test_units_by_hand(quantity, unit, factor):
    assert to_base(quantity, unit) == pytest.approx(factor, rel=1e-15)


def test_a_map_of_ones_own(own, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("minute;site;phone;down\n3;A;1;1000\n4;A;1;X\n5;A;1;500\n", encoding="utf-8")
    trace = read_link_trace([path], preset=own(OWN), hold_s=60.0)
    assert trace.ue_ids == ("A-1",)
    assert trace.rates(0, 119.0) == (8e6, 2e9)
    assert trace.rates(0, 120.0) == (4e6, 2e9)
    assert trace.duration_s(0) == 180.0


def test_a_name_that_there_is_not_is_told_with_the_others():
    with pytest.raises(UnknownNameError, match=r"no column map called 'ucc'\. Did you mean 'ucc5g'\?"):
        load_map("ucc")


def test_a_file_that_there_is_not():
    with pytest.raises(TraceError, match=r"maps/my.yaml: 1 problem\n.*cannot read this column map.*\n.*canonical, fedscale"):
        load_map(Path("maps/my.yaml"))


def test_a_map_without_the_kind_that_is_asked_for():
    with pytest.raises(TraceError, match=r"this column map has no device\n    It has: link\."):
        kind_map("sigcomm21", "device")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unit: min", "unit: parsec", "t_s cannot have the unit 'parsec'\n    Known: h, min, ms, s, us."),
        ("    dl_mbps", "    dl_mbits", "there is no column 'dl_mbits' of link\n    Did you mean 'dl_mbps'?"),
        ("    dl_mbps: {column: down, unit: kB/s}\n", "", "line 6: link.columns: dl_mbps must be there"),
        ("[site, phone]", "{value: 3}", "ue_id is text: it has neither unit nor format nor value"),
        ("{column: down, unit: kB/s}", "[a, b]", "dl_mbps is a number: it cannot be joined of several columns"),
        ("unit: kB/s", "format: '%H'", "dl_mbps is no time: it has no format"),
        ("unit: min", "unit: min, format: '%H'", "format is for stamps in a column"),
        ("{column: minute, unit: min}", "{unit: min}", "give either column or value"),
        ("value: 2", "column: up, value: 2", "give either column or value"),
        ("first-row", "firstrow", "line 5: link.start: must be 'zero' or 'first-row', got 'firstrow'"),
        ("delimiter", "delimeter", "line 3: delimeter: there is no such key here\n    Did you mean 'delimiter'?"),
        ("link:", "mobility:", "x_m and y_m, or lon and lat, must be there"),
        ('["", x]', "[", "not valid YAML"),
    ],
)
def test_a_map_with_a_mistake_says_where_and_what(own, old, new, message):
    assert old in OWN
    text = OWN.replace(old, new)
    if new == "mobility:":
        text = text.replace("    dl_mbps: {column: down, unit: kB/s}\n    ul_mbps: {value: 2, unit: Gbit/s}\n", "")
    with pytest.raises(TraceError) as caught:
        load_map(own(text))
    assert message in str(caught.value)
