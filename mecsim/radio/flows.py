"""Flows over a shared link, and what every such link does alike whatever the shares."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

import simpy

from mecsim.radio.min_max import RateOfShare

# Bits are counted as carried if what is left of them is less than this part of the whole: the rounding of many small steps.
RELATIVE_SLACK = 1e-12
# ... or if it takes fewer steps of the simulated clock, whose resolution falls as time goes on.
CLOCK_STEPS = 4.0


@dataclass(slots=True, eq=False, kw_only=True)
class Flow:
    """Bits under way over one link; ``done`` fires when all of them have been carried.

    ``full_rate_bps`` is the rate that the flow would have alone on the whole carrier, ``cap_bps`` the most that it takes
    whatever its share, ``rate_of_share`` its rate in a part of the band where that is not proportional to the part.
    ``arrival`` numbers the flows of a link. The rates are the link's to change: see ``Link.set_rate``.
    """

    bits: float
    full_rate_bps: float
    weight: float
    cap_bps: float
    rate_of_share: RateOfShare | None
    owner: Hashable | None
    arrival: int
    done: simpy.Event


class Link(ABC):
    """Carries flows and divides itself among them, exactly and without time steps; how is for the subclass to say.

    A flow is active (it has a share), parked (its full rate is 0) or, on a link with ``max_flows``, waiting for a place. Who
    has waited longest comes first; who is parked gives its place up.

    Ties: a flow that has all its bits at an instant has ended, whatever else happens to it at that instant. Flows that end
    together are reported in order of arrival. An instant's events are planned for once, after them, so many flows that start
    together cost one plan, and ``watchers`` hear True (busy) or False (idle) only if that is so when the instant is over.
    """

    def __init__(self, env: simpy.Environment, *, max_flows: int | None = None) -> None:
        if max_flows is not None and max_flows < 1:
            raise ValueError(f"max_flows must be at least 1, got {max_flows}")
        self.watchers: list[Callable[[bool], None]] = []
        self._env = env
        self._max_flows = math.inf if max_flows is None else max_flows
        self._held_bits: dict[Flow, float] = {}  # what is left of the flows without a share: the parked and the waiting
        self._waiting: dict[Flow, None] = {}  # in the order of their turns
        self._settled_at_s = float(env.now)
        self._busy_s = 0.0
        self._carried_bits = 0.0  # by flows that have ended or were withdrawn
        self._n_arrivals = 0
        self._plan_number = 0
        self._is_planned = True
        self._said_busy = False

    # What a subclass has to say. An active flow is one that it was given by _admit and has not given back.

    @property
    @abstractmethod
    def n_active(self) -> int:
        """Number of flows that have a share: neither the parked nor the waiting."""

    @abstractmethod
    def rate_bps(self, flow: Flow) -> float:
        """Return the present bit rate of a flow; 0 for one that is parked, waiting or over."""

    @abstractmethod
    def _active(self) -> Iterable[Flow]:
        """Return the active flows."""

    @abstractmethod
    def _is_active(self, flow: Flow) -> bool:
        """Tell whether a flow is active."""

    @abstractmethod
    def _admit(self, flow: Flow, left_bits: float) -> None:
        """Begin to carry a flow, of which ``left_bits`` are left."""

    @abstractmethod
    def _withdraw(self, flow: Flow) -> float:
        """Cease to carry an active flow and return the bits that are left of it."""

    @abstractmethod
    def _left_bits(self, flow: Flow) -> float:
        """Return the bits that are left of an active flow now, whenever the link was settled."""

    @abstractmethod
    def _advance(self, elapsed_s: float) -> None:
        """Carry the active flows on over ``elapsed_s``, in which nothing changed."""

    @abstractmethod
    def _take_ended(self, *, is_due: bool) -> list[Flow]:
        """Give back the flows that have all their bits; if ``is_due``, the one that was planned to end now is among them."""

    @abstractmethod
    def _plan(self) -> float:
        """Return in how many seconds the next flow ends; infinity if none does."""

    @abstractmethod
    def _check(self, cap_bps: float, rate_of_share: RateOfShare | None) -> None:
        """Raise ValueError for a flow that this link cannot carry."""

    # What every link does alike.

    @property
    def busy_s(self) -> float:
        """For how long the link has had something to carry, up to now."""
        return self._busy_s + (self._since_settled_s() if self.n_active else 0.0)

    @property
    def delivered_bits(self) -> float:
        """Bits carried up to now, those of unfinished and of withdrawn flows included."""
        unfinished = (*self._active(), *self._held_bits)
        return self._carried_bits + math.fsum(flow.bits - self.left_bits(flow) for flow in unfinished)

    def left_bits(self, flow: Flow) -> float:
        """Return the bits that a flow has yet to carry; 0 for one that has ended or was withdrawn."""
        return self._left_bits(flow) if self._is_active(flow) else self._held_bits.get(flow, 0.0)

    def start(
        self,
        bits: float,
        full_rate_bps: float,
        *,
        weight: float = 1.0,
        cap_bps: float = math.inf,
        rate_of_share: RateOfShare | None = None,
        owner: Hashable | None = None,
    ) -> Flow:
        """Start a flow; one without bits ends at once, one with a full rate of 0 is parked until ``set_rate``.

        Raises ValueError for numbers without sense and for what this kind of link cannot follow.
        """
        if not (math.isfinite(bits) and bits >= 0.0):
            raise ValueError(f"bits must be finite and not negative, got {bits}")
        if not (math.isfinite(weight) and weight > 0.0):
            raise ValueError(f"weight must be finite and positive, got {weight}")
        if not cap_bps > 0.0:
            raise ValueError(f"cap_bps must be positive, got {cap_bps}")
        self._check_rate(full_rate_bps, cap_bps, rate_of_share)
        self._n_arrivals += 1
        flow = Flow(
            bits=bits,
            full_rate_bps=full_rate_bps,
            weight=weight,
            cap_bps=cap_bps,
            rate_of_share=rate_of_share,
            owner=owner,
            arrival=self._n_arrivals,
            done=self._env.event(),
        )
        if bits == 0.0:
            flow.done.succeed()
            return flow
        self._settle()
        self._held_bits[flow] = bits
        self._line_up(flow)
        self._changed()
        return flow

    def set_rate(self, flow: Flow, full_rate_bps: float, rate_of_share: RateOfShare | None = None) -> None:
        """Give a flow another full rate from now on, and another ``rate_of_share`` or none; nothing if it is over.

        An active flow keeps its place and a waiting one its turn; one that was parked lines up behind the others.
        """
        self._check_rate(full_rate_bps, flow.cap_bps, rate_of_share)
        self._settle()
        was_active = self._is_active(flow)
        if was_active:
            self._held_bits[flow] = self._withdraw(flow)
        flow.full_rate_bps, flow.rate_of_share = full_rate_bps, rate_of_share
        if was_active and full_rate_bps > 0.0:
            self._admit(flow, self._held_bits.pop(flow))
        elif flow in self._held_bits:
            self._line_up(flow)
        self._changed()

    def stop(self, flow: Flow) -> float:
        """Withdraw a flow and return the bits that are left of it; its ``done`` never fires. 0 if it is over already."""
        self._settle()
        if self._is_active(flow):
            self._held_bits[flow] = self._withdraw(flow)
        if flow in self._held_bits:
            left_bits = self._held_bits.pop(flow)
            self._waiting.pop(flow, None)
            self._carried_bits += flow.bits - left_bits
        else:
            left_bits = 0.0
        self._changed()
        return left_bits

    def _check_rate(self, full_rate_bps: float, cap_bps: float, rate_of_share: RateOfShare | None) -> None:
        if not (math.isfinite(full_rate_bps) and full_rate_bps >= 0.0):
            raise ValueError(f"full_rate_bps must be finite and not negative, got {full_rate_bps}")
        self._check(cap_bps, rate_of_share)

    def _since_settled_s(self) -> float:
        return float(self._env.now) - self._settled_at_s

    def _line_up(self, flow: Flow) -> None:
        """Let a flow without a share wait for one, or park it."""
        if flow.full_rate_bps > 0.0:
            self._waiting.setdefault(flow)
        else:
            self._waiting.pop(flow, None)

    def _settle(self, *, is_due: bool = False) -> None:
        """Bring counters and flows up to now, and report those that have ended."""
        elapsed_s = self._since_settled_s()
        if self.n_active:
            self._busy_s += elapsed_s
        self._advance(elapsed_s)
        self._settled_at_s = float(self._env.now)
        for flow in sorted(self._take_ended(is_due=is_due), key=lambda flow: flow.arrival):
            self._carried_bits += flow.bits
            flow.done.succeed()

    def _changed(self) -> None:
        """Fill the places, and have the rest of time planned anew once this instant's events are over."""
        while self._waiting and self.n_active < self._max_flows:
            flow = next(iter(self._waiting))
            del self._waiting[flow]
            self._admit(flow, self._held_bits.pop(flow))
        if self._is_planned:
            self._is_planned = False
            self._env.timeout(0.0).callbacks.append(self._on_instant_over)

    def _on_instant_over(self, _: simpy.Event) -> None:
        """Set one timer for the next end, which replaces those set before, and tell the watchers."""
        self._is_planned = True
        self._plan_number += 1
        delay_s = self._plan()
        if math.isfinite(delay_s):
            timer = self._env.timeout(max(0.0, delay_s), value=self._plan_number)
            timer.callbacks.append(self._on_end)
        is_busy = self.n_active > 0
        if is_busy != self._said_busy:
            self._said_busy = is_busy
            for watcher in tuple(self.watchers):
                watcher(is_busy)

    def _on_end(self, timer: simpy.Event) -> None:
        # SimPy cannot cancel a Timeout: skip the ones that a newer plan, made or about to be made, replaces.
        if timer.value == self._plan_number and self._is_planned:
            # The flow that was waited for has ended whatever the rounding of the clock, so every timer takes one off.
            self._settle(is_due=True)
            self._changed()
