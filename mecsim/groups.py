"""Accuracy by group of devices: what a scheme deploys, weighed by the classes that each group's devices hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mecsim.results.records import GroupRow


def group_rows(
    key: Mapping[str, Any],
    round_number: int,
    evaluation: Mapping[str, Any],
    histogram: ArrayLike | None,
    group_of_device: Sequence[str],
) -> list[GroupRow]:
    """Return a row for each group of devices, in the order in which they first come.

    ``key`` has scheme, label, variant and seed. ``evaluation`` is the numbers of the round's evaluation: ``class_n`` and
    ``class_right`` (c) are held-out samples of each class and those of them that are right; both are (n, c) where each device
    deploys a model of its own. ``histogram`` (n, c) counts the samples of each class that a device holds, and
    ``group_of_device`` (n) names its group.

    A group's accuracy is that of its devices' samples as if each were right as often as held-out ones of its class. Classes of
    which none is held out are left out, and the others' shares rescaled. No rows where nothing was counted by class, and none
    for a group that holds nothing of the classes counted.
    """
    if histogram is None or "class_n" not in evaluation:
        return []
    held = np.asarray(histogram, dtype=np.float64)
    n_tested, n_right = (np.asarray(evaluation[name], dtype=np.float64) for name in ("class_n", "class_right"))
    recall = np.divide(n_right, n_tested, out=np.zeros_like(n_right), where=n_tested > 0)
    counted = (held * (n_tested > 0)).sum(axis=1)
    right = (held * recall).sum(axis=1)
    owner, rows = np.asarray(group_of_device), list[GroupRow]()
    for group in dict.fromkeys(group_of_device):
        mine = owner == group
        n_counted = counted[mine].sum()
        if n_counted == 0:
            continue
        row = GroupRow(
            **key,
            round=round_number,
            group=group,
            n_devices=int(mine.sum()),
            n_samples=int(held[mine].sum()),
            accuracy=float(right[mine].sum() / n_counted),
        )
        rows.append(row)
    return rows
