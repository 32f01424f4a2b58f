"""From the section ``network`` to the channel and the link budget: what every device could receive, and how fast."""

from functools import lru_cache
from typing import assert_never

import numpy as np

from mecsim.build.stations import placed
from mecsim.config.network import Carrier, Network, StationRadio
from mecsim.config.radio import Adaptation as AdaptationConfig
from mecsim.config.radio import BlockFading, CqiTable, ErgodicFading, Fading, LogDistance, NoFading, PathLoss
from mecsim.config.scenario import Scenario
from mecsim.nodes.budget import CarrierSpec, Efficiencies, LinkBudget, UplinkPower
from mecsim.nodes.channel import Channel, StationSite, Terminals
from mecsim.nodes.radio_network import Direction
from mecsim.radio.adaptation import Adaptation, adaptation, with_layers
from mecsim.radio.fading import ergodic_table
from mecsim.radio.indoor import SIMPLE_SHADOWING_DB, indoor_columns
from mecsim.radio.numerology import FrequencyRange, NrCarrier, tdd_shares
from mecsim.radio.path_loss import PathLossModel, path_loss_model
from mecsim.radio.rate import SpectralEfficiency
from mecsim.rng import Streams

# 14 symbols in the time of 15: what the cyclic prefix leaves (TS 38.211, clause 5.3.1).
_PAST_PREFIX = 14.0 / 15.0
_RESOURCE_BLOCK_HZ = 12 * 15e3


def path_loss_of(config: PathLoss) -> PathLossModel:
    """Return the propagation model."""
    exponent = config.exponent if isinstance(config, LogDistance) else 3.0
    return path_loss_model(config.kind, exponent=exponent, sigma_db=config.shadowing_db)


def build_channel(scenario: Scenario, streams: Streams) -> Channel:
    """Return the paths between all places and all cells; schemes and variants of one seed share their randomness."""
    network, stations = scenario.network, placed(scenario)
    config = network.path_loss
    return Channel(
        [_site(*each) for each in zip(stations.names, stations.places_m, stations.radios, strict=True)],
        path_loss_of(config),
        streams,
        frequency_ghz=network.carrier.frequency_ghz,
        terminals=_terminals(network, scenario.fleet.n_devices, streams),
        wrapped_area_m=stations.area_m if stations.wraps else None,
        shadowing=config.shadowing,
    )


def _terminals(network: Network, n_devices: int, streams: Streams) -> Terminals:
    """Return the devices' antennas and walls; behind a simple wall shadowing has a deviation of its own."""
    walls, config = network.path_loss.indoors, network.devices
    if walls is None:
        return Terminals(height_m=config.height_m, antenna_gain_dbi=config.antenna_gain_dbi)
    columns = indoor_columns(
        streams.get("indoors"), n_devices, share=walls.share, kind=walls.building, path_loss_kind=network.path_loss.kind
    )
    is_own = walls.building == "simple" and network.path_loss.shadowing_db is None
    return Terminals(
        height_m=config.height_m,
        antenna_gain_dbi=config.antenna_gain_dbi,
        wall_loss_db=columns.loss_db(network.carrier.frequency_ghz),
        shadowing_db=np.where(columns.indoor, SIMPLE_SHADOWING_DB, np.nan) if is_own else np.zeros(0),
    )


def _site(name: str, place_m: tuple[float, float], radio: StationRadio) -> StationSite:
    azimuths_deg = tuple(radio.azimuth_deg + 120.0 * sector for sector in range(3)) if radio.sectors == 3 else ()
    return StationSite(
        name=name,
        x_m=place_m[0],
        y_m=place_m[1],
        height_m=radio.height_m,
        tx_power_dbm=radio.tx_power_dbm,
        antenna_gain_dbi=radio.antenna_gain_dbi,
        noise_figure_db=radio.noise_figure_db,
        azimuths_deg=azimuths_deg,
        downtilt_deg=radio.downtilt_deg,
        beamforming_db=radio.beamforming_db,
    )


