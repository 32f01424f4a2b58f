import math
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from radio_cases import CARRIER, CENTRE, EAST, FLEET, budget, channel, links

import mecsim.nodes.channel
from mecsim.nodes.budget import UplinkPower
from mecsim.nodes.channel import StationSite, Terminals
from mecsim.radio.layout import hexagonal

GEOMETRY = ("cell", "station", "distance_m", "line_of_sight")
NEAR = [[9.0, 12.0]]  # 15 m from the centre: 70.6776 dB of path loss, see test_channel.py


def assert_equal(first, second, names):
    for name in names:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def all_columns(columns):
    return [column.name for column in fields(columns)]


def linear(value_db):
    return 10.0 ** (value_db / 10.0)


def db(value):
    return 10.0 * math.log10(value)


def test_link_budget_by_hand():
    # Down: 46 + 5 - 70.6776 + 93.9897 (20 MHz, 7 dB) = 74.3121 dB. Up: 23 + 5 - 70.6776 + 95.9897 (5 dB) = 53.3121 dB. Both
    # are at their caps: 20 MHz x 0.75 x 4.4 and x 0.25 x 2.0.
    row = links(NEAR, [CENTRE], shadowing=False)
    assert row.distance_m[0] == pytest.approx(15.0)
    assert row.line_of_sight[0]
    assert row.downlink_sinr_db[0] == pytest.approx(74.3121, abs=1e-3)
    assert row.uplink_sinr_db[0] == pytest.approx(53.3121, abs=1e-3)
    assert row.downlink_rate_bps[0] == pytest.approx(66e6)
    assert row.uplink_rate_bps[0] == pytest.approx(10e6)


def test_rates_of_weak_links_by_hand():
    # As above with 70 dB less down: 4.3121 dB = 2.6990; 0.6 log2(3.6990) x 15 MHz = 16.984 Mb/s. Up with 68.3121 dB less:
    # -15 dB, so -10 dB on 10^-0.5 = 0.31623 of the carrier: 0.31623 x 20 MHz x 0.4 log2(1.1) x 0.25 = 86.97 kb/s.
    weak, power = replace(CENTRE, tx_power_dbm=-24.0), UplinkPower(maximum_dbm=23.0 - 68.3121)
    row = links(NEAR, [weak], shadowing=False, power=power)
    assert row.downlink_rate_bps[0] == pytest.approx(16.984e6, rel=1e-3)
    assert row.uplink_rate_bps[0] == pytest.approx(86.97e3, rel=1e-3)


@pytest.mark.parametrize("diversity", [None, 1])
def test_out_of_coverage_is_rate_zero(diversity):
    # 86 dB less: -11.7 dB down. Up, 85 dB less is -31.7 dB: -10 dB on 0.0068 of the carrier, 135 kHz.
    weak, power = replace(CENTRE, tx_power_dbm=-40.0), UplinkPower(maximum_dbm=23.0 - 85.0)
    row = links(NEAR, [weak], shadowing=False, power=power, diversity=diversity)
    assert row.downlink_sinr_db[0] == pytest.approx(-11.688, abs=1e-3)
    assert (row.downlink_rate_bps[0], row.uplink_rate_bps[0]) == (0.0, 0.0)


def test_numbers_of_a_fleet_stay_what_they_were():
    # Those of the first version of this simulator, which computed all stations for all devices.
    rows = links()
    np.testing.assert_array_equal(rows.station[:6], [1, 1, 0, 0, 1, 0])
    np.testing.assert_array_equal(rows.line_of_sight[:6], [False, False, False, False, False, True])
    np.testing.assert_allclose(
        rows.downlink_sinr_db[:6], [-9.536547, 41.373075, 13.300984, 9.135711, 23.499606, 72.076637], atol=1e-6
    )
    np.testing.assert_allclose(rows.downlink_rate_bps[:6], [1369786, 66000000, 40359833, 28808237, 66000000, 66000000], atol=1)
    np.testing.assert_allclose(rows.uplink_rate_bps[:6], [0, 10000000, 452679, 179026, 2948216, 10000000], atol=1)


