"""Positions: degrees against published lengths of degrees and a distance on the sphere; rows by hand."""

import math

import numpy as np
import pytest

from mecsim.traces.geography import metres_a_degree, to_plane
from mecsim.traces.mobility import read_mobility_rows
from mecsim.traces.problems import TraceError


@pytest.mark.parametrize(
    ("latitude", "east_m", "north_m"),
    # As tabulated to the metre under "Latitude" in Wikipedia, for WGS 84. A sphere is off by 500 m somewhere.
    [(0.0, 111_320, 110_574), (45.0, 78_847, 111_132), (60.0, 55_800, 111_412), (90.0, 0, 111_694)],
)
def test_the_length_of_a_degree(latitude, east_m, north_m):
    assert metres_a_degree(latitude) == pytest.approx((east_m, north_m), abs=0.6)


def test_distances_nearby_are_those_of_the_great_circle():
    """On a sphere of the mean radius, which differs from the ellipsoid by 0.3 % at most."""
    origin = (-8.5, 51.9)
    longitude, latitude = np.array([-8.42, -8.5, -8.6]), np.array([51.9, 51.97, 51.85])
    x, y = to_plane(longitude, latitude, origin)
    phi, there = math.radians(origin[1]), np.radians(latitude)
    half = np.sin((there - phi) / 2) ** 2 + math.cos(phi) * np.cos(there) * np.sin(np.radians(longitude - origin[0]) / 2) ** 2
    np.testing.assert_allclose(np.hypot(x, y), 2 * 6_371_008.8 * np.arcsin(np.sqrt(half)), rtol=4e-3)
    assert (x[0] > 0, y[1] > 0, x[2] < 0, y[2] < 0) == (True, True, True, True)


def test_the_date_line_is_no_border():
    x, _ = to_plane(np.array([-179.9]), np.array([0.0]), (179.9, 0.0))
    assert x[0] == pytest.approx(0.2 * 111_319.49, abs=0.01)


HEAD = "Timestamp,Longitude,Latitude,Speed\n"
STAMP = "2019.12.16_11.49.5"


@pytest.fixture
def rows(tmp_path):
    def read(files, preset="canonical", **options):
        paths = [tmp_path / name for name in files]
        for path, text in zip(paths, files.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        return read_mobility_rows(paths, preset, **options)

    return read


def test_a_drive_is_metres_from_its_south_west_corner(rows):
    text = HEAD + f"{STAMP}0,1.0,0.0,36\n{STAMP}2,1.002,0.001,36\n{STAMP}3,-,-,36\n{STAMP}3,1.001,-,36\n{STAMP}4,1.0,0.001,-\n"
    found = rows({"drive.csv": text}, "ucc5g")
    assert found.ue_ids == ("drive",)
    assert found.t_s.tolist() == [0.0, 2.0, 4.0]
    np.testing.assert_allclose(found.x_m, [0.0, 222.639, 0.0], atol=1e-3)
    np.testing.assert_allclose(found.y_m, [0.0, 110.574, 110.574], atol=1e-3)
    np.testing.assert_allclose(found.speed_mps, [10.0, 10.0, np.nan])
    assert (found.origin, found.n_duplicates, found.n_missing) == ((1.0, 0.0), 1, 1)


def test_a_given_origin_holds_for_all_files(rows):
    one, other = HEAD + f"{STAMP}0,1.0,0.0,0\n", HEAD + f"{STAMP}0,2.0,0.0,0\n"
    alone = rows({"a.csv": one}, "ucc5g", origin=(1.5, 0.0))
    both = rows({"a.csv": one, "b.csv": other}, "ucc5g", origin=(1.5, 0.0))
    assert alone.x_m[0] == both.x_m[0] == pytest.approx(-55_659.745)
    assert rows({"b.csv": other, "a.csv": one}, "ucc5g").x_m.tolist() == pytest.approx([111_319.491, 0.0])


def test_metres_are_taken_as_they_are_and_the_last_of_a_time_counts(rows):
    found = rows({"m.csv": "t_s,ue_id,x_m,y_m,z_m\n5,b,1,1,2\n5,a,3,4,\n0,a,0,0,\n5,a,6,8,\n9,a,-,8,\n"})
    assert found.ue_id.tolist() == ["b", "a", "a"]
    assert found.t_s.tolist() == [5.0, 0.0, 5.0]
    assert list(zip(found.x_m.tolist(), found.y_m.tolist(), strict=True)) == [(1, 1), (0, 0), (6, 8)]
    assert (found.origin, found.n_duplicates, found.n_missing) == (None, 1, 1)
    assert found.z_m[0] == 2.0


def test_canonical_files_may_have_degrees(rows):
    assert rows({"m.csv": "t_s,ue_id,lon,lat\n0,a,10,50\n"}).origin == (10.0, 50.0)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"m.csv": "t_s,ue_id,x_m\n0,a,1\n"}, "there are neither x_m and y_m nor lon and lat"),
        ({"m.csv": "t_s,ue_id,x_m,y_m\n0,a,1,1\n0,b,-,1\n"}, "the device 'b' has no position in any row"),
        ({"m.csv": "t_s,ue_id,lon,lat\n0,a,-,1\n"}, "no row has a position"),
        ({"m.csv": "t_s,ue_id,lon,lat\n0,a,181,91\n"}, "line 2: lat: must be between -90 and 90 degrees, got '91'"),
        ({"m.csv": "t_s,ue_id,x_m,y_m\n0,a,1,1\n", "n.csv": "t_s,ue_id,lon,lat\n0,b,1,1\n"}, "n.csv: 1 problem"),
    ],
)
def test_positions_that_are_none(rows, files, message):
    with pytest.raises(TraceError) as caught:
        rows(files)
    assert message in str(caught.value)


def test_metres_have_no_origin_in_degrees(rows):
    with pytest.raises(TraceError, match=r"positions are in metres: they have no origin"):
        rows({"m.csv": "t_s,ue_id,x_m,y_m\n0,a,1,1\n"}, origin=(0.0, 0.0))
