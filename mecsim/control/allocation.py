"""The division of a carrier for a round with which all devices end together, as early as possible."""

import numpy as np

from mecsim.control.observation import Floats
from mecsim.radio.min_max import min_max_with_ready_times


def min_max_bandwidth(
    compute_s: Floats, download_bits: Floats, downlink_bps: Floats, upload_bits: Floats, uplink_bps: Floats
) -> tuple[float, Floats]:
    """Return when the last of n devices ends at the earliest, and the shares (n,) of the carrier with which it does.

    Device i holds its share b_i of either direction for the whole of its transfers, downloads, computes for c_i seconds and
    uploads: it ends at T = c_i + (D_i / R_i^d + U_i / R_i^u) / b_i, where R are its rates on the whole carrier, and rates are
    taken as proportional to shares. The least T is that with which the shares sum to 1: all end together. Who has nothing to
    transfer gets nothing, and may end earlier or later. The problem is that of the literature on federated learning over
    wireless links, such as Shi, Zhou et al., arXiv 2007.07174.

    A ValueError where bits or seconds are negative or not finite, or where bits have no rate.
    """
    columns = [np.asarray(each, dtype=np.float64) for each in (compute_s, download_bits, upload_bits)]
    if not all(np.isfinite(each).all() and (each >= 0.0).all() for each in columns):
        raise ValueError("seconds of computing and bits must be finite, and 0 or more")
    alone_s = _seconds(download_bits, downlink_bps) + _seconds(upload_bits, uplink_bps)
    sends = alone_s > 0.0
    shares = np.zeros(len(alone_s))
    end_s = float(np.max(compute_s, initial=0.0))
    if sends.any():
        transfers_end_s, shares[sends] = min_max_with_ready_times(alone_s[sends], np.ones(int(sends.sum())), compute_s[sends])
        end_s = max(end_s, transfers_end_s)
    return end_s, shares


def _seconds(bits: Floats, rates_bps: Floats) -> Floats:
    if ((bits > 0.0) & ~(rates_bps > 0.0)).any():
        raise ValueError("who has bits to transfer needs a rate above 0")
    return np.divide(bits, rates_bps, out=np.zeros(len(bits)), where=np.asarray(bits) > 0.0)
