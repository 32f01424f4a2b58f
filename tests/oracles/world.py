"""What only shows once the parts stand together: a fleet's shadowing and fading, balances of bits and joules, a network."""

import math
from dataclasses import replace
from functools import cache, partial

import numpy as np
from queueing import poisson, visit

from mecsim.nodes.budget import CarrierSpec, Efficiencies, LinkBudget
from mecsim.nodes.channel import Channel, StationSite, Terminals
from mecsim.nodes.radio_energy import RadioSession, transfer_energy_j
from mecsim.nodes.radio_power import RADIO_POWER
from mecsim.nodes.station_power import STATIONS
from mecsim.radio.antenna import SectorPattern
from mecsim.radio.fading import block_gain, ergodic_spectral_efficiency
from mecsim.radio.layout import hexagonal
from mecsim.radio.path_loss import path_loss_model
from mecsim.radio.planned_link import make_link
from mecsim.radio.rate import DOWNLINK_ADAPTATION
from mecsim.rng import Streams
from oracles.oracle import Oracle

N_DRAWS = 20_000
RICIAN_9_DB = (1.0 + 2.0 * 10.0**0.9) / (1.0 + 10.0**0.9) ** 2

N_WORLDS, N_PAIRS = 100, 40
# Standard deviation in dB and correlation distance in metres.
SHADOWING = {
    ("uma", "los"): (4.0, 37.0),
    ("uma", "nlos"): (6.0, 50.0),
    ("umi", "nlos"): (7.82, 13.0),
    ("rma", "nlos"): (8.0, 120.0),
}


@cache
def shadows_db(kind, state):
    """Return the shadowing of a fleet's paths: a row a world, and in it pairs of places one correlation distance apart."""
    certain = np.ones_like if state == "los" else np.zeros_like
    model = replace(path_loss_model(kind), los_probability=lambda d2_m, ue_height_m: certain(d2_m))
    site = StationSite(name="site", x_m=0.0, y_m=0.0, height_m=model.bs_height_m, tx_power_dbm=46.0)
    reach_m = SHADOWING[kind, state][1]
    x_m = np.repeat(np.arange(1, N_PAIRS + 1) * 10.0 * reach_m, 2) + np.tile([0.0, reach_m], N_PAIRS)
    places_m = np.column_stack([x_m, np.zeros_like(x_m)])

    def gains_db(seed, shadowing):
        channel = Channel([site], model, Streams(seed), frequency_ghz=3.5, shadowing=shadowing)
        return channel.receive_outdoors(places_m).gain_db[:, 0]

    first = N_WORLDS * list(SHADOWING).index((kind, state))
    bare_db = gains_db(0, shadowing=False)
    return np.stack([bare_db - gains_db(first + i, shadowing=True) for i in range(N_WORLDS)])


def shadow_sigma_db(kind, state):
    return math.sqrt(float((shadows_db(kind, state) ** 2).mean()))


def shadow_correlation(kind, state):
    values_db = shadows_db(kind, state)
    return float((values_db[:, 0::2] * values_db[:, 1::2]).mean()) / SHADOWING[kind, state][0] ** 2


@cache
def gains(diversity_order, rician_k_db):
    """Return drawn power gains of fading blocks."""
    generator = Streams(5).get("gain")
    return np.array([block_gain(generator, diversity_order=diversity_order, rician_k_db=rician_k_db) for _ in range(N_DRAWS)])


def averaged_gain(diversity_order, rician_k_db):
    """Return the mean gain by the quadrature behind every ergodic rate."""
    return float(
        ergodic_spectral_efficiency(
            1.0, spectral_efficiency=lambda snr: snr, diversity_order=diversity_order, rician_k_db=rician_k_db
        )
    )


@cache
def macro_cells():
    """Return SINR in dB and downlink bit/s/Hz of 2,000 devices under 20 sites of three sectors that all send all the time.

    500 m between sites on a torus, 2 GHz, 10 MHz, 46 dBm, a wall of 20 dB around every device.
    """
    places_m, area_m = hexagonal(4, 5, 500.0)
    sector = {"height_m": 32.0, "tx_power_dbm": 46.0, "antenna_gain_dbi": 14.0, "downtilt_deg": 15.0}
    sites = [
        StationSite(name=f"site-{i}", x_m=x_m, y_m=y_m, azimuths_deg=(30.0, 150.0, 270.0), **sector)
        for i, (x_m, y_m) in enumerate(places_m)
    ]
    n, streams = 2_000, Streams(1)
    channel = Channel(
        sites,
        path_loss_model("macro-2ghz"),
        streams,
        frequency_ghz=2.0,
        terminals=Terminals(wall_loss_db=np.full(n, 20.0)),
        wrapped_area_m=area_m,
        pattern=SectorPattern.lte(),
    )
    carrier = CarrierSpec(frequency_hz=2e9, bandwidth_hz=9e6, downlink_share=1.0, uplink_share=1.0)
    law = DOWNLINK_ADAPTATION.spectral_efficiency
    laws = Efficiencies(los=law, nlos=law, at_once=law, snr_min_db=-10.0)
    budget = LinkBudget(channel, carrier, downlink=laws, uplink=laws, ue_noise_figure_db=9.0)
    reception = channel.receive(np.arange(n), streams.get("places").random((n, 2)) * area_m)
    links = budget.links(reception, budget.strongest(reception), budget.constant_activity(1.0, 5.0))
    return links.downlink_sinr_db, links.downlink_rate_bps / carrier.bandwidth_hz


