import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.radio.antenna import SectorPattern, beamforming_gain_db, off_axis_deg

ANGLES = st.floats(-720.0, 720.0)
ELEVATIONS = st.floats(-90.0, 90.0)


@pytest.mark.parametrize(
    ("pattern", "half_beam_deg", "half_vertical_deg"), [(SectorPattern.lte(), 35.0, 5.0), (SectorPattern.nr(), 32.5, 32.5)]
)
def test_half_the_power_at_half_the_beamwidth(pattern, half_beam_deg, half_vertical_deg):
    # 12 x 0.5^2 = 3 dB to either side; 6 dB in a corner of the beam.
    gains_db = pattern.gain_db(
        [0.0, half_beam_deg, -half_beam_deg, 0.0, 0.0, half_beam_deg],
        [0.0, 0.0, 0.0, half_vertical_deg, -half_vertical_deg, half_vertical_deg],
    )
    np.testing.assert_allclose(gains_db, [0.0, -3.0, -3.0, -3.0, -3.0, -6.0], atol=1e-12)


def test_the_back_and_the_side_lobes():
    # LTE: 25 dB behind; 20 dB high above the beam; never more than 25 dB together. NR: 30 dB each and together.
    np.testing.assert_allclose(SectorPattern.lte().gain_db([180.0, 0.0, 180.0], [0.0, 60.0, 60.0]), [-25.0, -20.0, -25.0])
    np.testing.assert_allclose(SectorPattern.nr().gain_db([180.0, 120.0, 180.0], [0.0, 0.0, 90.0]), [-30.0, -30.0, -30.0])


def test_sixty_degrees_off_where_three_sectors_meet():
    # 12 (60 / 70)^2 = 8.816 dB and 12 (60 / 65)^2 = 10.225 dB.
    assert SectorPattern.lte().gain_db(60.0, 0.0) == pytest.approx(-8.8163, abs=1e-4)
    assert SectorPattern.nr().gain_db(60.0, 0.0) == pytest.approx(-10.2249, abs=1e-4)


@given(azimuth_deg=ANGLES, elevation_deg=ELEVATIONS, n_turns=st.integers(-2, 2))
def test_a_pattern_is_even_repeats_with_the_turn_and_never_gains(azimuth_deg, elevation_deg, n_turns):
    pattern = SectorPattern.lte()
    gain_db = float(pattern.gain_db(azimuth_deg, elevation_deg))
    assert -25.0 <= gain_db <= 0.0
    assert float(pattern.gain_db(-azimuth_deg, -elevation_deg)) == pytest.approx(gain_db, abs=1e-9)
    assert float(pattern.gain_db(azimuth_deg + 360.0 * n_turns, elevation_deg)) == pytest.approx(gain_db, abs=1e-9)


def test_three_sectors_leave_nobody_behind():
    azimuth_deg = np.linspace(0.0, 360.0, 3601)
    best_db = np.max([SectorPattern.nr().gain_db(azimuth_deg - sector, 0.0) for sector in (0.0, 120.0, 240.0)], axis=0)
    assert best_db.min() == pytest.approx(-10.2249, abs=1e-4)


def test_angles_off_the_axis():
    # The antenna looks along +y (90 degrees) and 10 degrees down. East is 90 degrees to its right, 100 m away and 100 m down
    # is 45 degrees below the horizontal; straight along the axis nothing is left.
    along_m, down_m = 100.0, -100.0 * np.tan(np.radians(10.0))
    azimuth_deg, elevation_deg = off_axis_deg([0.0, 100.0, 0.0], [along_m, 0.0, -1.0], [down_m, -100.0, 0.0],
                                              azimuth_deg=90.0, downtilt_deg=10.0)  # fmt: skip
    np.testing.assert_allclose(azimuth_deg, [0.0, -90.0, -180.0], atol=1e-9)
    np.testing.assert_allclose(elevation_deg, [0.0, -35.0, 10.0], atol=1e-9)


def test_a_larger_downtilt_favours_near_devices():
    place = (np.array([100.0, 1000.0]), np.zeros(2), np.full(2, -23.5))
    gains_db = [
        SectorPattern.lte().gain_db(*off_axis_deg(*place, azimuth_deg=0.0, downtilt_deg=tilt_deg)) for tilt_deg in (2.0, 13.0)
    ]
    assert gains_db[0][1] > gains_db[1][1]  # far
    assert gains_db[0][0] < gains_db[1][0]  # near: 13.2 degrees below the horizontal


@pytest.mark.parametrize(("n_elements", "gain_db"), [(1, 0.0), (10, 10.0), (64, 18.0618)])
def test_beamforming_gain(n_elements, gain_db):
    assert beamforming_gain_db(n_elements) == pytest.approx(gain_db, abs=1e-4)


def test_senseless_antennas_are_refused():
    with pytest.raises(ValueError, match=r"beamwidths must be positive, got 0\.0 and 65\.0"):
        SectorPattern(beamwidth_deg=0.0)
    with pytest.raises(ValueError, match=r"attenuations must not be negative, got 30\.0 and -1\.0"):
        SectorPattern(sidelobe_db=-1.0)
    with pytest.raises(ValueError, match=r"n_elements_eff must be at least 1, got 0\.5"):
        beamforming_gain_db(0.5)
