"""Stations, carriers and budgets for the tests of the radio."""

import numpy as np

from mecsim.nodes.budget import CarrierSpec, Efficiencies, LinkBudget, UplinkPower
from mecsim.nodes.channel import Channel, StationSite, Terminals
from mecsim.radio.fading import ergodic_table
from mecsim.radio.path_loss import path_loss_model
from mecsim.radio.rate import DOWNLINK_ADAPTATION, UPLINK_ADAPTATION
from mecsim.rng import Streams

CARRIER = CarrierSpec(frequency_hz=3.5e9, bandwidth_hz=20e6, downlink_share=0.75, uplink_share=0.25)
CENTRE = StationSite(name="centre", x_m=0.0, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
EAST = StationSite(name="east", x_m=800.0, y_m=0.0, height_m=25.0, tx_power_dbm=46.0)
FLEET = np.random.default_rng(7).uniform(-500.0, 1300.0, (300, 2))


def channel(stations=(CENTRE, EAST), *, seed=1, kind="uma", **options):
    return Channel(stations, path_loss_model(kind), Streams(seed), frequency_ghz=3.5, **options)


def received(places_m=FLEET, stations=(CENTRE, EAST), **options):
    places_m = np.asarray(places_m, dtype=np.float64)
    return channel(stations, **options).receive(np.arange(len(places_m)), places_m)


def efficiencies(adaptation, diversity=None):
    law = adaptation.spectral_efficiency
    mean = law if diversity is None else ergodic_table(law, diversity_order=diversity)
    return Efficiencies(los=mean, nlos=mean, at_once=law, snr_min_db=adaptation.snr_min_db)


def budget(over, *, carrier=CARRIER, diversity=None, power=None, ue_noise_figure_db=7.0):
    return LinkBudget(
        over,
        carrier,
        downlink=efficiencies(DOWNLINK_ADAPTATION, diversity),
        uplink=efficiencies(UPLINK_ADAPTATION, diversity),
        power=power or UplinkPower(),
        ue_noise_figure_db=ue_noise_figure_db,
    )


def links(
    places_m=FLEET,
    stations=(CENTRE, EAST),
    *,
    carrier=CARRIER,
    diversity=None,
    power=None,
    ue_antenna_gain_dbi=0.0,
    ue_noise_figure_db=7.0,
    activity=None,
    fading=None,
    **options,
):
    """Return the links of devices to their strongest cells; ``activity`` makes what cells do of the budget."""
    options.setdefault("terminals", Terminals(antenna_gain_dbi=ue_antenna_gain_dbi))
    one = budget(
        channel(stations, **options), carrier=carrier, diversity=diversity, power=power, ue_noise_figure_db=ue_noise_figure_db
    )
    places_m = np.asarray(places_m, dtype=np.float64)
    reception = one.channel.receive(np.arange(len(places_m)), places_m)
    doing = one.no_activity() if activity is None else activity(one)
    return one.links(reception, one.strongest(reception), doing, fading)
