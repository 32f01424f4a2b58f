"""The link with equal shares, by virtual time."""

import heapq
import math
from collections.abc import Iterable

import simpy

from mecsim.radio.flows import CLOCK_STEPS, RELATIVE_SLACK, Flow, Link
from mecsim.radio.min_max import RateOfShare

__all__ = ["EqualLink", "Flow", "Link"]

# (tag, number of the entry, flow): the virtual time at which the flow has had all the airtime that it needs.
_Entry = tuple[float, int, Flow]


class EqualLink(Link):
    """Egalitarian processor sharing: each of n active flows has 1/n of the airtime and its own full rate in it.

    Virtual time is the airtime that each active flow has had; it grows by 1/n a second, and a flow ends when it reaches a tag
    fixed at its start: O(log n) a flow. Weights count for nothing, caps and a ``rate_of_share`` are refused.
    """

    def __init__(self, env: simpy.Environment, *, max_flows: int | None = None) -> None:
        super().__init__(env, max_flows=max_flows)
        self._heap: list[_Entry] = []  # with entries of flows that have left since, or have a newer entry
        self._entries: dict[Flow, _Entry] = {}  # the valid ones
        self._n_entries = 0
        self._virtual_s = 0.0

    @property
    def n_active(self) -> int:
        """Number of flows that have a share: neither the parked nor the waiting."""
        return len(self._entries)

    def rate_bps(self, flow: Flow) -> float:
        """Return the present bit rate of a flow; 0 for one that is parked, waiting or over."""
        return flow.full_rate_bps / len(self._entries) if flow in self._entries else 0.0

    def _check(self, cap_bps: float, rate_of_share: RateOfShare | None) -> None:
        if math.isfinite(cap_bps) or rate_of_share is not None:
            raise ValueError("an equal link carries flows without cap_bps and rate_of_share; a planned link takes them")

    def _active(self) -> Iterable[Flow]:
        return self._entries

    def _is_active(self, flow: Flow) -> bool:
        return flow in self._entries

    def _admit(self, flow: Flow, left_bits: float) -> None:
        self._n_entries += 1
        entry = (self._virtual_s + left_bits / flow.full_rate_bps, self._n_entries, flow)
        self._entries[flow] = entry
        heapq.heappush(self._heap, entry)

    def _withdraw(self, flow: Flow) -> float:
        left_bits = self._left_bits(flow)
        del self._entries[flow]
        if len(self._heap) > 2 * len(self._entries) + 16:  # rates that change often must not make the heap grow
            self._heap = list(self._entries.values())
            heapq.heapify(self._heap)
        return left_bits

    def _left_bits(self, flow: Flow) -> float:
        left_s = self._entries[flow][0] - self._virtual_after_s(self._since_settled_s())
        return min(flow.bits, max(0.0, left_s) * flow.full_rate_bps)

    def _virtual_after_s(self, elapsed_s: float) -> float:
        return self._virtual_s + elapsed_s / max(1, len(self._entries))

    def _advance(self, elapsed_s: float) -> None:
        if self._entries:
            self._virtual_s = self._virtual_after_s(elapsed_s)
        else:
            self._virtual_s = 0.0  # small again, hence precise
            self._heap.clear()

    def _first(self) -> _Entry | None:
        """Return the valid entry with the least tag."""
        while self._heap and self._entries.get(self._heap[0][2]) is not self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _take_ended(self, *, is_due: bool) -> list[Flow]:
        first = self._first()
        if is_due and first is not None:
            self._virtual_s = max(self._virtual_s, first[0])
        reached_s = self._virtual_s * (1.0 + RELATIVE_SLACK) + CLOCK_STEPS * math.ulp(self._settled_at_s)
        ended = []
        while first is not None and first[0] <= reached_s:
            ended.append(first[2])
            del self._entries[first[2]]
            first = self._first()
        return ended

    def _plan(self) -> float:
        first = self._first()
        return math.inf if first is None else (first[0] - self._virtual_s) * len(self._entries)
