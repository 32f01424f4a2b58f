"""Where joules and bytes went: parts of a total, averaged over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.stats import Interval, interval

if TYPE_CHECKING:
    import pandas as pd

#: (node, part) of ``energy.parquet`` -> its name in figures, in the order in which they are stacked.
ENERGY_PARTS = {
    ("devices", "compute"): "devices: computing",
    ("devices", "transfer"): "devices: sending and receiving",
    ("devices", "connect"): "devices: connecting",
    ("devices", "tail"): "devices: radio tails",
    ("devices", "idle"): "devices: idle in turns",
    ("server", "compute"): "server: computing",
    ("stations", "dynamic"): "stations: sending for the study",
    ("backhaul", "transfer"): "backhaul",
}
#: What is due whether anything is sent or not, and enters no total.
STATIC = ("stations", "static")
#: Payload kinds in the order in which they are stacked: downlink, then uplink.
_BYTE_PARTS = ("backbone down", "emulator down", "delta down", "state down", "update up", "samples up")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts of each label: ``parts`` has a row a label and a column a part (means over seeds), ``totals`` their sums."""

    parts: "pd.DataFrame"
    totals: dict[str, Interval]


def amounts(rows: "pd.DataFrame", trials: "pd.DataFrame", order: Sequence[str] = ()) -> Amounts:
    """Add up ``rows`` (label, seed, part, value) of one variant; ``trials`` (label, seed) count also where they have none.

    Labels are in the order of ``trials``, parts in that of ``order``, with others behind; parts that are zero throughout are
    left out.
    """
    import pandas as pd

    every = pd.MultiIndex.from_frame(trials[["label", "seed"]].drop_duplicates())
    wide = rows.groupby(["label", "seed", "part"])["value"].sum().unstack(fill_value=0.0)
    wide = wide.reindex(every, fill_value=0.0).astype("float64")
    known = [part for part in order if part in wide]
    wide = wide[[*known, *(part for part in dict.fromkeys(rows["part"]) if part not in known)]]
    wide = wide.loc[:, wide.abs().sum() > 0]
    totals = {str(label): interval(own.sum(axis=1).tolist()) for label, own in wide.groupby(level=0, sort=False)}
    return Amounts(parts=wide.groupby(level=0, sort=False).mean(), totals=totals)


def energy_amounts(energy: "pd.DataFrame", trials: "pd.DataFrame") -> Amounts:
    """Return joules by part of all nodes, without the stations' static ones; ``energy`` is of one variant."""
    pairs = list(zip(energy["node"], energy["part"], strict=True))
    parts = [ENERGY_PARTS.get(pair, f"{pair[0]}: {pair[1]}") for pair in pairs]
    rows = energy.assign(part=parts, value=energy["energy_j"])
    counted = np.array([pair != STATIC for pair in pairs], dtype=bool)
    return amounts(rows[counted], trials, tuple(ENERGY_PARTS.values()))


def static_j(energy: "pd.DataFrame") -> dict[str, float]:
    """Return the stations' static joules of each label, the mean over seeds."""
    rows = energy[(energy["node"] == STATIC[0]) & (energy["part"] == STATIC[1])]
    totals = rows.groupby(["label", "seed"], sort=False)["energy_j"].sum()
    return {str(label): float(own.mean()) for label, own in totals.groupby(level=0, sort=False)}


def payload_bytes(transfers: "pd.DataFrame") -> "pd.Series":
    """Return the bytes of each payload that went over the radio, without overhead: what the rounds' byte columns add up."""
    share = (transfers["carried_bytes"] / transfers["wire_bytes"]).where(transfers["wire_bytes"] > 0, 0.0).clip(upper=1.0)
    carried = np.floor(transfers["size_bytes"] * share)
    return transfers["size_bytes"].astype("float64").where(transfers["complete"].astype(bool), carried)


def byte_amounts(transfers: "pd.DataFrame", trials: "pd.DataFrame") -> Amounts:
    """Return payload bytes by kind and direction; ``transfers`` is of one variant."""
    ways = transfers["direction"].map({"downlink": "down", "uplink": "up"})
    rows = transfers.assign(part=transfers["payload_kind"] + " " + ways, value=payload_bytes(transfers))
    return amounts(rows, trials, _BYTE_PARTS)
