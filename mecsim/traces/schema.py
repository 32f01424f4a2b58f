"""The canonical columns of each kind of trace, what a value of each may be, and the units that a file may use for it."""

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["link", "mobility", "availability", "device"]
KINDS: tuple[Kind, ...] = ("link", "mobility", "availability", "device")

#: By quantity: what one of a unit is in the unit that the code computes in (SI; Wh for batteries, ms for a sample's time). The
#: first unit of each is that of the canonical column.
UNITS: dict[str, dict[str, float]] = {
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0},
    "delay": {"ms": 1e-3, "s": 1.0, "us": 1e-6},
    "rate": {"Mbit/s": 1e6, "bit/s": 1.0, "kbit/s": 1e3, "Gbit/s": 1e9, "byte/s": 8.0, "kB/s": 8e3, "MB/s": 8e6},
    "length": {"m": 1.0, "km": 1e3},
    "speed": {"m/s": 1.0, "km/h": 1.0 / 3.6, "mph": 0.44704},
    "longitude": {"deg": 1.0},
    "latitude": {"deg": 1.0},
    "power level": {"dBm": 1.0},
    "power ratio": {"dB": 1.0},
    "share": {"1": 1.0, "%": 0.01},
    "switch": {"1": 1.0},
    "computing speed": {"GFLOP/s": 1e9, "FLOP/s": 1.0, "TFLOP/s": 1e12},
    "memory bandwidth": {"GB/s": 1e9, "MB/s": 1e6},
    "memory": {"GB": 1e9, "GiB": 2.0**30, "MB": 1e6, "MiB": 2.0**20},
    "power": {"W": 1.0, "mW": 1e-3},
    "energy": {"Wh": 1.0, "J": 1.0 / 3600.0},
    "time of a sample": {"ms": 1.0, "s": 1e3},
}
TEXT = "text"


@dataclass(frozen=True, slots=True)
class Field:
    """A canonical column: its quantity, and the range of its values in the unit of the code.

    A map has to say where a ``named`` column comes from; every row has to have a ``filled`` one.
    """

    quantity: str
    lowest: float = -math.inf
    highest: float = math.inf
    positive: bool = False
    named: bool = False
    filled: bool = False

    @property
    def rule(self) -> str:
        """Return the range in words, "" where there is none."""
        unit = {"time": " s", "longitude": " degrees", "latitude": " degrees"}.get(self.quantity, "")
        if self.positive:
            return f"be above 0{unit}" + (f" and at most {self.highest:g}{unit}" if math.isfinite(self.highest) else "")
        if math.isfinite(self.highest):
            return f"be between {self.lowest:g} and {self.highest:g}{unit}"
        return f"be at least {self.lowest:g}{unit}" if math.isfinite(self.lowest) else ""

    def allows(self, value: float) -> bool:
        """Return whether a number, in the unit of the code, is in the range."""
        return self.lowest <= value <= self.highest and (value > 0.0 or not self.positive)


_ID = Field(TEXT, named=True, filled=True)
_TIME = Field("time", named=True, filled=True)

FIELDS: dict[Kind, dict[str, Field]] = {
    "link": {
        "t_s": _TIME,
        "ue_id": _ID,
        "dl_mbps": Field("rate", 0.0, named=True),
        "ul_mbps": Field("rate", 0.0),
        "rtt_ms": Field("delay", 0.0),
        "loss": Field("share", 0.0, 1.0),
        "rsrp_dbm": Field("power level"),
        "sinr_db": Field("power ratio"),
        "cell_id": Field(TEXT),
        "rat": Field(TEXT),
    },
    "mobility": {
        "t_s": _TIME,
        "ue_id": _ID,
        "x_m": Field("length"),
        "y_m": Field("length"),
        "lon": Field("longitude", -180.0, 180.0),
        "lat": Field("latitude", -90.0, 90.0),
        "z_m": Field("length"),
        "speed_mps": Field("speed", 0.0),
    },
    "availability": {
        "ue_id": _ID,
        "start_s": Field("time", 0.0, named=True, filled=True),
        "end_s": Field("time", 0.0, named=True, filled=True),
        "period_s": Field("time", positive=True),
        "charging": Field("switch", 0.0, 1.0),
        "battery": Field("share", 0.0, 1.0),
    },
    "device": {
        "device_id": _ID,
        "profile": Field(TEXT),
        "peak_gflops_fp32": Field("computing speed", positive=True),
        "mem_gbps": Field("memory bandwidth", positive=True),
        "ram_gb": Field("memory", positive=True),
        "eff": Field("share", highest=1.0, positive=True),
        "idle_w": Field("power", 0.0),
        "active_w": Field("power", 0.0),
        "batt_wh": Field("energy", positive=True),
        "ms_per_sample": Field("time of a sample", positive=True),
    },
}


def to_base(quantity: str, unit: str | None = None) -> float:
    """Return the factor from ``unit``, or from the canonical one, to the unit that the code computes in."""
    units = UNITS[quantity]
    return units[unit] if unit is not None else next(iter(units.values()))
