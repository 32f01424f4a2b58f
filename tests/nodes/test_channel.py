import math
from dataclasses import replace

import numpy as np
import pytest
from radio_cases import CENTRE, EAST, FLEET, channel, received

from mecsim.nodes.channel import NEAREST, StationSite, Terminals
from mecsim.radio import fields
from mecsim.radio.antenna import SectorPattern
from mecsim.radio.layout import hexagonal
from mecsim.radio.path_loss import path_loss_model

NAMES = ("cells", "gain_db", "distance_m", "line_of_sight")
SECTORS = (30.0, 150.0, 270.0)


def assert_equal(first, second, names=NAMES):
    for name in names:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def column(reception, cell):
    """Return what every device has of one cell: gain, distance and line of sight."""
    of_cell = reception.cells == cell
    assert of_cell.sum(axis=1).tolist() == [1] * len(of_cell)
    return reception.gain_db[of_cell], reception.distance_m[of_cell], reception.line_of_sight[of_cell]


def city(rows=12, columns=12, **options):
    places_m, area_m = hexagonal(rows, columns, 500.0)
    sites = [
        StationSite(name=f"site-{i}", x_m=x_m, y_m=y_m, height_m=25.0, tx_power_dbm=46.0, **options)
        for i, (x_m, y_m) in enumerate(places_m)
    ]
    return sites, area_m


def test_gain_by_hand():
    # 9 m east, 12 m north: 15 m, where LoS is certain. Slant sqrt(15^2 + 23.5^2) = 27.879 m; loss 28 + 22 log10(27.879)
    # + 20 log10(3.5) = 28 + 31.7963 + 10.8814 = 70.6776 dB, less the antenna's 5 dBi.
    gain_db, distance_m, line_of_sight = column(received([[9.0, 12.0]], [CENTRE], shadowing=False), 0)
    assert (distance_m[0], bool(line_of_sight[0])) == (pytest.approx(15.0), True)
    assert gain_db[0] == pytest.approx(5.0 - 70.6776, abs=1e-3)


def test_antennas_add_and_walls_take_away():
    # A row a device: the second is behind a wall of 13.5 dB.
    terminals = Terminals(antenna_gain_dbi=1.0, wall_loss_db=np.array([0.0, 13.5]))
    places_m = [[9.0, 12.0], [9.0, 12.0]]
    better = received(places_m, [replace(CENTRE, antenna_gain_dbi=8.0)], terminals=terminals, shadowing=False)
    plain = received(places_m, [CENTRE], shadowing=False)
    np.testing.assert_allclose((better.gain_db - plain.gain_db)[:, 0], [4.0, 4.0 - 13.5])
    # The walls are the device's, and not those of its row in the question; in the open there are none.
    both = channel([CENTRE], terminals=terminals, shadowing=False)
    one = both.receive(np.array([1]), np.array([[9.0, 12.0]])).gain_db - both.receive_outdoors(np.array([[9.0, 12.0]])).gain_db
    assert one == pytest.approx(-13.5)


def test_three_sectors_by_hand():
    # A sector loses 12 (angle / 65 deg)^2 dB, 30 at most. Its antenna looks down by 10 deg; a device at 1,000 m is
    # atan(23.5 / 1000) = 1.346 deg below the horizon, 8.654 deg off: 12 (8.654 / 65)^2 = 0.2127 dB. East of the station, at
    # 0 deg: 30 deg off the first sector, 2.5562 dB; 150 deg off the second: 30 dB; 90 deg off the third (270): 23.0059 dB.
    plain = received([[1000.0, 0.0]], [CENTRE], kind="free-space")
    three = received([[1000.0, 0.0]], [replace(CENTRE, azimuths_deg=SECTORS)], kind="free-space")
    np.testing.assert_array_equal(three.cells, [[0, 1, 2]])
    lost_db = plain.gain_db[0, 0] - three.gain_db[0]
    np.testing.assert_allclose(lost_db, [2.5562 + 0.2127, 30.0, 23.0059 + 0.2127], atol=1e-3)
    assert three.distance_m.tolist() == [[1000.0] * 3]


