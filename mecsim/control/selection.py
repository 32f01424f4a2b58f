"""Which devices are asked: what a policy may look at, how candidates are drawn, and the policies that look no further."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.rng import Streams

Devices = NDArray[np.int64]
Floats = NDArray[np.float64]

# Devices that round-robin looks at in one go.
_BLOCK = 1024


class SelectionView(Protocol):
    """What the server knows of its devices at present; columns are those of the devices asked for, in their order.

    Nothing here knows the future: expectations come from cost models and from present rates.
    """

    @property
    def n_devices(self) -> int:
        """Return the size of the fleet."""
        ...

    @property
    def now_s(self) -> float:
        """Return the simulated time."""
        ...

    def available(self, devices: Devices) -> NDArray[np.bool_]:
        """Return who is there to be asked."""
        ...

    def downlink_bps(self, devices: Devices) -> Floats:
        """Return the rates of devices alone in their cells, 0 out of coverage."""
        ...

    def expected_turn_s(self, devices: Devices) -> Floats:
        """Return how long turns would take alone in their cells, infinity where they could not end."""
        ...

    def expected_energy_j(self, devices: Devices) -> Floats:
        """Return the joules that turns would take from the devices, infinity where they could not end."""
        ...

    def battery_share(self, devices: Devices) -> Floats:
        """Return the shares of charge, 1 on mains."""
        ...

    def n_samples(self, devices: Devices) -> Floats:
        """Return the numbers of training samples."""
        ...

    def losses(self, devices: Devices) -> Floats:
        """Return the losses of the present state on the devices' own samples. This demands learning results."""
        ...


class Selector(Protocol):
    """A policy; one for each trial, as it may remember what it did."""

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return ``n`` devices that are available and not ``busy``, each once, or fewer if there are no more.

        ``round_number`` counts the askings of the trial from 1 on, which are the rounds where all devices are asked at once;
        what is drawn depends on the seed, on it, and on who may be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """At random; the draw depends on the seed and the round alone as long as those drawn can be asked.

    So a sweep over the network keeps its participants, and all schemes meet the same ones.
    """

    streams: Streams

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return ``n`` devices at random."""
        return drawn(self.streams.get("selection", round_number), view, n, busy)


class RoundRobin:
    """One after the other, in the order of the fleet; who cannot be asked is passed over until the wheel comes round."""

    def __init__(self) -> None:
        self._next = 0

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return the next ``n`` devices."""
        chosen = tuple(islice(self._wheel(view, busy), n))
        if chosen:
            self._next = (chosen[-1] + 1) % view.n_devices
        return chosen

    def _wheel(self, view: SelectionView, busy: Set[int]) -> Iterator[int]:
        for begin in range(0, view.n_devices, _BLOCK):
            end = min(begin + _BLOCK, view.n_devices)
            block = (self._next + np.arange(begin, end)) % view.n_devices
            yield from (int(device) for device in block[view.available(block)] if int(device) not in busy)


def drawn(generator: np.random.Generator, view: SelectionView, n: int, busy: Set[int]) -> tuple[int, ...]:
    """Draw ``n`` of the devices that are available and not ``busy``, each once, or all if there are fewer.

    Every order of them is equally likely. Where all can be asked, this is one draw of ``n`` from the fleet; where some cannot,
    more are drawn until there are enough, so the cost grows with the share that is away, and not with the fleet.
    """
    chosen: dict[int, None] = {}
    size = n + len(busy)
    while True:
        size = min(size, view.n_devices)
        block = generator.choice(view.n_devices, size=size, replace=False)
        there = block[view.available(block)]
        chosen.update(dict.fromkeys(int(device) for device in there if int(device) not in busy))
        if len(chosen) >= n or size == view.n_devices:
            return tuple(islice(chosen, n))
        size = 4 * max(size, 1)


def draw_candidates(streams: Streams, view: SelectionView, round_number: int, limit: int | None, busy: Set[int]) -> Devices:
    """Return the devices that a policy looks at, in the order of the fleet: all that may be asked, or ``limit`` at random."""
    if limit is not None:
        return np.sort(np.array(drawn(streams.get("candidates", round_number), view, limit, busy), dtype=np.int64))
    everybody = np.arange(view.n_devices)
    may_be_asked = view.available(everybody)
    may_be_asked[np.fromiter(busy, dtype=np.int64, count=len(busy))] = False
    return everybody[may_be_asked]
