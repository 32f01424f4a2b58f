"""What moves, comes and goes, and breaks, against closed forms; simulations state three standard errors."""

import math
from itertools import pairwise

import numpy as np

from mecsim.nodes.availability import Daily
from mecsim.nodes.durations import Exponential, LogNormal
from mecsim.nodes.faults import Faults, FaultSettings
from mecsim.nodes.mobility import GaussMarkov, RandomWaypoint, stationary_start
from mecsim.nodes.random_waypoint import mean_leg_m
from mecsim.nodes.timeline import PoissonTimes, Renewal
from mecsim.radio.handover import A3Event, A3Monitor
from mecsim.rng import Streams
from oracles.oracle import Oracle

_N = 2_000
_SQUARE_M = (100.0, 100.0)
_SPEED_MPS = (0.5, 4.0)
_LEG = (2.0 + math.sqrt(2.0) + 5.0 * math.asinh(1.0)) / 15.0  # mean distance of two uniform points in a unit square: 0.5214
_WALKING_MPS = 3.5 / math.log(8.0)
_PAUSED = 20.0 / (20.0 + 100.0 * _LEG / _WALKING_MPS)

_NAVIDI = "Navidi and Camp, IEEE Trans. Mobile Computing 3(1), 2004"
_A3 = "3GPP TS 38.331, 5.5.4.4"
_RENEWAL = "Cox, Renewal Theory, 1962"


def _waypoint_speeds_mps(t: float) -> np.ndarray:
    """Speeds of devices at ``t`` that pause 20 s at each waypoint."""
    streams = Streams(1)
    start = stationary_start(streams, "start", n_devices=_N, area_m=_SQUARE_M, speed_mps=_SPEED_MPS, pause_s=20.0)
    walk = RandomWaypoint(
        start, _SQUARE_M, speed_mps=_SPEED_MPS, pause_s=20.0, generator=lambda device: streams.get("walk", device)
    )
    return np.array([walk.speed_mps(device, t) for device in range(_N)])


def _walking_speed_mps(t: float) -> float:
    speeds_mps = _waypoint_speeds_mps(t)
    return float(speeds_mps[speeds_mps > 0.0].mean())


def _paused_share(t: float) -> float:
    return float((_waypoint_speeds_mps(t) == 0.0).mean())


def _left_of_leg() -> float:
    start = stationary_start(Streams(1), "start", n_devices=_N, area_m=(1.0, 1.0), speed_mps=_SPEED_MPS, pause_s=0.0)
    return float(np.hypot(*(start.destination_m - start.position_m).T).mean())


def _speed_autocorrelation(lag: int) -> float:
    """Of speeds of 10 +- 1 m/s, over 200 devices and 200 steps."""
    streams = Streams(1)
    walk = GaussMarkov(
        np.full((200, 2), 50.0),
        _SQUARE_M,
        mean_speed_mps=10.0,
        sigma_mps=1.0,
        alpha=0.85,
        generator=lambda device: streams.get("walk", device),
    )
    found = np.array([[walk.speed_mps(device, i + 0.5) - 10.0 for i in range(200)] for device in range(200)])
    return float((found[:, lag:] * found[:, : 200 - lag]).mean())


def _a3_report_s(*margins_db: float) -> float:
    """The time of the report when the margin goes from one of these to the next in a second."""
    monitor = A3Monitor(A3Event(offset_db=3.0, hysteresis_db=1.0, time_to_trigger_s=0.32))
    for i, (before_db, after_db) in enumerate(pairwise(margins_db)):
        found = monitor.advance(float(i), [before_db], float(i + 1), [after_db])
        if found is not None:
            return found[0]
    return math.inf


def _up_share(t: float) -> float:
    streams = Streams(1)
    return float(np.mean([Renewal(streams.get(i), Exponential(10.0), LogNormal(3.0, 1.0)).at(t) for i in range(_N)]))


def _mean_rest_s() -> float:
    generator = Streams(1).get("rest")
    return float(np.mean([LogNormal(3.0, 0.5).draw_rest_s(generator) for _ in range(_N)]))


def _arrivals_per_s() -> float:
    arrivals, n, t = PoissonTimes(Streams(1).get("arrivals"), 0.5), 0, 0.0
    while (t := arrivals.next_after(t)) <= 10_000.0:
        n += 1
    return n / 10_000.0


