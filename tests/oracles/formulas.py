"""Formulas and tables that no list of another room holds: modulation, walls, antennas, power control, transport."""

import math
from functools import partial

import numpy as np

from mecsim.config import network as config
from mecsim.nodes.transport import Transport
from mecsim.radio.antenna import SectorPattern
from mecsim.radio.indoor import penetration_db
from mecsim.radio.modulation import MCS_64QAM, MCS_256QAM
from mecsim.radio.path_loss import PATH_LOSS_MODELS
from mecsim.radio.power_control import uplink_power_dbm
from oracles.oracle import Oracle

# The column "spectral efficiency" of the tables, printed to four digits.
MCS_EFFICIENCY = {
    "5.1.3.1-1": [0.2344, 0.3066, 0.3770, 0.4902, 0.6016, 0.7402, 0.8770, 1.0273, 1.1758, 1.3262,
                  1.3281, 1.4766, 1.6953, 1.9141, 2.1602, 2.4063, 2.5703, 2.5664, 2.7305, 3.0293,
                  3.3223, 3.6094, 3.9023, 4.2129, 4.5234, 4.8164, 5.1152, 5.3320, 5.5547],
    "5.1.3.1-2": [0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.6953, 1.9141, 2.1602, 2.4063,
                  2.5703, 2.7305, 3.0293, 3.3223, 3.6094, 3.9023, 4.2129, 4.5234, 4.8164, 5.1152,
                  5.3320, 5.5547, 5.8906, 6.2266, 6.5703, 6.9141, 7.1602, 7.4063],
}  # fmt: skip
MCS_TABLES = {"5.1.3.1-1": MCS_64QAM, "5.1.3.1-2": MCS_256QAM}


def mcs_efficiency(table, index):
    """Return the bits a symbol of one modulation and coding scheme."""
    order, code_rate_1024 = MCS_TABLES[table][index]
    return order * code_rate_1024 / 1024.0


def element_db(azimuth_deg):
    return float(SectorPattern.nr().gain_db(azimuth_deg, 0.0))


def jump_db(kind, breakpoint_m):
    """Return by how much the loss in line of sight jumps at 3.5 GHz, from a micrometre before the breakpoint to one behind."""
    model = PATH_LOSS_MODELS[kind]
    before_db, behind_db = model.los_db(np.array([breakpoint_m - 1e-6, breakpoint_m + 1e-6]), 3.5, model.bs_height_m, 1.5)
    return float(behind_db - before_db)


def transport(**options):
    """Return a transport of 50 ms there and back."""
    plain = {"radio_overhead": 1.0, "backhaul_overhead": 1.0, "efficiency": 1.0, "n_setup_rtts": 2.0}
    return Transport(**plain, ran_rtt_s=0.01, backhaul_delay_s=0.02, **options)


def modulation_oracles():
    row = partial(Oracle, "modulation and coding")
    return [
        row(f"Table {table}, MCS {i}", "TS 38.214", value, 5.01e-5, partial(mcs_efficiency, table, i), "bit/symbol")
        for table, column in MCS_EFFICIENCY.items()
        for i, value in enumerate(column)
    ]


def path_oracles():
    jump = partial(Oracle, "path loss", source="both branches meet: TR 38.901, Table 7.4.1-1", expected=0.0, unit="dB")
    wall = partial(Oracle, "walls", source="TR 38.901, Table 7.4.3-2, by hand", tolerance=1e-9, unit="dB")
    breakpoints_m = {
        "uma": (4.0 * 24.0 * 0.5 * 3.5e9 / 3e8, 1e-6),
        "umi": (4.0 * 9.0 * 0.5 * 3.5e9 / 3e8, 1e-6),
        "rma": (2.0 * math.pi * 35.0 * 1.5 * 3.5e9 / 3e8, 0.01),  # its breakpoint is on the ground, its law over the slant
    }
    # What passes: 30 % glass of 2.7 dB and 70 % concrete of 19 dB; 70 % coated glass of 25.785 dB and 30 % concrete.
    passing = {"low": 0.3 * 10**-0.27 + 0.7 * 10**-1.9, "high": 0.7 * 10**-2.5785 + 0.3 * 10**-1.9}
    return [
        *(
            jump(name=f"{kind}, los, jump at the breakpoint", tolerance=tolerance, compute=partial(jump_db, kind, at_m))
            for kind, (at_m, tolerance) in breakpoints_m.items()
        ),
        *(
            wall(
                name=f"{kind} loss, 3.5 GHz, mean",
                expected=5.0 - 10.0 * math.log10(part),
                compute=lambda kind=kind: penetration_db(kind, 3.5)[0],
            )
            for kind, part in passing.items()
        ),
    ]


def power_oracles():
    # Over a path of 100 dB: alpha, P0 in dBm, blocks, and the sum P0 + alpha x 100 + 10 log10 blocks, at most 23 dBm.
    control = [(1.0, -90.0, 10, 20.0), (0.8, -75.0, 1, 5.0), (1.0, -90.0, 100, 23.0)]
    row = partial(Oracle, "antennas and power")
    return [
        row("sector of 65 degrees, at half of it", "TR 38.901, Table 7.3-1", -3.0, 1e-9, partial(element_db, 32.5), "dB"),
        row("sector of 65 degrees, behind", "TR 38.901, Table 7.3-1", -30.0, 1e-9, partial(element_db, 180.0), "dB"),
        *(
            row(
                f"uplink power, alpha {alpha:g}, P0 {p0:g} dBm, blocks {n_rb}",
                "TS 38.213, clause 7.1.1, by hand",
                dbm,
                1e-9,
                lambda alpha=alpha, p0=p0, n_rb=n_rb: float(
                    uplink_power_dbm(100.0, maximum_dbm=23.0, p0_dbm_per_rb=p0, alpha=alpha, n_rb=n_rb)
                ),
                "dBm",
            )
            for alpha, p0, n_rb, dbm in control
        ),
    ]


def transport_oracles():
    row = partial(Oracle, "transport")
    headers = 1500 / 1448 * 16406 / 16384 * 16393 / 16384
    return [
        row(
            "bytes on the radio a byte of payload, by default",
            "TCP/IPv4, TLS 1.3, HTTP/2; 1 % for the radio",
            headers * 1.01,
            0.005,
            lambda: config.Transport().radio_overhead,
        ),
        row(
            "rate at 50 ms and a loss of 1 in 10,000",
            "1.22 MSS / (RTT sqrt(p)), Mathis et al., 1997",
            28.26496,
            1e-9,
            lambda: transport(loss_rate=1e-4).cap_bps() / 1e6,
            "Mbit/s",
        ),
        # Six round trips of 10, 20, ... 320 segments reach 5 Mb in flight; at full rate these would have taken 72.98 ms.
        row(
            "time lost to slow start at 100 Mb/s and 50 ms",
            "ten segments, doubled each round trip (RFC 6928)",
            0.2270208,
            1e-9,
            lambda: transport(slow_start=True).slow_start_s(10**8, 1e8),
            "s",
        ),
    ]


ORACLES = [*modulation_oracles(), *path_oracles(), *power_oracles(), *transport_oracles()]
