"""How evenly work, energy and accuracy fall on devices and their groups.

Devices are those of the table ``devices``: all of a small fleet, and of a large one those that are spread evenly over it.
One that never had a turn is among them with zeros. A label that gives no device any work in a variant, such as one that
trains at the server alone, has no rows: nothing is shared there, so nothing can be uneven.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from analysis.stats import gini, interval, jain

if TYPE_CHECKING:
    import pandas as pd

_ENERGIES = tuple(f"{part}_energy_j" for part in ("connect", "download", "compute", "upload", "tail", "idle"))
_TRIAL = ["variant", "label", "seed"]
_COUNTED = ["turns", "completed", "energy_j"]


def by_device(clients: "pd.DataFrame", devices: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each device did in each trial: a row a (variant, label, seed, device), also those that had no turn.

    Columns: those four, ``group``, ``profile``, ``turns`` (however they ended), ``completed`` (turns with an update that
    counted) and ``energy_j`` (connecting, transfers, computing, tails and the idle energy of turns).
    """
    import pandas as pd

    spent = clients.assign(completed=clients["outcome"] == "completed", energy_j=clients[list(_ENERGIES)].sum(axis=1))
    sums = spent.groupby([*_TRIAL, "device"], sort=False).agg(
        turns=("device", "size"), completed=("completed", "sum"), energy_j=("energy_j", "sum")
    )
    labels = clients[["variant", "label"]].drop_duplicates()
    worlds = devices[["variant", "seed", "device", "group", "profile"]]
    everyone = labels.merge(worlds, on="variant").join(sums, on=[*_TRIAL, "device"])
    everyone[_COUNTED] = everyone[_COUNTED].fillna(0)
    types = {"turns": "int64", "completed": "int64", "energy_j": "float64"}
    return pd.DataFrame(everyone[[*_TRIAL, "device", "group", "profile", *_COUNTED]]).astype(types)


def participation(clients: "pd.DataFrame", devices: "pd.DataFrame") -> "pd.DataFrame":
    """Return how evenly devices took part: a row a (variant, label), in the study's order.

    Columns: ``variant``, ``label``, ``n`` (seeds), ``devices``, and means over the seeds with ``<name>_half``, the half-width
    of the 95 % t-interval (NaN for one seed): ``turns`` and ``completed`` (a device), ``jain`` (Jain's index of completed
    turns over devices, NaN where none completed any), ``gini`` (of the same), ``never_asked_share`` (devices without a turn)
    and ``never_completed_share`` (devices none of whose updates ever counted, those among them).
    """
    return _over_seeds(by_device(clients, devices), ["variant", "label"], _TOOK_PART)


def participation_by_group(clients: "pd.DataFrame", devices: "pd.DataFrame") -> "pd.DataFrame":
    """Return ``participation`` within each group of devices: a row a (variant, label, group)."""
    return _over_seeds(by_device(clients, devices), ["variant", "label", "group"], _TOOK_PART)


def energy_by_device(clients: "pd.DataFrame", devices: "pd.DataFrame") -> "pd.DataFrame":
    """Return how evenly energy was drawn from devices: a row a (variant, label), in the study's order.

    Columns: ``variant``, ``label``, ``n`` (seeds), ``devices``, and means over the seeds with ``<name>_half`` as in
    ``participation``: ``mean_j`` (a device), ``max_j`` (of the device that spent most), ``jain`` and ``gini`` over devices,
    NaN where nothing was spent. An even burden is not a small one, and devices differ in what a joule costs them.
    """
    return _over_seeds(by_device(clients, devices), ["variant", "label"], _SPENT)


def energy_by_group(clients: "pd.DataFrame", devices: "pd.DataFrame") -> "pd.DataFrame":
    """Return ``energy_by_device`` within each group of devices: a row a (variant, label, group)."""
    return _over_seeds(by_device(clients, devices), ["variant", "label", "group"], _SPENT)


