"""What a run says of each variant, in sentences: each names the schemes and carries its numbers.

Who is better is decided on the same worlds, seed by seed (``analysis.paired``); with one seed only the numbers are told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis.formats import bytes_text, duration_text, is_missing, percent_text, times_text
from analysis.measures import Measure, measure_of, with_measures
from analysis.paired import best, differences
from analysis.target import to_target

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

#: Ratios of totals and of single updates that are nearer than this are told as one.
_SAME_RATIO = 0.05
#: So many schemes are named with their ratios; of more only the range is told.
_MOST_NAMED = 5
#: Totals of which the largest exceeds the smallest by less than this are told as equal.
_SAME_TOTAL = 0.005


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence or a few, what they are about, and of which variant ("" without a sweep, or of all variants).

    ``about`` is "accuracy", "target", "objective", "time", "energy", "uplink" or "memory".
    """

    about: str
    text: str
    variant: str = ""


def findings(material: "Material") -> list[Finding]:
    """Return what each variant of the material says, a few sentences a variant."""
    frame = with_measures(material.frame("summary"), material.frame("diagnostics"))
    found = []
    for variant, labels in material.labels.groupby("variant", sort=False):
        trials = frame[frame["variant"] == variant]
        found += [replace(finding, variant=str(variant)) for finding in _of_variant(labels, trials, quality_measure(material))]
    return found


def quality_measure(material: "Material") -> str:
    """Return the measure that says how good the outcome is: the accuracy at the end, or the bits a byte."""
    return "final_accuracy" if material.quality == "accuracy" else "bits_per_byte"


def _of_variant(labels: "pd.DataFrame", trials: "pd.DataFrame", quality: str) -> Iterator[Finding]:
    yield from _quality(trials, measure_of(quality))
    yield from _target(trials)
    yield from _objective(trials)
    if len(labels) > 1:
        yield from _least(trials, "time", "sim_time_s", "is the first at the end of its rounds, after", "takes")
        yield from _least(trials, "energy", "device_energy_j", "takes the least device energy,", "takes")
        yield from _uplink(labels)
    yield from _memory(labels)


def _quality(trials: "pd.DataFrame", measure: Measure) -> Iterator[Finding]:
    first = _best(trials, measure.name)
    if not first.winner:
        return
    what = "the highest accuracy" if measure.name == "final_accuracy" else "the fewest bits a byte"
    text = f"{first.winner} ends with {what}, {measure.text(first.mean, first.half)}"
    others = _against(trials, measure, first)
    if not others:
        yield Finding("accuracy", f"{text}.")
    elif first.n == 1:
        nearest = others[0]
        yield Finding("accuracy", f"{text}; next is {nearest.label} with {measure.text(first.mean + nearest.mean, None)}.")
    else:
        yield Finding("accuracy", f"{text}{_told_apart(others, measure)}.")


def _told_apart(others: Sequence[Any], measure: Measure) -> str:
    """Return who is told apart from the best and who is not, with the differences, the nearest first."""
    rivals = [row for row in others if not row.told_apart]
    beaten = [row for row in others if row.told_apart]
    if not rivals:
        nearest, gap = beaten[0].label, _gap(beaten[0], measure)
        if len(beaten) == 1:
            return f"; {nearest} is {gap} in the same worlds, so the two are told apart"
        return f". It is told apart from every other scheme; the nearest is {nearest}, {gap} in the same worlds"
    each = join([f"{row.label} ({_gap(row, measure)})" for row in rivals])
    rest = f"; told apart: {join([row.label for row in beaten])}" if beaten else ""
    return f". Not told apart from it in the same worlds: {each}{rest}"


def _gap(row: Any, measure: Measure) -> str:
    """Return a paired difference as "1.3 ± 0.4 points lower"."""
    return f"{size_text(row.mean, row.half, measure)} {'lower' if row.mean <= 0 else 'higher'}"


def size_text(mean: float, half: float, measure: Measure) -> str:
    """Return how large a difference is, without its sign: "1.3 ± 0.4 points" of a share, else in the measure's own words."""
    if measure.is_ratio:
        return measure.text(abs(mean), half)
    return f"{abs(100 * mean):.1f}{'' if is_missing(half) else f' ± {100 * half:.1f}'} points"


