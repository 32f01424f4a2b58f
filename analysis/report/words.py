"""Captions, and what a figure shows to those who cannot see it."""

from typing import TYPE_CHECKING

from analysis.formats import bytes_text, duration_text, energy_text, percent_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

#: kind of figure -> its caption.
CAPTIONS = {
    "overview": "Accuracy against simulated time, device energy and uplink data; total uplink data; devices left out.",
    "accuracy_time": "Accuracy against simulated time, from the server's preparation on.",
    "accuracy_energy": "Accuracy against the energy of all devices: computing, radio and idle.",
    "accuracy_uplink": "Accuracy against the data that all devices have sent. Round 0 is not on the logarithmic axis.",
}
_SPENT: "dict[str, tuple[str, Callable[[float], str]]]" = {
    "accuracy_time": ("sim_time_s", duration_text),
    "accuracy_energy": ("device_energy_j", energy_text),
    "accuracy_uplink": ("uplink_bytes", bytes_text),
}


def describe(kind: str, labels: "pd.DataFrame") -> str:
    """Return the figure in words: what is drawn, and where each scheme ends up."""
    if kind == "overview":
        rows = "; ".join(
            f"{row.label} {percent_text(row.final_accuracy)}, {duration_text(row.sim_time_s)}, "
            f"{energy_text(row.device_energy_j)}, {bytes_text(row.uplink_bytes)}, "
            f"{percent_text(row.refused_device_share)} of devices left out"
            for row in labels.itertuples()
        )
        return f"{CAPTIONS[kind]} At the end: {rows}."
    column, text = _SPENT[kind]
    ends = "; ".join(
        f"{row.label} {percent_text(row.final_accuracy)} after {text(getattr(row, column))}" for row in labels.itertuples()
    )
    return f"Line chart, one curve a scheme. {CAPTIONS[kind]} At the end: {ends}."
