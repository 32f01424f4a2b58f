"""docs/traces.md holds what the code has: columns, units, maps, options."""

import inspect
import re
from pathlib import Path

import pytest

from mecsim.cli.traces import import_trace
from mecsim.traces.column_map import load_map, preset_names
from mecsim.traces.schema import FIELDS, KINDS, UNITS

PAGE = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
#: Needed in one form or another, which no single column is.
EITHER = {"x_m", "y_m", "lon", "lat", "ul_mbps"}


def rows(head):
    """Return the rows of the table whose head begins with ``head``, by their first cell."""
    table = re.search(rf"^\| {head} \|.*\n\|[-|]*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    return {row[0]: row[1:] for row in cells}


@pytest.mark.parametrize("kind", KINDS)
def test_every_canonical_column_is_described(kind):
    found = rows(kind)
    assert [name.strip("*`") for name in found] == list(FIELDS[kind])
    bold = {name.strip("*`") for name in found if name.startswith("**")}
    assert bold - EITHER == {name for name, field in FIELDS[kind].items() if field.named and name not in EITHER}


def test_every_unit_is_described():
    found = {name: re.findall(r"`([^`]+)`", cells[0]) for name, cells in rows("quantity").items()}
    found |= dict.fromkeys(["longitude", "latitude"], found.pop("longitude, latitude"))
    found["time"].remove("format")
    assert found == {quantity: list(units) for quantity, units in UNITS.items()}


def test_every_map_is_described_with_its_kinds():
    found = {name.strip("`"): cells[0].split(", ") for name, cells in rows("name").items()}
    assert found.keys() == set(preset_names())
    for name, kinds in found.items():
        assert kinds == [kind for kind in KINDS if getattr(load_map(name), kind) is not None]


def test_every_option_is_described():
    options = {f"`--{name.replace('_', '-')}`" for name in inspect.signature(import_trace).parameters if name != "files"}
    assert rows("option").keys() == options


def test_the_map_on_the_page_is_one(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert load_map(path).link.columns["ue_id"].column == ("site", "phone")
