"""Schemes compared on the same worlds: differences by variant and seed, and who is told apart from whom.

All trials with one variant and seed meet the same world, so what the world does to all of them cancels in their difference.
A difference is **told apart** from none where its 95 % t-interval over the seeds excludes zero, and never with one seed.

Each interval stands for itself: nothing is done about the number of comparisons. Of schemes that are equal, one comparison
in twenty is told apart by luck, and with several schemes that is likely to be one of them. Who makes a claim of all of them
at once takes ``p_holm``, which is adjusted over the labels of a variant (Holm, "A Simple Sequentially Rejective Multiple Test
Procedure", Scandinavian Journal of Statistics 6(2), 1979).
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.measures import measure_of, with_measures
from analysis.stats import Interval, interval
from mecsim.errors import MecsimError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

#: Two values that are nearer than this share of them are equal: their difference is the rounding of sums.
_ROUNDING = 1e-12

#: How often a comparison may err where there is no difference.
_ERROR = 0.05

#: A measure of one label in one variant: seed -> value.
BySeed = Mapping[int, float]

_DIFFERENCES = {
    "variant": "str", "label": "str", "reference": "str", "measure": "str", "n": "int64", "mean": "float64", "half": "float64",
    "told_apart": "bool", "verdict": "str", "p_value": "float64", "p_holm": "float64", "ratio": "float64",
    "ratio_low": "float64", "ratio_high": "float64",
}  # fmt: skip
_BEST = ["variant", "measure", "winner", "mean", "half", "n", "rivals", "beaten", "beaten_holm", "unranked"]


def differences(summary: "pd.DataFrame", measure: str, reference: str, *, where_both: bool = False) -> "pd.DataFrame":
    """Return each label against ``reference``: a row a (variant, label other than it), in the order of the study.

    ``summary`` has a row a trial, with a column ``measure`` or those that ``measures.with_measures`` makes it from. Columns:
    ``variant``, ``label``, ``reference``, ``measure``; ``n``, the seeds that both have; ``mean`` and ``half`` of label minus
    reference over them, in the measure's unit; ``told_apart``; ``verdict`` on the label ("better", "worse", "not told apart");
    ``p_value`` of the paired t-test, two-sided, and ``p_holm``; ``ratio``, the geometric mean of label over reference, with
    ``ratio_low`` and ``ratio_high``, its 95 % t-interval on the logarithms.

    A measure that is empty for either in any common seed has no difference (NaN, "not told apart"): what was not reached is
    not averaged over the seeds that were lucky. With ``where_both`` it is compared over the seeds alone in which both have it,
    ``n`` of them: say so where it is shown. Ratios are NaN for shares, and where a value is zero. Variants without the
    reference have no rows; UnknownNameError if no variant has it, or there is no such measure; MecsimError if the frame does
    not have it.
    """
    import pandas as pd

    known = tuple(dict.fromkeys(summary["label"]))
    if reference not in known:
        raise UnknownNameError("label", reference, known)
    rows: list[dict[str, object]] = []
    for variant, trials in _by_variant(summary, measure).items():
        values = {label: _known(of) for label, of in trials.items()} if where_both else trials
        if reference in values:
            others = [label for label in values if label != reference]
            found = [_row(values[label], values[reference], measure) for label in others]
            adjusted = holm([float(row["p_value"]) for row in found])
            for label, row, p_holm in zip(others, found, adjusted, strict=True):
                rows.append({"variant": variant, "label": label, "reference": reference, **row, "p_holm": p_holm})
    return pd.DataFrame(rows, columns=list(_DIFFERENCES)).astype(_DIFFERENCES)


def difference(first: BySeed, second: BySeed) -> Interval:
    """Return the mean of first minus second with its 95 % t-interval, over the seeds that both have."""
    return interval(_differences(*_common(first, second)))


def is_told_apart(middle: Interval) -> bool:
    """Return whether the interval excludes zero; never without an interval, as with one seed."""
    return middle.half is not None and abs(middle.mean) > middle.half


def best(summary: "pd.DataFrame", measure: str) -> "pd.DataFrame":
    """Return who has the best mean of ``measure``, and who is not told apart from it: a row a variant.

    Columns: ``variant``, ``measure``, ``winner`` (the first of equals in the order of the study; "" if no label has the
    measure), its ``mean`` and ``half`` over ``n`` seeds, and tuples of the other labels: ``rivals``, whose paired interval to
    the winner contains zero (with one seed all of them), ``beaten``, of these ``beaten_holm``, the ones that stay so when all
    comparisons with the winner are adjusted for, and ``unranked``, for which the measure is empty in some seed. Means are over
    the seeds that all ranked labels share. The winner is chosen by the same values that it is compared with, so the name of
    who is beaten is to be taken with care: of six schemes that are equal, the best of three seeds has someone ``beaten`` in a
    third of all studies and ``beaten_holm`` in a tenth, and everyone ``beaten`` in less than one of a hundred.
    """
    import pandas as pd

    sign = measure_of(measure).sign
    rows: list[tuple[object, ...]] = []
    for variant, values in _by_variant(summary, measure).items():
        ranked = {label: of for label, of in values.items() if not any(math.isnan(value) for value in of.values())}
        unranked = tuple(label for label in values if label not in ranked)
        shared = [seed for seed in min(ranked.values(), key=len, default={}) if all(seed in of for of in ranked.values())]
        if not shared:
            rows.append((variant, measure, "", math.nan, math.nan, 0, (), (), (), tuple(values)))
            continue
        means = {label: interval([of[seed] for seed in shared]) for label, of in ranked.items()}
        winner = max(means, key=lambda label: sign * means[label].mean)
        others = [label for label in ranked if label != winner]
        beaten = tuple(label for label in others if is_told_apart(difference(ranked[winner], ranked[label])))
        adjusted = holm([_p_value(_differences(*_common(ranked[winner], ranked[label]))) for label in others])
        surely = tuple(label for label, p in zip(others, adjusted, strict=True) if label in beaten and p < _ERROR)
        rivals = tuple(label for label in others if label not in beaten)
        half = math.nan if means[winner].half is None else means[winner].half
        rows.append((variant, measure, winner, means[winner].mean, half, len(shared), rivals, beaten, surely, unranked))
    return pd.DataFrame(rows, columns=_BEST).astype({"mean": "float64", "half": "float64", "n": "int64"})


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the given order; NaN stays NaN and counts for no comparison."""
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[i] = largest
    return adjusted