def accuracy_by_group(groups: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each group would get: a row a (variant, label, group), of the last round evaluated in each trial.

    ``groups`` is the table of that name. Columns: ``variant``, ``label``, ``group``, ``n`` (seeds), ``n_devices`` (mean),
    ``accuracy`` and ``half``, mean and half-width of its 95 % t-interval over the seeds (NaN for one).
    """
    import pandas as pd

    rows = []
    for key, found in _last(groups).groupby(["variant", "label", "group"], sort=False):
        middle = interval(found["accuracy"].tolist())
        rows.append((*key, len(found), found["n_devices"].mean(), middle.mean, middle.half))
    frame = pd.DataFrame(rows, columns=["variant", "label", "group", "n", "n_devices", "accuracy", "half"])
    return frame.astype({"n": "int64", "n_devices": "float64", "accuracy": "float64", "half": "float64"})


def accuracy_spread(groups: "pd.DataFrame") -> "pd.DataFrame":
    """Return how far groups are apart: a row a (variant, label), of the last round evaluated in each trial.

    Columns: ``variant``, ``label``, ``n`` (seeds), ``spread`` (best minus worst group of a seed, mean over seeds) and
    ``worst`` (accuracy of the worst group of a seed, mean over seeds) with ``spread_half`` and ``worst_half``; ``group``, the
    one with the lowest mean. Groups that are alike still have a spread, by chance: it is never below zero, and grows with the
    number of groups, so an interval above zero is no proof that they differ.
    """
    import pandas as pd

    last = _last(groups)
    rows = []
    for key, found in last.groupby(["variant", "label"], sort=False):
        of_seed = found.groupby("seed", sort=False)["accuracy"].agg(["min", "max"])
        spread, worst = interval((of_seed["max"] - of_seed["min"]).tolist()), interval(of_seed["min"].tolist())
        lowest = found.groupby("group", sort=False)["accuracy"].mean().idxmin()
        rows.append((*key, len(of_seed), spread.mean, spread.half, worst.mean, worst.half, lowest))
    frame = pd.DataFrame(rows, columns=["variant", "label", "n", "spread", "spread_half", "worst", "worst_half", "group"])
    return frame.astype({"n": "int64"} | dict.fromkeys(("spread", "spread_half", "worst", "worst_half"), "float64"))


#: Column -> how it is computed from the rows of one trial's devices.
_Columns = dict[str, Callable[[Any], float]]

_TOOK_PART: _Columns = {
    "turns": lambda found: float(found["turns"].mean()),
    "completed": lambda found: float(found["completed"].mean()),
    "jain": lambda found: jain(found["completed"].tolist()),
    "gini": lambda found: gini(found["completed"].tolist()),
    "never_asked_share": lambda found: float((found["turns"] == 0).mean()),
    "never_completed_share": lambda found: float((found["completed"] == 0).mean()),
}
_SPENT: _Columns = {
    "mean_j": lambda found: float(found["energy_j"].mean()),
    "max_j": lambda found: float(found["energy_j"].max()),
    "jain": lambda found: jain(found["energy_j"].tolist()),
    "gini": lambda found: gini(found["energy_j"].tolist()),
}


def _over_seeds(everyone: "pd.DataFrame", keys: Sequence[str], columns: _Columns) -> "pd.DataFrame":
    """Return ``columns`` of each seed's devices, averaged over seeds: a row for each of ``keys``."""
    import pandas as pd

    rows = []
    for key, found in everyone.groupby(list(keys), sort=False):
        trials = [trial for _, trial in found.groupby("seed", sort=False)]
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        row |= {"n": len(trials), "devices": sum(len(trial) for trial in trials) / len(trials)}
        for name, of in columns.items():
            middle = interval([of(trial) for trial in trials])
            row |= {name: middle.mean, f"{name}_half": math.nan if middle.half is None else middle.half}
        rows.append(row)
    numbers = ["devices", *(f"{name}{suffix}" for name in columns for suffix in ("", "_half"))]
    frame = pd.DataFrame(rows, columns=[*keys, "n", *numbers])
    return frame.astype({"n": "int64"} | dict.fromkeys(numbers, "float64"))


def _last(groups: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of the last round that each trial has."""
    return groups[groups["round"] == groups.groupby(_TRIAL, sort=False)["round"].transform("max")]
