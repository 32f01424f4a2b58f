"""From received powers to rates: noise, interference, power control, link adaptation, fading."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.channel import Channel, Reception
from mecsim.radio.power_control import uplink_power_dbm
from mecsim.radio.rate import SpectralEfficiency, thermal_noise_dbm, uplink_power_limited_rate
from mecsim.radio.sharing import power_limited_rate
from mecsim.units import db_to_linear

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

_SILENT_DBM = -np.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSpec:
    """A carrier: the width that carries data, the shares of the time of each direction, and what control takes of them.

    ``n_rb`` resource blocks are what the power control counts.
    """

    frequency_hz: float
    bandwidth_hz: float
    downlink_share: float
    uplink_share: float
    downlink_overhead: float = 0.0
    uplink_overhead: float = 0.0
    n_rb: int = 100
    numerology: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiencies:
    """Mean bit/s/Hz over fading with and without line of sight, and the SNR below which nothing is served.

    ``at_once`` is the law for a gain that is known (block fading).
    """

    los: SpectralEfficiency
    nlos: SpectralEfficiency
    at_once: SpectralEfficiency
    snr_min_db: float

    def __call__(self, snr_linear: Floats, line_of_sight: Bools) -> Floats:
        """Return the bit/s/Hz of each link."""
        return np.where(line_of_sight, self.los(snr_linear), self.nlos(snr_linear))


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkPower:
    """A device's transmit power: the largest, or by open-loop power control."""

    maximum_dbm: float = 23.0
    p0_dbm_per_rb: float | None = None
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class Activity:
    """What each cell does to the others: share of the time for which it sends, and interference that its receiver has."""

    downlink: Floats  # (cells)
    uplink_dbm: Floats  # (cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """One row a device: its cell and the link to it; rates are those of a device alone in its cell, 0 = no coverage."""

    cell: Ints
    station: Ints
    distance_m: Floats
    line_of_sight: Bools
    downlink_sinr_db: Floats
    uplink_sinr_db: Floats
    downlink_rate_bps: Floats
    uplink_rate_bps: Floats


