"""What trials are compared by: the measures of the summary, their names, units, and which way is better."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from analysis.formats import (
    bytes_text,
    count_text,
    diagnostic_text,
    duration_text,
    energy_text,
    flop_text,
    percent_text,
    significant,
)
from mecsim.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


class Text(Protocol):
    """Formats a value, with the half-width of its interval where there is one; None and NaN are empty."""

    def __call__(self, value: float | None, half: float | None = None, /) -> str:
        """Return the text; "-" where there is no value."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of a trial: a column of ``with_measures``'s frame.

    ``title`` is its name in a heading or on an axis, without the unit; ``unit`` is that of the column ("" for shares and
    counts). ``is_ratio`` says whether "twice as much" means something: so for amounts, not for shares of one. A measure that
    is ``to_target`` is empty where a seed did not reach the target: it is censored, never averaged over the others.
    """

    name: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    text: Text
    is_ratio: bool = True
    to_target: bool = False

    @property
    def sign(self) -> int:
        """Return 1 where higher is better and -1 where lower is: more of ``sign * value`` is better."""
        return 1 if self.better == "higher" else -1


def _carbon_text(carbon_g: float | None, half: float | None = None) -> str:
    text = energy_text(carbon_g, half)
    return f"{text.removesuffix('J')}g" if text.endswith("J") else text


def _number_text(value: float | None, half: float | None = None) -> str:
    if value is None or value != value:
        return count_text(None)
    return significant(value) if half is None or half != half else f"{value:.3f} ± {half:.3f}"


def _objective_text(value: float | None, half: float | None = None) -> str:
    return diagnostic_text("objective", math.nan if value is None else value, half)


def _flop_text(flop: float | None, _half: float | None = None) -> str:
    return flop_text(flop)


def _count_text(count: float | None, _half: float | None = None) -> str:
    return count_text(count)


_ALL = (
    Measure("final_accuracy", "Accuracy at the end", "", "higher", percent_text, is_ratio=False),
    Measure("best_accuracy", "Best accuracy", "", "higher", percent_text, is_ratio=False),
    Measure("bits_per_byte", "Bits a byte at the end", "bit/B", "lower", _number_text),
    Measure("final_loss", "Loss at the end", "", "lower", _number_text),
    Measure("objective", "Objective", "", "lower", _objective_text),
    Measure("sim_time_s", "Time to the end", "s", "lower", duration_text),
    Measure("device_energy_j", "Device energy", "J", "lower", energy_text),
    Measure("server_energy_j", "Server energy", "J", "lower", energy_text),
    Measure("station_energy_j", "Station energy", "J", "lower", energy_text),
    Measure("carbon_g", "Carbon", "g", "lower", _carbon_text),
    Measure("uplink_bytes", "Uplink", "B", "lower", bytes_text),
    Measure("downlink_bytes", "Downlink", "B", "lower", bytes_text),
    Measure("total_bytes", "Uplink and downlink", "B", "lower", bytes_text),
    Measure("wasted_bytes", "Wasted bytes", "B", "lower", bytes_text),
    Measure("update_bytes", "Largest update", "B", "lower", bytes_text),
    Measure("time_to_target_s", "Time to the target", "s", "lower", duration_text, to_target=True),
    Measure("device_energy_to_target_j", "Device energy to the target", "J", "lower", energy_text, to_target=True),
    Measure("uplink_bytes_to_target", "Uplink to the target", "B", "lower", bytes_text, to_target=True),
    Measure("downlink_bytes_to_target", "Downlink to the target", "B", "lower", bytes_text, to_target=True),
    Measure("total_bytes_to_target", "Uplink and downlink to the target", "B", "lower", bytes_text, to_target=True),
    Measure("refused_device_share", "Devices left out", "", "lower", percent_text, is_ratio=False),
    Measure("completed_share", "Turns completed", "", "higher", percent_text, is_ratio=False),
    Measure("peak_memory_bytes", "Peak memory", "B", "lower", bytes_text),
    Measure("turn_flop", "FLOP of a turn", "FLOP", "lower", _flop_text),
    Measure("inference_flop", "FLOP of a query", "FLOP", "lower", _flop_text),
    Measure("trainable_parameters", "Trainable parameters", "", "lower", _count_text),
)

#: Name -> measure, in reading order.
MEASURES = {measure.name: measure for measure in _ALL}


def measure_of(name: str) -> Measure:
    """Return the measure called ``name``; UnknownNameError with the nearest one if there is none."""
    if name not in MEASURES:
        raise UnknownNameError("measure", name, MEASURES)
    return MEASURES[name]


def with_measures(summary: "pd.DataFrame", diagnostics: "pd.DataFrame | None" = None) -> "pd.DataFrame":
    """Return the summary (a row a trial) with the measures that are made from its columns, as float64.

    Added: ``device_energy_j`` (compute + radio + idle), ``total_bytes`` and ``total_bytes_to_target`` (uplink + downlink),
    ``completed_share`` (of turns; NaN without turns). Given ``diagnostics``, also ``bits_per_byte`` of the last round that has
    it; NaN for trials without. Asking again for a frame that has them changes nothing.
    """
    frame = summary.copy()
    for name in MEASURES:
        if name in frame:
            frame[name] = frame[name].astype("float64")
    frame["device_energy_j"] = sum(frame[f"device_{part}_energy_j"] for part in ("compute", "radio", "idle"))
    frame["total_bytes"] = frame["uplink_bytes"] + frame["downlink_bytes"]
    frame["total_bytes_to_target"] = frame["uplink_bytes_to_target"] + frame["downlink_bytes_to_target"]
    turns = frame["turns"].astype("float64")
    frame["completed_share"] = (frame["completed"] / turns).where(turns > 0)
    return frame if diagnostics is None else _with_last(frame, diagnostics, "bits_per_byte")


def _with_last(frame: "pd.DataFrame", diagnostics: "pd.DataFrame", name: str) -> "pd.DataFrame":
    keys = ["variant", "label", "seed"]
    told = diagnostics[diagnostics["name"] == name].sort_values("round", kind="stable")
    last = told.groupby(keys, sort=False, as_index=False)["value"].last().rename(columns={"value": name})
    return frame.drop(columns=name, errors="ignore").merge(last, how="left", on=keys)


def available(frame: "pd.DataFrame") -> tuple[Measure, ...]:
    """Return the measures of which ``with_measures``'s frame has a number in some row, in reading order."""
    return tuple(measure for measure in _ALL if measure.name in frame and frame[measure.name].notna().any())
