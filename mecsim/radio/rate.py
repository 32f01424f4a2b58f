"""From signal-to-noise ratio to bits a second."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.units import db_to_linear

Floats = NDArray[np.float64]
SpectralEfficiency = Callable[[Floats], Floats]

THERMAL_NOISE_DBM_PER_HZ = -174.0  # k T at 290 K
RESOURCE_BLOCK_HZ = 180e3  # 12 subcarriers of 15 kHz (TS 38.211, clause 4.4.4.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAdaptation:
    """Attenuated, truncated Shannon: ``alpha`` log2(1 + SNR), nothing below ``snr_min_db``, at most ``max_se`` bit/s/Hz."""

    alpha: float
    snr_min_db: float
    max_se: float

    def spectral_efficiency(self, snr_linear: ArrayLike) -> Floats:
        """Return the spectral efficiency in bit/s/Hz at each SNR (a power ratio)."""
        return truncated_shannon(snr_linear, alpha=self.alpha, snr_min_db=self.snr_min_db, max_se=self.max_se)


# The values given for TR 36.942, Annex A.2 (LTE, one antenna to two). They were taken over from literature that cites the
# annex and have not been checked against it: defaults, not facts.
DOWNLINK_ADAPTATION = LinkAdaptation(alpha=0.6, snr_min_db=-10.0, max_se=4.4)
UPLINK_ADAPTATION = LinkAdaptation(alpha=0.4, snr_min_db=-10.0, max_se=2.0)


def thermal_noise_dbm(bandwidth_hz: float, *, noise_figure_db: float = 0.0) -> float:
    """Return the noise power at a receiver: k T B with k T = -174 dBm/Hz (290 K), plus the noise figure."""
    if bandwidth_hz <= 0.0:
        raise ValueError(f"bandwidth_hz must be positive, got {bandwidth_hz}")
    return THERMAL_NOISE_DBM_PER_HZ + 10.0 * math.log10(bandwidth_hz) + noise_figure_db


def shannon(snr_linear: ArrayLike) -> Floats:
    """Return the capacity of the Gaussian channel in bit/s/Hz: log2(1 + SNR)."""
    return np.asarray(np.log1p(np.asarray(snr_linear, dtype=np.float64)) / math.log(2.0))


def truncated_shannon(snr_linear: ArrayLike, *, alpha: float, snr_min_db: float, max_se: float) -> Floats:
    """Return alpha log2(1 + SNR) in bit/s/Hz: 0 below ``snr_min_db`` (which itself is served), ``max_se`` at most.

    The form of TR 36.942, Annex A.2; its parameters as known here (downlink 0.6, -10 dB, 4.4; uplink 0.4, -10 dB, 2.0) are
    defaults, not verified in the primary text.
    """
    snr = np.asarray(snr_linear, dtype=np.float64)
    return np.where(snr >= db_to_linear(snr_min_db), np.minimum(alpha * shannon(snr), max_se), 0.0)


def uplink_power_limited_rate(
    snr_linear: ArrayLike,
    *,
    bandwidth_hz: float,
    snr_min_db: float,
    spectral_efficiency: SpectralEfficiency,
    minimum_hz: float = RESOURCE_BLOCK_HZ,
) -> Floats:
    """Return the uplink bit rate of a device alone on the carrier, given the SNR it would have over the whole of it.

    A device's power is fixed in total. One too weak for the whole carrier is given only the part on which it reaches
    ``snr_min_db`` exactly, so its rate falls in proportion to its SNR. Where that part is below one resource block
    (``minimum_hz``), the device is out of coverage: rate 0.
    """
    snr = np.asarray(snr_linear, dtype=np.float64)
    snr_min = db_to_linear(snr_min_db)
    used_hz = bandwidth_hz * np.minimum(1.0, snr / snr_min)
    rate_bps = used_hz * spectral_efficiency(np.maximum(snr, snr_min))
    return np.where(used_hz >= minimum_hz, rate_bps, 0.0)