def test_overheads_take_their_part_of_each_direction():
    wide = replace(CARRIER, downlink_overhead=0.14, uplink_overhead=0.08)
    np.testing.assert_allclose(links(carrier=wide).downlink_rate_bps, 0.86 * links().downlink_rate_bps)
    np.testing.assert_allclose(links(carrier=wide).uplink_rate_bps, 0.92 * links().uplink_rate_bps)


def test_equipment_enters_the_budget_where_it_should():
    plain = links()
    better = links(
        stations=[replace(site, antenna_gain_dbi=8.0, noise_figure_db=4.0) for site in (CENTRE, EAST)],
        ue_antenna_gain_dbi=1.0,
        ue_noise_figure_db=9.0,
        power=UplinkPower(maximum_dbm=26.0),
    )
    np.testing.assert_allclose(better.downlink_sinr_db - plain.downlink_sinr_db, 3.0 + 1.0 - 2.0)
    np.testing.assert_allclose(better.uplink_sinr_db - plain.uplink_sinr_db, 3.0 + 1.0 + 1.0 + 3.0)


def test_the_equipment_that_counts_is_that_of_the_serving_station():
    # As in the first budget, from the second of two stations: 3 dB more of gain both ways, 2 dB less of noise up.
    here = replace(CENTRE, antenna_gain_dbi=8.0, noise_figure_db=3.0)
    row = links(NEAR, [EAST, here], shadowing=False)
    assert row.station[0] == 1
    assert row.downlink_sinr_db[0] == pytest.approx(77.3121, abs=1e-3)
    assert row.uplink_sinr_db[0] == pytest.approx(58.3121, abs=1e-3)


def test_walls_cost_both_directions_alike():
    walls_db = np.linspace(0.0, 30.0, len(FLEET))
    inside = links(stations=[CENTRE], terminals=Terminals(wall_loss_db=walls_db))
    for name in ("downlink_sinr_db", "uplink_sinr_db"):
        np.testing.assert_allclose(getattr(links(stations=[CENTRE]), name) - getattr(inside, name), walls_db)


def test_the_nearest_station_serves_where_nothing_stands_in_the_way():
    row = links([[5.0, 0.0], [790.0, 5.0]], shadowing=False)
    assert list(row.station) == [0, 1]
    np.testing.assert_allclose(row.distance_m, [5.0, math.hypot(10.0, 5.0)])


def test_the_strongest_station_serves_shadowing_included():
    both, alone = links(), [links(stations=[site]) for site in (CENTRE, EAST)]
    received = np.stack([columns.downlink_sinr_db for columns in alone])
    np.testing.assert_array_equal(both.station, np.argmax(received, axis=0))
    np.testing.assert_array_equal(both.downlink_sinr_db, received.max(axis=0))
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
    assert list(links(NEAR, [CENTRE, twin], shadowing=False).station) == [0]


def test_a_cell_that_is_down_serves_nobody():
    one = budget(channel(shadowing=False))
    reception = one.channel.receive(np.arange(2), np.array([[5.0, 0.0], [790.0, 5.0]]))
    assert one.strongest(reception).tolist() == [0, 1]
    assert one.strongest(reception, np.array([[False, True], [True, True]])).tolist() == [1, 1]
    assert one.strongest(reception, np.array([[False, False], [True, False]])).tolist() == [0, 0]