def _target(trials: "pd.DataFrame") -> Iterator[Finding]:
    table = to_target(trials)
    if table.empty:
        return
    share, n_seeds = percent_text(float(table["target_accuracy"].iloc[0])), int(table["n"].max())
    missed = [row for row in table.itertuples() if row.censored]
    if len(missed) == len(table):
        partly = [f"{row.label} in {row.n_reached} of {row.n}" for row in missed if row.n_reached]
        every = " with every seed" if n_seeds > 1 else ""
        yield Finding(
            "target",
            f"No scheme reaches the target accuracy of {share}{every}{f': {join(partly)} seeds' if partly else ''}.",
        )
        return
    first = _best(trials, "time_to_target_s")
    row = next(row for row in table.itertuples() if row.label == first.winner)
    spent = f"{duration_text(first.mean, first.half)}, {bytes_text(row.uplink_bytes_to_target)} of uplink"
    if row.uplink_bytes_to_target == 0:
        spent = f"{duration_text(first.mean, first.half)}, from the server's preparation alone"
    text = f"{first.winner} is the fastest to the target accuracy of {share}: {spent}{_rivals(first)}"
    if missed:
        which = alike((("" if row.n == 1 else f"in {row.n - row.n_reached} of {row.n} seeds"), row.label) for row in missed)
        each = [_grouped(labels, seeds) for seeds, labels in which.items()]
        text += f". Not reached by {join(each) if len(each) == len(missed) else '; '.join(each)}"
    yield Finding("target", f"{text}.")


def _objective(trials: "pd.DataFrame") -> Iterator[Finding]:
    """Yield who has the lowest objective and by how much; one scheme alone is best of nothing."""
    measure, first = measure_of("objective"), _best(trials, "objective")
    others = _against(trials, measure, first)
    if not first.winner or not others:
        return
    text = f"{first.winner} has the lowest objective, {measure.text(first.mean, first.half)}"
    if first.n == 1:
        nearest = others[0]
        text += f"; next is {nearest.label} with {measure.text(first.mean + nearest.mean, None)}"
    else:
        text += _told_apart(others, measure)
    own = trials[trials["label"] == first.winner]
    n_missed = int((own["target_accuracy"].notna() & own["time_to_target_s"].isna()).sum())
    if n_missed:
        seeds = f" in {n_missed} of {len(own)} seeds" if len(own) > 1 else ""
        text += f". It does not reach the target{seeds}, so there the sum ends with its last round"
    yield Finding("objective", f"{text}.")


def _least(trials: "pd.DataFrame", about: str, name: str, opening: str, verb: str) -> Iterator[Finding]:
    """Yield who takes least of a cost, and how many times as much the other end takes."""
    measure, first = measure_of(name), _best(trials, name)
    others = _against(trials, measure, first)
    if not first.winner or not others:
        return
    text = f"{first.winner} {opening} {measure.text(first.mean, first.half)}"
    most = others[-1]
    if most.ratio == most.ratio:
        between = f" ({times_text(most.ratio_low)} to {times_text(most.ratio_high)})" if first.n > 1 else ""
        much = "as long" if measure.unit == "s" else "as much"
        total = measure.text(first.mean + most.mean, None)
        text += f"; {most.label} {verb} {times_text(most.ratio)} times {much}{between}, {total}"
    yield Finding(about, f"{text}{_rivals(first)}.")


def _rivals(first: Any) -> str:
    """Return who is not told apart from the best of a cost; with one seed there is nothing to tell."""
    return f". Not told apart from it: {join(first.rivals)}" if first.n > 1 and first.rivals else ""


def _best(trials: "pd.DataFrame", name: str) -> Any:
    """Return the row of ``paired.best`` of the one variant that ``trials`` have."""
    return next(best(trials, name).itertuples(index=False))


def _against(trials: "pd.DataFrame", measure: Measure, first: Any) -> list[Any]:
    """Return the rows of ``paired.differences`` to the best, the nearest first; those without the measure are left out."""
    if not first.winner:
        return []
    rows = [row for row in differences(trials, measure.name, first.winner).itertuples(index=False) if row.mean == row.mean]
    return sorted(rows, key=lambda row: -measure.sign * row.mean)


