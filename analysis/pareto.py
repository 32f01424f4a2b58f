"""Trade-offs: which schemes nothing else beats in both cost and quality, and how much ground a front covers."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.measures import measure_of, with_measures
from analysis.stats import bootstrap, interval, resamples
from mecsim.errors import MecsimError

if TYPE_CHECKING:
    import pandas as pd

#: A point of a trade-off: its cost and its quality.
Point = tuple[float, float]

_SHARES = ["variant", "label", "n", "cost", "quality", "on_front", "share"]
_VOLUMES = [
    "variant", "n", "reference_cost", "reference_quality", "hypervolume", "low", "high", "by_seed", "by_seed_half", "share",
]  # fmt: skip


def front(costs: Sequence[float], qualities: Sequence[float]) -> list[bool]:
    """Return which points are on the Pareto front: none other costs no more, is no worse, and is better in one of the two.

    Points that are equal in both are all on the front or none is; of points with one cost only the best are, of points with
    one quality only the cheapest. A point with a NaN is never on it and keeps none off. ValueError unless there are as many
    costs as qualities.
    """
    points = list(zip(costs, qualities, strict=True))
    known = sorted({point for point in points if not _is_missing(point)}, key=lambda point: (point[0], -point[1]))
    winners: set[Point] = set()
    reached = -math.inf
    for point in known:
        # What comes later costs no less, so only a higher quality than all before brings it onto the front.
        if point[1] > reached:
            winners.add(point)
            reached = point[1]
    return [point in winners for point in points]


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """Return the area, in cost times quality, that ``points`` (cost, quality) dominate down to ``reference``.

    It is the union of the rectangles between each point and the reference: exact in two dimensions. A point that is not
    better than the reference in both adds nothing, nor does one with a NaN. Source: Zitzler and Thiele, "Multiobjective
    Evolutionary Algorithms: A Comparative Case Study and the Strength Pareto Approach", IEEE Transactions on Evolutionary
    Computation 3(4), 1999.
    """
    inside = sorted(point for point in points if point[0] < reference[0] and point[1] > reference[1])
    area, reached = 0.0, reference[1]
    for cost, quality in inside:
        if quality > reached:
            area += (reference[0] - cost) * (quality - reached)
            reached = quality
    return area


def nadir(costs: Iterable[float], qualities: Iterable[float]) -> Point:
    """Return the highest cost and the lowest quality; NaN is left out. MecsimError if nothing is left."""
    known_costs = [cost for cost in costs if not math.isnan(cost)]
    known_qualities = [quality for quality in qualities if not math.isnan(quality)]
    if not known_costs or not known_qualities:
        raise MecsimError("there is no trade-off to draw: no trial has both the cost and the quality.")
    return max(known_costs), min(known_qualities)


def share_on_front(
    summary: "pd.DataFrame", cost: str, quality: str = "final_accuracy", *, n_draws: int = 2_000, seed: int = 0
) -> "pd.DataFrame":
    """Return how firmly each label stands on the front of its variant: a row a (variant, label), in the study's order.

    ``summary`` has a row a trial; ``cost`` and ``quality`` are names of ``MEASURES``. Columns: ``variant``, ``label``, ``n``
    (seeds that all compared labels share), ``cost`` and ``quality`` (means over them), ``on_front`` (of the means), and
    ``share``, the share of draws of whole seeds, with replacement, in which the label is on the front of the means. All labels
    get the same draws, as they met the same worlds. The share describes how the front moves with the seeds; it is no
    probability, least of all of three seeds, and NaN with one. A label with an empty cost or quality in some seed is not
    compared: its cost and quality are NaN, it is not on the front, and its share is NaN.
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    sign = measure_of(quality).sign
    for variant, (points, labels) in _points(summary, cost, quality).items():
        n = _n_seeds(points)
        # The order within a draw changes no mean: of three seeds there are ten draws that differ.
        draws = Counter(tuple(sorted(drawn)) for drawn in resamples(n, n_draws, seed)) if n > 1 else Counter()
        counts = dict.fromkeys(points, 0)
        for indices, times in draws.items():
            for label in _front_of(_means(points, indices)):
                counts[label] += times
        means = _means(points, range(n))
        on_front = _front_of(means)
        for label in labels:
            if label in means:
                share = counts[label] / n_draws if draws else math.nan
                rows.append((variant, label, n, means[label][0], sign * means[label][1], label in on_front, share))
            else:
                rows.append((variant, label, n, math.nan, math.nan, False, math.nan))
    frame = pd.DataFrame(rows, columns=_SHARES)
    return frame.astype({"n": "int64", "cost": "float64", "quality": "float64", "on_front": "bool", "share": "float64"})


