"""Devices, radios and stations: powers and times that were measured or published, and closed forms."""

import numpy as np

from mecsim.nodes.battery import J_PER_WH, Batteries
from mecsim.nodes.compute import ComputeSettings, compute_plan, fedscale_turn_s
from mecsim.nodes.device_profile import CyclesModel, DeviceProfile
from mecsim.nodes.profiles import PROFILES
from mecsim.nodes.radio_energy import transfer_energy_j
from mecsim.nodes.radio_power import RADIO_POWER
from mecsim.nodes.station_power import STATIONS
from oracles.oracle import Oracle

EARTH = "Auer et al., IEEE Wireless Communications 18(5), 2011"
HPL = "geerlingguy/top500-benchmark, power at the wall under HPL"
SIGCOMM21 = "line through the power measured by Narayanan et al., SIGCOMM 2021, less a base of 2.35 W"
FEDSCALE = "FedScale, ClientMetadata.get_completion_time"
_PHONE = PROFILES["phone-mid"]


def _full_load_w(name):
    return STATIONS[name].static_w + STATIONS[name].dynamic_w


def _kappa(name, clock_hz):
    """Return kappa of a machine whose dynamic power at its clock is kappa f^3."""
    return PROFILES[name].dynamic_w / clock_hz**3


def _power_of_cycles_w(kappa):
    model = CyclesModel(kappa=kappa, cycles_per_sample=2e4, frequency_hz=2e9)
    return _plan(n_samples=1, cycles=model).power_w


def _plan(n_samples, **model):
    figures = {name: getattr(_PHONE, name) for name in DeviceProfile.__slots__}
    return compute_plan(
        DeviceProfile(**figures | model), ComputeSettings(), flop=1.0, traffic_bytes=0.0, n_steps=0, n_samples=n_samples
    )


def _radio_w(radio, direction, mbps):
    return transfer_energy_j(1.0, mbps * 1e6, direction, RADIO_POWER[radio])


def _seconds_of_a_battery(watts):
    capacity_j = np.array([J_PER_WH * _PHONE.battery_wh])
    battery = Batteries(capacity_j=capacity_j, level_j=capacity_j, standby_w=[0.0], charge_w=[0.0])
    return battery.time_to_empty_s(0, 0.0, watts)


def _stations():
    for name, watts in (("macro", 1344.0), ("rrh", 840.0), ("micro", 144.76), ("pico", 14.64), ("femto", 10.4)):
        yield Oracle(
            group="stations",
            name=f"{name} at full load",
            source=f"{EARTH}: N (P0 + slope Pmax)",
            expected=watts,
            tolerance=1e-9,
            compute=lambda name=name: _full_load_w(name),
            unit="W",
        )


def _boards():
    for name, watts in (("raspberry-pi-4", 7.2), ("raspberry-pi-5", 12.7), ("raspberry-pi-5-16gb", 13.8)):
        yield Oracle(
            group="devices",
            name=f"{name} computing",
            source=HPL,
            expected=watts,
            tolerance=0.0,
            compute=lambda name=name: PROFILES[name].active_w,
            unit="W",
        )
    for name, clock_hz, kappa, tolerance in (
        ("raspberry-pi-4", 1.5e9, 1.3e-27, 0.05e-27),
        ("raspberry-pi-5", 2.4e9, 7.0e-28, 0.05e-28),
    ):
        yield Oracle(
            group="devices",
            name=f"{name}: kappa of its dynamic power at {clock_hz / 1e9} GHz",
            source=f"{HPL}, less an idle power that is a default",
            expected=kappa,
            tolerance=tolerance,
            compute=lambda name=name, clock_hz=clock_hz: _kappa(name, clock_hz),
            unit="W/Hz^3",
        )


def _cycles():
    for kappa, watts in ((1e-28, 0.8), (1e-27, 8.0), (1e-26, 80.0)):
        yield Oracle(
            group="devices",
            name=f"a core at 2 GHz with kappa {kappa:g}",
            source="kappa f^3",
            expected=watts,
            tolerance=1e-9,
            compute=lambda kappa=kappa: _power_of_cycles_w(kappa),
            unit="W",
        )


def _radios():
    for radio, direction, mbps, slope_mw, intercept_mw in (
        ("lte", "downlink", 50.0, 11.54, 2839.0),
        ("lte", "uplink", 10.0, 76.68, 2926.0),
        ("nr-low-band", "downlink", 100.0, 11.54, 3059.0),
        ("nr-low-band", "uplink", 40.0, 32.17, 3199.0),
        ("nr-mmwave", "downlink", 1000.0, 1.73, 5237.0),
        ("nr-mmwave", "uplink", 200.0, 8.88, 5664.0),
    ):
        yield Oracle(
            group="radio power",
            name=f"{radio} {direction} at {mbps:g} Mb/s",
            source=SIGCOMM21,
            expected=(slope_mw * mbps + intercept_mw - 2350.0) / 1e3,
            tolerance=1e-9,
            compute=lambda radio=radio, direction=direction, mbps=mbps: _radio_w(radio, direction, mbps),
            unit="W",
        )


ORACLES: list[Oracle] = [
    *_stations(),
    *_boards(),
    *_cycles(),
    *_radios(),
    Oracle(
        group="devices",
        name="a battery of 5,000 mAh at 3.85 V lasts at 1 W",
        source="5 Ah x 3.85 V x 3,600 s/h",
        expected=69_300.0,
        tolerance=1e-9,
        compute=lambda: _seconds_of_a_battery(1.0),
        unit="s",
    ),
    Oracle(
        group="devices",
        name="FedScale's turn: 20 samples a batch, 13 steps, 7.3 ms, 65,536 both ways at 5,321.7",
        source=FEDSCALE,
        expected=3.0 * 20 * 13 * 7.3 / 1000.0 + (65536.0 + 65536.0) / 5321.7,
        tolerance=0.0,
        compute=lambda: fedscale_turn_s(20, 13, 7.3, 65536.0, 65536.0, 5321.7),
        unit="s",
    ),
    Oracle(
        group="devices",
        name="FedScale's computing, by a profile of 7.3 ms a sample",
        source=FEDSCALE,
        expected=3.0 * 20 * 13 * 7.3 / 1000.0,
        tolerance=0.0,
        compute=lambda: _plan(n_samples=20 * 13, ms_per_sample=7.3).work_s,
        unit="s",
    ),
]
