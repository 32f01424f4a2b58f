import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.radio.rate import (
    DOWNLINK_ADAPTATION,
    RESOURCE_BLOCK_HZ,
    UPLINK_ADAPTATION,
    LinkAdaptation,
    shannon,
    thermal_noise_dbm,
    truncated_shannon,
    uplink_power_limited_rate,
)


@pytest.mark.parametrize(("bandwidth_hz", "expected_dbm"), [(20e6, -101.0), (100e6, -94.0), (360e3, -118.4)])
def test_thermal_noise(bandwidth_hz, expected_dbm):
    assert thermal_noise_dbm(bandwidth_hz) == pytest.approx(expected_dbm, abs=0.05)
    assert thermal_noise_dbm(bandwidth_hz, noise_figure_db=7.0) == pytest.approx(expected_dbm + 7.0, abs=0.05)


def test_noise_needs_a_bandwidth():
    with pytest.raises(ValueError, match="bandwidth_hz must be positive, got 0"):
        thermal_noise_dbm(0.0)


def test_shannon():
    np.testing.assert_allclose(shannon([0.0, 1.0, 3.0, 10.0, 100.0]), [0.0, 1.0, 2.0, 3.4594, 6.6582], atol=5e-5)


def test_truncated_shannon_between_its_ends():
    # 0.6 log2(1 + 10^2.2) = 4.390, 0.4 log2(1 + 10^1.5) = 2.011: where the annex ends its curves, at 22 and at 15 dB.
    assert truncated_shannon(10.0**2.2, alpha=0.6, snr_min_db=-10.0, max_se=9.0) == pytest.approx(4.390, abs=5e-4)
    assert truncated_shannon(10.0**1.5, alpha=0.4, snr_min_db=-10.0, max_se=9.0) == pytest.approx(2.011, abs=5e-4)


@pytest.mark.parametrize(("adaptation", "max_se"), [(DOWNLINK_ADAPTATION, 4.4), (UPLINK_ADAPTATION, 2.0)])
def test_defaults_are_cut_off_at_both_ends(adaptation, max_se):
    just_below, at_minimum, plenty = adaptation.spectral_efficiency([0.0999999, 0.1, 1e4])
    assert just_below == 0.0
    assert at_minimum == pytest.approx(adaptation.alpha * 0.137504, abs=1e-6)  # log2(1.1)
    assert plenty == max_se


@given(low=st.floats(0.0, 1e4), more=st.floats(0.0, 1e4))
@settings(deadline=None)
def test_spectral_efficiency_never_falls_with_the_snr(low, more):
    worse, better = DOWNLINK_ADAPTATION.spectral_efficiency([low, low + more])
    assert worse <= better <= 0.6 * shannon(low + more) + 1e-12


UPLINK = {"bandwidth_hz": 20e6, "snr_min_db": -10.0, "spectral_efficiency": UPLINK_ADAPTATION.spectral_efficiency}


def test_power_limited_uplink():
    # -10 dB is 0.1. At 0.1 or above the whole carrier is used. At 0.05, -10 dB is reached on half of it: half the rate.
    # At 0.1 x 0.18 / 20 = 0.0009 a single resource block is left; below, nothing.
    at_minimum_bps = 20e6 * 0.4 * np.log2(1.1)
    rates_bps = uplink_power_limited_rate([1.0, 0.1, 0.05, 0.00090001, 0.00089999, 0.0], **UPLINK)
    expected_bps = [20e6 * 0.4, at_minimum_bps, at_minimum_bps / 2, RESOURCE_BLOCK_HZ * 0.4 * np.log2(1.1), 0.0, 0.0]
    np.testing.assert_allclose(rates_bps, expected_bps, rtol=2e-5)


def test_power_limited_uplink_is_continuous_at_the_threshold():
    below_bps, at_bps, above_bps = uplink_power_limited_rate([0.1 * (1 - 1e-9), 0.1, 0.1 * (1 + 1e-9)], **UPLINK)
    assert below_bps == pytest.approx(at_bps, rel=1e-8)
    assert above_bps == pytest.approx(at_bps, rel=1e-8)
    assert below_bps < at_bps < above_bps


def test_power_limited_uplink_never_exceeds_what_the_power_allows():
    # However narrow the part, the Shannon limit of the power over the whole carrier stays a bound when alpha is 1.
    ideal = LinkAdaptation(alpha=1.0, snr_min_db=-10.0, max_se=99.0)
    snr = np.logspace(-3, 3, 200)
    rate_bps = uplink_power_limited_rate(snr, **{**UPLINK, "spectral_efficiency": ideal.spectral_efficiency})
    assert np.all(rate_bps <= 20e6 * shannon(snr) * (1 + 1e-12))
    assert np.all(np.diff(rate_bps) >= 0.0)