def test_sectors_of_a_site_share_its_shadowing():
    three = received(stations=[replace(CENTRE, azimuths_deg=SECTORS), replace(EAST, azimuths_deg=SECTORS)])
    calm = received(stations=[replace(CENTRE, azimuths_deg=SECTORS), replace(EAST, azimuths_deg=SECTORS)], shadowing=False)
    shadow_db = (three.gain_db - calm.gain_db).reshape(len(FLEET), 2, 3)
    np.testing.assert_allclose(shadow_db, shadow_db[:, :, :1].repeat(3, axis=2), atol=1e-9)
    assert np.all(shadow_db[:, 0, 0] != shadow_db[:, 1, 0])
    np.testing.assert_array_equal(channel([replace(CENTRE, azimuths_deg=SECTORS)]).site_of_cell, [0, 0, 0])


def test_one_sector_looks_one_way():
    # Behind: 30 dB less than an antenna all around has.
    lone = received([[-1000.0, 0.0]], [replace(CENTRE, azimuths_deg=(0.0,))], kind="free-space", pattern=SectorPattern.nr())
    plain = received([[-1000.0, 0.0]], [CENTRE], kind="free-space")
    assert plain.gain_db[0, 0] - lone.gain_db[0, 0] == pytest.approx(30.0)


def test_a_map_without_edges():
    # On a torus of 1,000 m by 800 m, a device at 990 m is 20 m west of a station at 10 m, and in front of the sector that
    # looks west; without wrapping it is 980 m east of it.
    site = replace(CENTRE, x_m=10.0, y_m=100.0, azimuths_deg=(0.0, 180.0))
    wrapped = received([[990.0, 100.0]], [site], kind="free-space", wrapped_area_m=(1000.0, 800.0))
    flat = received([[990.0, 100.0]], [site], kind="free-space")
    np.testing.assert_allclose(wrapped.distance_m, 20.0)
    np.testing.assert_allclose(flat.distance_m, 980.0)
    assert np.argmax(wrapped.gain_db[0]) == 1
    assert np.argmax(flat.gain_db[0]) == 0
    # Over the edge in both directions at once: sqrt(20^2 + 200^2).
    corner = received([[990.0, 700.0]], [site], kind="free-space", wrapped_area_m=(1000.0, 800.0))
    np.testing.assert_allclose(corner.distance_m, math.hypot(20.0, 200.0))


def test_on_a_wrapped_layout_every_site_is_like_the_others():
    sites, area_m = city(4, 5)
    around_m = np.array([[30.0, 40.0], [-200.0, 10.0], [0.0, 249.0]])
    gains = []
    for site in (sites[0], sites[7], sites[19]):
        places_m = (around_m + np.array([site.x_m, site.y_m])) % area_m
        found = received(places_m, sites, kind="free-space", wrapped_area_m=area_m)
        gains.append(np.sort(found.gain_db, axis=1))
    np.testing.assert_allclose(gains[1], gains[0], atol=1e-9)
    np.testing.assert_allclose(gains[2], gains[0], atol=1e-9)


