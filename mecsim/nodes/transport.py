"""What lies between a payload and the links: set-up, latency, protocol overhead, TCP's start and its fear of losses."""

import math
from dataclasses import dataclass

from mecsim.units import BITS_PER_BYTE

_SEGMENT_BYTES = 1448
_INITIAL_SEGMENTS = 10  # RFC 6928


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How a payload is carried: TCP with TLS over the radio and a wired backhaul.

    ``*_overhead`` are bytes on the wire for a byte of payload: TCP/IPv4 with timestamps 1500/1448, TLS records and HTTP/2
    frames give 1.038, radio layers about 1 % more. ``efficiency`` is the part of the link's rate that the transport reaches.
    A turn opens one connection: ``n_setup_rtts`` round trips (TCP and TLS 1.3: two); each transfer then waits one way.
    ``loss_rate`` caps a transfer's rate, ``give_up_s`` without any rate loses it.
    """

    radio_overhead: float
    backhaul_overhead: float
    efficiency: float
    n_setup_rtts: float
    ran_rtt_s: float
    backhaul_delay_s: float
    slow_start: bool = False
    loss_rate: float | None = None
    give_up_s: float = 60.0

    @property
    def rtt_s(self) -> float:
        """Round trip from device to server and back."""
        return self.ran_rtt_s + 2.0 * self.backhaul_delay_s

    def round_trip_s(self, end: str = "server") -> float:
        """Round trip from device to the server, or to its station alone."""
        return self.rtt_s if end == "server" else self.ran_rtt_s

    def setup_s(self, end: str = "server") -> float:
        """Time to open a connection."""
        return self.n_setup_rtts * self.round_trip_s(end)

    def latency_s(self, end: str = "server") -> float:
        """Latency of a transfer's first byte on an open connection."""
        return self.round_trip_s(end) / 2.0

    def radio_bits(self, size_bytes: int) -> float:
        """Bits that the radio link carries for a payload."""
        return BITS_PER_BYTE * size_bytes * self.radio_overhead

    def backhaul_bits(self, size_bytes: int) -> float:
        """Bits that the backhaul carries for a payload."""
        return BITS_PER_BYTE * size_bytes * self.backhaul_overhead

    def cap_bps(self, end: str = "server") -> float:
        """Return the rate that losses allow: 1.22 MSS / (RTT sqrt(p)) (Mathis et al., 1997); inf without losses or distance."""
        if self.loss_rate is None or self.round_trip_s(end) <= 0.0:
            return math.inf
        return 1.22 * BITS_PER_BYTE * _SEGMENT_BYTES / (self.round_trip_s(end) * math.sqrt(self.loss_rate))

    def slow_start_s(self, size_bytes: int, rate_bps: float, end: str = "server") -> float:
        """Return what TCP's slow start costs over sending at ``rate_bps`` from the first byte on.

        The window begins with ten segments and doubles every round trip until it fills the link or the payload is through.
        Before that, the link is idle in each round trip for all of it that the window does not take. The rate is the one at
        the start; what sharing makes of it later is not asked.
        """
        round_trip_s = self.round_trip_s(end)
        if not self.slow_start or rate_bps <= 0.0 or round_trip_s <= 0.0:
            return 0.0
        bits, first_bits = self.radio_bits(size_bytes), float(BITS_PER_BYTE * _INITIAL_SEGMENTS * _SEGMENT_BYTES)
        to_fill = math.ceil(math.log2(max(1.0, rate_bps * round_trip_s / first_bits)))
        to_finish = math.ceil(math.log2(bits / first_bits + 1.0)) - 1
        rounds = max(0, min(to_fill, to_finish))
        return max(0.0, rounds * round_trip_s - first_bits * (2.0**rounds - 1.0) / rate_bps)
