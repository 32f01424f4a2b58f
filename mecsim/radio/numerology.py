"""How much of a carrier's spectrum and time carries data: resource blocks, slots, TDD patterns, overheads, peak rates."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from mecsim.errors import MecsimError

FrequencyRange = Literal["FR1", "FR2"]
Direction = Literal["downlink", "uplink"]

SUBCARRIERS_PER_BLOCK = 12
SYMBOLS_PER_SLOT = 14  # with the normal cyclic prefix

# Resource blocks by subcarrier spacing in kHz and bandwidth in MHz: TS 38.101-1 (FR1) and TS 38.101-2 (FR2), Table 5.3.2-1.
RESOURCE_BLOCKS: dict[FrequencyRange, dict[int, dict[float, int]]] = {
    "FR1": {
        15: {5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 40: 216, 50: 270},
        30: {5: 11, 10: 24, 15: 38, 20: 51, 25: 65, 30: 78, 40: 106, 50: 133, 60: 162, 70: 189, 80: 217, 90: 245, 100: 273},
        60: {10: 11, 15: 18, 20: 24, 25: 31, 30: 38, 40: 51, 50: 65, 60: 79, 70: 93, 80: 107, 90: 121, 100: 135},
    },
    "FR2": {
        60: {50: 66, 100: 132, 200: 264},
        120: {50: 32, 100: 66, 200: 132, 400: 264},
    },
}

# Control and reference signals, as TS 38.306, clause 4.1.2 counts them; known, not checked in the specification.
OVERHEAD: dict[tuple[FrequencyRange, Direction], float] = {
    ("FR1", "downlink"): 0.14,
    ("FR2", "downlink"): 0.18,
    ("FR1", "uplink"): 0.08,
    ("FR2", "uplink"): 0.10,
}


class CarrierError(MecsimError):
    """A carrier has a bandwidth, subcarrier spacing or TDD pattern that there is not."""


@dataclass(frozen=True)
class NrCarrier:
    """An NR carrier. ``duplex`` is "fdd", with this bandwidth for either direction, or a TDD pattern such as "DDDSU".

    ``special`` is what the S slots of the pattern hold, as in `tdd_shares`. Raises CarrierError for what there is not.
    """

    bandwidth_mhz: float
    scs_khz: int
    duplex: str = "fdd"
    frequency_range: FrequencyRange = "FR1"
    special: tuple[int, int, int] = (10, 2, 2)

    def __post_init__(self) -> None:
        # Both are refused here and not in the middle of a study.
        _ = self.n_rb, self._shares

    @cached_property
    def n_rb(self) -> int:
        """Return the number of resource blocks."""
        return resource_blocks(self.bandwidth_mhz, self.scs_khz, self.frequency_range)

    @cached_property
    def _shares(self) -> tuple[float, float]:
        return (1.0, 1.0) if self.duplex == "fdd" else tdd_shares(self.duplex, self.special)

    @property
    def mu(self) -> int:
        """Return the numerology: the subcarrier spacing is 15 x 2^mu kHz (TS 38.211, clause 4.2)."""
        return (self.scs_khz // 15).bit_length() - 1

    @property
    def slot_s(self) -> float:
        """Return the duration of a slot: 1 ms / 2^mu."""
        return SYMBOLS_PER_SLOT / self.symbols_per_s

    @property
    def symbols_per_s(self) -> float:
        """Return the OFDM symbols a second, cyclic prefixes included."""
        return _symbols_per_s(self.mu)

    @property
    def used_hz(self) -> float:
        """Return the spectrum that the resource blocks fill; the rest of the bandwidth is guard band."""
        return float(self.n_rb * SUBCARRIERS_PER_BLOCK * self.scs_khz * 1000)

    @property
    def downlink_share(self) -> float:
        """Return the share of the symbols that go down: 1 for FDD."""
        return self._shares[0]

    @property
    def uplink_share(self) -> float:
        """Return the share of the symbols that go up: 1 for FDD."""
        return self._shares[1]

    def overhead(self, direction: Direction) -> float:
        """Return the share of a direction's resource elements that carry no data: a default of TS 38.306, not verified."""
        return OVERHEAD[self.frequency_range, direction]

    def data_symbols_per_s(self, direction: Direction) -> float:
        """Return the resource elements a second that carry data: times bit/s/Hz, one layer's bit rate on the whole carrier."""
        share = self.downlink_share if direction == "downlink" else self.uplink_share
        return self.n_rb * SUBCARRIERS_PER_BLOCK * self.symbols_per_s * share * (1.0 - self.overhead(direction))


