"""The radio channel of a whole fleet, in columns: who is served by which station, and how well.

There is no interference in this version: the columns are signal-to-noise ratios, those of cells that share no spectrum or
are far apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import UnknownNameError
from mecsim.radio.fading import ergodic_spectral_efficiency
from mecsim.radio.fields import GaussianField, UniformField
from mecsim.radio.path_loss import PATH_LOSS_MODELS, PathLossModel
from mecsim.radio.rate import (
    DOWNLINK_ADAPTATION,
    UPLINK_ADAPTATION,
    LinkAdaptation,
    SpectralEfficiency,
    thermal_noise_dbm,
    uplink_power_limited_rate,
)
from mecsim.rng import Streams

Floats = NDArray[np.float64]

# Shadowing of one device towards two sites is correlated 0.5 (TR 36.814, Annex A.2.1.1; a default, not checked there): half
# of the variance is common to all sites.
_COMMON = math.sqrt(0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSite:
    """A base station's place and radio equipment; the name is what its random fields depend on."""

    name: str
    x_m: float
    y_m: float
    height_m: float
    tx_power_dbm: float
    antenna_gain_dbi: float = 5.0
    noise_figure_db: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSpec:
    """A time-division carrier: all of the bandwidth, for ``downlink_share`` of the time down and for the rest up."""

    frequency_hz: float
    bandwidth_hz: float
    downlink_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetLinks:
    """One row a device: its station (an index) and the link to it; rates are those of a device alone, 0 = no coverage."""

    station: NDArray[np.intp]
    distance_m: Floats
    line_of_sight: NDArray[np.bool_]
    downlink_snr_db: Floats
    uplink_snr_db: Floats
    downlink_rate_bps: Floats
    uplink_rate_bps: Floats


@dataclass(frozen=True, slots=True)
class _Paths:
    """Distance, LoS state and loss, one row a station and one column a device."""

    distance_m: Floats
    line_of_sight: NDArray[np.bool_]
    loss_db: Floats


def link_columns(
    positions_m: Floats,
    stations: Sequence[StationSite],
    carrier: CarrierSpec,
    path_loss_kind: str,
    streams: Streams,
    *,
    diversity: int | None = None,
    shadowing: bool = True,
    ue_height_m: float = 1.5,
    ue_tx_power_dbm: float = 23.0,
    ue_noise_figure_db: float = 7.0,
    ue_antenna_gain_dbi: float = 0.0,
    downlink_adaptation: LinkAdaptation = DOWNLINK_ADAPTATION,
    uplink_adaptation: LinkAdaptation = UPLINK_ADAPTATION,
) -> FleetLinks:
    """Return the links of the devices at ``positions_m`` (n rows of x and y), each to the station it receives best.

    Shadowing and LoS state are functions of the place and of the station's name: they do not depend on the other devices,
    and not on the other stations. Of two stations received equally well, the first serves. ``diversity`` N averages the
    spectral efficiency over Gamma(N, 1/N) fading; None leaves fading out. Out of coverage are, downlink, a mean SNR below the
    adaptation's minimum and, uplink, a device that reaches it on less than a resource block.
    """
    _check(positions_m, stations, carrier, path_loss_kind)
    paths = _paths(positions_m, stations, carrier, PATH_LOSS_MODELS[path_loss_kind], streams, ue_height_m, shadowing)
    gain_dbi = np.array([site.antenna_gain_dbi for site in stations]) + ue_antenna_gain_dbi
    power_dbm = np.array([site.tx_power_dbm for site in stations])
    received_dbm = (power_dbm + gain_dbi)[:, np.newaxis] - paths.loss_db
    station = np.argmax(received_dbm, axis=0)
    served = (station, np.arange(len(positions_m)))
    downlink_snr_db = received_dbm[served] - thermal_noise_dbm(carrier.bandwidth_hz, noise_figure_db=ue_noise_figure_db)
    noise_dbm = np.array([thermal_noise_dbm(carrier.bandwidth_hz, noise_figure_db=site.noise_figure_db) for site in stations])
    uplink_snr_db = ue_tx_power_dbm + gain_dbi[station] - paths.loss_db[served] - noise_dbm[station]
    return FleetLinks(
        station=station,
        distance_m=paths.distance_m[served],
        line_of_sight=paths.line_of_sight[served],
        downlink_snr_db=downlink_snr_db,
        uplink_snr_db=uplink_snr_db,
        downlink_rate_bps=_downlink_rate_bps(downlink_snr_db, carrier, downlink_adaptation, diversity),
        uplink_rate_bps=_uplink_rate_bps(uplink_snr_db, carrier, uplink_adaptation, diversity),
    )


