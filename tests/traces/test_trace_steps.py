"""Gaps of a trace by hand, and against a definition that looks at every instant alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.traces.steps import HELD, MEASURED, OUTAGE, fill_gaps, look_up

NAN = math.nan


def filled(times_s, values, **options):
    steps = fill_gaps(np.array(times_s, dtype=float), np.array(values, dtype=float), **options)
    return list(zip(steps.starts_s.tolist(), steps.values.tolist(), steps.state.tolist(), strict=True))


def test_a_short_gap_is_held_and_a_long_one_is_an_outage():
    found = filled([0, 1, 2, 3, 4, 20, 21], [7, NAN, NAN, 8, NAN, NAN, 9], end_s=22, hold_s=5)
    assert found == [(0, 7, MEASURED), (1, 7, HELD), (3, 8, MEASURED), (4, 8, HELD), (9, 0, OUTAGE), (21, 9, MEASURED)]


def test_a_gap_of_exactly_the_hold_is_no_outage():
    assert filled([0, 1, 6], [7, NAN, 9], end_s=7, hold_s=5) == [(0, 7, MEASURED), (1, 7, HELD), (6, 9, MEASURED)]


def test_without_a_hold_a_gap_is_an_outage_at_once():
    assert filled([0, 1, 2], [7, NAN, 9], end_s=3, hold_s=0) == [(0, 7, MEASURED), (1, 0, OUTAGE), (2, 9, MEASURED)]


def test_before_the_first_value_there_is_nothing():
    assert filled([4], [7], end_s=5, hold_s=5) == [(0, 0, OUTAGE), (4, 7, MEASURED)]
    assert filled([0, 4], [NAN, 7], end_s=5, hold_s=5) == [(0, 0, OUTAGE), (4, 7, MEASURED)]


def test_rows_that_are_not_there_are_missing_where_a_row_speaks_for_one_second():
    found = filled([0, 1, 10], [7, 8, 9], end_s=11, hold_s=5, sample_s=1)
    assert found == [(0, 7, MEASURED), (1, 8, MEASURED), (2, 8, HELD), (7, 0, OUTAGE), (10, 9, MEASURED)]
    # Without a time that a row speaks for, it does so until the next one.
    assert filled([0, 1, 10], [7, 8, 9], end_s=11, hold_s=5) == [(0, 7, MEASURED), (1, 8, MEASURED), (10, 9, MEASURED)]


def test_behind_a_last_row_that_is_missing_the_value_is_held_and_ends():
    assert filled([0, 1], [7, NAN], end_s=math.inf, hold_s=5) == [(0, 7, MEASURED), (1, 7, HELD), (6, 0, OUTAGE)]


def test_tenths_of_a_second_that_do_not_add_up_make_no_gap():
    times_s = [0.1 * i for i in range(10)]
    assert {state for _, _, state in filled(times_s, range(1, 11), end_s=1.0, hold_s=5, sample_s=0.1)} == {MEASURED}


def test_a_negative_hold_is_refused():
    with pytest.raises(ValueError, match="hold_s must not be negative, got -1"):
        filled([0], [1], end_s=1, hold_s=-1)


def at_instant(t_s, times_s, values, hold_s, sample_s):
    """Return what is in force at one instant, by the rule as it is written down."""
    past = [i for i, time in enumerate(times_s) if time <= t_s]
    known = [i for i in past if not math.isnan(values[i])]
    if not known:
        return 0.0
    last = known[-1]
    gap_from = min([times_s[i] for i in past if i > last] + ([times_s[last] + sample_s] if sample_s else []), default=math.inf)
    return values[last] if t_s < max(gap_from, times_s[last]) + (hold_s if gap_from < math.inf else 0.0) else 0.0


@given(
    gaps=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    first=st.integers(0, 4),
    missing=st.lists(st.booleans(), min_size=13, max_size=13),
    hold_s=st.sampled_from([0, 1, 3, 5]),
    sample_s=st.sampled_from([None, 1, 2]),
)
def test_every_instant_follows_the_rule(gaps, first, missing, hold_s, sample_s):
    times_s = np.cumsum([first, *gaps]).astype(float)
    values = np.where(missing[: len(times_s)], NAN, np.arange(1.0, len(times_s) + 1.0))
    end_s = float(times_s[-1] + (sample_s or 1))
    steps = fill_gaps(times_s, values, end_s=end_s, hold_s=hold_s, sample_s=sample_s)
    instants = np.arange(0.0, end_s, 0.5)
    expected = [at_instant(t, times_s.tolist(), values.tolist(), hold_s, sample_s) for t in instants]
    assert look_up(steps, instants)[0].tolist() == expected
    assert steps.starts_s[0] == 0.0
    assert (np.diff(steps.starts_s) > 0.0).all()
