"""What a scenario says of its radio: when devices change cells, how gains are drawn, what was measured in their place."""

from dataclasses import dataclass
from typing import Literal, Protocol

from mecsim.radio.handover import A3Event


class MeasuredRates(Protocol):
    """Rates of devices as somebody measured them."""

    def rates(self, device: int, t: float) -> tuple[float, float]:
        """Return bits a second down and up."""
        ...

    def next_change(self, device: int, t: float) -> float:
        """Return when they change next."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRules:
    """When a device changes its cell, for how long it is cut off, and what becomes of its transfer."""

    event: A3Event
    interruption_s: float = 0.05
    transfers: Literal["continue", "fail"] = "continue"
    sampled_every_m: float = 5.0

    def __post_init__(self) -> None:
        if self.event.entry_db < 0.0 and self.event.time_to_trigger_s == 0.0:
            raise ValueError(
                "a device would go to and fro between two cells at one instant: with an offset and a hysteresis that sum to "
                f"{self.event.entry_db:g} dB, below 0, the time to trigger has to be above 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FadingBlocks:
    """A gain for each coherence time: lengths, branches, and the Rician factor of a line of sight."""

    diversity: int
    rician_k_db: float | None
    shortest_s: float
    slowest_mps: float
