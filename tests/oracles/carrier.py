"""Link adaptation and carrier arithmetic: the tables of NR, repetition, peak rates, TDD."""

from functools import partial

from mecsim.radio.adaptation import CqiAdaptation
from mecsim.radio.harq import expected_transmissions, throughput_factor
from mecsim.radio.modulation import CQI_64QAM, CQI_256QAM
from mecsim.radio.numerology import peak_rate_bps, resource_blocks, tdd_shares
from mecsim.radio.rate import truncated_shannon
from oracles.oracle import Oracle

# The column "efficiency" of the tables, printed to four digits.
CQI_EFFICIENCY = {
    "5.2.2.1-2": [0.1523, 0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.9141,
                  2.4063, 2.7305, 3.3223, 3.9023, 4.5234, 5.1152, 5.5547],
    "5.2.2.1-3": [0.1523, 0.3770, 0.8770, 1.4766, 1.9141, 2.4063, 2.7305, 3.3223,
                  3.9023, 4.5234, 5.1152, 5.5547, 6.2266, 6.9141, 7.4063],
}  # fmt: skip
CQI_TABLES = {"5.2.2.1-2": CQI_64QAM, "5.2.2.1-3": CQI_256QAM}

N_RB = {
    ("FR1", 15): {5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 40: 216, 50: 270},
    ("FR1", 30): {
        5: 11,
        10: 24,
        15: 38,
        20: 51,
        25: 65,
        30: 78,
        40: 106,
        50: 133,
        60: 162,
        70: 189,
        80: 217,
        90: 245,
        100: 273,
    },
    ("FR1", 60): {10: 11, 15: 18, 20: 24, 25: 31, 30: 38, 40: 51, 50: 65, 60: 79, 70: 93, 80: 107, 90: 121, 100: 135},
    ("FR2", 60): {50: 66, 100: 132, 200: 264},
    ("FR2", 120): {50: 32, 100: 66, 200: 132, 400: 264},
}


def cqi_efficiency(table: str, index: int) -> float:
    """Return the efficiency of the law just above the quality's SNR, block errors left out."""
    quality = CQI_TABLES[table][index - 1]
    law = CqiAdaptation(CQI_TABLES[table], bler=0.0)
    return float(law.spectral_efficiency(10.0 ** ((quality.snr_db + 1e-6) / 10.0)))


def adaptation_oracles() -> list[Oracle]:
    unit = "bit/s/Hz"
    ends = {"downlink, 22 dB": (0.6, 22.0, 4.390), "uplink, 15 dB": (0.4, 15.0, 2.011)}
    truncated = [
        Oracle(
            "link adaptation",
            f"attenuated Shannon, {what}",
            "alpha log2(1 + g) at the end of the curve of TR 36.942, Annex A.2",
            value,
            5e-4,
            lambda alpha=alpha, snr_db=snr_db: float(
                truncated_shannon(10.0 ** (snr_db / 10.0), alpha=alpha, snr_min_db=-10.0, max_se=99.0)
            ),
            unit,
        )
        for what, (alpha, snr_db, value) in ends.items()
    ]
    qualities = [
        Oracle(
            "link adaptation", f"Table {table}, CQI {i}", "TS 38.214", value, 5.01e-5, partial(cqi_efficiency, table, i), unit
        )
        for table, column in CQI_EFFICIENCY.items()
        for i, value in enumerate(column, start=1)
    ]
    combined = "attempt n fails with 0.1 x 0.2^(n-1), as in Simu5G; four attempts"
    harq = [
        Oracle("link adaptation", "HARQ, transmissions of a block", combined, 1.102, 5e-4, lambda: expected_transmissions(0.1)),
        Oracle("link adaptation", "HARQ, throughput factor", combined, 0.907, 5e-4, lambda: throughput_factor(0.1)),
    ]
    return [*truncated, *qualities, *harq]


def carrier_oracles() -> list[Oracle]:
    blocks = [
        Oracle(
            "carrier",
            f"resource blocks, {frequency_range}, {bandwidth_mhz} MHz, {scs_khz} kHz",
            f"TS 38.101-{1 if frequency_range == 'FR1' else 2}, Table 5.3.2-1",
            n_rb,
            0.0,
            partial(resource_blocks, bandwidth_mhz, scs_khz, frequency_range),
        )
        for (frequency_range, scs_khz), row in N_RB.items()
        for bandwidth_mhz, n_rb in row.items()
    ]
    peaks = {
        "downlink, 4 layers, 256-QAM, 100 MHz, 30 kHz": (2337.00, (4, 8, 273, 1), 0.14),
        "uplink, 1 layer, 64-QAM, 100 MHz, 30 kHz": (468.76, (1, 6, 273, 1), 0.08),
        "downlink, 4 layers, 256-QAM, 20 MHz, 15 kHz": (453.70, (4, 8, 106, 0), 0.14),
    }
    rates = [
        Oracle(
            "carrier",
            f"peak rate, {what}",
            "TS 38.306, clause 4.1.2, evaluated independently",
            mbps,
            0.005,
            lambda carrier=carrier, overhead=overhead: peak_rate_bps(*carrier, overhead=overhead) / 1e6,
            "Mbit/s",
        )
        for what, (mbps, carrier, overhead) in peaks.items()
    ]
    shares = [
        Oracle(
            "carrier",
            f"DDDSU, share of the {name}",
            "3 D slots, S of 10:2:2, U",
            value,
            0.0,
            lambda i=i: tdd_shares("DDDSU")[i],
        )
        for i, (name, value) in enumerate([("downlink", 52 / 70), ("uplink", 16 / 70)])
    ]
    return [*blocks, *rates, *shares]


ORACLES: list[Oracle] = [*adaptation_oracles(), *carrier_oracles()]
