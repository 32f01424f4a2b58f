"""docs/validation.md has the oracles that exist, as they are now. What it says of mecsim is computed in test_oracles.py."""

import re
from dataclasses import replace

import pytest
from oracles.oracle import Oracle, all_oracles
from oracles.produce import COLUMNS, PAGE, figure, grouped, page, row, stated

ORACLES = all_oracles()
HALF = Oracle("group", "half", "a source", 0.5, 0.01, lambda: 0.5, "s")


def tables(text):
    """Return the rows of each section's table by the section's heading."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, *lines = section.splitlines()
        rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
        assert tuple(rows[0]) == COLUMNS, heading
        found[heading.lower()] = rows[2:]
    return found


ON_PAGE = tables(PAGE.read_text(encoding="utf-8"))


def test_no_two_oracles_have_one_name():
    names = [(oracle.group, oracle.name) for oracle in ORACLES]
    assert sorted(set(names)) == sorted(names)


def test_the_page_has_the_oracles_that_exist():
    """Names, sources, expected values and tolerances, in order; 'make validation' writes them."""
    assert {group: [cells[:4] for cells in rows] for group, rows in ON_PAGE.items()} == {
        group.lower(): [stated(oracle) for oracle in members] for group, members in grouped(ORACLES).items()
    }


def test_what_the_page_says_of_mecsim_is_within_the_tolerances():
    for group, members in grouped(ORACLES).items():
        for oracle, (*_, found, verdict) in zip(members, ON_PAGE[group.lower()], strict=True):
            assert verdict == "met"
            # The figure is rounded to seven digits, or to a hundredth of the tolerance.
            slack = 0.01 * oracle.tolerance + 1e-6 * abs(oracle.expected)
            assert abs(float(found) - oracle.expected) <= oracle.tolerance + slack, oracle.name


def test_an_oracle_fits_into_a_row():
    for oracle in ORACLES:
        assert oracle.source, oracle.name
        assert oracle.tolerance >= 0.0, oracle.name
        assert not any(mark in cell for mark in "|\n" for cell in stated(oracle)), oracle.name


@pytest.mark.parametrize(
    ("value", "tolerance", "shown"),
    [
        (110.16153, 0.01, "110.1615"),
        (0.214582, 0.031, "0.2146"),
        (1.3333e-27, 5e-29, "1.3333e-27"),
        (28_264_960.4, 1.0, "2.826496e7"),
        (4 / 3, 1e-12, "1.333333"),
        (273, 0.0, "273"),
        (52 / 70, 0.0, "0.7428571429"),
        (-100.9897, 0.05, "-100.9897"),
        (0.0, 0.01, "0"),
        (1e-9, 0.01, "0"),
        (4.8e-8, 1e-6, "5e-8"),
    ],
)
def test_a_figure_has_the_digits_that_its_tolerance_is_about(value, tolerance, shown):
    assert figure(value, tolerance) == shown


def test_a_row_tells_what_is_met_from_what_is_missed():
    assert row(HALF, 0.5099) == ["half", "a source", "0.5 s", "0.01", "0.5099", "met"]
    assert row(HALF, 0.5101)[-2:] == ["0.5101", "**missed**"]
    assert row(HALF, float("nan"))[-2:] == ["nan", "**missed**"]
    assert row(HALF, float("inf"))[-2:] == ["inf", "**missed**"]
    assert row(replace(HALF, tolerance=0.0), 0.5) == ["half", "a source", "0.5 s", "exact", "0.5", "met"]
    assert row(replace(HALF, tolerance=0.0), 0.5 + 2e-16)[-1] == "**missed**"


def test_a_group_without_a_heading_of_its_own_comes_last():
    made_up = [replace(HALF, group="made-up"), replace(HALF, group="noise")]
    text = page(made_up, {("made-up", "half"): 0.5, ("noise", "half"): 0.4})
    assert list(tables(text)) == ["noise", "made-up"]
    assert [rows[0][-1] for rows in tables(text).values()] == ["**missed**", "met"]
