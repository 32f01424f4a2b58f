"""What a device's classes are worth: how much like the fleet's they are, and how much of them was merged lately."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mecsim.control.observation import Devices, Floats

#: How much of what is remembered is of the last round. A default of this project.
RATE = 0.5


class ClassMix:
    """Compares the classes of devices with those of the fleet, and with those that were merged lately.

    It takes devices that tell how many samples of each class they have: ``histogram`` (devices, classes). Without one, or
    without samples, its numbers are nan. Below, d_c, f_c and m_c are shares of class c: of a device's samples, of the fleet's,
    and the exponential mean (``RATE``; 0 at the start) of those that were merged.
    """

    def __init__(self, histogram: Sequence[Sequence[int]] | None) -> None:
        self._counts: Floats | None = None if histogram is None else np.asarray(histogram, dtype=np.float64)
        total: Floats = np.zeros(1) if self._counts is None else self._counts.sum(axis=0)
        self._fleet: Floats = total / max(float(total.sum()), 1.0)
        self._merged: Floats = np.zeros_like(self._fleet)

    def learn(self, devices: Sequence[int]) -> None:
        """Take note of a round in which the updates of ``devices`` were merged."""
        if self._counts is not None and devices:
            brought = self._counts[list(devices)].sum(axis=0)
            self._merged = (1.0 - RATE) * self._merged + RATE * brought / max(float(brought.sum()), 1.0)

    def overlap(self, devices: Devices) -> Floats:
        """Return the sum of min(d_c, f_c), (n,): 1 where a device has the fleet's mix, less the fewer classes it has."""
        return self._unknown(devices) if self._counts is None else self._overlap[devices]

    def novelty(self, devices: Devices) -> Floats:
        """Return the sum of d_c max(0, 1 - m_c / f_c), (n,): 1 before a merge, 0 where all its classes had their share."""
        if self._counts is None:
            return self._unknown(devices)
        had = np.divide(self._merged, self._fleet, out=np.ones_like(self._fleet), where=self._fleet > 0.0)
        lacking: Floats = (self._shares[devices] * np.maximum(1.0 - had, 0.0)).sum(axis=1)
        return lacking

    @staticmethod
    def _unknown(devices: Devices) -> Floats:
        return np.full(len(devices), np.nan)

    # Of all devices, and once; a search that plays thousands of trials without looking never asks for them.
    @cached_property
    def _shares(self) -> Floats:
        """(devices, classes) of d_c; nan for a device without samples."""
        counts: Floats = np.zeros((0, 1)) if self._counts is None else self._counts
        total = counts.sum(axis=1, keepdims=True)
        shares: Floats = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0.0)
        return shares

    @cached_property
    def _overlap(self) -> Floats:
        overlap: Floats = np.minimum(self._shares, self._fleet).sum(axis=1)
        return overlap
