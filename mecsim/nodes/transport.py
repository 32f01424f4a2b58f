"""What lies between a payload and the links: set-up, latency, protocol overhead."""

from dataclasses import dataclass

from mecsim.units import BITS_PER_BYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How a payload is carried: TCP with TLS over the radio and a wired backhaul.

    ``*_overhead`` are bytes on the wire for a byte of payload: TCP/IPv4 with timestamps 1500/1448, TLS records and HTTP/2
    frames give 1.038, radio layers about 1 % more. ``efficiency`` is the part of the link's rate that the transport reaches.
    A turn opens one connection: ``n_setup_rtts`` round trips (TCP and TLS 1.3: two); each transfer then waits one way.
    """

    radio_overhead: float
    backhaul_overhead: float
    efficiency: float
    n_setup_rtts: float
    ran_rtt_s: float
    backhaul_delay_s: float

    @property
    def rtt_s(self) -> float:
        """Round trip from device to server and back."""
        return self.ran_rtt_s + 2.0 * self.backhaul_delay_s

    @property
    def setup_s(self) -> float:
        """Time to open a connection."""
        return self.n_setup_rtts * self.rtt_s

    @property
    def one_way_s(self) -> float:
        """Latency of a transfer's first byte on an open connection."""
        return self.rtt_s / 2.0

    def radio_bits(self, size_bytes: int) -> float:
        """Bits that the radio link carries for a payload."""
        return BITS_PER_BYTE * size_bytes * self.radio_overhead

    def backhaul_bits(self, size_bytes: int) -> float:
        """Bits that the backhaul carries for a payload."""
        return BITS_PER_BYTE * size_bytes * self.backhaul_overhead
