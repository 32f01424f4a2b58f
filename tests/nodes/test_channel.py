import math
from dataclasses import fields, replace

import numpy as np
import pytest

from mecsim.errors import UnknownNameError
from mecsim.nodes import channel
from mecsim.nodes.channel import CarrierSpec, StationSite, link_columns
from mecsim.rng import Streams

CARRIER = CarrierSpec(frequency_hz=3.5e9, bandwidth_hz=20e6, downlink_share=0.75)
CENTRE = StationSite(name="centre", x_m=0.0, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
EAST = StationSite(name="east", x_m=800.0, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
FLEET = np.random.default_rng(7).uniform(-500.0, 1300.0, (300, 2))
GEOMETRY = ("station", "distance_m", "line_of_sight")


def links(positions_m=FLEET, stations=(CENTRE, EAST), *, seed=1, kind="uma", carrier=CARRIER, **options):
    return link_columns(np.asarray(positions_m), stations, carrier, kind, Streams(seed), **options)


def assert_equal_columns(first, second, names):
    for name in names:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def all_columns(columns):
    return [column.name for column in fields(columns)]


def test_link_budget_by_hand():
    # 9 m east, 12 m north: 15 m, where LoS is certain. Slant sqrt(15^2 + 23.5^2) = 27.879 m; loss 28 + 22 log10(27.879)
    # + 20 log10(3.5) = 28 + 31.7963 + 10.8814 = 70.6776 dB. Down: 46 + 5 - 70.6776 + 93.9897 (20 MHz, 7 dB) = 74.3121 dB.
    # Up: 23 + 5 - 70.6776 + 95.9897 (5 dB) = 53.3121 dB. Both are at their caps: 20 MHz x 0.75 x 4.4 and x 0.25 x 2.0.
    row = links([[9.0, 12.0]], [CENTRE], shadowing=False)
    assert row.distance_m[0] == pytest.approx(15.0)
    assert row.line_of_sight[0]
    assert row.downlink_snr_db[0] == pytest.approx(74.3121, abs=1e-3)
    assert row.uplink_snr_db[0] == pytest.approx(53.3121, abs=1e-3)
    assert row.downlink_rate_bps[0] == pytest.approx(66e6)
    assert row.uplink_rate_bps[0] == pytest.approx(10e6)


def test_rates_of_weak_links_by_hand():
    # As above with 70 dB less down: 4.3121 dB = 2.6990; 0.6 log2(3.6990) x 15 MHz = 16.984 Mb/s. Up with 68.3121 dB less:
    # -15 dB, so -10 dB on 10^-0.5 = 0.31623 of the carrier: 0.31623 x 20 MHz x 0.4 log2(1.1) x 0.25 = 86.97 kb/s.
    weak = replace(CENTRE, tx_power_dbm=-24.0)
    row = links([[9.0, 12.0]], [weak], shadowing=False, ue_tx_power_dbm=23.0 - 68.3121)
    assert row.downlink_rate_bps[0] == pytest.approx(16.984e6, rel=1e-3)
    assert row.uplink_rate_bps[0] == pytest.approx(86.97e3, rel=1e-3)


def test_out_of_coverage_is_rate_zero():
    # 86 dB less: -11.7 dB down. Up, 85 dB less is -31.7 dB: -10 dB on 0.0068 of the carrier, 135 kHz.
    weak = replace(CENTRE, tx_power_dbm=-40.0)
    for diversity in (None, 1):
        row = links([[9.0, 12.0]], [weak], shadowing=False, ue_tx_power_dbm=23.0 - 85.0, diversity=diversity)
        assert row.downlink_snr_db[0] == pytest.approx(-11.688, abs=1e-3)
        assert (row.downlink_rate_bps[0], row.uplink_rate_bps[0]) == (0.0, 0.0)


def test_equipment_enters_the_budget_where_it_should():
    plain = links()
    better = links(
        stations=[replace(site, antenna_gain_dbi=8.0, noise_figure_db=4.0) for site in (CENTRE, EAST)],
        ue_antenna_gain_dbi=1.0,
        ue_noise_figure_db=9.0,
        ue_tx_power_dbm=26.0,
    )
    np.testing.assert_allclose(better.downlink_snr_db - plain.downlink_snr_db, 3.0 + 1.0 - 2.0)
    np.testing.assert_allclose(better.uplink_snr_db - plain.uplink_snr_db, 3.0 + 1.0 + 1.0 + 3.0)


def test_the_equipment_that_counts_is_that_of_the_serving_station():
    # As in the first budget, from the second of two stations: 3 dB more of gain both ways, 2 dB less of noise up.
    here = replace(CENTRE, antenna_gain_dbi=8.0, noise_figure_db=3.0)
    row = links([[9.0, 12.0]], [EAST, here], shadowing=False)
    assert row.station[0] == 1
    assert row.downlink_snr_db[0] == pytest.approx(77.3121, abs=1e-3)
    assert row.uplink_snr_db[0] == pytest.approx(58.3121, abs=1e-3)


def test_the_nearest_station_serves_where_nothing_stands_in_the_way():
    row = links([[5.0, 0.0], [790.0, 5.0]], shadowing=False)
    assert list(row.station) == [0, 1]
    np.testing.assert_allclose(row.distance_m, [5.0, math.hypot(10.0, 5.0)])


def test_the_strongest_station_serves_shadowing_included():
    both, alone = links(), [links(stations=[site]) for site in (CENTRE, EAST)]
    received = np.stack([columns.downlink_snr_db for columns in alone])
    np.testing.assert_array_equal(both.station, np.argmax(received, axis=0))
    np.testing.assert_array_equal(both.downlink_snr_db, received.max(axis=0))
    # It is not always the nearest: that is what shadowing does.
    nearest = np.argmin(np.stack([columns.distance_m for columns in alone]), axis=0)
    assert 0.01 < np.mean(both.station != nearest) < 0.4


def test_more_power_draws_devices_over():
    loud = links(stations=[CENTRE, replace(EAST, tx_power_dbm=56.0)])
    plain = links()
    assert np.sum(loud.station == 1) > np.sum(plain.station == 1)
    assert np.all(loud.station[plain.station == 1] == 1)


def test_of_equal_stations_the_first_serves():
    twin = replace(CENTRE, name="twin")
    assert list(links([[9.0, 12.0]], [CENTRE, twin], shadowing=False).station) == [0]


def test_a_new_station_leaves_the_links_to_the_others_alone():
    far = StationSite(name="far", x_m=-40e3, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
    for stations in ([CENTRE, EAST, far], [far, EAST, CENTRE]):
        more = links(stations=stations)
        names = [[site.name for site in stations][index] for index in more.station]
        assert names == [("centre", "east")[index] for index in links().station]
        assert_equal_columns(more, links(), [name for name in all_columns(more) if name != "station"])


def test_a_station_keeps_its_shadowing_under_its_name_only():
    renamed = links(stations=[replace(CENTRE, name="other")])
    original = links(stations=[CENTRE])
    np.testing.assert_array_equal(renamed.distance_m, original.distance_m)
    assert np.mean(renamed.downlink_snr_db == original.downlink_snr_db) < 0.01


def test_other_devices_change_nothing():
    few, many = links(FLEET[:40], diversity=4), links(diversity=4)
    for name in all_columns(few):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:40], err_msg=name)


def test_the_seed_makes_the_columns():
    assert_equal_columns(links(), links(), all_columns(links()))
    other = links(seed=2)
    assert np.all(other.downlink_snr_db != links().downlink_snr_db)
    assert np.any(other.line_of_sight != links().line_of_sight)


def test_bandwidth_changes_rates_and_leaves_geometry_alone():
    wide = links(carrier=replace(CARRIER, bandwidth_hz=40e6))
    assert_equal_columns(wide, links(), GEOMETRY)
    # Twice the noise; more rate down wherever there is coverage, and less than twice as much.
    np.testing.assert_allclose(links().downlink_snr_db - wide.downlink_snr_db, 10.0 * math.log10(2.0))
    covered = wide.downlink_rate_bps > 0.0
    assert np.mean(covered) > 0.9
    ratio = wide.downlink_rate_bps[covered] / links().downlink_rate_bps[covered]
    assert np.all(ratio > 1.0)
    assert np.all(ratio <= 2.0)
    # A device that the power limits up gains nothing from more spectrum.
    limited = (links().uplink_snr_db < -10.0) & (links().uplink_rate_bps > 0.0)
    assert np.sum(limited) >= 5
    np.testing.assert_allclose(wide.uplink_rate_bps[limited], links().uplink_rate_bps[limited])


def test_fading_costs_rate_and_diversity_wins_it_back():
    plain, rayleigh, diverse = links(), links(diversity=1), links(diversity=8)
    assert_equal_columns(plain, rayleigh, (*GEOMETRY, "downlink_snr_db", "uplink_snr_db"))
    middling = (plain.downlink_snr_db > 0.0) & (plain.downlink_snr_db < 20.0)
    assert np.sum(middling) > 50
    assert np.all(rayleigh.downlink_rate_bps[middling] < diverse.downlink_rate_bps[middling])
    assert np.all(diverse.downlink_rate_bps[middling] < plain.downlink_rate_bps[middling])


def test_shadowing_has_its_deviation_and_half_of_it_is_common_to_two_sites():
    # Places on a grid of 500 m, nearly independent of each other; far from both stations nearly all are NLoS.
    x_m, y_m = np.meshgrid(np.arange(-4, 16) * 500.0, np.arange(-4, 16) * 500.0)
    positions_m = np.stack([x_m.ravel(), y_m.ravel()], axis=1)
    first, second = [], []
    for seed in range(8):
        shadows_db, nlos = [], []
        for site in (CENTRE, EAST):
            on, off = (links(positions_m, [site], seed=seed, shadowing=shadowing) for shadowing in (True, False))
            shadows_db.append(off.downlink_snr_db - on.downlink_snr_db)
            nlos.append(~on.line_of_sight)
        first.append(shadows_db[0][nlos[0] & nlos[1]])
        second.append(shadows_db[1][nlos[0] & nlos[1]])
    first_db, second_db = np.concatenate(first), np.concatenate(second)
    assert len(first_db) > 2500
    # Standard errors for 2500: 6 / sqrt(5000) = 0.085 dB of the deviation, 0.75 / 50 = 0.015 of the correlation; 3.3 of them.
    assert np.std(first_db) == pytest.approx(6.0, abs=0.28)
    assert np.corrcoef(first_db, second_db)[0, 1] == pytest.approx(0.5, abs=0.05)


def test_fields_have_the_correlation_distances_of_their_state(monkeypatch):
    asked_m = []

    def recorder(field):
        def make(generator, correlation_m):
            asked_m.append((field.__name__, correlation_m))
            return field(generator, correlation_m)

        return make

    monkeypatch.setattr(channel, "GaussianField", recorder(channel.GaussianField))
    monkeypatch.setattr(channel, "UniformField", recorder(channel.UniformField))
    links(stations=[CENTRE], kind="rma")
    shadowing = [("GaussianField", 37.0), ("GaussianField", 120.0)]
    assert asked_m == [*shadowing, ("UniformField", 60.0), *shadowing]  # common to all sites, then the station's own


def test_line_of_sight_share_follows_the_probability():
    # On a ring of 100 m around the station, far more places than correlation distances in one world; hence many worlds.
    angle = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    ring_m = 100.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    shares = [links(ring_m, [CENTRE], seed=seed, shadowing=False).line_of_sight.mean() for seed in range(100)]
    half_width = 3.39 * np.std(shares, ddof=1) / 10.0  # 99.9 %, t with 99 dof
    assert abs(np.mean(shares) - 0.3477) < half_width
    assert half_width < 0.08  # tight enough to tell it from the street canyon's 0.2310


@pytest.mark.parametrize("kind", ["uma", "umi", "rma", "inh"])
def test_every_kind_gives_finite_columns(kind):
    columns = links(FLEET[:20] / 20.0, kind=kind)
    for name in all_columns(columns):
        assert np.all(np.isfinite(getattr(columns, name))), name


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"positions_m": np.zeros((3, 3))}, ValueError, r"positions_m must have the shape \(n, 2\), got \(3, 3\)"),
        ({"stations": []}, ValueError, "stations is empty"),
        ({"stations": [CENTRE, CENTRE]}, ValueError, "two stations have one name"),
        ({"carrier": replace(CARRIER, downlink_share=1.5)}, ValueError, "downlink_share must be from 0 to 1, got 1.5"),
        ({"kind": "umma"}, UnknownNameError, "no path loss model called 'umma'. Did you mean 'uma'"),
    ],
)
def test_senseless_requests_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        links(**change)
