"""How a carrier is divided among its flows: pure functions from what the flows are to their shares and rates."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mecsim.radio.min_max import Floats, RateOfShare, min_max_split
from mecsim.radio.rate import SpectralEfficiency
from mecsim.registry import Registry
from mecsim.units import db_to_linear

MULTI_USER_GAIN_MAX = 1.4


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowColumns:
    """The n >= 1 active flows of a link, in the order in which they got their places; each column has n entries.

    Full rates, weights, caps and what is left are positive; ``assigned`` are shares given from outside, NaN where none is.
    """

    full_rate_bps: Floats
    weight: Floats
    cap_bps: Floats
    left_bits: Floats
    assigned: Floats
    rate_of_share: tuple[RateOfShare | None, ...]

    @property
    def n(self) -> int:
        """Number of flows."""
        return len(self.full_rate_bps)


@dataclass(frozen=True, slots=True)
class Split:
    """Shares (n,) of the carrier, not above 1 in sum, and the rates (n,) that the flows have in them."""

    shares: Floats
    rates_bps: Floats


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to divide a carrier. ``takes_bands``: shares are parts of the band, in which power-limited rates are concave.

    ``takes_weights`` and ``takes_shares``: it goes by the flows' weights, by shares given from outside.
    """

    split: Callable[[FlowColumns], Split]
    takes_bands: bool = False
    takes_weights: bool = False
    takes_shares: bool = False


def fill(weights: Floats, limits: Floats, total: float = 1.0) -> Floats:
    """Divide ``total`` in proportion to ``weights`` (n,), none above its limit; what the limited leave goes to the others.

    Water-filling: share = min(limit, level * weight), with the one level that makes the shares sum to ``total``, or to the sum
    of the limits if that is less. Raises ValueError unless every weight is positive.
    """
    if not (weights > 0.0).all():
        raise ValueError("each weight must be positive, else the carrier goes to nobody")
    even = total * weights / weights.sum()
    if (even <= limits).all():
        return np.asarray(even)
    order = np.argsort(limits / weights, kind="stable")  # who is limited first comes first
    ordered_limits, ordered_weights = limits[order], weights[order]
    already = np.concatenate(([0.0], np.cumsum(ordered_limits[:-1])))
    levels = (total - already) / np.cumsum(ordered_weights[::-1])[::-1]  # if all before are limited, and none from here on
    reached = np.flatnonzero(ordered_limits >= levels * ordered_weights)
    level = levels[reached[0]] if reached.size else math.inf
    return np.minimum(limits, level * weights)


def equal(flows: FlowColumns) -> Split:
    """The same share for all (round robin in time or in resource blocks); what capped flows leave goes to the others."""
    return _of_time(flows, np.ones(flows.n), flows.full_rate_bps)


def rate_fair(flows: FlowColumns) -> Split:
    """The same rate for all, 1 / sum(1 / R): shares in inverse proportion to full rates R."""
    return _of_time(flows, 1.0 / flows.full_rate_bps, flows.full_rate_bps)


def weighted(flows: FlowColumns) -> Split:
    """Shares in proportion to weights: a class with twice the weight has twice the share a flow."""
    return _of_time(flows, flows.weight, flows.full_rate_bps)


def proportional_fair(flows: FlowColumns, *, multi_user_gain_max: float = MULTI_USER_GAIN_MAX) -> Split:
    """Equal shares, with rates higher by the gain of serving each flow when its own fading is good.

    Over a long time the scheduler that serves the greatest ratio of present to mean rate gives equal airtime. The gain is that
    of ``multi_user_gain``; it applies to full rates that are means over independent fading.
    """
    return _of_time(flows, np.ones(flows.n), flows.full_rate_bps * multi_user_gain(flows.n, maximum=multi_user_gain_max))


def max_ci(flows: FlowColumns) -> Split:
    """All to the flow with the greatest full rate, in equal parts to several that tie; what its cap leaves to the next."""
    limits = flows.cap_bps / flows.full_rate_bps
    shares, left = np.zeros(flows.n), 1.0
    for rate_bps in np.unique(flows.full_rate_bps)[::-1]:
        best = flows.full_rate_bps == rate_bps
        shares[best] = fill(np.ones(int(best.sum())), limits[best], left)
        if limits[best].sum() >= left:
            break
        left -= float(limits[best].sum())
    return Split(shares, np.minimum(shares * flows.full_rate_bps, flows.cap_bps))


def fdma(flows: FlowColumns) -> Split:
    """The n-th part of the band for each, capped or not: the fixed channels of frequency division."""
    return _of_band(flows, np.full(flows.n, 1.0 / flows.n))


