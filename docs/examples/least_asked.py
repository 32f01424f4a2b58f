"""A selection policy: ask the devices that were asked least so far; among equals, those with more charge."""

from collections.abc import Set

import numpy as np

from mecsim.control.selection import SelectionView, draw_candidates
from mecsim.rng import Streams


class LeastAsked:
    """Fair by count: no device is asked a third time before all that can be asked were asked twice."""

    def __init__(self, streams: Streams, candidates: int | None = None) -> None:
        self._streams, self._candidates = streams, candidates
        self._times: dict[int, int] = {}

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return the ``n`` devices that were asked least; those still equal in charge too, in the order of the fleet."""
        limit = None if self._candidates is None else max(n, self._candidates)
        devices = draw_candidates(self._streams, view, round_number, limit, busy)
        times = np.array([self._times.get(int(device), 0) for device in devices])
        order = np.lexsort((devices, -view.battery_share(devices), times))
        chosen = tuple(int(device) for device in devices[order[:n]])
        for device in chosen:
            self._times[device] = self._times.get(device, 0) + 1
        return chosen