def hypervolumes(
    summary: "pd.DataFrame", cost: str, quality: str = "final_accuracy", *, n_draws: int = 2_000, seed: int = 0
) -> "pd.DataFrame":
    """Return how much ground the front of each variant covers: a row a variant, in the study's order.

    The reference point is the nadir of the study: the highest cost and the worst quality of any trial of any variant that is
    compared. Volumes are comparable within a study and nowhere else, and a trial at the nadir adds nothing. Columns:
    ``variant``, ``n`` (seeds), ``reference_cost``, ``reference_quality``; ``hypervolume`` of the front of the labels' means,
    with ``low`` and ``high`` of its bootstrap interval over seeds (NaN below five, see ``stats.bootstrap``); ``by_seed`` and
    ``by_seed_half``, the mean of the volumes of each seed's own front, another quantity, with its t-interval; ``share``, the
    hypervolume over that of a front of one ideal point, the lowest cost and the best quality of any trial.
    """
    import pandas as pd

    found = _points(summary, cost, quality)
    every = [point for points, _ in found.values() for of in points.values() for point in of]
    reference = nadir((point[0] for point in every), (point[1] for point in every))
    ideal = min(point[0] for point in every), max(point[1] for point in every)
    largest = hypervolume([ideal], reference)
    told = reference[0], measure_of(quality).sign * reference[1]
    rows: list[tuple[object, ...]] = []
    for variant, (points, _) in found.items():
        n = _n_seeds(points)
        if n == 0:
            rows.append((variant, 0, *told, *([math.nan] * 6)))
            continue
        fronts = [[of[i] for of in points.values()] for i in range(n)]
        whole = bootstrap(fronts, lambda drawn: hypervolume(_mean_front(drawn), reference), n_draws=n_draws, seed=seed)
        each = interval([hypervolume(one, reference) for one in fronts])
        share = whole.value / largest if largest > 0 else math.nan
        rows.append((variant, n, *told, whole.value, whole.low, whole.high, each.mean, each.half, share))
    frame = pd.DataFrame(rows, columns=_VOLUMES)
    return frame.astype({name: "float64" for name in _VOLUMES if name not in ("variant", "n")} | {"n": "int64"})


def _points(summary: "pd.DataFrame", cost: str, quality: str) -> dict[str, tuple[dict[str, list[Point]], list[str]]]:
    """Return variant -> (label -> its points, one for each seed that all have; all labels). Labels with a NaN have no points.

    A quality of which less is better changes its sign, so that of all more is better.
    """
    sign = measure_of(quality).sign
    if measure_of(cost).better != "lower":
        raise MecsimError(f"{cost} is no cost: more of it is better. Costs are the measures of which less is better.")
    frame = summary if {cost, quality} <= set(summary) else with_measures(summary)
    found = {}
    for variant, rows in frame.groupby("variant", sort=False):
        by_label = {str(label): of.set_index("seed")[[cost, quality]] for label, of in rows.groupby("label", sort=False)}
        whole = {label: of for label, of in by_label.items() if of.notna().all(axis=None)}
        seeds = set.intersection(*(set(of.index) for of in whole.values())) if whole else set()
        points = {
            label: [(float(x), sign * float(y)) for x, y in of.loc[sorted(seeds)].itertuples(index=False)]
            for label, of in whole.items()
        }
        found[str(variant)] = points, list(by_label)
    return found


def _n_seeds(points: Mapping[str, Sequence[Point]]) -> int:
    return min((len(of) for of in points.values()), default=0)


def _means(points: Mapping[str, Sequence[Point]], indices: Sequence[int]) -> dict[str, Point]:
    return {label: _mean([of[i] for i in indices]) for label, of in points.items() if indices}


def _mean(points: Sequence[Point]) -> Point:
    return math.fsum(point[0] for point in points) / len(points), math.fsum(point[1] for point in points) / len(points)


def _mean_front(drawn: Sequence[Sequence[Point]]) -> list[Point]:
    """Return the mean point of each label, of seeds that each have a point a label."""
    return [_mean(of) for of in zip(*drawn, strict=True)]


def _front_of(means: Mapping[str, Point]) -> set[str]:
    mask = front([point[0] for point in means.values()], [point[1] for point in means.values()])
    return {label for label, is_on in zip(means, mask, strict=True) if is_on}


def _is_missing(point: Point) -> bool:
    return math.isnan(point[0]) or math.isnan(point[1])
