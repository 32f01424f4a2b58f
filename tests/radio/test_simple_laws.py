import numpy as np
import pytest

from mecsim.radio.simple_laws import free_space_db, log_distance_db, macro_2_ghz_db


@pytest.mark.parametrize("frequency_ghz", [0.7, 3.5, 28.0])
@pytest.mark.parametrize("distance_m", [1.0, 50.0, 12_345.0])
def test_free_space_in_the_form_with_rounded_constants(frequency_ghz, distance_m):
    expected_db = 32.45 + 20.0 * np.log10(frequency_ghz) + 20.0 * np.log10(distance_m)
    assert free_space_db(distance_m, frequency_ghz, 1.5, 1.5) == pytest.approx(expected_db, abs=0.003)


def test_free_space_goes_by_the_slant_distance():
    # 3-4-5: 30 m along the ground and 40 m up are 50 m.
    assert free_space_db(30.0, 3.5, 41.5, 1.5) == pytest.approx(free_space_db(50.0, 3.5, 1.5, 1.5), abs=1e-12)


def test_free_space_is_a_log_distance_law_of_exponent_two():
    d2_m = np.logspace(0, 4, 30)
    np.testing.assert_allclose(
        log_distance_db(d2_m, 3.5, 25.0, 1.5, exponent=2.0, reference_m=1.0), free_space_db(d2_m, 3.5, 25.0, 1.5), rtol=1e-12
    )


def test_macro_cell_at_2_ghz():
    # 128.1 at 1 km; a tenth of it takes 37.6 off; 35 m is the least: 128.1 + 37.6 log10(0.035) = 73.3570.
    assert list(macro_2_ghz_db([1000.0, 100.0], 2.0, 25.0, 1.5)) == pytest.approx([128.1, 90.5])
    assert list(macro_2_ghz_db([35.0, 10.0, 0.0], 2.0, 25.0, 1.5)) == pytest.approx([73.3570] * 3, abs=1e-4)


def test_macro_cell_is_the_general_law_at_2_ghz_and_15_m():
    # 40 (1 - 0.004 h) log10(d) - 18 log10(h) + 21 log10(f in MHz) + 80, with h = 15 m above the roofs (TR 36.942).
    d_km = np.array([0.05, 0.5, 5.0])
    general_db = 40.0 * (1.0 - 0.004 * 15.0) * np.log10(d_km) - 18.0 * np.log10(15.0) + 21.0 * np.log10(2000.0) + 80.0
    np.testing.assert_allclose(macro_2_ghz_db(1000.0 * d_km, 2.0, 25.0, 1.5), general_db, atol=0.06)
