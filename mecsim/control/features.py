"""What a learned policy sees: an observation as numbers of about -1 to 1, by fixed formulas, so that a policy carries over."""

import numpy as np
from numpy.typing import NDArray

from mecsim.control.observation import Bools, Floats, Observation

Features = NDArray[np.float32]

#: Features are cut at this size, and an infinite or unknown time counts as that.
LIMIT = 2.0

DEVICE_FEATURES = (
    "available",
    "downlink",
    "uplink",
    "distance",
    "memory",
    "speed",
    "battery",
    "samples",
    "updates",
    "rounds_since",
    "overlap",
    "novelty",
)
CHOICE_FEATURES = (
    "feasible",
    "relative_time",
    "time",
    "energy",
    "compute_time",
    "download_time",
    "kept_download_time",
    "held",
    "age",
)
ROUND_FEATURES = (
    "progress",
    "accuracy",
    "round_time",
    "devices",
    "asked_share",
    "available_share",
    "median_time",
    "least_time",
)
N_ROUND_FEATURES = len(ROUND_FEATURES)


def device_feature_names(n_choices: int) -> tuple[str, ...]:
    """Return the columns of ``device_features`` in order: those of a device, then those of its first choice, and so on."""
    return (*DEVICE_FEATURES, *(f"{name}:{choice}" for choice in range(n_choices) for name in CHOICE_FEATURES))


def n_device_features(n_choices: int) -> int:
    """Return the number of columns of ``device_features``."""
    return len(DEVICE_FEATURES) + n_choices * len(CHOICE_FEATURES)


def device_features(observation: Observation) -> Features:
    """Return (n, F) features, F = ``n_device_features(n_choices)``: all finite, from -2 to 2.

    Quantities are decades from a fixed middle: rates from 10 Mbps, memory from 300 MB, speed from 30 GFLOPS, times from 10 s,
    energies from 10 J. Samples are decades from the mean of the devices that are looked at, ``relative_time`` decades from the
    median of all finite expected times.
    """
    now = observation
    mean_samples = max(float(now.n_samples.mean()), 1e-9) if now.n else 1.0
    own = [
        now.available,
        _decades(now.downlink_bps, 7.0, 2.0),
        _decades(now.uplink_bps, 7.0, 2.0),
        _decades(now.distance_m, 2.0, 1.0),
        _decades(now.memory_bytes, 8.5, 1.0),
        _decades(now.speed_flops, 10.5, 1.5),
        now.battery_share,
        _decades(now.n_samples / mean_samples, 0.0, 1.0),
        now.n_updates / now.round_number,
        now.rounds_since / now.n_rounds,
        now.overlap,
        now.novelty,
    ]
    by_choice = np.stack(_choice_columns(now), axis=2).reshape(now.n, -1)
    return _finite(np.hstack([np.stack(own, axis=1, dtype=np.float64), by_choice]))


def round_features(observation: Observation) -> Features:
    """Return (``N_ROUND_FEATURES``,) features: all finite, from -2 to 2. An accuracy that nobody asked for is 0."""
    now = observation
    n = max(now.n, 1)
    finite = now.expected_s[np.isfinite(now.expected_s)]
    median_s, least_s = (float(np.median(finite)), float(finite.min())) if finite.size else (np.inf, np.inf)
    return _finite(
        np.array(
            [
                now.round_number / now.n_rounds,
                0.0 if np.isnan(now.accuracy) else now.accuracy,
                *_decades(np.array([now.round_s]), 1.0, 2.0),
                *_decades(np.array([float(n)]), 1.0, 1.0),
                now.n_asked / n,
                np.count_nonzero(now.available) / n,
                *_decades(np.array([median_s, least_s]), 1.0, 2.0),
            ]
        )
    )


def finite_ages(observation: Observation) -> tuple[Bools, Floats]:
    """Return which choices are held, (n, c), and their ages, 0 where nothing is held."""
    held = ~np.isnan(observation.age)
    return held, np.where(held, observation.age, 0.0)


def _choice_columns(now: Observation) -> list[NDArray[np.floating]]:
    """Return a column of shape (n, c) for each of ``CHOICE_FEATURES``."""
    finite = now.expected_s[np.isfinite(now.expected_s)]
    median_s = max(float(np.median(finite)), 1e-9) if finite.size else 1.0
    rate = now.downlink_bps[:, np.newaxis]
    held, age = finite_ages(now)
    return [
        now.feasible.astype(np.float64),
        _decades(now.expected_s / median_s, 0.0, 1.0),
        _decades(now.expected_s, 1.0, 2.0),
        _decades(now.expected_j, 1.0, 2.0),
        _decades(now.compute_s, 1.0, 2.0),
        _decades(transfer_s(now.download_bytes, rate), 1.0, 2.0),
        _decades(transfer_s(now.kept_download_bytes, rate), 1.0, 2.0),
        held.astype(np.float64),
        np.log2(1.0 + age) / 3.0,
    ]


def transfer_s(size_bytes: Floats, rate_bps: Floats) -> Floats:
    """Return the seconds that a transfer takes alone: 0 for nothing at all, infinite for something at no rate."""
    size_bits, rate = np.broadcast_arrays(8.0 * size_bytes, rate_bps)
    none_s = np.where(size_bits > 0.0, np.inf, 0.0)
    seconds: Floats = np.divide(size_bits, rate, out=none_s, where=rate > 0.0)
    return seconds


def _decades(values: Floats, middle: float, half: float) -> Floats:
    """Return (log10 - middle) / half, cut to +-``LIMIT``; nothing at all is -``LIMIT``, infinity and the unknown +``LIMIT``."""
    known = np.where(np.isnan(values), np.inf, values)
    cut: Floats = np.clip((np.log10(np.maximum(known, 1e-30)) - middle) / half, -LIMIT, LIMIT)
    return cut


def _finite(values: NDArray[np.floating]) -> Features:
    cut: Features = np.clip(np.nan_to_num(values, nan=0.0), -LIMIT, LIMIT).astype(np.float32)
    return cut
