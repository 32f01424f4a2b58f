"""A radio link whose airtime is divided equally among its transfers."""

import heapq
import math
from dataclasses import dataclass, field

import simpy

# Tags that differ by less are one instant: the rounding of a virtual clock after many small steps.
_RELATIVE_SLACK = 1e-12


@dataclass(slots=True, order=True)
class _Flow:
    tag_s: float  # virtual time at which the flow has had all the airtime it needs
    arrival: int
    bits: float = field(compare=False)
    full_rate_bps: float = field(compare=False)
    done: simpy.Event = field(compare=False)


class SharedLink:
    """An egalitarian processor-sharing link: each of n transfers has 1/n of the airtime and its own rate in it.

    Exact, without time steps: virtual time is the airtime that each active transfer has had, so it grows by 1/n a second, and
    a transfer ends when it reaches a tag fixed at its start. Transfers that end at one instant are reported in the order of
    their arrival.
    """

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._flows: list[_Flow] = []
        self._virtual_s = 0.0
        self._settled_at_s = float(env.now)
        self._busy_s = 0.0
        self._finished_bits = 0.0
        self._n_arrivals = 0
        self._plan = 0

    @property
    def n_active(self) -> int:
        """Return the number of transfers under way."""
        return len(self._flows)

    @property
    def busy_s(self) -> float:
        """Return for how long the link has had something to carry, up to now."""
        return self._busy_s + (self._since_settled_s() if self._flows else 0.0)

    @property
    def delivered_bits(self) -> float:
        """Return the bits carried up to now, those of unfinished transfers included."""
        virtual_s = self._virtual_now_s()
        under_way = (flow.bits - max(0.0, flow.tag_s - virtual_s) * flow.full_rate_bps for flow in self._flows)
        return self._finished_bits + math.fsum(max(0.0, bits) for bits in under_way)

    def transfer(self, bits: float, full_rate_bps: float) -> simpy.Event:
        """Start a transfer, at ``full_rate_bps`` were it alone, and return the event of its end; no bits end at once."""
        if not (math.isfinite(bits) and bits >= 0.0):
            raise ValueError(f"bits must be finite and not negative, got {bits}")
        if not (math.isfinite(full_rate_bps) and full_rate_bps > 0.0):
            raise ValueError(f"full_rate_bps must be finite and positive, got {full_rate_bps}: 0 is out of coverage")
        done = self._env.event()
        if bits == 0.0:
            return done.succeed()
        self._settle()
        self._n_arrivals += 1
        tag_s = self._virtual_s + bits / full_rate_bps
        heapq.heappush(self._flows, _Flow(tag_s, self._n_arrivals, bits, full_rate_bps, done))
        self._replan()
        return done

    def _since_settled_s(self) -> float:
        return float(self._env.now) - self._settled_at_s

    def _virtual_now_s(self) -> float:
        return self._virtual_s + self._since_settled_s() / max(1, len(self._flows))

    def _settle(self) -> None:
        """Bring the counters and virtual time up to now."""
        if self._flows:
            self._busy_s += self._since_settled_s()
            self._virtual_s = self._virtual_now_s()
        else:
            self._virtual_s = 0.0  # small again, hence precise
        self._settled_at_s = float(self._env.now)

    def _replan(self) -> None:
        """Set one timer for the next departure; it replaces those set before."""
        self._plan += 1
        if self._flows:
            delay_s = max(0.0, (self._flows[0].tag_s - self._virtual_s) * len(self._flows))
            timer = self._env.timeout(delay_s, value=self._plan)
            timer.callbacks.append(self._on_departure)

    def _on_departure(self, timer: simpy.Event) -> None:
        if timer.value != self._plan:  # SimPy cannot cancel a Timeout: skip the ones a new plan replaced
            return
        self._settle()
        # The flow that was waited for has ended whatever the rounding of the clock, so every timer takes one off.
        self._virtual_s = max(self._virtual_s, self._flows[0].tag_s)
        slack_s = _RELATIVE_SLACK * self._virtual_s + 4.0 * math.ulp(self._settled_at_s)
        ended = []
        while self._flows and self._flows[0].tag_s <= self._virtual_s + slack_s:
            ended.append(heapq.heappop(self._flows))
        for flow in sorted(ended, key=lambda flow: flow.arrival):
            self._finished_bits += flow.bits
            flow.done.succeed()
        self._replan()
