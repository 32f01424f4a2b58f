"""The page on exports names every column, measure and function that there is."""

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest

from analysis.compare import WORLD
from analysis.measures import MEASURES
from mecsim.results.records import TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_described_with_its_columns(name):
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    told = set(re.findall(r"`(\w+)`", row)) - {name}
    columns = {field.name for field in fields(TABLES[name])}
    assert told <= columns
    assert columns - told <= {"scheme", "label", "variant", "seed"}


def test_every_measure_is_named_once_among_the_measures():
    section = PAGE.partition("Measures for `--measure`")[2].partition("## Figures")[0]
    named = [name for name in re.findall(r"`(\w+)`", section) if name in MEASURES]
    assert sorted(named) == sorted(MEASURES)


def test_every_function_named_is_there():
    named = re.findall(r"^\| `(\w+)\.(\w+)` \|", PAGE, re.MULTILINE)
    assert len(named) > 10
    for module, function in named:
        assert callable(getattr(importlib.import_module(f"analysis.{module}"), function))


def test_what_makes_a_world_is_told():
    section = PAGE.partition("## Comparing runs")[2].partition("- **The same world**")[0]
    for key in WORLD:
        if key != "learning.kind":
            assert f"`{key}`" in section or f"`{key.removeprefix('learning.')}`" in section, key
