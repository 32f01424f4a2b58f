"""From the section ``network`` to links: numbers by hand, and kinds by what they do."""

import math

import numpy as np
import pytest
from worlds import AS_LAYOUT, HEXAGONS, rows_of, scenario, world

from mecsim.build.network import build_budget, carrier_spec, path_loss_of
from mecsim.build.stations import placed
from mecsim.config.radio import SHARING_KINDS
from mecsim.radio.indoor import SIMPLE_SHADOWING_DB
from mecsim.radio.link import EqualLink
from mecsim.radio.planned_link import PlannedLink

CALM = {"network.path_loss": {"kind": "free-space", "shadowing": False}, "network.fading": {"kind": "none"}}
ALONE = {"network.stations": [{"name": "a", "position_m": [0, 0], "height_m": 1.5, "tx_power_dbm": 30, "antenna_gain_dbi": 0}]}


def links_of(built, places_m):
    budget = built.world.radio.budget
    reception = built.channel.receive_outdoors(np.array(places_m, dtype=float))
    return budget.links(reception, budget.strongest(reception), built.world.radio.activity)


def test_a_link_in_free_space_by_hand():
    links = links_of(world({**CALM, **ALONE, "network.link_adaptation": {"kind": "shannon"}}), [[100, 0]])
    loss_db = 20 * math.log10(4 * math.pi * 100 * 3.5e9 / 299_792_458)
    snr_db = 30 - loss_db - (-174 + 10 * math.log10(20e6) + 7)
    assert links.downlink_sinr_db[0] == pytest.approx(snr_db, abs=0.03)  # kT is -173.98 dBm/Hz
    assert links.uplink_sinr_db[0] == pytest.approx(snr_db - 7 + 2, abs=0.03)  # 23 dBm, and 5 dB of noise in place of 7
    assert links.downlink_rate_bps[0] == pytest.approx(0.75 * 20e6 * math.log2(1 + 10 ** (links.downlink_sinr_db[0] / 10)))
    assert links.uplink_rate_bps[0] == pytest.approx(0.25 * 20e6 * math.log2(1 + 10 ** (links.uplink_sinr_db[0] / 10)))


def test_gains_powers_and_noise_figures_move_the_ratio_by_their_decibels():
    base = links_of(world({**CALM, **ALONE}), [[100, 0]])
    for key, value, down_db, up_db in (
        ("network.stations.0.tx_power_dbm", 33, 3, 0),
        ("network.stations.0.antenna_gain_dbi", 2, 2, 2),
        ("network.stations.0.beamforming_db", 6, 6, 6),
        ("network.stations.0.noise_figure_db", 9, 0, -4),
        ("network.devices.tx_power_dbm", 20, 0, -3),
        ("network.devices.antenna_gain_dbi", 1, 1, 1),
        ("network.devices.noise_figure_db", 4, 3, 0),
    ):
        changed = links_of(world({**CALM, **ALONE, key: value}), [[100, 0]])
        assert changed.downlink_sinr_db[0] - base.downlink_sinr_db[0] == pytest.approx(down_db), key
        assert changed.uplink_sinr_db[0] - base.uplink_sinr_db[0] == pytest.approx(up_db), key


def test_an_nr_carrier_carries_in_its_resource_blocks():
    config = scenario(
        {"network.carrier": {"frequency_ghz": 3.5, "bandwidth_mhz": 100, "scs_khz": 30, "tdd": "DDDSU"}}
    ).network.carrier
    spec = carrier_spec(config)
    # TS 38.306: 273 blocks of 12 subcarriers, 14 symbols in half a millisecond, 14 % of control; 52 of 70 symbols go down
    symbols_per_s = 273 * 12 * 14 * 2000 * (1 - 0.14) * 52 / 70
    assert spec.bandwidth_hz * spec.downlink_share * (1 - spec.downlink_overhead) == pytest.approx(symbols_per_s)
    assert spec.bandwidth_hz * spec.uplink_share * (1 - spec.uplink_overhead) == pytest.approx(
        273 * 12 * 14 * 2000 * 0.92 * 16 / 70
    )
    assert (spec.n_rb, spec.numerology) == (273, 1)


def test_frequency_division_has_all_of_the_time_in_both_directions():
    spec = carrier_spec(scenario({"network.carrier.downlink_share": None, "network.carrier.tdd": "fdd"}).network.carrier)
    assert (spec.downlink_share, spec.uplink_share) == (1.0, 1.0)


