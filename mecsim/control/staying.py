"""A selection policy that prefers devices which are likely to stay, by what the server has seen of them so far."""

from collections.abc import Set

import numpy as np

from mecsim.control.ranking import by_weight
from mecsim.control.selection import Devices, Floats, SelectionView, draw_candidates
from mecsim.rng import Streams


class AvailabilityAware:
    """Draw among the devices that are available, with chances by the estimated probability that they stay for their turn.

    The server looks at its candidates whenever it asks, and the next time whether they are still there: so it counts a
    device's departures and the time that it was there (half the time between the looks where it left). Departures are taken
    as equally likely at all times, so a device stays for a turn of T seconds with probability exp(-rate T), where the rate is
    (departures + 1) / (time there + ``prior_s``): before anything was seen, one departure in ``prior_s``, an hour, which is a
    default of this project. What a device will do is not looked up, and what it does while nobody looks stays unknown.
    """

    def __init__(self, streams: Streams, *, candidates: int | None = None, prior_s: float = 3600.0) -> None:
        if not prior_s > 0.0:
            raise ValueError(f"prior_s must be positive, got {prior_s}")
        self._streams, self._candidates, self._prior_s = streams, candidates, prior_s
        self._watched: Devices = np.empty(0, dtype=np.int64)
        self._watched_since_s = 0.0
        self._departures = self._there_s = np.empty(0)

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return ``n`` devices at random, those likely to stay rather than others."""
        self._look(view)
        limit = None if self._candidates is None else max(n, self._candidates)
        devices = draw_candidates(self._streams, view, round_number, limit, busy)
        self._watched, self._watched_since_s = devices, view.now_s
        exponentials = self._streams.get("staying", round_number).standard_exponential(len(devices))
        # A device that cannot end its turn will surely be gone before; it is asked when there is nobody else.
        stays = np.maximum(self.staying(view, devices), np.finfo(np.float64).tiny)
        return tuple(int(device) for device in by_weight(devices, exponentials, stays, n))

    def staying(self, view: SelectionView, devices: Devices) -> Floats:
        """Return the estimated probabilities that ``devices`` stay for their turns, from 0 to 1."""
        self._make_room(view.n_devices)
        rate_per_s = (self._departures[devices] + 1.0) / (self._there_s[devices] + self._prior_s)
        return np.exp(-rate_per_s * view.expected_turn_s(devices))

    def _look(self, view: SelectionView) -> None:
        """See who of those that were there at the last look still is."""
        self._make_room(view.n_devices)
        is_there = view.available(self._watched)
        elapsed_s = view.now_s - self._watched_since_s
        self._there_s[self._watched] += np.where(is_there, elapsed_s, elapsed_s / 2.0)
        self._departures[self._watched] += ~is_there

    def _make_room(self, n_devices: int) -> None:
        if len(self._departures) != n_devices:
            self._departures, self._there_s = np.zeros(n_devices), np.zeros(n_devices)