def assigned(flows: FlowColumns) -> Split:
    """The shares given from outside; flows without one divide the rest of the carrier equally.

    The rest is what the active flows with a share do not hold or, being capped, cannot use. Without any other flow it is idle.
    """
    limits = flows.cap_bps / flows.full_rate_bps
    is_listed = ~np.isnan(flows.assigned)
    shares = np.where(is_listed, np.minimum(flows.assigned, limits), 0.0)
    n_others = flows.n - int(is_listed.sum())
    rest = 1.0 - float(shares.sum())
    if n_others and rest > 0.0:
        shares[~is_listed] = fill(np.ones(n_others), limits[~is_listed], rest)
    return _of_band(flows, shares)


def min_max(flows: FlowColumns) -> Split:
    """The shares with which all flows that are active now end together, as early as they can: see ``min_max_split``."""
    end_s, shares = min_max_split(flows.left_bits, flows.full_rate_bps, flows.cap_bps, flows.rate_of_share)
    return Split(shares, flows.left_bits / end_s)


POLICIES: Registry[Policy] = Registry("sharing policy")
POLICIES.put("equal", Policy(equal))
POLICIES.put("rate-fair", Policy(rate_fair))
POLICIES.put("proportional-fair", Policy(proportional_fair))
POLICIES.put("max-ci", Policy(max_ci))
POLICIES.put("weighted", Policy(weighted, takes_weights=True))
POLICIES.put("assigned", Policy(assigned, takes_bands=True, takes_shares=True))
POLICIES.put("fdma", Policy(fdma, takes_bands=True))
POLICIES.put("min-max", Policy(min_max, takes_bands=True))


def steered() -> tuple[str, ...]:
    """Return the policies that divide as they are told from outside: by weights or shares that a control policy may set."""
    return tuple(name for name, policy in POLICIES.items() if policy.takes_weights or policy.takes_shares)


def proportional_fair_policy(multi_user_gain_max: float) -> Policy:
    """Return the proportional-fair policy with another bound on its gain; ValueError for one below 1."""
    if not multi_user_gain_max >= 1.0:
        raise ValueError(f"multi_user_gain_max must be at least 1, got {multi_user_gain_max}")
    return Policy(partial(proportional_fair, multi_user_gain_max=multi_user_gain_max))


def multi_user_gain(n_flows: int, *, maximum: float = MULTI_USER_GAIN_MAX) -> float:
    """Return how much more a flow carries in its airtime if it is served when its fading is good: min(H_n, ``maximum``).

    H_n = 1 + 1/2 + ... + 1/n is the mean of the greatest of n Rayleigh power gains, hence the gain at low SNR and full
    independence. On a wide band with link adaptation it saturates; the bound is a default (1.3 to 1.6 is usual), not verified.
    """
    return min(math.fsum(1.0 / k for k in range(1, n_flows + 1)), maximum)


def power_limited_rate(
    share: float,
    *,
    carrier_hz: float,
    snr_full: float,
    spectral_efficiency: SpectralEfficiency,
    snr_min_db: float = -math.inf,
) -> float:
    """Return the bit rate in a ``share`` b of the band of a device that spreads a fixed power over it: b B SE(SNR / b).

    ``snr_full`` (a power ratio) is the SNR that it has over the whole carrier. It rises as 1/b, so the rate is concave in b. On
    a share where it would fall below ``snr_min_db``, the device uses only the part on which it has just that.
    """
    snr_min = db_to_linear(snr_min_db)
    used = share if snr_full >= share * snr_min else snr_full / snr_min
    if used <= 0.0:
        return 0.0
    # Rounding must not drop an SNR that is just the least below it.
    snr = max(snr_full / used, snr_min)
    return used * carrier_hz * float(spectral_efficiency(np.asarray(snr, dtype=np.float64)))


def _of_time(flows: FlowColumns, pull: Floats, full_rate_bps: Floats) -> Split:
    """Divide airtime in proportion to ``pull``; caps limit what a flow can use of it."""
    shares = fill(pull, flows.cap_bps / full_rate_bps)
    return Split(shares, np.minimum(shares * full_rate_bps, flows.cap_bps))


def _of_band(flows: FlowColumns, shares: Floats) -> Split:
    """Give the rates that flows have in parts of the band: by their own laws, else in proportion."""
    rates_bps = shares * flows.full_rate_bps
    for i, law in enumerate(flows.rate_of_share):
        if law is not None:
            rates_bps[i] = law(float(shares[i]))
    return Split(shares, np.minimum(rates_bps, flows.cap_bps))
