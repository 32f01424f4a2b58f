"""Radio: path loss, line of sight, shadowing, fading, noise."""

import math
from functools import cache, partial

import numpy as np

from mecsim.radio.fading import coherence_time_s, ergodic_spectral_efficiency, ergodic_table
from mecsim.radio.fields import GaussianField
from mecsim.radio.path_loss import PATH_LOSS_MODELS
from mecsim.radio.rate import shannon, thermal_noise_dbm
from mecsim.radio.tr38901 import rma_los_db
from mecsim.rng import Streams
from oracles.oracle import Oracle

NS_3 = "ns-3, test suite of the TR 38.901 propagation models"
TR_38901 = "TR 38.901, evaluated independently"

# At 5 GHz, device at 1.5 m, station at the scenario's own height.
LOSS_AT_5_GHZ = {
    ("rma", "los"): {10: 77.3784, 100: 87.2965, 1000: 108.5577, 10000: 140.3896},
    ("rma", "nlos"): {100: 95.7718, 1000: 133.5223, 5000: 160.5169},
    ("uma", "los"): {10: 72.9380, 100: 86.2362, 1000: 109.7252, 5000: 137.6794},
    ("uma", "nlos"): {10: 82.5131, 100: 106.1356, 1000: 144.7641, 5000: 172.0753},
    ("umi", "los"): {10: 69.8591, 100: 88.4122, 1000: 119.3114, 5000: 147.2696},
    ("umi", "nlos"): {10: 76.7563, 100: 107.9432, 1000: 143.1886, 5000: 167.8617},
    ("inh", "los"): {1: 50.8072, 10: 63.7630, 50: 75.7750, 100: 80.9802},
    ("inh", "nlos"): {10: 73.1894, 50: 99.7824, 100: 111.3062},
}
LOSS_AT_3_5_GHZ_AND_200_M = {
    ("uma", "los"): 89.57,
    ("uma", "nlos"): 114.46,
    ("umi", "los"): 91.61,
    ("umi", "nlos"): 115.23,
}
LOS_PROBABILITY = {
    "uma": {50: 0.6494, 100: 0.3477, 200: 0.1280, 500: 0.0363},
    "umi": {50: 0.5196, 100: 0.2310, 200: 0.0935, 500: 0.0360},
    "rma": {50: 0.9608, 100: 0.9139, 200: 0.8270, 500: 0.6126},
}
RAYLEIGH_CAPACITY = {0: 0.8603, 10: 2.9065, 20: 5.8840}
AWGN_CAPACITY = {0: 1.0, 10: 3.4594, 20: 6.6582}


def loss_db(kind: str, state: str, distance_m: float, frequency_ghz: float) -> float:
    model = PATH_LOSS_MODELS[kind]
    law = model.los_db if state == "los" else model.nlos_db
    return float(law(distance_m, frequency_ghz, model.bs_height_m, 1.5))


def los_probability(kind: str, distance_m: float) -> float:
    return float(PATH_LOSS_MODELS[kind].los_probability(distance_m, 1.5))


def rayleigh_capacity(snr_db: float) -> float:
    snr = 10.0 ** (snr_db / 10.0)
    return float(ergodic_spectral_efficiency(snr, spectral_efficiency=shannon, diversity_order=1))


@cache
def rayleigh_table():
    return ergodic_table(shannon, diversity_order=1)


@cache
def field_values(n_fields: int = 400) -> np.ndarray:
    """Return, a row a field of correlation distance 50 m, the values at forty pairs of places that are 50 m apart."""
    spots_m = np.repeat(np.arange(40) * 500.0, 2) + np.tile([0.0, 50.0], 40)
    streams = Streams(7)
    return np.stack([GaussianField(streams.get("field", i), 50.0)(spots_m, 0.0) for i in range(n_fields)])


def lag_correlation() -> float:
    values = field_values()
    return float((values[:, 0::2] * values[:, 1::2]).mean())


