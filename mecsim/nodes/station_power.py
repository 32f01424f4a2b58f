"""What base stations draw, what moving bits behind them takes, and the carbon of it."""

from dataclasses import dataclass
from typing import NamedTuple

from mecsim.nodes.timeline import Timeline
from mecsim.units import BITS_PER_BYTE

J_PER_KWH = 3.6e6
WORLD_G_PER_KWH = 400.0  # a round world average of electricity: a default, not verified
_BYTES_PER_GB = 1e9


class StationEnergy(NamedTuple):
    """``static_j`` is due whatever is carried, ``dynamic_j`` for what was carried."""

    static_j: float
    dynamic_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPower:
    """Power of a station's site: affine in what it sends, by transceiver (Auer et al., IEEE Wireless Communications, 2011).

    A transceiver draws ``static_w_per_trx`` + ``slope`` * output while it is on, ``sleep_w_per_trx`` while it sleeps.
    """

    name: str
    n_trx: int
    maximum_w: float  # radiated at most, a transceiver
    static_w_per_trx: float
    slope: float
    sleep_w_per_trx: float

    @property
    def static_w(self) -> float:
        """Return the power of being on and sending nothing."""
        return self.n_trx * self.static_w_per_trx

    @property
    def dynamic_w(self) -> float:
        """Return what sending at full output adds."""
        return self.n_trx * self.slope * self.maximum_w

    @property
    def sleep_w(self) -> float:
        """Return the power of being asleep."""
        return self.n_trx * self.sleep_w_per_trx

    def energy(self, *, span_s: float, busy_s: float, sending_s: float | None = None, sleeps: bool = False) -> StationEnergy:
        """Return the energy of ``span_s`` in which ``busy_s`` were spent on the study's own flows.

        The dynamic part is theirs alone; ``sending_s`` (at least ``busy_s``, which it is by default) is how long the station
        sent anything, for the static part of one that ``sleeps`` in between. Spans that do not lie within each other are a
        ValueError.
        """
        awake_s = busy_s if sending_s is None else sending_s
        # The sums behind busy times may round: a billionth of the span is no mistake.
        if not 0.0 <= busy_s <= awake_s * (1.0 + 1e-9) or awake_s > span_s * (1.0 + 1e-9):
            raise ValueError(f"a station was busy for {busy_s} s of {awake_s} s in which it sent, of {span_s} s in all")
        static_w_asleep = self.sleep_w if sleeps else self.static_w
        static_j = self.static_w * awake_s + static_w_asleep * max(span_s - awake_s, 0.0)
        return StationEnergy(static_j, self.dynamic_w * busy_s)


def _station(
    name: str, n_trx: int, maximum_w: float, static_w: float, slope: float, sleep_w: float
) -> tuple[str, StationPower]:
    return name, StationPower(
        name=name,
        n_trx=n_trx,
        maximum_w=maximum_w,
        static_w_per_trx=static_w,
        slope=slope,
        sleep_w_per_trx=sleep_w,
    )


#: LTE sites of 10 MHz as of 2010, from the same paper as the formula; "rrh" is a macro site with remote radio heads.
STATIONS: dict[str, StationPower] = dict(
    (
        _station("macro", 6, 20.0, 130.0, 4.7, 75.0),
        _station("rrh", 6, 20.0, 84.0, 2.8, 56.0),
        _station("micro", 2, 6.3, 56.0, 2.6, 39.0),
        _station("pico", 2, 0.13, 6.8, 4.0, 4.3),
        _station("femto", 2, 0.05, 4.8, 8.0, 2.9),
    )
)


def backhaul_j(bits: float, *, kwh_per_gb: float) -> float:
    """Return the energy of carrying ``bits`` behind the station; published figures lie between 0.01 and 0.1 kWh/GB."""
    return bits / BITS_PER_BYTE / _BYTES_PER_GB * kwh_per_gb * J_PER_KWH


def carbon_g(joules: float, intensity: float | Timeline, *, start_s: float = 0.0, end_s: float | None = None) -> float:
    """Return the grams of CO2 equivalent of ``joules``, at ``intensity`` in g/kWh.

    Where the intensity changes in time, the joules are taken evenly from ``start_s`` to ``end_s``, or at ``start_s`` if no end
    is given. An end before the start is a ValueError.
    """
    if not isinstance(intensity, int | float):
        intensity = _mean(intensity, start_s, start_s if end_s is None else end_s)
    return joules / J_PER_KWH * intensity


def _mean(values: Timeline, start_s: float, end_s: float) -> float:
    """Return the mean of a piecewise constant function of time; over no time, its value."""
    if end_s < start_s:
        raise ValueError(f"end_s ({end_s}) is before start_s ({start_s})")
    if end_s == start_s:
        return values.at(start_s)
    total, now_s = 0.0, start_s
    while now_s < end_s:
        until_s = min(values.next_change(now_s), end_s)
        total += values.at(now_s) * (until_s - now_s)
        now_s = until_s
    return total / (end_s - start_s)