def _by_variant(summary: "pd.DataFrame", measure: str) -> dict[str, dict[str, BySeed]]:
    """Return variant -> label -> the measure by seed, all in the order of the study."""
    measure_of(measure)
    frame = summary if measure in summary else with_measures(summary)
    if measure not in frame:
        raise MecsimError(f"this study has no {measure}: its trials did not tell it. Choose another measure.")
    found: dict[str, dict[str, dict[int, float]]] = {}
    columns = (frame[name].tolist() for name in ("variant", "label", "seed"))
    for variant, label, seed, value in zip(*columns, frame[measure].astype("float64").tolist(), strict=True):
        found.setdefault(variant, {}).setdefault(label, {})[seed] = value
    return {variant: dict(labels) for variant, labels in found.items()}


def _known(of: BySeed) -> BySeed:
    return {seed: value for seed, value in of.items() if not math.isnan(value)}


def _common(first: BySeed, second: BySeed) -> tuple[list[float], list[float]]:
    seeds = [seed for seed in first if seed in second]
    return [first[seed] for seed in seeds], [second[seed] for seed in seeds]


def _differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    pairs = zip(first, second, strict=True)
    return [0.0 if abs(a - b) <= _ROUNDING * max(abs(a), abs(b)) else a - b for a, b in pairs]


def _row(label: BySeed, reference: BySeed, measure: str) -> dict[str, Any]:
    """Return the columns of one comparison, save who is compared and what depends on the others."""
    mine, theirs = _common(label, reference)
    middle = interval(_differences(mine, theirs))
    told_apart = is_told_apart(middle)
    is_better = measure_of(measure).sign * middle.mean > 0
    verdict = ("better" if is_better else "worse") if told_apart else "not told apart"
    return {
        "measure": measure, "n": middle.n, "mean": middle.mean, "half": math.nan if middle.half is None else middle.half,
        "told_apart": told_apart, "verdict": verdict, "p_value": _p_value(_differences(mine, theirs)),
        **_ratio(mine, theirs, is_ratio=measure_of(measure).is_ratio),
    }  # fmt: skip


def _p_value(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of the t-test that the mean is zero; NaN for one value or where one is missing."""
    n = len(differences)
    if n < 2 or any(math.isnan(value) for value in differences):
        return math.nan
    from scipy.special import stdtr

    mean = math.fsum(differences) / n
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1) / n)
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return 2.0 * float(stdtr(n - 1, -abs(mean) / error))


def _ratio(mine: Sequence[float], theirs: Sequence[float], *, is_ratio: bool) -> dict[str, float]:
    pairs = list(zip(mine, theirs, strict=True))
    if not is_ratio or not all(a > 0 and b > 0 for a, b in pairs):
        return {"ratio": math.nan, "ratio_low": math.nan, "ratio_high": math.nan}
    middle = interval([math.log(a / b) for a, b in pairs])
    half = math.nan if middle.half is None else middle.half
    return {
        "ratio": math.exp(middle.mean),
        "ratio_low": math.exp(middle.mean - half),
        "ratio_high": math.exp(middle.mean + half),
    }