def path_loss_oracles() -> list[Oracle]:
    published = [
        Oracle("path loss", f"{kind}, {state}, {d2} m, 5 GHz", NS_3, value, 0.01, partial(loss_db, kind, state, d2, 5.0), "dB")
        for (kind, state), by_distance in LOSS_AT_5_GHZ.items()
        for d2, value in by_distance.items()
    ]
    evaluated = [
        Oracle(
            "path loss",
            f"{kind}, {state}, 200 m, 3.5 GHz",
            TR_38901,
            value,
            0.01,
            partial(loss_db, kind, state, 200.0, 3.5),
            "dB",
        )
        for (kind, state), value in LOSS_AT_3_5_GHZ_AND_200_M.items()
    ]
    mathworks = Oracle(
        "path loss",
        "rma, los, 1414 m, 3.5 GHz, houses of 7 m",
        "MathWorks, example of nrPathLoss",
        110.1615,
        1e-4,
        lambda: float(rma_los_db(math.hypot(1000.0, 1000.0), 3.5, 30.0, 1.5, building_height_m=7.0)),
        "dB",
    )
    # Antennas at the same height, so that the slant distance is the one along the ground.
    free_space = Oracle(
        "path loss",
        "free space, 1 km, 1 GHz",
        "ITU-R P.525 with the rounded constant 32.45 (km, MHz)",
        92.45,
        0.005,
        lambda: float(PATH_LOSS_MODELS["free-space"].los_db(1000.0, 1.0, 1.5, 1.5)),
        "dB",
    )
    return [*published, *evaluated, mathworks, free_space]


def los_oracles() -> list[Oracle]:
    return [
        Oracle(
            "line of sight", f"{kind}, {d2} m", f"{TR_38901}, Table 7.4.2-1", value, 5e-5, partial(los_probability, kind, d2)
        )
        for kind, by_distance in LOS_PROBABILITY.items()
        for d2, value in by_distance.items()
    ]


def shadowing_oracles() -> list[Oracle]:
    # Tolerances are three standard errors: 16 000 nearly independent pairs, sqrt((1 + r^2) / 16 000) = 0.0084 for the
    # correlation; 32 000 values in pairs of correlation r, sqrt(2 (1 + r^2) / 32 000) = 0.0084 for the variance.
    source = "TR 38.901, clause 7.4.4: R(d) = exp(-d / D)"
    return [
        Oracle("shadowing", "correlation at the correlation distance", source, math.exp(-1.0), 0.026, lag_correlation),
        Oracle("shadowing", "variance", source, 1.0, 0.026, lambda: float((field_values() ** 2).mean())),
    ]


def fading_oracles() -> list[Oracle]:
    closed_form = "closed form, exp(1/g) E1(1/g) / ln 2"
    unit = "bit/s/Hz"
    return [
        *(
            Oracle(
                "fading", f"Rayleigh capacity, {snr_db} dB", closed_form, value, 1e-4, partial(rayleigh_capacity, snr_db), unit
            )
            for snr_db, value in RAYLEIGH_CAPACITY.items()
        ),
        *(
            Oracle(
                "fading",
                f"Rayleigh capacity, {snr_db} dB, from the table",
                closed_form,
                value,
                1e-4,
                lambda snr_db=snr_db: float(rayleigh_table()(10.0 ** (snr_db / 10.0))),
                unit,
            )
            for snr_db, value in RAYLEIGH_CAPACITY.items()
        ),
        *(
            Oracle(
                "fading",
                f"capacity without fading, {snr_db} dB",
                "closed form, log2(1 + g)",
                value,
                5e-5,
                lambda snr_db=snr_db: float(shannon(10.0 ** (snr_db / 10.0))),
                unit,
            )
            for snr_db, value in AWGN_CAPACITY.items()
        ),
        Oracle(
            "fading",
            "coherence time, 3.5 GHz, 3 km/h",
            "0.423 c / (v f), Rappaport",
            43.5e-3,
            5e-5,
            lambda: coherence_time_s(3.0 / 3.6, 3.5e9),
            "s",
        ),
    ]


def noise_oracles() -> list[Oracle]:
    source = "-174 dBm/Hz + 10 log10 B"
    rows = {"20 MHz": (20e6, -101.0), "100 MHz": (100e6, -94.0), "a resource block of 30 kHz": (360e3, -118.4)}
    return [
        Oracle("noise", what, source, value, 0.05, partial(thermal_noise_dbm, bandwidth_hz), "dBm")
        for what, (bandwidth_hz, value) in rows.items()
    ]


ORACLES: list[Oracle] = [
    *path_loss_oracles(),
    *los_oracles(),
    *shadowing_oracles(),
    *fading_oracles(),
    *noise_oracles(),
]