def _crashes_per_hour() -> float:
    faults, n = Faults(FaultSettings(crash_per_hour=60.0, crash_down_s=60.0), Streams(1)), 0
    for device in range(10):
        t = 0.0
        while (t := faults.crash_after(device, t)) <= 36_000.0:
            n += 1
    return n / 100.0


def _open_share() -> float:
    daily = Daily.drawn(
        Streams(1).get("daily"), _N, start_h=22.0, start_sigma_h=1.0, length_h=8.0, length_sigma_h=1.0, clock_h=20.0
    )
    return float(np.mean([daily.available(np.arange(_N), quarter * 900.0).mean() for quarter in range(96)]))


ORACLES: list[Oracle] = [
    Oracle(
        "mobility",
        "random waypoint: mean leg in a unit square",
        "Ghosh, Bull. Calcutta Math. Soc. 43, 1951: (2 + sqrt 2 + 5 asinh 1) / 15",
        _LEG,
        1e-12,
        lambda: mean_leg_m((1.0, 1.0)),
    ),
    *(
        Oracle(
            "mobility",
            f"random waypoint: mean speed of those who walk, after {t:g} s",
            f"{_NAVIDI}: (v2 - v1) / ln(v2 / v1)",
            _WALKING_MPS,
            0.084,  # 3 * 0.977 / sqrt(2000 * 0.61)
            lambda t=t: _walking_speed_mps(t),
            "m/s",
        )
        for t in (0.0, 600.0)
    ),
    *(
        Oracle(
            "mobility",
            f"random waypoint: share that pauses, after {t:g} s",
            f"{_NAVIDI}: pause / (pause + mean time of a leg)",
            _PAUSED,
            0.0328,  # 3 * sqrt(0.392 * 0.608 / 2000)
            lambda t=t: _paused_share(t),
        )
        for t in (0.0, 600.0)
    ),
    Oracle(
        "mobility",
        "random waypoint: what is left of the leg in a unit square",
        f"{_NAVIDI}: E[L^2] / (2 E[L])",
        1.0 / (6.0 * _LEG),
        0.0153,  # 3 * 0.228 / sqrt(2000)
        _left_of_leg,
    ),
    *(
        Oracle(
            "mobility",
            f"Gauss-Markov: autocorrelation of the speed after {lag} steps",
            "Liang and Haas, IEEE/ACM Trans. Networking 11(5), 2003: alpha^k, alpha = 0.85",
            0.85**lag,
            0.053,  # 3 * 0.25 / sqrt(200): deviation between devices, from the sum of alpha^(2 k)
            lambda lag=lag: _speed_autocorrelation(lag),
        )
        for lag in (0, 1, 5, 10)
    ),
    Oracle(
        "handover",
        "event A3: a neighbour that rises 1 dB/s from 0 dB, offset 3 dB, hysteresis 1 dB, 320 ms",
        _A3,
        4.32,
        1e-9,
        lambda: _a3_report_s(0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
        "s",
    ),
    Oracle(
        "handover",
        "event A3: one that is above for 200 ms only, and then again from 3 s on",
        _A3,
        3.32,
        1e-9,
        lambda: _a3_report_s(3.0, 4.1, 3.0, 4.0, 14.0),
        "s",
    ),
    *(
        Oracle(
            "availability",
            f"share up after {t:g} s, mean 10 s up and 3 s down",
            _RENEWAL,
            10.0 / 13.0,
            0.0283,
            lambda t=t: _up_share(t),
        )
        for t in (0.0, 2.0)
    ),
    Oracle(
        "availability",
        "what is left of a log-normal time, mean 3 s and sigma 0.5",
        f"{_RENEWAL}: E[X^2] / (2 E[X])",
        1.5 * math.exp(0.25),
        0.109,  # 3 * 1.625 / sqrt(2000)
        _mean_rest_s,
        "s",
    ),
    Oracle(
        "availability", "share of the day in daily windows of 8 +- 1 h", "8 / 24", 1.0 / 3.0, 0.0028, _open_share
    ),  # 3 / 24 / sqrt(2000)
    Oracle(
        "faults", "Poisson times at 0.5 per second", "mean = rate", 0.5, 0.0213, _arrivals_per_s, "1/s"
    ),  # 3 sqrt(0.5 / 1e4)
    Oracle(
        "faults",
        "crashes, 60 in an hour up and 60 s down after each",
        f"{_RENEWAL}: 1 / (mean up + mean down)",
        30.0,
        1.17,  # 3 * sqrt(30 / 100 * 0.5): variance of the times over their squared mean is 1/2
        _crashes_per_hour,
        "1/h",
    ),
]
