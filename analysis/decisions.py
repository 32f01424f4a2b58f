"""What control policies decided: which choices, for whom, and who was asked how often; of one variant, all seeds together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.turns import fleet

if TYPE_CHECKING:
    import pandas as pd

_BY_GROUP = {
    "label": "str", "group": "str", "n_devices": "float64", "turns": "int64", "asked_share": "float64",
    "completed_share": "float64", "mean_choice": "float64", "older_share": "float64", "mean_bandwidth": "float64",
    "mean_power_db": "float64",
}  # fmt: skip


def choice_shares(clients: "pd.DataFrame", labels: Sequence[str]) -> "pd.DataFrame":
    """Return the share of turns with each choice of the knob: a row a label, a column a choice in rising order.

    The last column is NaN, the turns without a knob, where there are any. A label without turns has a row of zeros.
    """
    own = clients[clients["label"].isin(list(labels))]
    counts = own.groupby("label")["choice"].value_counts(dropna=False).unstack(fill_value=0).sort_index(axis=1)
    counts = counts.reindex(list(labels), fill_value=0)
    totals = counts.sum(axis=1)
    return counts.div(totals.where(totals > 0, 1), axis=0).astype("float64")


def by_group(clients: "pd.DataFrame", rounds: "pd.DataFrame", devices: "pd.DataFrame", labels: Sequence[str]) -> "pd.DataFrame":
    """Return what was decided on each group of devices: a row a (label, group), groups in the order of their devices.

    Columns: ``label``, ``group``, ``n_devices`` (mean over the seeds), ``turns``, ``asked_share`` (share of rounds in which a
    device of the group was asked, the mean over its devices), ``completed_share`` of its turns, ``mean_choice`` of the knob
    (NaN without one), ``older_share`` (turns around a version that was not the newest), ``mean_bandwidth`` (weight) and
    ``mean_power_db``. Shares of turns and means are NaN without turns. Devices are those of ``turns.fleet``.
    """
    import pandas as pd

    everyone = fleet(devices, clients)
    groups = list(dict.fromkeys(everyone.sort_values("device", kind="stable")["group"]))
    own = clients.merge(everyone[["seed", "device"]], on=["seed", "device"])
    n_devices = everyone.groupby(["group", "seed"]).size()
    n_rounds = rounds[rounds["round"] > 0].groupby(["label", "seed"]).size()
    rows: list[tuple[object, ...]] = []
    for label in labels:
        for group in groups:
            turns = own[(own["label"] == label) & (own["group"] == group)]
            each = n_devices[group]
            chances = float((n_rounds[label].reindex(each.index).fillna(0) * each).sum()) if label in n_rounds else 0.0
            rows.append(
                (
                    label, group, each.mean(), len(turns), len(turns) / chances if chances else float("nan"),
                    (turns["outcome"] == "completed").mean(), turns["choice"].astype("float64").mean(),
                    (turns["age"] > 0).mean(), turns["bandwidth"].mean(), turns["power_db"].mean(),
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(_BY_GROUP)).astype(_BY_GROUP)