@pytest.mark.parametrize(("bandwidth_mhz", "n_rb"), [(20, 111), (100, 556), (0.1, 1)])
def test_power_control_counts_the_blocks_of_the_width(bandwidth_mhz, n_rb):
    """The power that is aimed at grows with the width; a fixed number of blocks would keep it."""
    assert carrier_spec(scenario({"network.carrier.bandwidth_mhz": bandwidth_mhz}).network.carrier).n_rb == n_rb


def test_power_control_by_hand():
    built = world({**CALM, **ALONE, "network.devices": {"power_control": {"p0_dbm": -90, "alpha": 1.0}}})
    links = links_of(built, [[20, 0]])
    # All of the loss is made up for: -90 dBm a block arrive, on 111 blocks.
    noise_dbm = -174 + 10 * math.log10(20e6) + 5
    assert links.uplink_sinr_db[0] == pytest.approx(-90 + 10 * math.log10(111) - noise_dbm, abs=0.02)


def test_shadowing_has_the_deviation_that_is_asked_for():
    """Over places that are far apart; a wrong key would leave 7.82 dB, a dead one 0."""
    places_m = np.stack(np.meshgrid(np.arange(60.0), np.arange(60.0)), axis=-1).reshape(-1, 2) * 400.0
    calm = {"network.path_loss": {"kind": "log-distance", "shadowing": False}}
    without = world({**ALONE, **calm}).channel.receive_outdoors(places_m).gain_db
    for deviation_db in (8.0, 3.0):  # the law's own, and one of the scenario's
        shadowed = {
            "network.path_loss": {"kind": "log-distance", **({} if deviation_db == 8.0 else {"shadowing_db": deviation_db})}
        }
        spread_db = np.std(world({**ALONE, **shadowed}).channel.receive_outdoors(places_m).gain_db - without)
        assert spread_db == pytest.approx(deviation_db, rel=0.07)


def test_behind_simple_walls_shadowing_has_its_own_deviation():
    """TR 38.901, Table 7.4.3-3: 20 dB and half a dB a metre, and a deviation of 7 dB in place of the environment's."""
    calm = {**ALONE, "fleet.groups.0.count": 4000, "network.path_loss": {"kind": "umi", "shadowing": False}}
    walls = {"share": 0.5, "building": "simple"}
    shadowed = {**calm, "network.path_loss": {"kind": "umi", "indoors": walls}}
    devices, places_m = np.arange(4000), np.random.default_rng(1).random((4000, 2)) * 500
    built = world(shadowed)
    walls_db = built.channel._terminals.wall_loss_db[:4000]
    indoors = walls_db > 0.0
    assert 0.45 < indoors.mean() < 0.55
    assert walls_db[indoors].min() >= 20.0
    assert walls_db.max() <= 32.5
    difference_db = built.channel.receive(devices, places_m).gain_db[:, 0] + walls_db
    difference_db -= world(calm).channel.receive(devices, places_m).gain_db[:, 0]
    sight = built.channel.receive(devices, places_m).line_of_sight[:, 0]
    # One field is seen by all: the ratio of the deviations at the same places is what the rule sets.
    own = world({**calm, "network.path_loss": {"kind": "umi"}}).channel.receive(devices, places_m).gain_db[:, 0]
    own -= world(calm).channel.receive(devices, places_m).gain_db[:, 0]
    assert difference_db[~indoors] == pytest.approx(own[~indoors])
    assert difference_db[indoors & sight] == pytest.approx(own[indoors & sight] * SIMPLE_SHADOWING_DB / 4.0)
    assert difference_db[indoors & ~sight] == pytest.approx(own[indoors & ~sight] * SIMPLE_SHADOWING_DB / 7.82)


def test_a_layout_names_its_stations_and_brings_its_area():
    stations = placed(scenario(AS_LAYOUT))
    assert stations.names == ("cell-0", "cell-1", "cell-2", "cell-3")
    assert stations.area_m == pytest.approx((1000.0, 1000.0 * math.sqrt(3) / 2))
    grid = {**{key: value for key, value in HEXAGONS.items() if key != "inter_site_m"}, "kind": "grid", "spacing_m": 300}
    stations = placed(scenario({**AS_LAYOUT, "network.layout": grid}))
    assert (stations.places_m[0], stations.area_m) == ((150.0, 150.0), (600.0, 600.0))


