"""Links against the channel and the schedulers of mobile-env, configured alike; skipped where mobile-env is not installed."""

import math

import numpy as np
import pytest
import simpy

from mecsim.nodes.budget import CarrierSpec, Efficiencies, LinkBudget
from mecsim.nodes.channel import Channel, StationSite, Terminals
from mecsim.radio.path_loss import path_loss_model
from mecsim.radio.planned_link import make_link
from mecsim.radio.rate import shannon, thermal_noise_dbm
from mecsim.radio.simple_laws import SPEED_OF_LIGHT_M_PER_S
from mecsim.rng import Streams

pytest.importorskip("mobile_env", reason="compares with mobile-env: pip install mobile-env")
from mobile_env.core.channels import OkumuraHata
from mobile_env.core.entities import BaseStation, UserEquipment
from mobile_env.core.schedules import RateFair, ResourceFair

# A mast of 50 m sends 46 dBm through 15 dBi over 9 MHz; a device has a noise figure of 7 dB and is served from -30 dB on.
# Where Hata's law wants kilometres, mobile-env gives it units of the map, and whole ones: places are whole kilometres here.
BANDWIDTH_HZ, TX_DBM, ANTENNA_DBI, NOISE_FIGURE_DB, LEAST_DB = 9e6, 46.0, 15.0, 7.0, -30.0
STATIONS_KM = [(0, 0), (40, 10), (5, 30)]
DEVICES_KM = [(1, 0), (0, 2), (3, 4), (12, 5), (20, 21), (35, 30), (39, 10), (45, 8), (5, 29), (50, 50)]


def hata(frequency_mhz, mast_m, ue_m):
    """Return the loss at 1 km and the decibels a decade of Hata's urban law for a small or medium city (Hata, 1980)."""
    log_f, log_mast = math.log10(frequency_mhz), math.log10(mast_m)
    correction_db = (1.1 * log_f - 0.7) * ue_m - (1.56 * log_f - 0.8)
    return 69.55 + 26.16 * log_f - 13.82 * log_mast - correction_db, 44.9 - 6.55 * log_mast


def budget(*, frequency_mhz=2500.0, mast_m=50.0, ue_m=1.5):
    """Return our links with log-distance laid onto Hata's line: its slope, from where it crosses free space.

    Hata's heights are in the constants, so that our antennas stand at one height: the slant distance is that on the ground.
    """
    at_km_db, decade_db = hata(frequency_mhz, mast_m, ue_m)
    at_m_db = at_km_db - 3.0 * decade_db
    free_db = 20.0 * math.log10(4.0 * math.pi * frequency_mhz * 1e6 / SPEED_OF_LIGHT_M_PER_S)
    reference_m = 10.0 ** ((free_db - at_m_db) / (decade_db - 20.0))
    model = path_loss_model("log-distance", exponent=decade_db / 10.0, reference_m=reference_m)
    radio = {"height_m": ue_m, "tx_power_dbm": TX_DBM, "antenna_gain_dbi": ANTENNA_DBI}
    sites = [StationSite(name=f"station-{i}", x_m=1e3 * x, y_m=1e3 * y, **radio) for i, (x, y) in enumerate(STATIONS_KM)]
    frequency_hz = frequency_mhz * 1e6
    channel = Channel(
        sites, model, Streams(1), frequency_ghz=frequency_hz / 1e9, terminals=Terminals(height_m=ue_m), shadowing=False
    )
    laws = Efficiencies(los=shannon, nlos=shannon, at_once=shannon, snr_min_db=LEAST_DB)
    carrier = CarrierSpec(frequency_hz=frequency_hz, bandwidth_hz=BANDWIDTH_HZ, downlink_share=1.0, uplink_share=0.0)
    return LinkBudget(channel, carrier, downlink=laws, uplink=laws, ue_noise_figure_db=NOISE_FIGURE_DB)


def ours(**equipment):
    """Return SNR in dB and bit/s of each device (n) from each station (s), if it were alone there."""
    links_budget = budget(**equipment)
    reception = links_budget.channel.receive_outdoors(1e3 * np.array(DEVICES_KM, dtype=float))
    columns = [
        links_budget.links(reception, np.full(len(DEVICES_KM), station), links_budget.no_activity())
        for station in range(len(STATIONS_KM))
    ]
    snr_db = np.stack([links.downlink_sinr_db for links in columns], axis=1)
    return snr_db, np.stack([links.downlink_rate_bps for links in columns], axis=1)


def theirs(*, frequency_mhz=2500.0, mast_m=50.0, ue_m=1.5):
    """Return the same of mobile-env."""
    channel = OkumuraHata()
    noise_mw = 10.0 ** ((thermal_noise_dbm(BANDWIDTH_HZ) + NOISE_FIGURE_DB) / 10.0)
    radio = {"bw": BANDWIDTH_HZ, "freq": frequency_mhz, "tx": TX_DBM + ANTENNA_DBI, "height": mast_m}
    snr_db, rate_bps = np.empty((2, len(DEVICES_KM), len(STATIONS_KM)))
    for i, device_km in enumerate(DEVICES_KM):
        user = UserEquipment(i, velocity=0.0, snr_tr=10.0 ** (LEAST_DB / 10.0), noise=noise_mw, height=ue_m)
        user.x, user.y = device_km
        for j, station_km in enumerate(STATIONS_KM):
            station = BaseStation(j, station_km, **radio)
            snr = channel.snr(station, user)
            snr_db[i, j], rate_bps[i, j] = 10.0 * math.log10(snr), channel.datarate(station, user, snr)
    return snr_db, rate_bps


@pytest.mark.parametrize(
    "equipment",
    [{}, {"frequency_mhz": 900.0}, {"mast_m": 30.0}, {"ue_m": 5.0}],
    ids=["2.5 GHz", "900 MHz", "a mast of 30 m", "devices at 5 m"],
)
def test_every_link_has_the_ratio_and_the_rate_that_it_has_in_mobile_env(equipment):
    snr_db, rate_bps = ours(**equipment)
    expected_db, expected_bps = theirs(**equipment)
    np.testing.assert_allclose(snr_db, expected_db, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(rate_bps, expected_bps, rtol=1e-9)
    assert np.ptp(snr_db) > 50.0  # from beside a station to far from it


def test_the_same_links_are_out_of_coverage_in_mobile_env():
    _, rate_bps = ours()
    _, expected_bps = theirs()
    np.testing.assert_array_equal(rate_bps > 0.0, expected_bps > 0.0)
    assert 0 < np.count_nonzero(rate_bps) < rate_bps.size


@pytest.mark.parametrize(("kind", "scheduler"), [("equal", ResourceFair), ("rate-fair", RateFair)])
def test_a_cell_shared_by_many_gives_what_the_scheduler_gives(kind, scheduler):
    full_bps = ours()[1][:, 0]
    full_bps = full_bps[full_bps > 0.0]
    link = make_link(simpy.Environment(), kind)
    flows = [link.start(1e12, rate_bps) for rate_bps in full_bps]
    # RateFair says once what each of them gets.
    expected_bps = np.broadcast_to(scheduler().share(None, full_bps.tolist()), full_bps.shape)
    assert [link.rate_bps(flow) for flow in flows] == pytest.approx(expected_bps, rel=1e-12)
    assert len(flows) >= 4
    assert full_bps.max() > 10.0 * full_bps.min()