def session_j():
    """Return the energy of an LTE radio that sleeps, sends 40 Mb in 10 s, and is left alone."""
    radio = RADIO_POWER["lte"]
    session = RadioSession(radio)
    promotion = session.connect(0.0)
    ended_s = promotion.delay_s + 10.0
    session.transfer_ended(ended_s)
    return promotion.energy_j + transfer_energy_j(10.0, 40e6, "uplink", radio) + session.tail_j(math.inf)


def carried_for_sent(caps):
    """Return the bits that a busy link carried for each bit given to it."""
    links = []

    def make(env):
        links.append(make_link(env, "equal", caps=caps))
        return links[0]

    gaps_s, bits = poisson(0.8, 3_000, Streams(2).get("flows"), "hyperexponential")
    visit(make, gaps_s, bits)
    return links[0].delivered_bits / float(bits.sum())


def shadowing_oracles():
    # Three standard errors from 100 worlds of 40 pairs, correlated r = 1/e within a pair: of the deviation
    # 3 sqrt((1 + r^2) / (2 x 8000)) = 0.0253 of it, of the correlation 3 sqrt((1 + r^2) / 4000) = 0.0505.
    row = partial(Oracle, "shadowing")
    rows = []
    for (kind, state), (sigma_db, reach_m) in SHADOWING.items():
        name = f"paths of a fleet, {kind}, {state}"
        found = partial(shadow_sigma_db, kind, state)
        rows.append(row(f"deviation, {name}", "TR 38.901, Table 7.4.1-1", sigma_db, 0.0253 * sigma_db, found, "dB"))
        found = partial(shadow_correlation, kind, state)
        rows.append(
            row(f"correlation over {reach_m:g} m, {name}", "TR 38.901, Table 7.5-6: 1/e", math.exp(-1.0), 0.0505, found)
        )
    return rows


def fading_oracles():
    row = partial(Oracle, "fading")
    weak = 1.0 - math.exp(-0.1)
    return [
        *(
            row(f"mean gain by quadrature, {name}", "unit power", 1.0, 1e-4, partial(averaged_gain, order, k_db))
            for name, order, k_db in (("Rayleigh", 1, None), ("four branches", 4, None), ("Rician, 9 dB", 1, 9.0))
        ),
        # Three standard errors of 20,000 draws; of a variance v with excess kurtosis e, 3 v sqrt((2 + e) / 20,000).
        row("mean of drawn gains, Rayleigh", "unit power", 1.0, 0.0213, lambda: float(gains(1, None).mean())),
        row(
            "share of gains below -10 dB, Rayleigh", "1 - exp(-0.1)", weak, 0.0063, lambda: float((gains(1, None) < 0.1).mean())
        ),
        row("variance of gains, Rayleigh, four branches", "1 / N", 0.25, 0.0099, lambda: float(gains(4, None).var())),
        row(
            "variance of gains, Rician, 9 dB", "(1 + 2 K) / (1 + K)^2", RICIAN_9_DB, 0.0074, lambda: float(gains(1, 9.0).var())
        ),
    ]


def balance_oracles():
    row = partial(Oracle, "balances")
    # 0.4 s at 532.5 mW, 10 s at 576 mW and 40 Mb at 76.68 nJ, 10 s at 532.5 mW: 0.213 + 5.76 + 3.0672 + 5.325.
    # 780 W for an hour and 564 W for a quarter of it.
    return [
        row("bits carried for each bit sent, equal shares", "conservation", 1.0, 1e-9, partial(carried_for_sent, caps=False)),
        row("bits carried for each bit sent, planned shares", "conservation", 1.0, 1e-9, partial(carried_for_sent, caps=True)),
        row("LTE radio, woken, sends 40 Mb in 10 s, sleeps", "sum of power x time", 14.3652, 1e-9, session_j, "J"),
        row(
            "macro station, an hour, busy for a quarter of it",
            "sum of power x time",
            3_315_600.0,
            1e-6,
            lambda: sum(STATIONS["macro"].energy(span_s=3600.0, busy_s=900.0)),
            "J",
        ),
    ]


def system_oracles():
    # Half of the range that such studies usually report: a bracket that a gross mistake would leave, not a precise test.
    row = partial(Oracle, "a whole network")
    source = "usual range for TR 36.814, Annex A.2, case 1; not verified"
    return [
        row("median downlink SINR", source, 4.5, 1.5, lambda: float(np.median(macro_cells()[0])), "dB"),
        row("downlink of a cell", source, 1.4, 0.4, lambda: float(macro_cells()[1].mean()), "bit/s/Hz"),
        row(
            "worst twentieth of ten devices a cell",
            source,
            0.04,
            0.02,
            lambda: float(np.percentile(macro_cells()[1], 5)) / 10,
            "bit/s/Hz",
        ),
    ]


ORACLES = [*shadowing_oracles(), *fading_oracles(), *balance_oracles(), *system_oracles()]
