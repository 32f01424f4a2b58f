import math

import pytest
from scipy import stats

from analysis.stats import interval, student_975


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 31, 40, 100, 10_000])
def test_quantiles_are_students(freedom):
    assert student_975(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-4)


def test_no_freedom():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        student_975(0)


def test_interval_by_hand():
    # 1, 2, 3: mean 2, standard deviation 1, so the half-width is t(2) / sqrt(3) = 4.303 / 1.732
    middle = interval([1.0, 2.0, 3.0])
    assert (middle.mean, middle.n) == (2.0, 3)
    assert middle.half == pytest.approx(4.303 / math.sqrt(3))


def test_one_value_has_no_interval():
    assert interval([0.5]).half is None


def test_a_missing_value_is_not_averaged_away():
    assert math.isnan(interval([1.0, math.nan]).mean)
