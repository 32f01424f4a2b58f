"""How much like the fleet's a device's classes are, and how much of them was merged lately."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.control.class_mix import RATE, ClassMix

ALL = np.arange(3)
#: Of class 0 there are 30 samples and of class 1 there are 10; the last device has none at all.
COUNTS = [[20, 0], [10, 10], [0, 0]]


def nan_equal(values, expected):
    return values.tolist() == pytest.approx(expected, nan_ok=True)


def test_overlap_by_hand():
    """The fleet's mix is 3/4 and 1/4: with class 0 alone it is 3/4, with halves 1/2 + 1/4."""
    assert nan_equal(ClassMix(COUNTS).overlap(ALL), [0.75, 0.75, np.nan])
    assert nan_equal(ClassMix([[3, 1], [6, 2]]).overlap(np.array([1, 0])), [1.0, 1.0])


def test_novelty_by_hand():
    assert RATE == 0.5
    mix = ClassMix(COUNTS)
    assert nan_equal(mix.novelty(ALL), [1.0, 1.0, np.nan])
    mix.learn([0])  # remembered: 1/2 of class 0, of which the fleet's share is 3/4
    assert nan_equal(mix.novelty(ALL), [1 / 3, (1 / 3 + 1) / 2, np.nan])
    mix.learn([0, 1])  # brought: 3/4 and 1/4; remembered: 5/8 and 1/8
    assert nan_equal(mix.novelty(ALL), [1 / 6, (1 / 6 + 1 / 2) / 2, np.nan])
    before = mix.novelty(ALL).tolist()
    mix.learn([])
    assert nan_equal(mix.novelty(ALL), before)


def test_where_nobody_tells_nothing_is_known():
    mix = ClassMix(None)
    mix.learn([0, 1])
    assert np.isnan(mix.novelty(ALL)).all()
    assert np.isnan(mix.overlap(ALL)).all()


def test_a_class_that_nobody_has_changes_nothing():
    mix, wider = ClassMix([[4, 2], [1, 3]]), ClassMix([[4, 0, 2], [1, 0, 3]])
    for each in (mix, wider):
        each.learn([1])
    devices = np.arange(2)
    assert nan_equal(wider.novelty(devices), mix.novelty(devices).tolist())
    assert nan_equal(wider.overlap(devices), mix.overlap(devices).tolist())


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(sum), min_size=1, max_size=6),
    st.lists(st.integers(0, 5), max_size=8),
)
def test_both_are_shares_and_all_devices_together_make_everything_known(counts, rounds):
    devices, mix = np.arange(len(counts)), ClassMix(counts)
    for device in rounds:
        mix.learn([device % len(counts)])
        for values in (mix.overlap(devices), mix.novelty(devices)):
            assert ((values >= -1e-12) & (values <= 1.0 + 1e-12)).all()
    for _ in range(60):
        mix.learn(list(range(len(counts))))
    assert mix.novelty(devices).max() < 1e-9