def test_the_sector_that_looks_at_a_device_serves_it():
    # A ring of 300 m, every 10 degrees: each sector has the third that is nearest to its axis; cells count on from station 0.
    angle = np.radians(np.arange(0.0, 360.0, 10.0) + 1.0)
    ring_m = 300.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + [800.0, 0.0]
    sectors = [replace(site, azimuths_deg=(30.0, 150.0, 270.0)) for site in (CENTRE, EAST)]
    rows = links(ring_m, sectors, kind="free-space")
    at_east = rows.station == 1
    # Axes at 30, 150 and 270 deg: from 330 to 90, 90 to 210 and 210 to 330.
    expected = 3 + (((np.degrees(angle) + 30.0) % 360.0) // 120.0).astype(int)
    assert at_east.sum() >= 25  # towards the west, at the edge of a sector, the other station is better
    np.testing.assert_array_equal(rows.cell[at_east], expected[at_east])


def test_other_devices_and_stations_change_nobodys_link():
    few, many = links(FLEET[:40], diversity=4), links(diversity=4)
    for name in all_columns(few):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:40], err_msg=name)
    far = StationSite(name="far", x_m=-40e3, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
    more = links(stations=[far, EAST, CENTRE])
    assert_equal(more, links(), [name for name in all_columns(more) if name not in ("cell", "station")])


def test_bandwidth_changes_rates_and_leaves_geometry_alone():
    wide = links(carrier=replace(CARRIER, bandwidth_hz=40e6))
    assert_equal(wide, links(), GEOMETRY)
    # Twice the noise; more rate down wherever there is coverage, and less than twice as much.
    np.testing.assert_allclose(links().downlink_sinr_db - wide.downlink_sinr_db, 10.0 * math.log10(2.0))
    covered = wide.downlink_rate_bps > 0.0
    assert np.mean(covered) > 0.9
    ratio = wide.downlink_rate_bps[covered] / links().downlink_rate_bps[covered]
    assert np.all(ratio > 1.0)
    assert np.all(ratio <= 2.0)
    # A device that the power limits up gains nothing from more spectrum.
    limited = (links().uplink_sinr_db < -10.0) & (links().uplink_rate_bps > 0.0)
    assert np.sum(limited) >= 5
    np.testing.assert_allclose(wide.uplink_rate_bps[limited], links().uplink_rate_bps[limited])


def test_fading_costs_rate_and_diversity_wins_it_back():
    plain, rayleigh, diverse = links(), links(diversity=1), links(diversity=8)
    assert_equal(plain, rayleigh, (*GEOMETRY, "downlink_sinr_db", "uplink_sinr_db"))
    middling = (plain.downlink_sinr_db > 0.0) & (plain.downlink_sinr_db < 20.0)
    assert np.sum(middling) > 50
    assert np.all(rayleigh.downlink_rate_bps[middling] < diverse.downlink_rate_bps[middling])
    assert np.all(diverse.downlink_rate_bps[middling] < plain.downlink_rate_bps[middling])


def test_a_known_gain_is_like_so_much_less_loss():
    # A fade of 7 dB is rates as with 7 dB less power, in each direction its own; the SINRs are means over fading.
    weaker = links(stations=[replace(site, tx_power_dbm=39.0) for site in (CENTRE, EAST)], power=UplinkPower(maximum_dbm=18.0))
    faded = links(fading=(linear(-7.0), linear(-5.0)))
    np.testing.assert_array_equal(faded.downlink_sinr_db, links().downlink_sinr_db)
    seen = np.abs(links().downlink_sinr_db + 10.0) > 7.5  # else the mean SNR decides whether it is served at all
    np.testing.assert_allclose(faded.downlink_rate_bps[seen], weaker.downlink_rate_bps[seen])
    np.testing.assert_allclose(faded.uplink_rate_bps, weaker.uplink_rate_bps)
    limited = (links().uplink_sinr_db < -10.0) & (faded.uplink_rate_bps > 0.0)
    assert np.sum(limited) >= 3  # on a smaller part of the band, and served


# Interference -------------------------------------------------------------------------------------------------------------


def test_interference_of_busy_neighbours_by_hand():
    # Free space, 3.5 GHz: 43.3291 dB + 20 log10(d). Between two stations 800 m apart, at 300 m from the first. Slants
    # sqrt(300^2 + 23.5^2) = 300.919 m and sqrt(500^2 + 23.5^2) = 500.552 m: losses 92.898 and 97.319 dB, received -41.898 and
    # -46.319 dBm. The second sends for half of the time: -49.329 dBm; noise -93.99 dBm. SINR 7.431 dB.
    row = links([[300.0, 0.0]], kind="free-space", shadowing=False, activity=lambda one: one.constant_activity(0.5, 5.0))
    signal_dbm, other_dbm = (51.0 - 43.3291 - 20.0 * math.log10(slant) for slant in (300.919, 500.552))
    expected_db = signal_dbm - db(0.5 * linear(other_dbm) + linear(-93.9897))
    assert expected_db == pytest.approx(7.431, abs=2e-3)
    assert row.downlink_sinr_db[0] == pytest.approx(expected_db, abs=1e-3)
    # Up: a rise of 5 dB over the noise is 5 dB less SINR.
    quiet = links([[300.0, 0.0]], kind="free-space", shadowing=False)
    assert quiet.uplink_sinr_db[0] - row.uplink_sinr_db[0] == pytest.approx(5.0)


def test_the_other_sectors_of_a_site_interfere_too():
    # At 300 m on the axis of one of three sectors, the others are 120 deg off: 30 dB less, each sends all of the time. Received
    # are -41.898 dBm, and two times -71.898 dBm; with the noise of -93.99 dBm, the SINR is 26.976 dB.
    site = replace(CENTRE, azimuths_deg=(0.0, 120.0, 240.0), downtilt_deg=math.degrees(math.atan2(23.5, 300.0)))
    row = links([[300.0, 0.0]], [site], kind="free-space", activity=lambda one: one.constant_activity(1.0, 0.0))
    assert row.cell[0] == 0
    assert row.downlink_sinr_db[0] == pytest.approx(-41.898 - db(2.0 * linear(-71.898) + linear(-93.9897)), abs=1e-3)


def test_no_load_and_no_rise_is_no_interference():
    silent = links(activity=lambda one: one.constant_activity(0.0, 0.0))
    for name in all_columns(silent):
        np.testing.assert_allclose(getattr(silent, name), getattr(links(), name), rtol=1e-12, err_msg=name)


def test_more_load_never_helps():
    loads = [links(activity=lambda one, load=load: one.constant_activity(load, 0.0)) for load in (0.0, 0.3, 1.0)]
    for less, more in pairwise(loads):
        assert np.all(more.downlink_sinr_db < less.downlink_sinr_db)
        assert np.all(more.downlink_rate_bps <= less.downlink_rate_bps)


def test_a_beam_serves_its_own_device_and_spares_the_others():
    beams = [replace(site, beamforming_db=12.0) for site in (CENTRE, EAST)]
    busy = {"activity": lambda one: one.constant_activity(1.0, 3.0)}
    formed, plain = links(stations=beams, **busy), links(**busy)
    assert_equal(formed, plain, GEOMETRY)  # who serves is decided without it
    np.testing.assert_allclose(formed.downlink_sinr_db - plain.downlink_sinr_db, 12.0)
    np.testing.assert_allclose(formed.uplink_sinr_db - plain.uplink_sinr_db, 12.0)


def test_power_control_by_hand():
    # Path gain -65.6776 dB at 15 m. alpha 0.8, P0 -75 dBm, 51 blocks of 30 kHz (mu 1): -75 + 0.8 x 65.6776 + 10 log10(102) =
    # -2.3721 dBm instead of 23: 25.3721 dB less up, and nothing else changes.
    nr = replace(CARRIER, n_rb=51, numerology=1)
    control = UplinkPower(p0_dbm_per_rb=-75.0, alpha=0.8)
    row, plain = (links(NEAR, [CENTRE], shadowing=False, carrier=nr, power=power) for power in (control, None))
    assert plain.uplink_sinr_db[0] - row.uplink_sinr_db[0] == pytest.approx(25.3721, abs=2e-3)
    assert_equal(row, plain, (*GEOMETRY, "downlink_sinr_db", "downlink_rate_bps"))


def test_power_control_never_exceeds_the_largest_power():
    control = UplinkPower(p0_dbm_per_rb=-80.0, alpha=1.0)
    found, plain = links(power=control), links()
    assert np.all(found.uplink_sinr_db <= plain.uplink_sinr_db + 1e-9)
    assert np.any(found.uplink_sinr_db == plain.uplink_sinr_db)
    # Wherever the largest power is not reached, all arrive alike: -80 dBm a block, 100 of them; noise -95.99 dBm.
    controlled = found.uplink_sinr_db < plain.uplink_sinr_db - 1e-6
    np.testing.assert_allclose(found.uplink_sinr_db[controlled], -80.0 + 20.0 + 95.9897, atol=1e-3)


def test_a_beam_counts_in_power_control():
    # With alpha 1 the beam's 12 dB are 12 dB less power, and the same at the station; so are they in what others hear.
    one = budget(channel([replace(CENTRE, beamforming_db=12.0)]), power=UplinkPower(p0_dbm_per_rb=-90.0, alpha=1.0))
    assert one.sent_to_dbm(0, np.array([-90.0])) == pytest.approx(-90.0 + 78.0 + 20.0)


@pytest.mark.parametrize(("kind", "height_m", "n_elsewhere", "mean_db"), [("uma", 25.0, 0.12, 2.0), ("umi", 10.0, 0.04, 1.3)])
def test_what_the_stations_beyond_the_nearest_nineteen_would_do(kind, height_m, n_elsewhere, mean_db, monkeypatch):
    # The middle of a city of 256 sites, 500 m apart, that all send all of the time. With all of them counted, no device has
    # more SINR from its cell; a few have another cell, far away and in sight.
    places_m, area_m = hexagonal(16, 16, 500.0)
    sites = [
        StationSite(name=f"site-{i}", x_m=x_m, y_m=y_m, height_m=height_m, tx_power_dbm=46.0)
        for i, (x_m, y_m) in enumerate(places_m)
    ]
    spots_m = np.array(area_m) / 2.0 + np.random.default_rng(3).uniform(-600.0, 600.0, (200, 2))
    near = links(spots_m, sites, kind=kind, activity=lambda one: one.constant_activity(1.0, 5.0))
    monkeypatch.setattr(mecsim.nodes.channel, "NEAREST", 256)
    whole = links(spots_m, sites, kind=kind, activity=lambda one: one.constant_activity(1.0, 5.0))
    same = near.station == whole.station
    assert np.mean(~same) < n_elsewhere
    missing_db = near.downlink_sinr_db - whole.downlink_sinr_db
    assert np.all(missing_db[same] > 0.0)
    assert 0.0 < missing_db.mean() < mean_db


# Parts of the band ----------------------------------------------------------------------------------------------------------


def test_the_whole_band_is_the_uplinks_rate():
    one = budget(channel())
    rows = links()
    for sinr_db, sight, rate_bps in zip(rows.uplink_sinr_db, rows.line_of_sight, rows.uplink_rate_bps, strict=True):
        if rate_bps > 0.0:
            assert one.uplink_rate_of_share(sinr_db, sight, 1.0) == pytest.approx(rate_bps, rel=1e-12)
    assert one.uplink_rate_of_share(10.0, True, 0.0) == 0.0


def test_parts_of_the_band_by_hand():
    # 0 dB over the whole band; on a quarter, 6.02 dB: 5 MHz x 0.25 x 0.4 log2(5) = 1.16096 Mb/s, not a quarter of 2 Mb/s. A
    # gain of 4 makes it 12.04 dB: 0.4 log2(17).
    one = budget(channel())
    assert one.uplink_rate_of_share(0.0, True, 0.25) == pytest.approx(5e6 * 0.25 * 0.4 * math.log2(5.0))
    assert one.uplink_rate_of_share(0.0, True, 0.25, 4.0) == pytest.approx(5e6 * 0.25 * 0.4 * math.log2(17.0))
    # At -20 dB a tenth of the band is enough for all of its power; more of it wins nothing.
    rates_bps = [one.uplink_rate_of_share(-20.0, True, share) for share in (0.05, 0.1, 0.5, 1.0)]
    assert rates_bps[1] == pytest.approx(2e6 * 0.25 * 0.4 * math.log2(1.1))
    assert rates_bps[1:] == pytest.approx([rates_bps[1]] * 3)
    assert rates_bps[0] < rates_bps[1]


@pytest.mark.parametrize(
    ("change", "message"), [({"downlink_share": 1.5}, "downlink_share must be"), ({"uplink_share": -0.1}, "uplink")]
)
def test_senseless_carriers_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        links(carrier=replace(CARRIER, **change))