def build_budget(network: Network, channel: Channel) -> LinkBudget:
    """Return what makes rates of gains."""
    devices, control = network.devices, network.devices.power_control
    power = UplinkPower(maximum_dbm=devices.tx_power_dbm)
    if control is not None:
        power = UplinkPower(maximum_dbm=devices.tx_power_dbm, p0_dbm_per_rb=control.p0_dbm, alpha=control.alpha)
    k_db = channel.model.rician_k_db
    return LinkBudget(
        channel,
        carrier_spec(network.carrier),
        downlink=_efficiencies(network.link_adaptation, network.fading, "downlink", k_db),
        uplink=_efficiencies(network.link_adaptation, network.fading, "uplink", k_db),
        power=power,
        ue_noise_figure_db=devices.noise_figure_db,
    )


def carrier_spec(config: Carrier) -> CarrierSpec:
    """Return the carrier: all of its width, or the resource blocks of an NR carrier and what their control leaves."""
    down, up = time_shares(config)
    whole = CarrierSpec(
        frequency_hz=1e9 * config.frequency_ghz,
        bandwidth_hz=1e6 * config.bandwidth_mhz,
        downlink_share=down,
        uplink_share=up,
        n_rb=max(1, round(1e6 * config.bandwidth_mhz / _RESOURCE_BLOCK_HZ)),
    )
    if config.scs_khz is None:
        return whole
    nr = nr_carrier(config)
    return CarrierSpec(
        frequency_hz=whole.frequency_hz,
        bandwidth_hz=nr.used_hz,
        downlink_share=down,
        uplink_share=up,
        downlink_overhead=1.0 - _PAST_PREFIX * (1.0 - nr.overhead("downlink")),
        uplink_overhead=1.0 - _PAST_PREFIX * (1.0 - nr.overhead("uplink")),
        n_rb=nr.n_rb,
        numerology=nr.mu,
    )


def nr_carrier(config: Carrier) -> NrCarrier:
    """Return the NR carrier of the section; ``CarrierError`` where there is none of its width and spacing."""
    assert config.scs_khz is not None  # noqa: S101 - for the type checker
    frequency_range: FrequencyRange = "FR2" if config.frequency_ghz > 7.125 else "FR1"
    return NrCarrier(bandwidth_mhz=config.bandwidth_mhz, scs_khz=config.scs_khz, frequency_range=frequency_range)


def time_shares(config: Carrier) -> tuple[float, float]:
    """Return the shares of the time that go down and up; ``CarrierError`` for a pattern that cuts one off."""
    if config.downlink_share is not None:
        return config.downlink_share, 1.0 - config.downlink_share
    assert config.tdd is not None  # noqa: S101 - a check of the scenario sees to it
    return (1.0, 1.0) if config.tdd == "fdd" else tdd_shares(config.tdd)


def _efficiencies(config: AdaptationConfig, fading: Fading, direction: Direction, k_db: float | None) -> Efficiencies:
    law = law_of(config, direction)
    match fading:
        case ErgodicFading():
            los = _mean(config, direction, fading.diversity, k_db if fading.rician else None)
            nlos = _mean(config, direction, fading.diversity, None)
        case BlockFading() | NoFading():
            los = nlos = law.spectral_efficiency
        case _:
            assert_never(fading)
    return Efficiencies(los=los, nlos=nlos, at_once=law.spectral_efficiency, snr_min_db=law.snr_min_db)


def law_of(config: AdaptationConfig, direction: Direction) -> Adaptation:
    """Return what makes bits a second and hertz of a signal-to-noise ratio."""
    if not isinstance(config, CqiTable):
        return adaptation(config.kind, direction)
    return with_layers(adaptation(config.kind, direction, bler=config.bler), config.layers if direction == "downlink" else 1)


@lru_cache(maxsize=64)
def _mean(config: AdaptationConfig, direction: Direction, diversity: int, k_db: float | None) -> SpectralEfficiency:
    """Return the mean over fading; one table serves all worlds of a study."""
    return ergodic_table(law_of(config, direction).spectral_efficiency, diversity_order=diversity, rician_k_db=k_db)