class LinkBudget:
    """Signal, interference and noise of every link of one carrier."""

    def __init__(
        self,
        channel: Channel,
        carrier: CarrierSpec,
        *,
        downlink: Efficiencies,
        uplink: Efficiencies,
        power: UplinkPower | None = None,
        ue_noise_figure_db: float = 7.0,
    ) -> None:
        for direction, share in (("downlink", carrier.downlink_share), ("uplink", carrier.uplink_share)):
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{direction}_share must be from 0 to 1, got {share}")
        self.channel, self.carrier = channel, carrier
        self.downlink, self.uplink = downlink, uplink
        self.power = power or UplinkPower()
        of_cell = channel.site_of_cell
        self._power_dbm = np.array([site.tx_power_dbm for site in channel.sites])[of_cell]
        self._beam_db = np.array([site.beamforming_db for site in channel.sites])[of_cell]
        self._ue_noise_dbm = thermal_noise_dbm(carrier.bandwidth_hz, noise_figure_db=ue_noise_figure_db)
        noise_dbm = [thermal_noise_dbm(carrier.bandwidth_hz, noise_figure_db=site.noise_figure_db) for site in channel.sites]
        self.noise_dbm = np.array(noise_dbm)[of_cell]

    def no_activity(self) -> Activity:
        """Return cells that do not hear each other."""
        return Activity(np.zeros(self.channel.n_cells), np.full(self.channel.n_cells, _SILENT_DBM))

    def constant_activity(self, load: float, uplink_rise_db: float) -> Activity:
        """Return cells that send for ``load`` of the time; uplink interference is ``uplink_rise_db`` over the noise."""
        rise_dbm = self.noise_dbm + _db(np.maximum(_linear(uplink_rise_db) - 1.0, 1e-30))
        return Activity(np.full(self.channel.n_cells, load), rise_dbm)

    def received_dbm(self, reception: Reception) -> Floats:
        """Return the power (n, c) that arrives from each cell, without beamforming: what handovers go by."""
        return self._power_dbm[reception.cells] + reception.gain_db

    def strongest(self, reception: Reception, is_up: Bools | None = None) -> Ints:
        """Return the column (n) of each device's strongest cell; of two alike, the first.

        ``is_up`` (n, c) says which of the cells count, None: all of them. Where none does, it is the first column.
        """
        power_dbm = self.received_dbm(reception)
        if is_up is not None:
            power_dbm = np.where(is_up, power_dbm, _SILENT_DBM)
        return np.asarray(np.argmax(power_dbm, axis=1))

    def links(
        self,
        reception: Reception,
        column: Ints,
        activity: Activity,
        fading: tuple[float, float] | None = None,
        power_db: Floats | float = 0.0,
    ) -> Links:
        """Return the links of the devices to the cells in ``column``.

        ``fading`` has the gains of downlink and uplink where they are known: SINRs are means without them, rates are with them.
        ``power_db`` (a number, or one a device) is added to the devices' largest power.
        """
        rows = np.arange(len(column))
        cell, line_of_sight = reception.cells[rows, column], reception.line_of_sight[rows, column]
        gain_db = reception.gain_db[rows, column] + self._beam_db[cell]
        downlink_db = self._power_dbm[cell] + gain_db - self._downlink_noise_dbm(reception, column, activity)
        uplink_noise_dbm = _db(_linear(self.noise_dbm[cell]) + _linear(activity.uplink_dbm[cell]))
        uplink_db = self.sent_dbm(gain_db, power_db) + gain_db - uplink_noise_dbm
        return Links(
            cell=cell,
            station=self.channel.site_of_cell[cell],
            distance_m=reception.distance_m[rows, column],
            line_of_sight=line_of_sight,
            downlink_sinr_db=downlink_db,
            uplink_sinr_db=uplink_db,
            downlink_rate_bps=self._downlink_bps(downlink_db, line_of_sight, fading),
            uplink_rate_bps=self._uplink_bps(uplink_db, line_of_sight, fading),
        )

    def sent_dbm(self, gain_db: Floats, power_db: Floats | float = 0.0) -> Floats:
        """Return what devices with the path gain ``gain_db`` send over the whole carrier.

        ``power_db`` is added to the largest power, which is all that it changes where power control asks for less.
        """
        maximum_dbm = self.power.maximum_dbm + power_db
        if self.power.p0_dbm_per_rb is None:
            return np.full(np.shape(gain_db), maximum_dbm)
        return uplink_power_dbm(
            -gain_db,
            maximum_dbm=maximum_dbm,
            p0_dbm_per_rb=self.power.p0_dbm_per_rb,
            alpha=self.power.alpha,
            n_rb=self.carrier.n_rb,
            mu=self.carrier.numerology,
        )

    def sent_to_dbm(self, cell: int, path_gain_db: Floats, power_db: Floats | float = 0.0) -> Floats:
        """Return what devices of ``cell`` send to it; ``path_gain_db`` is without the beamforming that they make use of."""
        return self.sent_dbm(path_gain_db + self._beam_db[cell], power_db)

    def _downlink_noise_dbm(self, reception: Reception, column: Ints, activity: Activity) -> Floats:
        """Return thermal noise and what the other cells send, at each device."""
        rows = np.arange(len(column))
        weights = activity.downlink[reception.cells]
        weights[rows, column] = 0.0
        from_others = (weights * _linear(self.received_dbm(reception))).sum(axis=1)
        return _db(_linear(self._ue_noise_dbm) + from_others)

    def _downlink_bps(self, sinr_db: Floats, line_of_sight: Bools, fading: tuple[float, float] | None) -> Floats:
        snr = _linear(sinr_db)
        efficiency = self.downlink(snr, line_of_sight) if fading is None else self.downlink.at_once(snr * fading[0])
        share = self.carrier.downlink_share * (1.0 - self.carrier.downlink_overhead)
        return np.where(sinr_db >= self.downlink.snr_min_db, self.carrier.bandwidth_hz * share * efficiency, 0.0)

    def _uplink_bps(self, sinr_db: Floats, line_of_sight: Bools, fading: tuple[float, float] | None) -> Floats:
        # A gain that is known moves the part of the band on which a weak device reaches the least SNR, as a loss would.
        alone_bps = uplink_power_limited_rate(
            _linear(sinr_db) * (1.0 if fading is None else fading[1]),
            bandwidth_hz=self.carrier.bandwidth_hz,
            snr_min_db=self.uplink.snr_min_db,
            spectral_efficiency=(lambda snr: self.uplink(snr, line_of_sight)) if fading is None else self.uplink.at_once,
        )
        return self.carrier.uplink_share * (1.0 - self.carrier.uplink_overhead) * alone_bps

    def uplink_rate_of_share(self, sinr_db: float, line_of_sight: bool, share: float, gain: float | None = None) -> float:
        """Return the bits a second of one device on ``share`` of the band, all of its power on it.

        ``sinr_db`` is that over the whole band; ``gain`` is that of the uplink's fading where it is known.
        """
        law = self.uplink.at_once if gain is not None else self.uplink.los if line_of_sight else self.uplink.nlos
        alone_bps = power_limited_rate(
            share,
            carrier_hz=self.carrier.bandwidth_hz,
            snr_full=db_to_linear(sinr_db) * (1.0 if gain is None else gain),
            spectral_efficiency=law,
            snr_min_db=self.uplink.snr_min_db,
        )
        return self.carrier.uplink_share * (1.0 - self.carrier.uplink_overhead) * alone_bps


def _linear(value_db: Floats | float) -> Floats:
    return np.asarray(10.0 ** (np.asarray(value_db, dtype=np.float64) / 10.0))


def _db(value: Floats | float) -> Floats:
    return np.asarray(10.0 * np.log10(np.asarray(value, dtype=np.float64)))
