import math

import numpy as np
import pytest

from mecsim.radio.fields import FieldBank, GaussianField, UniformField, normal_cdf
from mecsim.rng import Streams

T_999_399 = 3.32  # two-sided 99.9 % of Student's t with 399 degrees of freedom
CORRELATION_M = 50.0


def samples(x_m, n_fields=400):
    """The values at the places ``x_m`` on a line through the origin, one row an independent field."""
    streams = Streams(1)
    heading = 0.7
    place = np.multiply.outer((math.cos(heading), math.sin(heading)), np.asarray(x_m))
    return np.stack([GaussianField(streams.get("field", i), CORRELATION_M)(*place) for i in range(n_fields)])


def assert_mean(values, expected, *, resolution):
    """A 99.9 % interval of the mean holds ``expected``, and is narrower than ``resolution``."""
    half_width = T_999_399 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) < half_width
    assert half_width < resolution


def test_mean_and_variance():
    values = samples(np.arange(40) * 500.0)  # ten correlation distances apart: forty nearly independent places a field
    assert_mean(values.mean(axis=1), 0.0, resolution=0.05)
    assert_mean((values**2).mean(axis=1), 1.0, resolution=0.05)


@pytest.mark.parametrize("lag_m", [5.0, 25.0, 50.0, 100.0])
def test_autocorrelation_is_exponential(lag_m):
    # Pairs of places lag_m apart, at forty spots far from each other. A Gaussian-shaped autocorrelation of the same distance
    # would be off by 0.09 at the least of these lags, and by more at 25 m.
    spots = np.repeat(np.arange(40) * 500.0, 2) + np.tile([0.0, lag_m], 40)
    values = samples(spots)
    assert_mean((values[:, 0::2] * values[:, 1::2]).mean(axis=1), math.exp(-lag_m / CORRELATION_M), resolution=0.04)


def test_the_distribution_at_a_place_is_normal():
    values = samples([0.0], n_fields=400)[:, 0]
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is the 99.9 % point of the largest gap between the distribution functions.
    ranks = (np.arange(400) + 0.5) / 400
    assert np.max(np.abs(normal_cdf(np.sort(values)) - ranks)) < 1.95 / math.sqrt(400)


def test_a_place_has_one_value_whoever_asks_and_in_whatever_order():
    x_m, y_m = np.random.default_rng(0).uniform(-1e3, 1e3, (2, 5000))  # more than one chunk
    field = GaussianField(Streams(1).get("field"), CORRELATION_M)
    together = field(x_m, y_m)
    np.testing.assert_array_equal(field(x_m[::-1], y_m[::-1])[::-1], together)
    np.testing.assert_array_equal([float(field(x, y)) for x, y in zip(x_m[:50], y_m[:50], strict=True)], together[:50])
    again = GaussianField(Streams(1).get("field"), CORRELATION_M)
    np.testing.assert_array_equal(again(x_m, y_m), together)


def test_another_seed_is_another_field():
    x_m = np.arange(100.0)
    first, second = (GaussianField(Streams(seed).get("field"), CORRELATION_M)(x_m, x_m) for seed in (1, 2))
    assert not np.any(first == second)


def test_shapes_broadcast():
    field = GaussianField(Streams(1).get("field"), CORRELATION_M)
    grid = field(np.arange(3.0), np.arange(4.0)[:, np.newaxis])
    assert grid.shape == (4, 3)
    assert grid[2, 1] == field(1.0, 2.0)


def test_a_correlation_distance_must_be_positive():
    with pytest.raises(ValueError, match=r"correlation_m must be positive, got 0\.0"):
        GaussianField(Streams(1).get("field"), 0.0)


def test_normal_cdf():
    values = normal_cdf([[-1.959964, 0.0], [1.0, 1.959964]])
    np.testing.assert_allclose(values, [[0.025, 0.5], [0.8413447, 0.975]], atol=1e-7)


def test_a_bank_is_its_fields():
    # 300 devices of five owners out of twelve: more than one chunk. An owner may be asked twice for one device.
    generator = np.random.default_rng(0)
    owners = generator.integers(0, 12, (300, 5))
    x_m, y_m = generator.uniform(-1e3, 1e3, (2, 300))
    streams = Streams(3)
    bank = FieldBank([streams.get("field", i) for i in range(12)], CORRELATION_M, n_waves=100)
    fields = [GaussianField(streams.get("field", i), CORRELATION_M, n_waves=100) for i in range(12)]
    expected = [[float(fields[owner](x, y)) for owner in row] for row, x, y in zip(owners, x_m, y_m, strict=True)]
    np.testing.assert_allclose(bank(owners, x_m, y_m), expected, atol=1e-12, rtol=0.0)


def test_a_bank_answers_a_device_alike_whoever_asks_with_it():
    bank = FieldBank([Streams(4).get("field", i) for i in range(30)], CORRELATION_M)
    generator = np.random.default_rng(0)
    owners = generator.integers(0, 30, (200, 7))
    x_m, y_m = generator.uniform(-1e3, 1e3, (2, 200))
    together = bank(owners, x_m, y_m)
    np.testing.assert_array_equal(bank(owners[77:78, 2:4], x_m[77:78], y_m[77:78]), together[77:78, 2:4])
    np.testing.assert_array_equal(bank(owners[::-1], x_m[::-1], y_m[::-1])[::-1], together)


def test_an_empty_question_to_a_bank_has_an_empty_answer():
    bank = FieldBank([], CORRELATION_M)
    assert bank(np.empty((3, 0), dtype=np.intp), np.zeros(3), np.zeros(3)).shape == (3, 0)


def test_uniform_field_is_uniform_and_correlated():
    streams = Streams(2)
    place = np.array([0.0, 25.0])
    values = np.stack([UniformField(streams.get("field", i), CORRELATION_M)(place, 0.0) for i in range(400)])
    assert np.max(np.abs(np.sort(values[:, 0]) - (np.arange(400) + 0.5) / 400)) < 1.95 / math.sqrt(400)
    # For normal values of correlation r, their ranks have the correlation (6 / pi) asin(r / 2).
    expected = 6.0 / math.pi * math.asin(math.exp(-0.5) / 2.0)
    assert_mean(12.0 * np.prod(values - 0.5, axis=1), expected, resolution=0.25)
