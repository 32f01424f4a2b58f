"""Energy of a device's radio: of a transfer, and of the states before and after it."""

import math
from typing import Literal, NamedTuple

from mecsim.nodes.radio_power import RadioPower

Direction = Literal["downlink", "uplink"]


def transfer_energy_j(duration_s: float, bits: float, direction: Direction, radio: RadioPower) -> float:
    """Return the radio's energy above idle for a transfer of ``bits`` that took ``duration_s``.

    Exact however the rate went up and down meanwhile, as power is affine in the throughput.
    """
    match direction:
        case "downlink":
            return radio.downlink_overhead_w * duration_s + radio.downlink_j_per_bit * bits
        case "uplink":
            return radio.uplink_overhead_w * duration_s + radio.uplink_j_per_bit * bits


class Promotion(NamedTuple):
    """What it takes before a radio carries anything."""

    delay_s: float
    energy_j: float


class RadioSession:
    """The connection of one device: promoted when something is to be carried, kept for a tail after it.

    Call ``connect`` when a transfer begins and ``transfer_ended`` when it ends, completed or not, at times that never run
    back. Each second of a tail is charged once, to whoever asks for it first.
    """

    def __init__(self, radio: RadioPower) -> None:
        self._radio = radio
        self._ended_s = math.nan  # of the last transfer; nan before the first one, and while there is one
        self._charged_s = 0.0  # of the tail since then
        self._owed_j = 0.0  # of earlier tails; negative where more was charged than there was

    def connect(self, now_s: float) -> Promotion:
        """Begin a transfer: of no delay and energy within the tail, which ends with it; its last instant counts as within."""
        # nan, before the first transfer, is within no tail.
        within = now_s - self._ended_s <= self._radio.tail_s
        self._owed_j += self._uncharged_j(now_s)
        self._ended_s, self._charged_s = math.nan, 0.0
        if within:
            return Promotion(0.0, 0.0)
        return Promotion(self._radio.promotion_s, self._radio.promotion_s * self._radio.promotion_w)

    def transfer_ended(self, now_s: float) -> None:
        """Begin the tail."""
        self._ended_s = now_s

    def tail_j(self, until_s: float) -> float:
        """Return the energy above idle of the tails up to ``until_s`` that has not been charged yet, and charge it.

        Infinity charges the tail to its end. If the device connects again before that, the next call is less by what was
        charged too much, and may be negative: the sum is exact.
        """
        charge_j = self._uncharged_j(until_s) + self._owed_j
        self._charged_s, self._owed_j = self._tail_s(until_s), 0.0
        return charge_j

    def _uncharged_j(self, until_s: float) -> float:
        return (self._tail_s(until_s) - self._charged_s) * self._radio.tail_w

    def _tail_s(self, until_s: float) -> float:
        if math.isnan(self._ended_s):
            return 0.0
        return min(max(until_s - self._ended_s, 0.0), self._radio.tail_s)