def test_wrapped_maps_are_nearer():
    plain, wrapped = world(AS_LAYOUT), world({**AS_LAYOUT, "network.layout.wrap_around": True})
    corner = np.array([[0.0, 0.0]])
    reach = plain.channel.receive_outdoors(corner).distance_m
    assert (wrapped.channel.receive_outdoors(corner).distance_m <= reach).all()
    assert (wrapped.channel.receive_outdoors(corner).distance_m < reach - 100.0).any()


def test_sectors_make_three_cells_of_a_station():
    built = world({"network.stations.0.sectors": 3, "network.stations.1.sectors": 3})
    assert [cell.name for cell in built.world.radio.cells] == ["north/0", "north/1", "north/2", "south/0", "south/1", "south/2"]


def test_neighbours_that_send_take_their_share_of_the_ratio():
    free = links_of(world({**CALM, "network.interference": {"kind": "none"}}), [[200, 150]]).downlink_sinr_db[0]
    half = links_of(world({**CALM, "network.interference": {"kind": "load", "load": 0.5}}), [[200, 150]]).downlink_sinr_db[0]
    full = links_of(world({**CALM, "network.interference": {"kind": "load", "load": 1.0}}), [[200, 150]]).downlink_sinr_db[0]
    assert free > half + 10 > full + 10
    assert half - full == pytest.approx(10 * math.log10(2), abs=0.1)
    coupled = links_of(world({**CALM, "network.interference": {"kind": "coupled"}}), [[200, 150]])
    assert coupled.downlink_sinr_db[0] == free  # nobody sends yet


def test_the_uplink_rise_is_that_over_noise_and_needs_a_neighbour():
    calm = {**CALM, "network.interference": {"kind": "load", "load": 0.0}}
    two = links_of(world(calm), [[200, 150]]).uplink_sinr_db[0]
    quiet = links_of(world({**calm, "network.interference.uplink_rise_db": 0.0}), [[200, 150]]).uplink_sinr_db[0]
    assert quiet - two == pytest.approx(5.0)
    alone = {**CALM, **ALONE, "network.interference": {"kind": "load"}}
    without = {**alone, "network.interference": {"kind": "none"}}
    assert links_of(world(alone), [[9, 9]]).uplink_sinr_db[0] == links_of(world(without), [[9, 9]]).uplink_sinr_db[0]


@pytest.mark.parametrize("kind", SHARING_KINDS)
def test_every_way_of_sharing_carries_a_study(kind):
    rows = rows_of({"network.sharing": {"kind": kind}})
    assert rows["summary"][0].completed == 12
    built = world({"network.sharing": {"kind": kind}})
    assert type(built.world.radio.cells[0].downlink) is (EqualLink if kind == "equal" else PlannedLink)


@pytest.mark.parametrize("kind", ["shannon", "truncated-shannon", "cqi-64qam", "cqi-256qam"])
def test_every_adaptation_has_its_cap(kind):
    built = world({**CALM, **ALONE, "network.link_adaptation": {"kind": kind}})
    efficiency = links_of(built, [[2, 0]]).downlink_rate_bps[0] / (0.75 * 20e6)
    cap = {"truncated-shannon": 4.4, "cqi-64qam": 0.9 * 5.5547, "cqi-256qam": 0.9 * 7.4063}.get(kind)
    assert efficiency == pytest.approx(cap, rel=1e-3) if cap else efficiency > 15


def test_layers_add_efficiency_downlink_alone():
    one = links_of(world({**CALM, **ALONE, "network.link_adaptation": {"kind": "cqi-64qam"}}), [[2, 0]])
    four = links_of(world({**CALM, **ALONE, "network.link_adaptation": {"kind": "cqi-64qam", "layers": 4}}), [[2, 0]])
    assert four.downlink_rate_bps[0] == pytest.approx(4 * one.downlink_rate_bps[0])
    assert four.uplink_rate_bps[0] == one.uplink_rate_bps[0]


def test_the_exponent_is_the_slope_of_log_distance():
    model = path_loss_of(scenario({"network.path_loss": {"kind": "log-distance", "exponent": 3.7}}).network.path_loss)
    losses_db = model.nlos_db(np.array([10.0, 100.0]), 3.5, 1.5, 1.5)
    assert losses_db[1] - losses_db[0] == pytest.approx(37.0)


def test_tables_of_fading_serve_all_worlds_of_a_study():
    built, again = world(), world(seed=2)
    assert built.world.radio.budget.downlink.los is again.world.radio.budget.downlink.los
    assert build_budget(built.scenario.network, built.channel).uplink.snr_min_db == -10.0
