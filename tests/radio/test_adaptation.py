import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import UnknownNameError
from mecsim.radio.adaptation import ADAPTATIONS, adaptation, rank, with_layers
from mecsim.radio.rate import DOWNLINK_ADAPTATION, UPLINK_ADAPTATION

KINDS = st.sampled_from(sorted(ADAPTATIONS))
DIRECTIONS = st.sampled_from(["downlink", "uplink"])


def linear(snr_db):
    return 10.0 ** (np.asarray(snr_db) / 10.0)


def test_the_truncated_law_differs_between_the_directions():
    assert adaptation("truncated-shannon", "downlink") is DOWNLINK_ADAPTATION
    assert adaptation("truncated-shannon", "uplink") is UPLINK_ADAPTATION


def test_shannon_has_no_greatest_efficiency():
    law = adaptation("shannon", "uplink")
    np.testing.assert_allclose(law.spectral_efficiency([1.0, 3.0, 1e9]), [1.0, 2.0, math.log2(1e9 + 1.0)])
    assert (law.snr_min_db, law.max_se) == (-30.0, math.inf)


def test_steps_of_the_64_qam_table():
    # Below CQI 1; at its SNR; just below and at CQI 7 (16-QAM of rate 378 / 1024 from 4.15 dB on); far beyond CQI 15.
    law = adaptation("cqi-64qam", "downlink")
    efficiency = law.spectral_efficiency(linear([-8.51, -8.4999, 4.1499, 4.1501, 40.0]))
    np.testing.assert_allclose(efficiency, 0.9 * np.array([0.0, 2 * 78, 2 * 602, 4 * 378, 6 * 948]) / 1024)
    assert law.snr_min_db == -8.5
    assert law.max_se == pytest.approx(0.9 * 5.5547, abs=1e-4)


@pytest.mark.parametrize("kind", ["cqi-64qam", "cqi-256qam"])
def test_a_device_exactly_at_the_minimum_is_served(kind):
    # To the last bits: whichever way the decibels were converted.
    law = adaptation(kind, "uplink")
    minimum = 10.0 ** (law.snr_min_db / 10.0)
    efficiency = law.spectral_efficiency([minimum, np.nextafter(minimum, 0.0), linear(law.snr_min_db), minimum * (1.0 - 1e-9)])
    assert np.all(efficiency[:3] > 0.0)
    assert efficiency[3] == 0.0


def test_256_qam_carries_more_when_the_signal_is_strong():
    wide, narrow = (adaptation(kind, "downlink").spectral_efficiency for kind in ("cqi-256qam", "cqi-64qam"))
    assert wide(linear(30.0)) == pytest.approx(0.9 * 7.4063, abs=1e-4)
    assert wide(linear(30.0)) > narrow(linear(30.0))


def test_fewer_block_errors_carry_more():
    efficiencies = [adaptation("cqi-64qam", "downlink", bler=bler).max_se for bler in (0.0, 0.1, 0.5)]
    np.testing.assert_allclose(efficiencies, np.array([1.0, 0.9, 0.5]) * 6 * 948 / 1024)
    with pytest.raises(ValueError, match=r"bler must be in \[0, 1\), got 1\.0"):
        adaptation("cqi-64qam", "downlink", bler=1.0)


def test_an_unknown_kind_is_answered_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="no link adaptation called 'cqi-64'. Did you mean 'cqi-64qam'"):  # noqa: RUF043
        adaptation("cqi-64", "downlink")


def test_rank():
    snr_db = [-10.0, 4.99, 5.01, 14.99, 15.01, 50.0]
    assert rank(snr_db, 8).tolist() == [1, 1, 2, 2, 4, 4]
    assert rank(snr_db, 3).tolist() == [1, 1, 2, 2, 3, 3]
    assert rank(snr_db, 2).tolist() == [1, 1, 2, 2, 2, 2]
    assert rank(snr_db, 1).tolist() == [1] * 6


def test_layers_share_the_power():
    # At 10 dB two layers of 5: 2 log2(6). At 0 dB one layer of 1: log2(2). At 20 dB four of 25: 4 log2(26).
    law = with_layers(adaptation("shannon", "downlink"), 4)
    np.testing.assert_allclose(law.spectral_efficiency([1.0, 10.0, 100.0]), [1.0, 2 * math.log2(6), 4 * math.log2(26)])


def test_layers_multiply_the_greatest_efficiency_and_leave_the_minimum():
    one = adaptation("truncated-shannon", "downlink")
    assert with_layers(one, 1) is one
    law = with_layers(one, 8)
    assert (law.snr_min_db, law.max_se) == (-10.0, 4 * 4.4)
    assert law.spectral_efficiency(linear(60.0)) == pytest.approx(4 * 4.4)
    with pytest.raises(ValueError, match="n_layers must be at least 1, got 0"):
        with_layers(one, 0)


@given(kind=KINDS, direction=DIRECTIONS, n_layers=st.integers(1, 5), low_db=st.floats(-40, 60), step_db=st.floats(0, 30))
@settings(deadline=None, max_examples=300)
def test_no_law_falls_or_beats_its_bounds(kind, direction, n_layers, low_db, step_db):
    law = with_layers(adaptation(kind, direction), n_layers)
    worse, better = law.spectral_efficiency(linear([low_db, low_db + step_db]))
    assert 0.0 <= worse <= better <= law.max_se
    # Four layers of the same total power at most, each below Shannon.
    assert better <= 4 * np.log2(1.0 + linear(low_db + step_db) / 4) + 1e-9
    if kind != "shannon":
        assert law.spectral_efficiency(linear(law.snr_min_db - 0.01)) == 0.0


@pytest.mark.parametrize("kind", sorted(ADAPTATIONS))
def test_shapes_are_kept(kind):
    law = with_layers(adaptation(kind, "downlink"), 2)
    assert law.spectral_efficiency(np.ones((3, 2))).shape == (3, 2)
    assert law.spectral_efficiency(1.0).shape == ()
