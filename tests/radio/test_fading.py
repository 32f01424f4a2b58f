import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import exp1
from scipy.stats import gamma

from mecsim.radio.fading import ergodic_spectral_efficiency
from mecsim.radio.rate import DOWNLINK_ADAPTATION, shannon
from mecsim.units import db_to_linear


def test_rayleigh_capacity_known_values():
    capacity = ergodic_spectral_efficiency([1.0, 10.0, 100.0], spectral_efficiency=shannon, diversity_order=1)
    np.testing.assert_allclose(capacity, [0.8603, 2.9065, 5.8840], atol=1e-4, rtol=0.0)


def test_rayleigh_capacity_against_the_closed_form():
    snr = np.logspace(-3, 5, 81)
    capacity = ergodic_spectral_efficiency(snr, spectral_efficiency=shannon, diversity_order=1)
    # e^(1/g) E1(1/g) / ln 2; at the low end e^1000 overflows, so from -27 dB on.
    usable = snr > 2e-3
    closed_form = np.exp(1.0 / snr[usable]) * exp1(1.0 / snr[usable]) / np.log(2.0)
    np.testing.assert_allclose(capacity[usable], closed_form, atol=5e-5, rtol=0.0)


@pytest.mark.parametrize("order", [1, 2, 4, 8])
@pytest.mark.parametrize("mean_db", [-15.0, -10.0, -3.0, 5.0, 14.3, 22.0, 35.0])
def test_truncated_law_against_adaptive_integration(order, mean_db):
    mean_snr = db_to_linear(mean_db)
    adaptation = DOWNLINK_ADAPTATION
    at_cap = 2.0 ** (adaptation.max_se / adaptation.alpha) - 1.0
    law = gamma(order, scale=1.0 / order)
    low, high = 0.1 / mean_snr, at_cap / mean_snr
    between, _ = quad(lambda gain: 0.6 * np.log2(1.0 + mean_snr * gain) * law.pdf(gain), low, min(high, 60.0), epsabs=1e-9)
    expected = between + adaptation.max_se * law.sf(high)
    value = ergodic_spectral_efficiency(mean_snr, spectral_efficiency=adaptation.spectral_efficiency, diversity_order=order)
    assert value == pytest.approx(expected, abs=1e-4)


def test_diversity_approaches_the_unfaded_channel_from_below():
    capacity = [
        float(ergodic_spectral_efficiency(10.0, spectral_efficiency=shannon, diversity_order=order))
        for order in (1, 2, 4, 8, 100)
    ]
    assert capacity == sorted(capacity)
    assert np.log2(11.0) - 0.01 < capacity[-1] < np.log2(11.0)


def test_the_mean_gain_is_one():
    for order in (1, 3, 100):
        mean = ergodic_spectral_efficiency(1.0, spectral_efficiency=lambda snr: snr, diversity_order=order)
        assert mean == pytest.approx(1.0, abs=1e-5)


def test_a_value_does_not_depend_on_the_others_asked_for():
    snr = np.random.default_rng(0).exponential(10.0, 5000)  # more than one chunk
    together = ergodic_spectral_efficiency(snr, spectral_efficiency=shannon, diversity_order=4)
    alone = [float(ergodic_spectral_efficiency(one, spectral_efficiency=shannon, diversity_order=4)) for one in snr[:20]]
    np.testing.assert_array_equal(together[:20], alone)
    assert together.shape == (5000,)


@pytest.mark.parametrize("order", [0, 101])
def test_the_order_has_a_range(order):
    with pytest.raises(ValueError, match=f"diversity_order must be from 1 to 100, got {order}"):
        ergodic_spectral_efficiency(1.0, spectral_efficiency=shannon, diversity_order=order)
