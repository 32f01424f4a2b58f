"""What it takes to the target accuracy, said plainly where the target was not reached.

A seed that did not reach the target is **censored**: all that is known is that it would have taken more than it had spent at
the end. No mean is taken over the other seeds, which were the lucky ones.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.formats import is_missing
from analysis.measures import measure_of, with_measures
from analysis.stats import interval

if TYPE_CHECKING:
    import pandas as pd

#: What is counted to the target -> what a trial had spent of it at its end.
TO_TARGET = {
    "time_to_target_s": "sim_time_s",
    "device_energy_to_target_j": "device_energy_j",
    "uplink_bytes_to_target": "uplink_bytes",
    "downlink_bytes_to_target": "downlink_bytes",
    "total_bytes_to_target": "total_bytes",
}

_KEYS = {
    "variant": "str", "label": "str", "target_accuracy": "float64", "n": "int64", "n_reached": "int64", "censored": "bool",
}  # fmt: skip
_NUMBERS = ("", "_half", "_median", "_at_least", "_spent")


def to_target(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each label took to the target: a row a (variant, label), in the study's order; none without a target.

    ``summary`` has a row a trial. Columns: ``variant``, ``label``, ``target_accuracy``, ``n`` (seeds), ``n_reached``,
    ``censored`` (not every seed reached it), and for each ``name`` of ``TO_TARGET``:

    - ``name`` and ``<name>_half``: mean and half-width of its 95 % t-interval if every seed reached it, else NaN; the
      half-width is NaN for one seed;
    - ``<name>_median``: if more than half of the seeds reached it, the least by which half of them have (Kaplan and Meier's
      estimate, with the rest censored at what they spent), else NaN. It has no interval;
    - ``<name>_at_least``: a lower bound of the mean, in which a seed that did not reach the target counts with what it had
      spent; the mean itself if every seed reached it;
    - ``<name>_spent``: the least that a seed had spent at its end without reaching it: all of those would take more than
      this. NaN if every seed reached it.
    """
    import pandas as pd

    frame = with_measures(summary)
    frame = frame[frame["target_accuracy"].notna()]
    rows = []
    for (variant, label), group in frame.groupby(["variant", "label"], sort=False):
        reached = group["time_to_target_s"].notna().tolist()
        row: dict[str, Any] = {
            "variant": variant, "label": label, "target_accuracy": group["target_accuracy"].iloc[0], "n": len(group),
            "n_reached": sum(reached), "censored": not all(reached),
        }  # fmt: skip
        for name, total in TO_TARGET.items():
            row |= _amounts(name, group[name].tolist(), group[total].tolist(), reached)
        rows.append(row)
    numbers = {f"{name}{suffix}": "float64" for name in TO_TARGET for suffix in _NUMBERS}
    types = _KEYS | numbers
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def target_text(row: Any, name: str) -> str:
    """Return a row's amount to the target in words, of a row as ``itertuples`` gives it and a name of ``TO_TARGET``.

    Such as "1 h 23 min", "85.0 ± 2.9 min", "not reached (> 2 h)" of one seed, "not reached in 2 of 3 seeds (> 3 h 20 min)",
    "not reached in any of 3 seeds (> 3 h 20 min)". What stands after ">" is what each of those seeds had spent at least.
    """
    text = measure_of(name).text
    if not row.censored:
        return text(getattr(row, name), getattr(row, f"{name}_half"))
    n_missed = row.n - row.n_reached
    seeds = f" in {n_missed} of {row.n} seeds" if row.n_reached else f" in any of {row.n} seeds"
    return f"not reached{seeds if row.n > 1 else ''} (> {text(getattr(row, f'{name}_spent'))})"


def censored_median(values: Sequence[float], is_reached: Sequence[bool]) -> float:
    """Return the least of ``values`` by which half of all have reached the target; NaN where the data does not tell.

    ``values`` are what it took, or what was spent where ``is_reached`` is False. It is the median of Kaplan and Meier's
    estimate ("Nonparametric Estimation from Incomplete Observations", JASA 53, 1958), which without censoring is the lower
    of the two in the middle. It takes it that those who stopped early would not have been the slow ones.
    """
    from scipy.stats import CensoredData, ecdf

    data = CensoredData.right_censored(values, [not reached for reached in is_reached])
    remaining = ecdf(data).sf
    by_then = remaining.quantiles[remaining.probabilities <= 0.5 + 1e-12]
    return float(by_then[0]) if len(by_then) else math.nan


def _amounts(name: str, taken: Sequence[float], totals: Sequence[float], is_reached: Sequence[bool]) -> dict[str, float]:
    """Return the columns of one quantity."""
    spent = [total if is_missing(value) else value for value, total in zip(taken, totals, strict=True)]
    missed = [value for value, reached in zip(spent, is_reached, strict=True) if not reached]
    middle, bound = interval(taken), interval(spent)
    is_told = 2 * sum(is_reached) > len(is_reached)
    return {
        name: middle.mean,
        f"{name}_half": math.nan if middle.half is None else middle.half,
        f"{name}_median": censored_median(spent, is_reached) if is_told else math.nan,
        f"{name}_at_least": bound.mean,
        f"{name}_spent": min(missed, default=math.nan),
    }
