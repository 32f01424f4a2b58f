import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.radio.handover import A3Event, A3Monitor

EVENT = A3Event(offset_db=3.0, hysteresis_db=1.0, time_to_trigger_s=0.5)  # enters above 4 dB, leaves below 2 dB
NONE = -math.inf


def follow(monitor, *points):
    """Advance along (time, margins) to the first report."""
    for (t0, margins0_db), (t1, margins1_db) in pairwise(points):
        found = monitor.advance(t0, margins0_db, t1, margins1_db)
        if found is not None:
            return found
    return None


def test_a_neighbour_that_rises():
    # From 0 dB by 1 dB/s: above 4 dB from 4 s on, reported at 4.5 s.
    assert follow(A3Monitor(EVENT), (0.0, [0.0]), (10.0, [10.0])) == (pytest.approx(4.5), 0)


def test_stretches_change_nothing():
    points = [(0.5 * i, [0.5 * i]) for i in range(21)]
    assert follow(A3Monitor(EVENT), *points) == (pytest.approx(4.5), 0)
    assert follow(A3Monitor(EVENT), *points[:10]) == (pytest.approx(4.5), 0)  # to 4.5 s exactly
    assert follow(A3Monitor(EVENT), *points[:9]) is None  # to 4 s


def test_above_the_offset_alone_is_not_enough():
    assert follow(A3Monitor(EVENT), (0.0, [3.9]), (100.0, [4.0])) is None


def test_a_neighbour_that_falls_back_in_time_begins_anew():
    # Above 4 dB from 1 s to 1.4 s, and again from 2 s on. Were the leaving threshold of 2 dB what stops the timer, the report
    # would come at 1.5 s.
    points = [(0.0, [3.0]), (1.0, [4.0]), (1.2, [4.2]), (1.4, [4.0]), (1.7, [3.7]), (2.0, [4.0]), (9.0, [11.0])]
    assert follow(A3Monitor(EVENT), *points) == (pytest.approx(2.5), 0)


def test_a_fall_to_the_threshold_at_the_last_moment_is_a_fall():
    # Above 4 dB from 0 s to 0.5 s: not for longer than the time to trigger.
    assert follow(A3Monitor(EVENT), (0.0, [4.0]), (0.25, [5.0]), (0.5, [4.0]), (5.0, [4.0])) is None
    assert follow(A3Monitor(EVENT), (0.0, [4.0]), (0.25, [5.0]), (0.75, [4.0]), (5.0, [4.0])) == (0.5, 0)


def test_a_jump_between_stretches():
    # The margin is 0 dB up to 3 s, 10 dB from then on; another station's fading does that.
    assert follow(A3Monitor(EVENT), (0.0, [0.0]), (3.0, [0.0]), (3.0, [10.0]), (9.0, [10.0])) == (3.5, 0)


def test_a_jump_down_stops_the_timer():
    points = [(0.0, [10.0]), (0.3, [10.0]), (0.3, [0.0]), (0.4, [0.0]), (0.4, [10.0]), (2.0, [10.0])]
    assert follow(A3Monitor(EVENT), *points) == (pytest.approx(0.9), 0)


def test_without_a_time_to_trigger_it_is_reported_at_once():
    at_once = A3Event(offset_db=3.0, hysteresis_db=1.0, time_to_trigger_s=0.0)
    assert follow(A3Monitor(at_once), (0.0, [0.0]), (10.0, [10.0])) == (pytest.approx(4.0), 0)
    assert A3Monitor(at_once).advance(7.0, [0.0], 7.0, [4.1]) == (7.0, 0)
    assert A3Monitor(at_once).advance(7.0, [0.0], 7.0, [4.0]) is None
    assert A3Monitor(at_once).advance(7.0, [5.0], 8.0, [0.0]) == (7.0, 0)


def test_the_first_of_several():
    # Neighbour 1 rises faster: above 4 dB from 2 s on, neighbour 0 from 4 s on. Neighbour 2 is worse than the serving cell.
    assert follow(A3Monitor(EVENT), (0.0, [0.0, 0.0, -5.0]), (10.0, [10.0, 20.0, -5.0])) == (pytest.approx(2.5), 1)


def test_at_one_time_the_larger_margin_wins_then_the_smaller_index():
    assert follow(A3Monitor(EVENT), (0.0, [5.0, 7.0, 6.0]), (1.0, [5.0, 7.0, 6.0])) == (0.5, 1)
    assert follow(A3Monitor(EVENT), (0.0, [5.0, 7.0, 7.0]), (1.0, [5.0, 7.0, 7.0])) == (0.5, 1)
    # The margin counts at the time of the report: at 0.5 s they are 6 and 5.5 dB.
    assert follow(A3Monitor(EVENT), (0.0, [5.0, 6.0]), (1.0, [7.0, 5.0])) == (0.5, 0)