def test_a_new_station_leaves_the_paths_to_the_others_alone():
    far = StationSite(name="far", x_m=-40e3, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
    plain = received()
    for stations in ([CENTRE, EAST, far], [far, EAST, CENTRE]):
        more = received(stations=stations)
        for number, site in enumerate((CENTRE, EAST)):
            for one, other in zip(column(more, stations.index(site)), column(plain, number), strict=True):
                np.testing.assert_array_equal(one, other)


def test_a_station_keeps_its_shadowing_under_its_name_only():
    renamed, original = received(stations=[replace(CENTRE, name="other")]), received(stations=[CENTRE])
    np.testing.assert_array_equal(renamed.distance_m, original.distance_m)
    assert np.mean(renamed.gain_db == original.gain_db) < 0.01


def test_other_devices_change_nothing():
    many = received()
    assert_equal(received(FLEET[:40]), replace(many, **{name: getattr(many, name)[:40] for name in NAMES}))
    one = received(FLEET[7:8])
    assert_equal(one, replace(many, **{name: getattr(many, name)[7:8] for name in NAMES}))


def test_the_seed_makes_the_paths():
    assert_equal(received(), received())
    other = received(seed=2)
    assert np.all(other.gain_db != received().gain_db)
    assert np.any(other.line_of_sight != received().line_of_sight)


def test_a_city_is_what_its_nearest_stations_are():
    # 144 sites; those that a device does not look at are at least as far as its 20th, and the paths to the others are as if
    # those were all that there is.
    sites, area_m = city()
    places_m = np.random.default_rng(1).random((50, 2)) * area_m
    whole = received(places_m, sites)
    assert whole.cells.shape == (50, NEAREST)
    distances_m = np.hypot(*(places_m[:, np.newaxis] - [[site.x_m, site.y_m] for site in sites]).transpose(2, 0, 1))
    np.testing.assert_allclose(np.sort(whole.distance_m, axis=1), np.sort(distances_m, axis=1)[:, :NEAREST])
    for place_m, cells, gain_db in zip(places_m, whole.cells, whole.gain_db, strict=True):
        alone = received([place_m], [sites[cell] for cell in cells])
        np.testing.assert_allclose(alone.gain_db[0], gain_db, atol=1e-9)


def test_shadowing_has_its_deviation_and_half_of_it_is_common_to_two_sites():
    # Places on a grid of 500 m, nearly independent of each other; far from both stations nearly all are NLoS.
    x_m, y_m = np.meshgrid(np.arange(-4, 16) * 500.0, np.arange(-4, 16) * 500.0)
    places_m = np.stack([x_m.ravel(), y_m.ravel()], axis=1)
    first, second = [], []
    for seed in range(8):
        on, off = (received(places_m, seed=seed, shadowing=shadowing) for shadowing in (True, False))
        both_nlos = ~on.line_of_sight.any(axis=1)
        shadow_db = (off.gain_db - on.gain_db)[both_nlos]
        first.append(shadow_db[:, 0])
        second.append(shadow_db[:, 1])
    first_db, second_db = np.concatenate(first), np.concatenate(second)
    assert len(first_db) > 2500
    # Standard errors for 2500: 6 / sqrt(5000) = 0.085 dB of the deviation, 0.75 / 50 = 0.015 of the correlation; 3.3 of them.
    assert np.std(first_db) == pytest.approx(6.0, abs=0.28)
    assert np.corrcoef(first_db, second_db)[0, 1] == pytest.approx(0.5, abs=0.05)


def test_fields_have_the_correlation_distances_of_their_state(monkeypatch):
    asked_m = []
    draw = fields._draw_waves
    monkeypatch.setattr(
        fields, "_draw_waves", lambda generator, reach_m, n: asked_m.append(reach_m) or draw(generator, reach_m, n)
    )
    channel([CENTRE], kind="rma")
    # The state of sight, then shadowing with and without sight: the station's own, and what is common to all.
    assert asked_m == [60.0, 37.0, 120.0, 37.0, 120.0]


def test_line_of_sight_share_follows_the_probability():
    # On a ring of 100 m around the station, far more places than correlation distances in one world; hence many worlds.
    angle = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    ring_m = 100.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    shares = [received(ring_m, [CENTRE], seed=seed, shadowing=False).line_of_sight.mean() for seed in range(100)]
    half_width = 3.39 * np.std(shares, ddof=1) / 10.0  # 99.9 %, t with 99 dof
    assert abs(np.mean(shares) - 0.3477) < half_width
    assert half_width < 0.08  # tight enough to tell it from the street canyon's 0.2310


def test_stations_of_several_heights_have_each_its_own():
    # The order of stations must not matter where their laws are worked out height by height.
    low = replace(EAST, height_m=35.0)
    mixed = received(stations=[CENTRE, low])
    np.testing.assert_array_equal(column(mixed, 0)[0], column(received(stations=[CENTRE]), 0)[0])
    np.testing.assert_array_equal(column(mixed, 1)[0], column(received(stations=[low]), 0)[0])


@pytest.mark.parametrize("kind", ["uma", "umi", "rma", "inh", "inh-open", "free-space", "log-distance", "macro-2ghz"])
def test_every_kind_gives_finite_columns(kind):
    assert path_loss_model(kind).name == kind
    found = received(FLEET[:20] / 20.0, kind=kind)
    for name in NAMES:
        assert np.all(np.isfinite(getattr(found, name))), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"places_m": np.zeros((3, 3))}, r"places_m must have the shape \(n, 2\), got \(3, 3\)"),
        ({"stations": []}, "there has to be one"),
        ({"stations": [CENTRE, CENTRE]}, "stations need a name each"),
        ({"stations": [CENTRE, replace(EAST, azimuths_deg=SECTORS)]}, "all stations have as many sectors"),
    ],
)
def test_senseless_requests_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        received(**change)
