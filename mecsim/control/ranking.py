"""Selection policies that look at candidates and ask the best of them."""

from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np

from mecsim.control.selection import Devices, Floats, SelectionView, draw_candidates
from mecsim.rng import Streams

#: A column to rank by, the least first; not a number: this device is not to be asked.
Cost = Callable[[SelectionView, Devices], Floats]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Ask the candidates of the least cost; of equal ones, the lower device.

    ``candidates`` limits how many are looked at, drawn at random, so that the cost of a choice does not grow with the fleet.
    """

    streams: Streams
    cost: Cost
    candidates: int | None = None

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return the ``n`` of least cost; never fewer than ``n`` are looked at."""
        limit = None if self.candidates is None else max(n, self.candidates)
        devices = draw_candidates(self.streams, view, round_number, limit, busy)
        return least(devices, self.cost(view, devices), n)


def best_channel(streams: Streams, *, candidates: int | None = None) -> Ranked:
    """Return the policy that asks the devices with the highest downlink rates at present."""
    return Ranked(streams, lambda view, devices: -view.downlink_bps(devices), candidates)


def fastest(streams: Streams, *, candidates: int | None = None) -> Ranked:
    """Return the policy that asks the devices that are expected to finish first.

    As FedCS (Nishio and Yonetani, ICC 2019) does, without its schedule of uploads: expectations are those alone in the cell.
    """
    return Ranked(streams, lambda view, devices: view.expected_turn_s(devices), candidates)


def energy_aware(streams: Streams, *, battery_floor: float, candidates: int | None = None) -> Ranked:
    """Return the policy that asks, of devices charged to ``battery_floor`` (0 to 1) or more, those that need least joules."""

    def cost(view: SelectionView, devices: Devices) -> Floats:
        return np.where(view.battery_share(devices) >= battery_floor, view.expected_energy_j(devices), np.nan)

    return Ranked(streams, cost, candidates)


@dataclass(frozen=True, slots=True)
class PowerOfChoice:
    """Draw candidates by the size of their data, and ask those with the highest loss.

    Cho, Wang and Joshi, "Towards understanding biased client selection in federated learning", AISTATS 2022: d = ``candidates``
    without replacement, with chances by the numbers of samples (None: d = 2 n, a default of this project). Who has no sample is
    no candidate. With d = n it is a draw by data size, with d = everybody a ranking by loss; only the candidates' losses are
    asked for.
    """

    streams: Streams
    candidates: int | None = None

    def select(self, view: SelectionView, round_number: int, n: int, busy: Set[int] = frozenset()) -> tuple[int, ...]:
        """Return the ``n`` candidates with the highest loss; of equal ones, the lower device."""
        n_candidates = max(n, 2 * n if self.candidates is None else self.candidates)
        # One number a device of the fleet: who else may be asked changes nobody's.
        chances = self.streams.get("candidates", round_number).standard_exponential(view.n_devices)
        devices = draw_candidates(self.streams, view, round_number, None, busy)
        looked_at = np.sort(by_weight(devices, chances[devices], view.n_samples(devices), n_candidates))
        return least(looked_at, -view.losses(looked_at), n)


def least(devices: Devices, cost: Floats, n: int) -> tuple[int, ...]:
    """Return the ``n`` of ``devices`` (n ascending) that cost least, without those that cost not a number."""
    order = np.argsort(cost, kind="stable")  # not a number comes last
    return tuple(int(device) for device in devices[order[: min(n, int(np.count_nonzero(~np.isnan(cost))))]])


def by_weight(devices: Devices, exponentials: Floats, weights: Floats, n: int) -> Devices:
    """Return ``n`` of ``devices`` drawn one after the other with chances by ``weights`` (0: never), in the order of the draw.

    ``exponentials`` are standard exponential numbers, one a device: the least ratio of number and weight comes first
    (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
    """
    has_weight = weights > 0.0
    # In logarithms, as weights may be smaller than any float's quotient.
    keys = np.log(exponentials[has_weight]) - np.log(weights[has_weight])
    return devices[has_weight][np.argsort(keys, kind="stable")[:n]]