def _uplink(group: "pd.DataFrame") -> Iterator[Finding]:
    order = group[group["uplink_bytes"] > 0].sort_values("uplink_bytes", kind="stable")
    if len(order) < 2:
        return
    least, most = order.iloc[0], order.iloc[-1]
    if most.uplink_bytes / least.uplink_bytes < 1 + _SAME_TOTAL:
        yield Finding("uplink", f"{join(order['label'])} send the same uplink bytes, {bytes_text(least.uplink_bytes)}.")
        return
    totals = f"{bytes_text(most.uplink_bytes)} against {bytes_text(least.uplink_bytes)}"
    text = f"{most.label} sends {times_text(most.uplink_ratio)} times the uplink bytes of {least.label}: {totals}"
    between = [(row.label, most.uplink_bytes / row.uplink_bytes) for row in order.iloc[1:-1].itertuples()]
    if len(between) > _MOST_NAMED:
        ends = f"{times_text(between[-1][1])} to {times_text(between[0][1])}"
        text += f"; {ends} times those of the {len(between)} others"
    elif between:
        text += f"; {join([f'{times_text(ratio)} times those of {label}' for label, ratio in between])}"
    if least.update_bytes > 0:
        each = most.update_bytes / least.update_bytes
        if abs(each / most.uplink_ratio - 1) > _SAME_RATIO:
            much = "as large" if abs(each - 1) < _SAME_RATIO else f"{times_text(each)} times as large"
            text += f". One update of it is {much}, but not every scheme got as many updates through"
    yield Finding("uplink", text + ".")


def _memory(group: "pd.DataFrame") -> Iterator[Finding]:
    left_out = group[group["refused_device_share"] > 0]
    if left_out.empty:
        yield Finding("memory", "Every device has the memory for every scheme.")
        return
    of_share = alike((percent_text(row.refused_device_share), row.label) for row in left_out.itertuples())
    if len(of_share) == 1 and len(left_out) == len(group) > 1:
        text = f"{next(iter(of_share))} for every scheme"
    else:
        text = "; ".join(f"{share} for {join(labels)}" for share, labels in of_share.items())
    yield Finding("memory", f"Devices without the memory to take part: {text}.")


def alike(told: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names, the second of each pair, that have the same told of them, in the order of the first of each kind."""
    names: dict[str, list[str]] = {}
    for text, name in told:
        names.setdefault(text, []).append(name)
    return names


def _grouped(labels: Sequence[str], seeds: str) -> str:
    """Return names that have something in common, and what that is."""
    if not seeds:
        return join(labels)
    return f"{join(labels)} ({'each ' if len(labels) > 1 else ''}{seeds})"


def account_note(labels: "pd.DataFrame") -> str:
    """Return whose costs were counted where that is not the model that was trained; "" where it is."""
    stand_ins = labels[labels["account_as"] != ""]
    names = list(dict.fromkeys(stand_ins["account_as"]))
    if not names:
        return ""
    if len(names) == 1:
        of = "" if len(stand_ins) == len(labels) else f" (for {join(list(dict.fromkeys(stand_ins['label'])))})"
        return f"bytes, FLOPs and memory are those of {names[0]}{of}; accuracy is of the model trained here"
    pairs = [
        f"{name} for {join(list(dict.fromkeys(rows['label'])))}" for name, rows in stand_ins.groupby("account_as", sort=False)
    ]
    return f"bytes, FLOPs and memory are those of {join(pairs)}; accuracy is of the models trained here"


def seeds_note(n_seeds: Sequence[int]) -> str:
    """Return what a band or ± means here, or why there is none."""
    few, many = min(n_seeds), max(n_seeds)
    if many == 1:
        return "one seed, so no interval is given"
    count = f"{many} seeds" if few == many else f"{few} to {many} seeds"
    return f"mean of {count} with its 95 % t-interval"


def join(names: "Sequence[str] | pd.Series") -> str:
    """Return "a", "a and b", "a, b and c"."""
    *others, last = list(names)
    return f"{', '.join(others)} and {last}" if others else str(last)
