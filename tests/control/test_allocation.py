"""The division with which all end together: closed forms, brute force, and that nothing else is better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.control.allocation import min_max_bandwidth


def columns(*values):
    return [np.asarray(each, dtype=np.float64) for each in values]


def ends_s(shares, compute_s, down_bits, down_bps, up_bits, up_bps):
    return compute_s + (down_bits / down_bps + up_bits / up_bps) / shares


def test_equal_devices_share_equally():
    """Four with 3 s of computing and 2 + 1 s of transfers alone: 3 + 4 x 3 s."""
    given = columns([3.0] * 4, [16e6] * 4, [8e6] * 4, [4e6] * 4, [4e6] * 4)
    end_s, shares = min_max_bandwidth(*given)
    assert end_s == pytest.approx(15.0)
    assert shares == pytest.approx([0.25] * 4)


def test_without_computing_shares_are_parts_of_the_time_alone():
    """1, 2 and 5 s alone: all end after 8 s."""
    end_s, shares = min_max_bandwidth(*columns([0.0] * 3, [1e6, 0.0, 4e6], [1e6] * 3, [0.0, 2e6, 1e6], [1e6] * 3))
    assert end_s == pytest.approx(8.0)
    assert shares == pytest.approx([1 / 8, 2 / 8, 5 / 8])


def test_one_device_has_the_whole_carrier():
    end_s, shares = min_max_bandwidth(*columns([7.0], [2e6], [1e6], [3e6], [1e6]))
    assert end_s == pytest.approx(12.0)
    assert shares == pytest.approx([1.0])


def test_who_has_nothing_to_transfer_gets_nothing():
    end_s, shares = min_max_bandwidth(*columns([100.0, 1.0], [0.0, 1e6], [0.0, 1e6], [0.0, 1e6], [0.0, 1e6]))
    assert (end_s, shares.tolist()) == (100.0, [0.0, pytest.approx(1.0)])
    end_s, shares = min_max_bandwidth(*columns([2.0, 5.0], *[[0.0, 0.0]] * 4))
    assert (end_s, shares.tolist()) == (5.0, [0.0, 0.0])
    end_s, shares = min_max_bandwidth(*columns(*[[]] * 5))
    assert (end_s, shares.tolist()) == (0.0, [])


@pytest.mark.parametrize("seed", range(6))
def test_no_division_of_a_fine_grid_ends_earlier(seed):
    rng = np.random.default_rng(seed)
    given = [rng.uniform(0, 20, 3), *(rng.uniform(1e6, 5e7, 3) for _ in range(4))]
    end_s, shares = min_max_bandwidth(*given)
    n = 400
    first, second = (each[1:].astype(float) / n for each in np.divmod(np.arange(n * n), n))
    third = 1.0 - first - second
    grid = np.stack([first, second, third], axis=1)[(third > 1e-9) & (first > 0) & (second > 0)]
    best_s = ends_s(grid, *given).max(axis=1).min()
    assert end_s <= best_s * (1 + 1e-9)
    assert best_s < end_s * 1.05, "the grid comes near it"
    assert ends_s(shares, *given) == pytest.approx(np.full(3, end_s), rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.integers(0, 10_000))
def test_all_end_together_with_all_of_the_carrier(n, seed):
    rng = np.random.default_rng(seed)
    given = [rng.uniform(0, 1000, n), *(10 ** rng.uniform(3, 9, n) for _ in range(4))]
    end_s, shares = min_max_bandwidth(*given)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares > 0.0).all()
    assert ends_s(shares, *given) == pytest.approx(np.full(n, end_s), rel=1e-5)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (([-1.0], [1.0], [1.0], [1.0], [1.0]), "0 or more"),
        (([np.inf], [1.0], [1.0], [1.0], [1.0]), "finite"),
        (([1.0], [1.0], [0.0], [1.0], [1.0]), "a rate above 0"),
        (([1.0], [1.0], [1.0], [1.0], [np.nan]), "a rate above 0"),
    ],
)
def test_what_cannot_be_divided_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        min_max_bandwidth(*columns(*wrong))
