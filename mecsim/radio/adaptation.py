"""Link adaptation: how many bits a second and hertz a link carries at an SNR, by the kinds that a scenario can name."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.errors import UnknownNameError
from mecsim.radio.modulation import CQI_64QAM, CQI_256QAM, Quality
from mecsim.radio.numerology import Direction
from mecsim.radio.rate import DOWNLINK_ADAPTATION, UPLINK_ADAPTATION, shannon
from mecsim.units import db_to_linear

Floats = NDArray[np.float64]

# The block error rate at which the tables' SNRs were read.
TARGET_BLER = 0.1

# Where a device counts as out of coverage if the law itself has no end.
_SHANNON_MINIMUM_DB = -30.0

_ROUNDING = 1e-12

# A rule of thumb: one layer below 5 dB, two up to 15 dB, then up to four. A default, not verified anywhere.
_TWO_LAYERS_DB = 5.0
_MANY_LAYERS_DB = 15.0
_MAX_RANK = 4


class Adaptation(Protocol):
    """A law from SNR to spectral efficiency that never falls; below ``snr_min_db`` a device is out of coverage."""

    @property
    def snr_min_db(self) -> float:
        """Return the least SNR that is served, in dB."""
        ...

    @property
    def max_se(self) -> float:
        """Return the greatest spectral efficiency, in bit/s/Hz."""
        ...

    def spectral_efficiency(self, snr_linear: ArrayLike) -> Floats:
        """Return the spectral efficiency in bit/s/Hz at each SNR (a power ratio)."""
        ...


@dataclass(frozen=True, slots=True)
class ShannonAdaptation:
    """The capacity of the Gaussian channel, log2(1 + SNR): an upper bound. It serves from -30 dB on, by our choice."""

    snr_min_db: float = _SHANNON_MINIMUM_DB
    max_se: float = math.inf

    def spectral_efficiency(self, snr_linear: ArrayLike) -> Floats:
        """Return the capacity in bit/s/Hz at each SNR (a power ratio)."""
        return shannon(snr_linear)


class CqiAdaptation:
    """The best channel quality whose SNR is reached: steps of a CQI table, times 1 - ``bler`` for blocks sent again.

    The table's SNRs are those of a channel with white noise alone, at a block error rate of 0.1. Average over fading on top of
    them; an SNR list that was fitted to a fading channel would count it twice.
    """

    def __init__(self, table: Sequence[Quality], *, bler: float = TARGET_BLER) -> None:
        if not 0.0 <= bler < 1.0:
            raise ValueError(f"bler must be in [0, 1), got {bler}")
        # A device that chooses its bandwidth so as to be exactly at a threshold is served, whatever the rounding of decibels.
        self._thresholds = np.array([db_to_linear(quality.snr_db) for quality in table]) * (1.0 - _ROUNDING)
        self._steps = np.array([0.0, *(quality.efficiency for quality in table)]) * (1.0 - bler)
        self.snr_min_db = table[0].snr_db
        self.max_se = float(self._steps[-1])

    def spectral_efficiency(self, snr_linear: ArrayLike) -> Floats:
        """Return the spectral efficiency in bit/s/Hz at each SNR (a power ratio); a threshold itself is served."""
        n_reached = np.searchsorted(self._thresholds, np.asarray(snr_linear, dtype=np.float64), side="right")
        return np.asarray(self._steps[n_reached])


class LayeredAdaptation:
    """Several spatial layers over another law: rank x SE(SNR / rank), the rank by `rank`."""

    def __init__(self, one_layer: Adaptation, n_layers: int) -> None:
        self._one_layer = one_layer
        self._n_layers = n_layers
        self.snr_min_db = one_layer.snr_min_db
        self.max_se = one_layer.max_se * min(n_layers, _MAX_RANK)

    def spectral_efficiency(self, snr_linear: ArrayLike) -> Floats:
        """Return the spectral efficiency of all layers together in bit/s/Hz at each SNR (a power ratio)."""
        snr = np.asarray(snr_linear, dtype=np.float64)
        n_used = _rank(snr, self._n_layers)
        return n_used * self._one_layer.spectral_efficiency(snr / n_used)


def rank(snr_db: ArrayLike, n_layers: int) -> NDArray[np.int64]:
    """Return how many of ``n_layers`` are used at each SNR: 1 below 5 dB, 2 below 15 dB, up to 4 above.

    The power is split among them: each has the SNR less 10 log10(rank) dB. A rule of thumb, not verified.
    """
    return _rank(10.0 ** (np.asarray(snr_db, dtype=np.float64) / 10.0), n_layers)


def with_layers(one_layer: Adaptation, n_layers: int) -> Adaptation:
    """Return ``one_layer`` with spatial multiplexing of up to ``n_layers`` (more than four are not used)."""
    if n_layers < 1:
        raise ValueError(f"n_layers must be at least 1, got {n_layers}")
    return one_layer if n_layers == 1 else LayeredAdaptation(one_layer, n_layers)


def adaptation(kind: str, direction: Direction, *, bler: float = TARGET_BLER) -> Adaptation:
    """Return the law called ``kind``, one of `ADAPTATIONS`; UnknownNameError for another.

    "truncated-shannon" differs between the directions. ``bler`` enters the CQI tables alone: the Shannon laws have their
    losses in their factors, or none.
    """
    if kind not in ADAPTATIONS:
        raise UnknownNameError("link adaptation", kind, ADAPTATIONS)
    return ADAPTATIONS[kind](direction, bler)


ADAPTATIONS: dict[str, Callable[[Direction, float], Adaptation]] = {
    "shannon": lambda direction, bler: ShannonAdaptation(),
    "truncated-shannon": lambda direction, bler: DOWNLINK_ADAPTATION if direction == "downlink" else UPLINK_ADAPTATION,
    "cqi-64qam": lambda direction, bler: CqiAdaptation(CQI_64QAM, bler=bler),
    "cqi-256qam": lambda direction, bler: CqiAdaptation(CQI_256QAM, bler=bler),
}


def _rank(snr_linear: Floats, n_layers: int) -> NDArray[np.int64]:
    two, many = 10.0 ** (_TWO_LAYERS_DB / 10.0), 10.0 ** (_MANY_LAYERS_DB / 10.0)
    wanted = np.where(snr_linear < two, 1, np.where(snr_linear < many, 2, _MAX_RANK))
    return np.minimum(wanted, n_layers)
