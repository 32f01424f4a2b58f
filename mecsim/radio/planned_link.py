"""A link under any sharing policy: the rates of all its flows are computed anew whenever something changes."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.radio.flows import CLOCK_STEPS, RELATIVE_SLACK, Flow, Link
from mecsim.radio.link import EqualLink
from mecsim.radio.min_max import Floats, RateOfShare
from mecsim.radio.sharing import MULTI_USER_GAIN_MAX, POLICIES, FlowColumns, Policy, proportional_fair_policy

_SHARE_SLACK = 1e-9  # sums of shares are sums of rounded numbers


class PlannedLink(Link):
    """A link divided by a policy; rates are constant between two changes, so it is exact too. O(n) a change.

    ValueError if the policy gives out more than the carrier.
    """

    def __init__(self, env: simpy.Environment, policy: Policy, *, max_flows: int | None = None) -> None:
        super().__init__(env, max_flows=max_flows)
        self._policy = policy
        self._assigned: dict[Hashable, float] = {}
        self._places: dict[Flow, int] = {}  # of the active flows, in the columns below
        self._left: Floats = np.zeros(0)
        self._rates: Floats = np.zeros(0)
        self._ends_next: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)  # as of the last plan

    @property
    def takes_weights(self) -> bool:
        """Whether the weights of flows count."""
        return self._policy.takes_weights

    @property
    def takes_shares(self) -> bool:
        """Whether shares may be assigned."""
        return self._policy.takes_shares

    def set_shares(self, shares: Mapping[Hashable, float]) -> None:
        """Assign shares to owners from now on, in place of those assigned before; for the policy "assigned" alone.

        An owner's active flows divide its share equally. ValueError unless each share is above 0 and they sum to 1 at most; an
        owner that is to have nothing has its flows parked.
        """
        if not self.takes_shares:
            raise ValueError("only a link with the policy 'assigned' has its shares set")
        if not all(share > 0.0 for share in shares.values()):
            raise ValueError(f"each share must be above 0, got {dict(shares)}; park a flow with set_rate(flow, 0.0)")
        if not (total := math.fsum(shares.values())) <= 1.0 + _SHARE_SLACK:
            raise ValueError(f"shares must sum to 1 at most, got {total}")
        self._settle()
        self._assigned = dict(shares)
        self._changed()

    @property
    def n_active(self) -> int:
        """Number of flows that have a share: neither the parked nor the waiting."""
        return len(self._places)

    def rate_bps(self, flow: Flow) -> float:
        """Return the present bit rate of a flow; 0 for one that is parked, waiting or over."""
        if flow not in self._places:
            return 0.0
        if not self._is_planned:
            self._divide()
        return float(self._rates[self._places[flow]])

    def _check(self, cap_bps: float, rate_of_share: RateOfShare | None) -> None:
        if rate_of_share is not None and not self._policy.takes_bands:
            raise ValueError("a rate_of_share is of use only where shares are parts of the band, not of time")

    def _active(self) -> Iterable[Flow]:
        return self._places

    def _is_active(self, flow: Flow) -> bool:
        return flow in self._places

    def _admit(self, flow: Flow, left_bits: float) -> None:
        self._places[flow] = len(self._places)
        self._left = np.append(self._left, left_bits)
        self._rates = np.append(self._rates, 0.0)

    def _withdraw(self, flow: Flow) -> float:
        left_bits = self._left_bits(flow)
        self._keep(np.arange(len(self._places)) != self._places[flow])
        return left_bits

    def _left_bits(self, flow: Flow) -> float:
        place = self._places[flow]
        return max(0.0, float(self._left[place] - self._rates[place] * self._since_settled_s()))

    def _advance(self, elapsed_s: float) -> None:
        self._left = np.maximum(0.0, self._left - self._rates * elapsed_s)

    def _take_ended(self, *, is_due: bool) -> list[Flow]:
        bits = np.array([flow.bits for flow in self._places])
        slack_bits = RELATIVE_SLACK * bits + self._rates * (CLOCK_STEPS * math.ulp(self._settled_at_s))
        has_ended = self._left <= slack_bits
        if is_due:
            has_ended |= self._ends_next
        if not has_ended.any():
            return []
        ended = [flow for flow, place in self._places.items() if has_ended[place]]
        self._keep(~has_ended)
        return ended

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self._places = {flow: place for place, flow in enumerate(flow for flow, old in self._places.items() if mask[old])}
        self._left, self._rates = self._left[mask], self._rates[mask]

    def _divide(self) -> None:
        if not self._places:
            return
        split = self._policy.split(self._columns())
        if not float(split.shares.sum()) <= 1.0 + _SHARE_SLACK:
            raise ValueError(f"the sharing policy gave out {split.shares.sum()} of the carrier")
        self._rates = split.rates_bps

    def _plan(self) -> float:
        self._divide()
        with np.errstate(divide="ignore"):
            needed_s = self._left / self._rates  # infinite for a flow that gets nothing
        delay_s = float(needed_s.min(initial=math.inf))
        self._ends_next = needed_s <= delay_s * (1.0 + RELATIVE_SLACK)
        return delay_s

    def _columns(self) -> FlowColumns:
        flows = list(self._places)
        n_of = Counter(flow.owner for flow in flows)
        return FlowColumns(
            full_rate_bps=np.array([flow.full_rate_bps for flow in flows]),
            weight=np.array([flow.weight for flow in flows]),
            cap_bps=np.array([flow.cap_bps for flow in flows]),
            left_bits=self._left,
            assigned=np.array([self._assigned.get(flow.owner, math.nan) / n_of[flow.owner] for flow in flows]),
            rate_of_share=tuple(flow.rate_of_share for flow in flows),
        )


def make_link(
    env: simpy.Environment,
    kind: str,
    *,
    caps: bool = False,
    max_flows: int | None = None,
    multi_user_gain_max: float = MULTI_USER_GAIN_MAX,
) -> Link:
    """Return a link under the sharing policy ``kind``; UnknownNameError if there is none of that name.

    "equal" is the fast link by virtual time, unless its flows may have ``caps``. ``multi_user_gain_max`` is for
    "proportional-fair".
    """
    if kind == "equal" and not caps:
        return EqualLink(env, max_flows=max_flows)
    policy = proportional_fair_policy(multi_user_gain_max) if kind == "proportional-fair" else POLICIES[kind]
    return PlannedLink(env, policy, max_flows=max_flows)