def _check(positions_m: Floats, stations: Sequence[StationSite], carrier: CarrierSpec, path_loss_kind: str) -> None:
    if positions_m.ndim != 2 or positions_m.shape[1] != 2:
        raise ValueError(f"positions_m must have the shape (n, 2), got {positions_m.shape}")
    if not stations:
        raise ValueError("stations is empty: nobody could be served")
    names = [site.name for site in stations]
    if len(set(names)) < len(names):
        raise ValueError(f"two stations have one name, hence one shadowing: {names}")
    if not 0.0 <= carrier.downlink_share <= 1.0:
        raise ValueError(f"downlink_share must be from 0 to 1, got {carrier.downlink_share}")
    if path_loss_kind not in PATH_LOSS_MODELS:
        raise UnknownNameError("path loss model", path_loss_kind, PATH_LOSS_MODELS)


def _paths(
    positions_m: Floats,
    stations: Sequence[StationSite],
    carrier: CarrierSpec,
    model: PathLossModel,
    streams: Streams,
    ue_height_m: float,
    shadowing: bool,
) -> _Paths:
    x_m, y_m = positions_m[:, 0], positions_m[:, 1]
    frequency_ghz = carrier.frequency_hz / 1e9
    common_los, common_nlos = _shadow_fields(streams, model, "common")
    shared = (common_los(x_m, y_m), common_nlos(x_m, y_m)) if shadowing else (np.zeros(0), np.zeros(0))
    distances, states, losses = [], [], []
    for site in stations:
        distance_m = np.hypot(x_m - site.x_m, y_m - site.y_m)
        place = (distance_m, frequency_ghz, site.height_m, ue_height_m)
        chance = UniformField(streams.get("line-of-sight", site.name), model.los_correlation_m)(x_m, y_m)
        line_of_sight = chance < model.los_probability(distance_m, ue_height_m)
        loss_db = np.where(line_of_sight, model.los_db(*place), model.nlos_db(*place))
        if shadowing:
            own_los, own_nlos = _shadow_fields(streams, model, "station", site.name)
            own = np.empty(len(positions_m))
            for state, field in ((line_of_sight, own_los), (~line_of_sight, own_nlos)):
                own[state] = field(x_m[state], y_m[state])
            sigma_db = np.where(line_of_sight, model.sigma_los_db(*place), model.sigma_nlos_db)
            loss_db = loss_db + sigma_db * _COMMON * (np.where(line_of_sight, *shared) + own)
        distances.append(distance_m)
        states.append(line_of_sight)
        losses.append(loss_db)
    return _Paths(np.stack(distances), np.stack(states), np.stack(losses))


def _shadow_fields(streams: Streams, model: PathLossModel, *owner: str) -> tuple[GaussianField, GaussianField]:
    """Return the LoS and the NLoS field of an owner; two fields, as their correlation distances differ."""
    return (
        GaussianField(streams.get("shadowing", *owner, "los"), model.shadow_correlation_los_m),
        GaussianField(streams.get("shadowing", *owner, "nlos"), model.shadow_correlation_nlos_m),
    )


def _mean_efficiency(adaptation: LinkAdaptation, diversity: int | None) -> SpectralEfficiency:
    if diversity is None:
        return adaptation.spectral_efficiency
    return partial(ergodic_spectral_efficiency, spectral_efficiency=adaptation.spectral_efficiency, diversity_order=diversity)


def _downlink_rate_bps(snr_db: Floats, carrier: CarrierSpec, adaptation: LinkAdaptation, diversity: int | None) -> Floats:
    efficiency = _mean_efficiency(adaptation, diversity)(10.0 ** (snr_db / 10.0))
    covered = snr_db >= adaptation.snr_min_db
    return np.where(covered, carrier.bandwidth_hz * carrier.downlink_share * efficiency, 0.0)


def _uplink_rate_bps(snr_db: Floats, carrier: CarrierSpec, adaptation: LinkAdaptation, diversity: int | None) -> Floats:
    alone_bps = uplink_power_limited_rate(
        10.0 ** (snr_db / 10.0),
        bandwidth_hz=carrier.bandwidth_hz,
        snr_min_db=adaptation.snr_min_db,
        spectral_efficiency=_mean_efficiency(adaptation, diversity),
    )
    return (1.0 - carrier.downlink_share) * alone_bps
