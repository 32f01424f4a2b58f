import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import exp1
from scipy.stats import gamma, kstest, ncx2

from mecsim.radio.adaptation import ADAPTATIONS, adaptation, with_layers
from mecsim.radio.fading import block_gain, coherence_time_s, ergodic_spectral_efficiency, ergodic_table
from mecsim.radio.rate import DOWNLINK_ADAPTATION, shannon
from mecsim.rng import Streams
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
        for k_db in (None, -10.0, 9.0, 30.0):
            mean = ergodic_spectral_efficiency(
                1.0, spectral_efficiency=lambda snr: snr, diversity_order=order, rician_k_db=k_db
            )
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


def gain_law(order, k_db):
    """The mean of ``order`` Rician branches of unit power, as scipy's own non-central chi-square law."""
    k_linear = db_to_linear(k_db)
    return ncx2(2 * order, 2 * order * k_linear, scale=1.0 / (2 * order * (k_linear + 1.0)))


@pytest.mark.parametrize("order", [1, 4])
@pytest.mark.parametrize("k_db", [0.0, 7.0, 9.0])
@pytest.mark.parametrize("mean_db", [-5.0, 10.0, 25.0])
def test_rician_capacity_against_adaptive_integration(order, k_db, mean_db):
    mean_snr, law = db_to_linear(mean_db), gain_law(order, k_db)
    expected, _ = quad(
        lambda gain: np.log2(1.0 + mean_snr * gain) * law.pdf(gain), 0.0, 40.0, epsabs=1e-8, limit=400, points=[1.0]
    )
    value = ergodic_spectral_efficiency(mean_snr, spectral_efficiency=shannon, diversity_order=order, rician_k_db=k_db)
    assert value == pytest.approx(expected, abs=5e-5)


def test_a_stronger_steady_part_leads_from_rayleigh_to_no_fading():
    capacity = [
        float(ergodic_spectral_efficiency(10.0, spectral_efficiency=shannon, diversity_order=1, rician_k_db=k_db))
        for k_db in (None, -10.0, 0.0, 9.0, 20.0, 40.0)
    ]
    assert capacity == sorted(capacity)
    assert capacity[0] == pytest.approx(2.9065, abs=1e-4)
    assert np.log2(11.0) - 1e-3 < capacity[-1] < np.log2(11.0)


LAWS = {kind: adaptation(kind, "downlink") for kind in ADAPTATIONS}


@pytest.mark.parametrize(
    ("kind", "allowed"), [("shannon", 1e-5), ("truncated-shannon", 1e-4), ("cqi-256qam", 0.75 / 1024 * 7.41)]
)
@pytest.mark.parametrize(("order", "k_db"), [(1, None), (4, 9.0)])
def test_the_table_is_the_average(kind, allowed, order, k_db):
    law = LAWS[kind].spectral_efficiency
    snr = 10.0 ** (np.random.default_rng(0).uniform(-39.0, 59.0, 300) / 10.0)
    exact = ergodic_spectral_efficiency(snr, spectral_efficiency=law, diversity_order=order, rician_k_db=k_db)
    table = ergodic_table(law, diversity_order=order, rician_k_db=k_db)
    np.testing.assert_allclose(table(snr), exact, atol=allowed, rtol=0.0)


@pytest.mark.parametrize("kind", sorted(ADAPTATIONS))
def test_the_table_never_falls_even_at_the_steps_of_the_law(kind):
    table = ergodic_table(with_layers(LAWS[kind], 4).spectral_efficiency, diversity_order=2)
    snr = 10.0 ** (np.linspace(-45.0, 65.0, 5000) / 10.0)
    assert np.all(np.diff(table(snr)) >= -1e-12)


def test_the_table_at_its_ends():
    table = ergodic_table(shannon, diversity_order=4)
    below, at_start, at_end, beyond = table(10.0 ** (np.array([-40.01, -39.99, 60.0, 75.0]) / 10.0))
    assert below == 0.0 < at_start
    assert at_end == beyond
    assert table([0.0, 1.0]).shape == (2,)
    assert table(0.0) == 0.0


@pytest.mark.parametrize(("order", "k_db"), [(1, None), (1, 9.0), (3, 0.0)])
def test_a_block_gain_follows_its_law(order, k_db):
    generator = Streams(5).get("block", order)
    gains = [block_gain(generator, diversity_order=order, rician_k_db=k_db) for _ in range(3000)]
    law = gamma(order, scale=1.0 / order) if k_db is None else gain_law(order, k_db)
    # A Rayleigh gain in place of a Rician one of 0 dB would miss by 0.1, at this size certainly found.
    assert kstest(gains, law.cdf).pvalue > 1e-3


def test_a_block_gain_takes_two_draws_a_branch():
    first, second = Streams(6).get("block"), Streams(6).get("block")
    block_gain(first, diversity_order=3, rician_k_db=9.0)
    second.standard_normal(6)
    assert first.random() == second.random()


def test_coherence_time():
    # At 3.5 GHz and 3 km/h the Doppler shift is 9.73 Hz: 43.5 ms. Ten times the speed, a tenth of the time.
    assert coherence_time_s(3.0 / 3.6, 3.5e9) == pytest.approx(43.5e-3, abs=0.05e-3)
    assert coherence_time_s(30.0 / 3.6, 3.5e9) == pytest.approx(4.35e-3, abs=0.005e-3)
    assert coherence_time_s(120.0 / 3.6, 3.5e9) == pytest.approx(1.09e-3, abs=0.005e-3)


def test_nothing_changes_at_rest():
    with pytest.raises(ValueError, match=r"speed and frequency must be positive, got 0\.0 m/s"):
        coherence_time_s(0.0, 3.5e9)