def resource_blocks(bandwidth_mhz: float, scs_khz: int, frequency_range: FrequencyRange = "FR1") -> int:
    """Return the resource blocks of a carrier (TS 38.101-1 and -2, Table 5.3.2-1).

    Raises CarrierError, with the spacings or bandwidths that there are, for a combination that is not in the table.
    """
    by_spacing = RESOURCE_BLOCKS[frequency_range]
    if scs_khz not in by_spacing:
        other: FrequencyRange = "FR2" if frequency_range == "FR1" else "FR1"
        raise CarrierError(
            f"{frequency_range} has no subcarrier spacing of {scs_khz} kHz; it has {_listed(by_spacing)} kHz, "
            f"{other} has {_listed(RESOURCE_BLOCKS[other])} kHz"
        )
    by_bandwidth = by_spacing[scs_khz]
    if bandwidth_mhz not in by_bandwidth:
        raise CarrierError(
            f"{frequency_range} has no carrier of {bandwidth_mhz:g} MHz with {scs_khz} kHz subcarriers; "
            f"it has {_listed(by_bandwidth)} MHz"
        )
    return by_bandwidth[bandwidth_mhz]


def tdd_shares(pattern: str, special: tuple[int, int, int] = (10, 2, 2)) -> tuple[float, float]:
    """Return the shares of the symbols that go down and up in a pattern of D, U and S slots.

    ``special`` is how many of the 14 symbols of an S slot go down, stay idle and go up. CarrierError for other letters, for a
    direction without a symbol, and for an S slot that is not 14 symbols long.
    """
    slots = Counter(pattern)
    if not pattern or set(slots) - set("DUS"):
        raise CarrierError(f"a TDD pattern has the letters D, U and S, as in DDDSU, got {pattern!r}")
    down, idle, up = special
    if min(special) < 0 or down + idle + up != SYMBOLS_PER_SLOT:
        raise CarrierError(f"an S slot has {SYMBOLS_PER_SLOT} symbols, got {down} down + {idle} idle + {up} up")
    n_down = SYMBOLS_PER_SLOT * slots["D"] + down * slots["S"]
    n_up = SYMBOLS_PER_SLOT * slots["U"] + up * slots["S"]
    if n_down == 0 or n_up == 0:
        raise CarrierError(f"TDD pattern {pattern!r} has {n_down} symbols down and {n_up} up: one direction is cut off")
    n_symbols = SYMBOLS_PER_SLOT * len(pattern)
    return n_down / n_symbols, n_up / n_symbols


def peak_rate_bps(
    n_layers: int,
    modulation_order: int,
    n_rb: int,
    mu: int,
    *,
    overhead: float,
    scaling: float = 1.0,
    code_rate: float = 948 / 1024,
) -> float:
    """Return the peak bit rate of one carrier, all of its time in one direction (TS 38.306, clause 4.1.2).

    ``modulation_order`` is in bits a symbol, 8 for 256-QAM; ``scaling`` is the device's factor of 1, 0.8, 0.75 or 0.4.
    """
    elements_per_s = n_rb * SUBCARRIERS_PER_BLOCK * _symbols_per_s(mu)
    return n_layers * modulation_order * scaling * code_rate * elements_per_s * (1.0 - overhead)


def _symbols_per_s(mu: int) -> float:
    return SYMBOLS_PER_SLOT * 1000.0 * 2.0**mu  # a slot of numerology 0 lasts 1 ms


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