def test_the_serving_cell_and_absent_ones_are_no_neighbours():
    assert follow(A3Monitor(EVENT), (0.0, [NONE, 5.0]), (1.0, [NONE, 5.0])) == (0.5, 1)
    # A neighbour that comes into sight at 1 s, and one that goes out of it.
    assert follow(A3Monitor(EVENT), (0.0, [NONE]), (1.0, [9.0]), (2.0, [9.0])) == (1.5, 0)
    assert follow(A3Monitor(EVENT), (0.0, [9.0]), (0.4, [9.0]), (0.8, [NONE]), (0.9, [9.0]), (2.0, [9.0])) == (
        pytest.approx(1.4),
        0,
    )


def test_after_a_handover_everything_begins_anew():
    monitor = A3Monitor(EVENT)
    assert follow(monitor, (0.0, [5.0, 5.0]), (1.0, [5.0, 5.0])) == (0.5, 0)
    monitor.reset()
    assert follow(monitor, (0.5, [NONE, 5.0, 5.0]), (3.0, [NONE, 5.0, 5.0])) == (1.0, 1)  # more neighbours, too


def test_after_a_report_without_a_handover_it_goes_on_from_there():
    # Neighbour 0 is above from 0 s on, neighbour 1 from 0.2 s on; the report of the first stops neither.
    monitor = A3Monitor(EVENT)
    assert monitor.advance(0.0, [5.0, 3.0], 1.0, [5.0, 8.0]) == (0.5, 0)
    assert monitor.advance(0.5, [5.0, 5.5], 1.0, [5.0, 8.0]) == (pytest.approx(0.7), 1)
    assert monitor.advance(0.7, [5.0, 6.5], 9.0, [5.0, 8.0]) is None


def test_a_reported_neighbour_is_reported_again_once_it_has_left():
    monitor = A3Monitor(EVENT)
    assert follow(monitor, (0.0, [5.0]), (1.0, [5.0])) == (0.5, 0)
    # Down to 3 dB it does not leave, down to 1 dB it does; then it is above 4 dB from 13 s on.
    assert follow(monitor, (0.5, [5.0]), (2.0, [3.0]), (4.0, [5.0]), (6.0, [5.0])) is None
    assert follow(monitor, (6.0, [5.0]), (10.0, [1.0]), (13.0, [4.0]), (14.0, [5.0])) == (13.5, 0)


@given(
    st.lists(st.lists(st.floats(-20.0, 20.0), min_size=3, max_size=3), min_size=2, max_size=12),
    st.sampled_from([0.0, 0.13, 0.32, 1.7]),
)
def test_it_reports_what_was_above_for_the_time_to_trigger(margins_db, time_to_trigger_s):
    # Reference: the margins at 200 moments a second. A report is of a neighbour that is above at each moment of the time to
    # trigger before; before the first report no neighbour is above for a moment longer than that.
    event = A3Event(3.0, 1.0, time_to_trigger_s)
    margins_db = np.array(margins_db)
    found = follow(A3Monitor(event), *enumerate(margins_db))
    end_s, step_s = (found[0] if found else float(len(margins_db) - 1)), 0.005
    moments_s = np.arange(0.0, end_s, step_s)
    sampled_db = np.stack([np.interp(moments_s, np.arange(len(margins_db)), column) for column in margins_db.T])
    above = sampled_db > 4.0 + 1e-9
    for row in above:
        longest_s = step_s * max((len(run) for run in "".join("x" if is_above else " " for is_above in row).split()), default=0)
        assert longest_s <= time_to_trigger_s + 2 * step_s
    if found:
        before = (moments_s > end_s - time_to_trigger_s + 1e-9) & (moments_s < end_s - 1e-9)
        assert np.all(sampled_db[found[1], before] > 4.0 - 1e-6)


def test_time_does_not_run_back():
    with pytest.raises(ValueError, match=r"t1 must not be before t0, got 2\.0 and 1\.0"):
        A3Monitor(EVENT).advance(2.0, [0.0], 1.0, [0.0])


def test_neighbours_stay_the_same_until_a_reset():
    monitor = A3Monitor(EVENT)
    monitor.advance(0.0, [0.0, 0.0], 1.0, [0.0, 0.0])
    with pytest.raises(ValueError, match="expected the margins of 2 neighbours, got 3 and 3"):
        monitor.advance(1.0, [0.0] * 3, 2.0, [0.0] * 3)


@pytest.mark.parametrize("settings", [{"hysteresis_db": -1.0}, {"time_to_trigger_s": -0.1}, {"time_to_trigger_s": math.nan}])
def test_what_cannot_be_is_refused(settings):
    with pytest.raises(ValueError, match="must be at least 0"):
        A3Event(**settings)
