"""What a device's radio draws in each of its states: asleep, being promoted, carrying data, in the tail."""

import math
from dataclasses import dataclass, replace

from mecsim.units import db_to_linear


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """What sends: sqrt(output x maximum) / efficiency, as of class B, and circuits; ``efficiency`` is that at the maximum."""

    output_dbm: float
    maximum_dbm: float
    efficiency: float
    circuit_w: float

    def draw_w(self, power_db: float = 0.0) -> float:
        """Return what it draws while it sends with ``power_db`` added to its output."""
        output_w, maximum_w = 1e-3 * db_to_linear(self.output_dbm + power_db), 1e-3 * db_to_linear(self.maximum_dbm)
        return math.sqrt(output_w * maximum_w) / self.efficiency + self.circuit_w


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioPower:
    """Power of a radio above the idle device; while it carries data, affine in the throughput: an overhead, and joules a bit.

    A radio that sleeps needs ``promotion_s`` at ``promotion_w`` before it carries anything; after the last bit it stays
    connected for ``tail_s`` at ``tail_w``. ``idle_w`` is what it draws asleep: part of the device's own idle power, and for
    the record only. With an ``amplifier``, it is known what less transmit power saves.
    """

    name: str
    downlink_overhead_w: float
    uplink_overhead_w: float
    downlink_j_per_bit: float
    uplink_j_per_bit: float
    source: str
    promotion_s: float = 0.0
    promotion_w: float = 0.0
    tail_s: float = 0.0
    tail_w: float = 0.0
    idle_w: float = 0.015
    amplifier: Amplifier | None = None

    @property
    def overhead_w(self) -> float:
        """Return the power of being connected with nothing to carry (the tail): the mean of both directions' overheads."""
        return 0.5 * (self.downlink_overhead_w + self.uplink_overhead_w)

    def sending(self, power_db: float) -> "RadioPower":
        """Return the radio of a device that sends with ``power_db`` (0 or less) added to its power.

        Only an amplifier's draw changes, as if it sent with its ``output_dbm`` otherwise: that power control had it send with
        less already is not known here. The measured fits are affine in the throughput and know no transmit power, so they
        stay as they are: there, less power costs time and saves nothing.
        """
        if self.amplifier is None or power_db == 0.0:
            return self
        return replace(self, uplink_overhead_w=self.amplifier.draw_w(power_db))


_BASE_W = 2.35  # the phone of the measurement with its screen on and no transfer
_MEASURED = (
    "least-squares fit, over 1 s samples, to the whole-phone power measured by Narayanan et al., SIGCOMM 2021 (public "
    "artifact), less a base of about 2.35 W; tail of 10 s and promotion from the same artifact's state probes; the powers of "
    "tail and promotion are the overhead, by default"
)
_TAIL_S = 10.0  # the median of the probes; 5 s on one operator's LTE


def _measured_radio(
    name: str,
    *,
    downlink_mw_per_mbps: float,
    downlink_mw: float,
    uplink_mw_per_mbps: float,
    uplink_mw: float,
    promotion_s: float,
) -> RadioPower:
    """Return the record of a fitted line power [mW] = intercept + slope x throughput [Mb/s]; 1 mW per Mb/s is 1 nJ a bit."""
    connected = RadioPower(
        name=name,
        downlink_overhead_w=downlink_mw / 1e3 - _BASE_W,
        uplink_overhead_w=uplink_mw / 1e3 - _BASE_W,
        downlink_j_per_bit=downlink_mw_per_mbps * 1e-9,
        uplink_j_per_bit=uplink_mw_per_mbps * 1e-9,
        source=_MEASURED,
        promotion_s=promotion_s,
        tail_s=_TAIL_S,
    )
    return replace(connected, promotion_w=connected.overhead_w, tail_w=connected.overhead_w)


_LTE = _measured_radio(
    "lte",
    downlink_mw_per_mbps=11.54,
    downlink_mw=2839,
    uplink_mw_per_mbps=76.68,
    uplink_mw=2926,
    promotion_s=0.4,
)
# Low band and millimetre wave are added to an LTE connection (non-standalone), which takes the longer promotion.
_LOW_BAND = _measured_radio(
    "nr-low-band",
    downlink_mw_per_mbps=11.54,
    downlink_mw=3059,
    uplink_mw_per_mbps=32.17,
    uplink_mw=3199,
    promotion_s=1.9,
)
_MM_WAVE = _measured_radio(
    "nr-mmwave",
    downlink_mw_per_mbps=1.73,
    downlink_mw=5237,
    uplink_mw_per_mbps=8.88,
    uplink_mw=5664,
    promotion_s=1.9,
)
_STANDALONE = replace(
    _LOW_BAND,
    name="nr-sa",
    promotion_s=0.6,
    source="powers of nr-low-band, measured non-standalone; promotion of a standalone cell is a default",
)
_WIFI = RadioPower(
    name="wifi",
    downlink_overhead_w=0.5,
    uplink_overhead_w=0.7,
    downlink_j_per_bit=0.0,
    uplink_j_per_bit=0.0,
    tail_s=0.2,
    tail_w=0.5,
    source="all default: 0.5-0.9 W while it sends, a tail below 0.2 s",
)
_LTE_2012 = RadioPower(
    name="lte-2012",
    downlink_overhead_w=1.28804,
    uplink_overhead_w=1.28804,
    downlink_j_per_bit=51.97e-9,
    uplink_j_per_bit=438.39e-9,
    promotion_s=0.26,
    promotion_w=1.211,
    tail_s=11.576,
    tail_w=1.060,
    source="phones of 2012: Huang et al., MobiSys 2012, figures not checked with the paper: defaults",
)

RADIO_POWER: dict[str, RadioPower] = {radio.name: radio for radio in (_LTE, _LOW_BAND, _MM_WAVE, _STANDALONE, _WIFI, _LTE_2012)}


def physical_radio(
    output_dbm: float,
    *,
    maximum_dbm: float = 23.0,
    amplifier_efficiency: float = 0.35,
    circuit_w: float = 0.3,
    receive_w: float = 0.65,
    tail_s: float = _TAIL_S,
    tail_w: float = 0.3,
) -> RadioPower:
    """Return the radio that sends with ``output_dbm``: a power amplifier and circuits, whatever the throughput.

    The amplifier's efficiency is its best at ``maximum_dbm`` and falls with the square root of the output, as of class B; an
    output above the maximum is a ValueError. Every figure is a default, not verified: amplifiers of phones reach 0.3 to 0.4,
    their circuits take 0.1 to 0.5 W, receiving 0.3 to 1 W.
    """
    if output_dbm > maximum_dbm:
        raise ValueError(f"output_dbm ({output_dbm}) is above maximum_dbm ({maximum_dbm})")
    amplifier = Amplifier(output_dbm=output_dbm, maximum_dbm=maximum_dbm, efficiency=amplifier_efficiency, circuit_w=circuit_w)
    return RadioPower(
        name="physical",
        downlink_overhead_w=receive_w,
        uplink_overhead_w=amplifier.draw_w(),
        downlink_j_per_bit=0.0,
        uplink_j_per_bit=0.0,
        tail_s=tail_s,
        tail_w=tail_w,
        source="amplifier and circuits; all default",
        amplifier=amplifier,
    )
