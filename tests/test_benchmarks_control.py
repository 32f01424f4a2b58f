"""How the benchmarks on control count: made-up curves and objectives, and what has to come of them by hand."""

import math

import pytest

from benchmarks.branching import BRANCHES, JOINT, common_return, in_words, median, page, samples_to, times_text, untrained
from benchmarks.oracle import over_oracle, table

# Branches end at a mean of -1, joint actions at -2; before the first step all are at a mean of -6.
CURVES = {
    BRANCHES: [[(0, -5.0), (100, -2.0), (200, -0.9)], [(0, -7.0), (100, -1.4), (200, -1.1)]],
    JOINT: [[(0, -6.0), (100, -5.0), (200, -2.5)], [(0, -6.0), (100, -3.0), (200, -1.5)]],
}


def test_the_common_return_is_nine_tenths_of_the_way_to_the_better_end():
    assert untrained(CURVES) == pytest.approx(-6.0)
    assert common_return(CURVES) == pytest.approx(-6.0 + 0.9 * 5.0)


def test_samples_are_those_of_the_first_look_at_the_goal():
    goal = common_return(CURVES)
    assert [samples_to(curve, goal) for curve in CURVES[BRANCHES]] == [200, 100]
    assert [samples_to(curve, goal) for curve in CURVES[JOINT]] == [None, 200]
    # Falling back later does not count, and a goal that is met exactly does.
    assert samples_to([(0, -3.0), (10, -1.0), (20, -2.0)], -1.0) == 10


def test_who_never_comes_there_takes_longer_than_the_training():
    assert median([100, 200, None]) == 200
    assert median([100, None, None]) == math.inf
    assert in_words([100, 200, None], 1_000) == "200 (100 to > 1,000)"
    assert in_words([100, 100, 100], 1_000) == "100"
    assert times_text([800, 400, 600], [200, 100, 300], 1_000) == "3.0"
    assert times_text([None, None, 600], [200, 100, 300], 1_000) == "> 5.0"
    assert times_text([100, 100, 100], [None, None, 200], 1_000) == "-"


def test_the_page_has_a_row_a_fleet():
    rows = [line for line in page({2: CURVES, 4: CURVES}, 200).splitlines() if line.startswith(("| 2 |", "| 4 |"))]
    # A seed of the joint actions never comes there, so its median is beyond the end.
    assert rows[0] == "| 2 | 16 | -6.000 | -1.500 | 150 (100 to 200) | > 200 (200 to > 200) | > 1.3 |"
    assert rows[1].startswith("| 4 | 256 |")


def test_over_the_oracle_is_the_mean_difference_in_shares_of_its_mean():
    over = over_oracle([1.1, 2.3, 3.2], [1.0, 2.0, 3.0])
    assert over.mean == pytest.approx(0.6 / 3 / 2)
    # Student's t with two degrees of freedom: 4.303 standard errors of 0.1, 0.3 and 0.2, over the mean of 2.
    assert over.half == pytest.approx(4.303 * 0.1 / math.sqrt(3) / 2, rel=1e-3)


def test_the_table_begins_with_the_lowest_objective():
    rows = table("made up", {"learned": [1.1, 2.2], "oracle": [1.0, 2.0], "random": [2.0, 4.0]})
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| oracle", "| learned", "| random"]
    assert "| learned | 1.650 | +10.0 |" in rows[3]
