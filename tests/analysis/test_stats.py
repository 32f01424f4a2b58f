import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats import MIN_BOOTSTRAP, bootstrap, gini, interval, jain, resamples

N_DRAWS = 2_000
amounts = st.lists(st.floats(0, 1e9), min_size=1, max_size=20).filter(lambda values: max(values) > 0)


def coverage(samples, mean, interval_of):
    """Return the share of the rows whose interval, a pair, has ``mean`` within."""
    pairs = [interval_of(row) for row in samples.tolist()]
    return sum(low <= mean <= high for low, high in pairs) / len(pairs)


def t_interval(values):
    middle = interval(values)
    return middle.mean - middle.half, middle.mean + middle.half


def average(values):
    return math.fsum(values) / len(values)


def bootstrapped(values):
    found = bootstrap(values, average, n_draws=400)
    return found.low, found.high


@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_of_normal_data_cover_in_95_of_100(n):
    samples = np.random.default_rng(n).normal(5.0, 2.0, (N_DRAWS, n))
    assert 0.93 <= coverage(samples, 5.0, t_interval) <= 0.97


@pytest.mark.parametrize("n", [3, 5, 10])
def test_how_far_intervals_of_skewed_data_fall_short(n):
    """What the docstring tells; it is why costs are also compared by their logarithms."""
    samples = np.random.default_rng(n).lognormal(0.0, 1.0, (N_DRAWS, n))
    assert 0.82 <= coverage(samples, math.exp(0.5), t_interval) <= 0.87
    assert 0.93 <= coverage(np.log(samples), 0.0, t_interval) <= 0.97


@pytest.mark.parametrize(("n", "low", "high"), [(5, 0.88, 0.94), (10, 0.92, 0.965)])
def test_bootstrap_covers_what_its_docstring_says(n, low, high):
    samples = np.random.default_rng(n).normal(5.0, 2.0, (500, n))
    assert low <= coverage(samples, 5.0, bootstrapped) <= high


def test_bootstrap_by_hand():
    # Of values that are all alike every draw is the same.
    found = bootstrap([4.0] * 6, average)
    assert (found.value, found.low, found.high, found.n) == (4.0, 4.0, 4.0, 6)


def test_bootstrap_draws_whole_seeds():
    """What one seed gave stays together: the difference of its two numbers is always 1."""
    found = bootstrap([(float(i), i + 1.0) for i in range(6)], lambda drawn: average([b - a for a, b in drawn]))
    assert (found.low, found.high) == (1.0, 1.0)


def test_bootstrap_is_the_same_in_every_run_and_another_for_another_seed():
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert bootstrap(values, average) == bootstrap(values, average)
    assert bootstrap(values, average, seed=1) != bootstrap(values, average)
    assert resamples(3, 4) == resamples(3, 4)


def test_bootstrap_stays_within_the_data_and_around_its_value():
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    found = bootstrap(values, average)
    assert min(values) <= found.low < found.value < found.high <= max(values)


def test_few_seeds_have_no_bootstrap_interval():
    found = bootstrap([1.0] * (MIN_BOOTSTRAP - 1), average)
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_nothing_has_no_bootstrap():
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap([], average)


@pytest.mark.parametrize(
    ("values", "jains", "ginis"),
    [
        ([3.0, 3.0, 3.0], 1.0, 0.0),
        ([0.0, 0.0, 0.0, 8.0], 1 / 4, 3 / 4),
        ([1.0, 3.0], 16 / (2 * 10), 1 / 4),  # the mean difference of any two, with themselves, is 1; over twice the mean 2
        ([7.0], 1.0, 0.0),
        ([1e-300, 1e-300], 1.0, 0.0),
    ],
)
def test_evenness_by_hand(values, jains, ginis):
    assert jain(values) == pytest.approx(jains)
    assert gini(values) == pytest.approx(ginis)


@pytest.mark.parametrize("of", [jain, gini])
def test_nothing_to_share_has_no_evenness(of):
    assert math.isnan(of([]))
    assert math.isnan(of([0.0, 0.0]))
    with pytest.raises(ValueError, match="got -2"):
        of([1.0, -2.0])


@given(amounts)
def test_gini_is_the_mean_difference_over_twice_the_mean(values):
    n = len(values)
    differences = math.fsum(abs(a - b) for a in values for b in values) / n**2
    assert gini(values) == pytest.approx(differences / (2 * math.fsum(values) / n), abs=1e-9)


@given(amounts, st.floats(1e-3, 1e3))
def test_evenness_has_no_unit_and_no_order(values, factor):
    scaled = [factor * value for value in reversed(values)]
    assert jain(scaled) == pytest.approx(jain(values), rel=1e-9)
    assert gini(scaled) == pytest.approx(gini(values), abs=1e-9)
    assert 1 / len(values) - 1e-9 <= jain(values) <= 1 + 1e-9
    assert -1e-9 <= gini(values) <= 1 - 1 / len(values) + 1e-9
