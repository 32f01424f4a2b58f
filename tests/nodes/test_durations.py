import math

import numpy as np
import pytest

from mecsim.nodes.durations import Exponential, Fixed, LogNormal

N = 4_000
T_999 = 3.29  # two-sided 99.9 %


def draws(law, method):
    generator = np.random.default_rng(3)
    return np.array([getattr(law, method)(generator) for _ in range(N)])


def assert_mean(values, expected, *, resolution):
    """A 99.9 % interval of the mean holds ``expected``, and is narrower than ``resolution``."""
    half_width = T_999 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) <= half_width
    assert half_width < resolution


@pytest.mark.parametrize("law", [Exponential(10.0), Fixed(10.0), LogNormal(10.0, 0.8)])
def test_mean(law):
    assert_mean(draws(law, "draw_s"), 10.0, resolution=0.7)


@pytest.mark.parametrize(
    ("law", "expected_s"),
    [
        # E[X^2] / (2 E[X]). What is left of a whole duration cut at a uniform point would be 5 s for each of them.
        (Exponential(10.0), 10.0),
        (Fixed(10.0), 5.0),
        (LogNormal(10.0, 0.8), 5.0 * math.exp(0.64)),
    ],
)
def test_mean_of_what_is_left_of_a_duration_under_way(law, expected_s):
    assert_mean(draws(law, "draw_rest_s"), expected_s, resolution=0.85)


def test_what_is_left_is_a_uniform_part_for_fixed_durations():
    values = np.sort(draws(Fixed(10.0), "draw_rest_s")) / 10.0
    assert np.max(np.abs(values - (np.arange(N) + 0.5) / N)) < 1.95 / math.sqrt(N)  # Kolmogorov-Smirnov, 99.9 %


def test_deviation_of_the_logarithm():
    assert np.std(np.log(draws(LogNormal(10.0, 0.8), "draw_s"))) == pytest.approx(0.8, rel=0.04)


@pytest.mark.parametrize("mean_s", [-1.0, math.inf, math.nan])
@pytest.mark.parametrize("law", [Exponential, Fixed, lambda mean_s: LogNormal(mean_s, 1.0)])
def test_a_mean_is_finite_and_not_negative(law, mean_s):
    with pytest.raises(ValueError, match=f"mean_s must be finite and at least 0, got {mean_s}"):
        law(mean_s)


def test_a_deviation_is_not_negative():
    with pytest.raises(ValueError, match=r"sigma must be finite and at least 0, got -0\.1"):
        LogNormal(1.0, -0.1)
