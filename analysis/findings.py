"""What a run says, in sentences: each names the schemes and carries its numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.formats import bytes_text, duration_text, energy_text, percent_text, times_text

if TYPE_CHECKING:
    import pandas as pd

#: Ratios of totals and of single updates that are nearer than this are told as one.
_SAME_RATIO = 0.05
#: Totals of which the largest exceeds the smallest by less than this are told as equal.
_SAME_TOTAL = 0.005


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, what it is about ("accuracy", "target", "energy", "uplink" or "memory"), and of which variant."""

    about: str
    text: str
    variant: str = ""


def findings(labels: "pd.DataFrame") -> list[Finding]:
    """Return what ``by_label``'s frame says, a few sentences a variant."""
    groups = labels.groupby("variant", sort=False)
    return [replace(finding, variant=str(variant)) for variant, group in groups for finding in _of_variant(group)]


def _of_variant(group: "pd.DataFrame") -> Iterator[Finding]:
    yield from _accuracy(group)
    yield from _target(group)
    if len(group) > 1:
        yield from _energy(group)
        yield from _uplink(group)
    yield from _memory(group)


def _accuracy(group: "pd.DataFrame") -> Iterator[Finding]:
    known = group.dropna(subset=["final_accuracy"]).sort_values("final_accuracy", ascending=False, kind="stable")
    if known.empty:
        return
    best = known.iloc[0]
    text = f"{best.label} ends with the highest accuracy, {percent_text(best.final_accuracy, best.final_accuracy_half)}"
    if len(known) > 1:
        second = known.iloc[1]
        text += f"; next is {second.label} with {percent_text(second.final_accuracy, second.final_accuracy_half)}"
    rivals = known.iloc[1:]
    overlap = rivals["final_accuracy"] + rivals["final_accuracy_half"] >= best.final_accuracy - best.final_accuracy_half
    if overlap.any():
        text += f". Its 95 % interval overlaps that of {_join(rivals['label'][overlap])}"
    yield Finding("accuracy", text + ".")


def _target(group: "pd.DataFrame") -> Iterator[Finding]:
    target = group["target_accuracy"].iloc[0]
    if target != target or target is None:
        return
    reached = group[group["n_reached"] == group["n"]].sort_values("time_to_target_s", kind="stable")
    missed = group[group["n_reached"] < group["n"]]
    share, every = percent_text(float(target)), " with every seed" if group["n"].max() > 1 else ""
    if reached.empty:
        yield Finding("target", f"No scheme reaches the target accuracy of {share}{every}.")
        return
    first = reached.iloc[0]
    spent = f"{duration_text(first.time_to_target_s)}, {bytes_text(first.uplink_bytes_to_target)} of uplink"
    if first.uplink_bytes_to_target == 0:
        spent = f"{duration_text(first.time_to_target_s)}, from the server's preparation alone"
    text = f"{first.label} is the fastest to the target accuracy of {share}: {spent}"
    if not missed.empty:
        text += f". Not reached{every} by {_join(missed['label'])}"
    yield Finding("target", text + ".")


def _energy(group: "pd.DataFrame") -> Iterator[Finding]:
    order = group.sort_values("device_energy_j", kind="stable")
    least, most = order.iloc[0], order.iloc[-1]
    text = f"{least.label} takes the least device energy, {energy_text(least.device_energy_j)}"
    if least.device_energy_j > 0:
        ratio = times_text(most.device_energy_j / least.device_energy_j)
        text += f"; {most.label} takes {ratio} times as much, {energy_text(most.device_energy_j)}"
    yield Finding("energy", text + ".")


def _uplink(group: "pd.DataFrame") -> Iterator[Finding]:
    order = group[group["uplink_bytes"] > 0].sort_values("uplink_bytes", kind="stable")
    if len(order) < 2:
        return
    least, most = order.iloc[0], order.iloc[-1]
    if most.uplink_bytes / least.uplink_bytes < 1 + _SAME_TOTAL:
        yield Finding("uplink", f"{_join(order['label'])} send the same uplink bytes, {bytes_text(least.uplink_bytes)}.")
        return
    totals = f"{bytes_text(most.uplink_bytes)} against {bytes_text(least.uplink_bytes)}"
    text = f"{most.label} sends {times_text(most.uplink_ratio)} times the uplink bytes of {least.label}: {totals}"
    between = list(order.iloc[1:-1].itertuples())
    if between:
        others = [f"{times_text(most.uplink_bytes / row.uplink_bytes)} times those of {row.label}" for row in between]
        text += f"; {_join(others)}"
    if least.update_bytes > 0:
        each = most.update_bytes / least.update_bytes
        if abs(each / most.uplink_ratio - 1) > _SAME_RATIO:
            text += f". One update of it is {times_text(each)} times as large, but not every scheme got as many updates through"
    yield Finding("uplink", text + ".")


def _memory(group: "pd.DataFrame") -> Iterator[Finding]:
    left_out = group[group["refused_device_share"] > 0]
    if left_out.empty:
        yield Finding("memory", "Every device has the memory for every scheme.")
        return
    shares = [f"{percent_text(row.refused_device_share)} for {row.label}" for row in left_out.itertuples()]
    yield Finding("memory", f"Devices without the memory to take part: {_join(shares)}.")


def account_note(labels: "pd.DataFrame") -> str:
    """Return whose costs were counted where that is not the model that was trained; "" where it is."""
    stand_ins = labels[labels["account_as"] != ""]
    names = list(dict.fromkeys(stand_ins["account_as"]))
    if not names:
        return ""
    if len(names) == 1:
        of = "" if len(stand_ins) == len(labels) else f" (for {_join(list(dict.fromkeys(stand_ins['label'])))})"
        return f"bytes, FLOPs and memory are those of {names[0]}{of}; accuracy is of the model trained here"
    pairs = [
        f"{name} for {_join(list(dict.fromkeys(rows['label'])))}" for name, rows in stand_ins.groupby("account_as", sort=False)
    ]
    return f"bytes, FLOPs and memory are those of {_join(pairs)}; accuracy is of the models trained here"


def seeds_note(n_seeds: Sequence[int]) -> str:
    """Return what a band or ± means here, or why there is none."""
    few, many = min(n_seeds), max(n_seeds)
    if many == 1:
        return "one seed, so no interval is given"
    count = f"{many} seeds" if few == many else f"{few} to {many} seeds"
    return f"mean of {count} with its 95 % t-interval"


def _join(names: "Sequence[str] | pd.Series") -> str:
    """Return "a", "a and b", "a, b and c"."""
    *others, last = list(names)
    return f"{', '.join(others)} and {last}" if others else str(last)
