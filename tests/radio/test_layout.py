import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.radio.layout import displacement, grid, hexagonal


def distances_m(sites_m, area_m, *, wrap):
    dx, dy = displacement(*(np.subtract.outer(place, place) for place in sites_m.T), area_m, wrap=wrap)
    return np.hypot(dx, dy)


def test_two_rows_of_two_hexagons():
    # 500 m apart, the second row half a site to the right and 433 m up.
    sites_m, area_m = hexagonal(2, 2, 500.0)
    row_m = 250.0 * math.sqrt(3.0)
    assert area_m == pytest.approx((1000.0, 2.0 * row_m))
    np.testing.assert_allclose(sites_m, [(125.0, row_m / 2), (625.0, row_m / 2), (375.0, 1.5 * row_m), (875.0, 1.5 * row_m)])


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (4, 5), (6, 3)])
def test_every_hexagon_has_six_nearest_neighbours_on_the_torus(rows, columns):
    far_m = np.sort(distances_m(*hexagonal(rows, columns, 500.0), wrap=True), axis=1)
    np.testing.assert_allclose(far_m[:, 1:7], 500.0)
    assert np.all(far_m[:, 7] > 800.0)  # the second ring is sqrt(3) x 500 m away


def test_an_odd_number_of_rows_has_no_seamless_torus():
    far_m = np.sort(distances_m(*hexagonal(3, 4, 500.0), wrap=True), axis=1)
    assert not np.allclose(far_m[:, 6], 500.0)


def test_without_a_torus_a_corner_has_fewer_neighbours():
    far_m = distances_m(*hexagonal(4, 4, 500.0), wrap=False)
    assert np.sum(np.isclose(far_m[0], 500.0)) == 2


def test_each_hexagon_has_its_share_of_the_area():
    _, (width_m, height_m) = hexagonal(6, 5, 500.0)
    assert width_m * height_m / 30 == pytest.approx(math.sqrt(3.0) / 2.0 * 500.0**2)


@pytest.mark.parametrize("layout", [hexagonal, grid])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 2), (4, 7)])
def test_sites_are_inside_their_area(layout, rows, columns):
    sites_m, (width_m, height_m) = layout(rows, columns, 200.0)
    assert sites_m.shape == (rows * columns, 2)
    assert np.all(sites_m > 0.0)
    assert np.all(sites_m < (width_m, height_m))


def test_grid():
    sites_m, area_m = grid(2, 3, 100.0)
    assert area_m == (300.0, 200.0)
    assert sites_m.tolist() == [[50.0, 50.0], [150.0, 50.0], [250.0, 50.0], [50.0, 150.0], [150.0, 150.0], [250.0, 150.0]]


def test_the_nearest_image():
    # On 1000 x 400 m, 900 m to the right is 100 m to the left, and 250 m down is 150 m up.
    assert displacement(900.0, -250.0, (1000.0, 400.0), wrap=True) == (-100.0, 150.0)
    assert displacement(900.0, -250.0, (1000.0, 400.0), wrap=False) == (900.0, -250.0)


@given(dx_m=st.floats(-2e3, 2e3), dy_m=st.floats(-2e3, 2e3), columns=st.integers(-2, 2), rows=st.integers(-2, 2))
def test_the_torus_has_no_edge(dx_m, dy_m, columns, rows):
    area_m = (700.0, 300.0)
    dx, dy = displacement(dx_m, dy_m, area_m, wrap=True)
    assert abs(dx) <= 350.0 + 1e-9
    assert abs(dy) <= 150.0 + 1e-9
    there = displacement(dx_m + 700.0 * columns, dy_m + 300.0 * rows, area_m, wrap=True)
    assert math.hypot(*there) == pytest.approx(math.hypot(dx, dy), abs=1e-8)
    assert math.hypot(dx, dy) <= math.hypot(dx_m, dy_m) + 1e-9


@pytest.mark.parametrize("layout", [hexagonal, grid])
def test_senseless_layouts_are_refused(layout):
    with pytest.raises(ValueError, match="a layout needs a row and a column, got 0 and 3"):
        layout(0, 3, 100.0)
    with pytest.raises(ValueError, match=r"the distance between sites must be positive, got 0\.0"):
        layout(2, 2, 0.0)
