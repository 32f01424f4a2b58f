"""Who draws what from a battery while it does something, and what each radio state takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mecsim.nodes.fleet import Fleet
from mecsim.nodes.radio_energy import RadioSession
from mecsim.nodes.radio_power import RadioPower
from mecsim.nodes.stop import lost

# A battery that lasts for less than this is empty: where the draw is an upper bound, the wait for it would never end.
_EMPTY_S = 1e-3


@dataclass(slots=True)
class RadioUse:
    """What a turn's radio took beside its transfers; ``tail_j`` grows until the device connects again, or the world ends."""

    promotion_j: float = 0.0
    setup_j: float = 0.0
    tail_j: float = 0.0


class Waking(NamedTuple):
    """What it takes to connect: whether the radio slept, its promotion, and the joules of the tail that went before."""

    slept: bool
    promotion_s: float
    promotion_w: float
    tail_j: float


class Radios:
    """The radio states of the devices that took part: promotion, connection, tail."""

    def __init__(self, power_of: Callable[[int], RadioPower]) -> None:
        self._power_of = power_of
        self._sessions: dict[int, tuple[RadioSession, RadioUse]] = {}
        self._ended_s: dict[int, float] = {}

    def power(self, device: int) -> RadioPower:
        """Return what the radio of a device draws."""
        return self._power_of(device)

    def connect(self, device: int, now_s: float, use: RadioUse) -> Waking:
        """Connect for ``use``, which the promotion is to be charged to as it goes; the tail before is charged here."""
        radio, slept = self._power_of(device), not self.is_connected(device, now_s)
        session, before = self._sessions.get(device) or (RadioSession(radio), use)
        tail_j = session.tail_j(now_s)
        before.tail_j += tail_j
        session.connect(now_s)
        self._sessions[device], self._ended_s[device] = (session, use), math.inf
        return Waking(slept, radio.promotion_s if slept else 0.0, radio.promotion_w, tail_j)

    def ended(self, device: int, now_s: float) -> None:
        """Begin the tail of a device that has a session."""
        if device in self._sessions:
            self._sessions[device][0].transfer_ended(now_s)
            self._ended_s[device] = now_s

    def is_connected(self, device: int, now_s: float) -> bool:
        """Tell whether a device carries something, or is still in the tail after it; the last instant counts as within."""
        return now_s - self._ended_s.get(device, -math.inf) <= self._power_of(device).tail_s

    def settle(self) -> None:
        """Charge every tail to its end: the world is over."""
        for session, use in self._sessions.values():
            use.tail_j += session.tail_j(math.inf)


class BatteryMeter:
    """Takes what a phase of a turn draws from the device's battery, and ends the turn when it is empty."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._open: dict[int, tuple[float, float]] = {}  # device: since when, and the joules of the phase taken so far

    def has_battery(self, device: int) -> bool:
        """Tell whether a device can run empty."""
        return self._fleet.batteries is not None and self._fleet.batteries.has_battery(device)

    def begin(self, device: int, now_s: float) -> None:
        """Begin a phase."""
        if self.has_battery(device):
            self._open[device] = (now_s, 0.0)

    def empty_s(self, device: int, now_s: float, above_idle_w: float) -> float:
        """Return when a draw of at most ``above_idle_w`` on top of idling empties the battery; inf on mains.

        What the phase drew up to now has to be settled before.
        """
        if self._fleet.batteries is None or device not in self._open:
            return math.inf
        watts = self._fleet.profile(device).idle_w + above_idle_w
        return now_s + self._fleet.batteries.time_to_empty_s(device, now_s, watts)

    def settle(self, device: int, now_s: float, above_idle_j: float) -> None:
        """Take what the phase drew up to now, ``above_idle_j`` since its beginning; `empty_s` goes by what was taken."""
        batteries = self._fleet.batteries
        if batteries is None or device not in self._open:
            return
        since_s, taken_j = self._open[device]
        idle_j = self._fleet.profile(device).idle_w * (now_s - since_s)
        batteries.use(device, since_s, now_s, above_idle_j - taken_j + idle_j)
        self._open[device] = (now_s, above_idle_j)

    def check(self, device: int, now_s: float, above_idle_w: float) -> None:
        """Raise ``StoppedError`` if nothing is left for a phase that draws ``above_idle_w`` at most from now on."""
        if self.empty_s(device, now_s, above_idle_w) - now_s < _EMPTY_S:
            raise lost("battery: empty")

    def end(self, device: int, now_s: float, above_idle_j: float) -> None:
        """End a phase: what it was for is done, or has failed already."""
        self.settle(device, now_s, above_idle_j)
        self._open.pop(device, None)

    def charge_at_once(self, device: int, now_s: float, joules: float) -> None:
        """Take joules that were drawn before, such as those of a tail."""
        if self._fleet.batteries is not None and self._fleet.batteries.has_battery(device):
            self._fleet.batteries.use(device, now_s, now_s, joules)
