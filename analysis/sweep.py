"""The axes of a sweep, and rows of trials or labels put along one of them."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mecsim.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

#: An axis of positive numbers whose largest is more than this many times its smallest is drawn with a logarithm.
_WIDE = 10.0


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a sweep: its name, its title in figures, its points in words, and the numbers behind them.

    ``points`` are in the order of the study; ``values`` has one number a point, or is None where some point has none.
    """

    name: str
    title: str
    points: tuple[str, ...]
    values: tuple[float, ...] | None

    @property
    def is_numeric(self) -> bool:
        """Whether there is a number behind every point."""
        return self.values is not None

    @property
    def is_wide(self) -> bool:
        """Whether the numbers are positive and span more than a factor of ten: such an axis is best logarithmic."""
        return self.values is not None and min(self.values) > 0 and max(self.values) > _WIDE * min(self.values)


def axes(variants: "pd.DataFrame") -> tuple[Axis, ...]:
    """Return the axes of the table ``variants`` in the order of the study; none without a sweep."""
    found = []
    for name, rows in variants.groupby("axis", sort=False):
        points = rows.drop_duplicates("position").sort_values("position")
        numbers = tuple(float(value) for value in points["value"].astype("float64"))
        values = None if any(math.isnan(number) for number in numbers) else numbers
        found.append(Axis(str(name), str(points["title"].iloc[0]), tuple(points["point"].astype(str)), values))
    return tuple(found)


def along(rows: "pd.DataFrame", variants: "pd.DataFrame", axis: str) -> "pd.DataFrame":
    """Return ``rows`` with where each stands on ``axis``, ready to be drawn as lines over it.

    ``rows`` is any frame with a column ``variant`` (a row a trial, a (variant, label), or other), ``variants`` the table of
    that name. Added columns: ``axis_position`` (from 0), ``axis_point`` (in words), ``axis_value`` (NaN where there is no
    number) and ``facet``, the points on all other axes in words ("Fleet: wild", "" if there are none): within a facet only
    ``axis`` moves. Rows are ordered by facet, then label as first met (if there are labels), then position, else as they were.
    UnknownNameError if the sweep has no such axis; ValueError if a row's variant is none of the sweep's.
    """
    names = [found.name for found in axes(variants)]
    if axis not in names:
        raise UnknownNameError("axis of the sweep", axis, names)
    places = _places(variants, axis)
    strangers = set(rows["variant"]) - set(places.index)
    if strangers:
        raise ValueError(f"not variants of the sweep: {', '.join(sorted(strangers))}")
    joined = rows.join(places, on="variant")
    orders = ["_facet", "axis_position"]
    if "label" in joined:
        labels = {label: i for i, label in enumerate(dict.fromkeys(joined["label"]))}
        joined = joined.assign(_label=joined["label"].map(labels))
        orders.insert(1, "_label")
    # One key after the other, the last first: a stable sort keeps what is equal as it was.
    for key in reversed(orders):
        joined = joined.sort_values(key, kind="stable")
    return joined.drop(columns=["_facet", "_label"], errors="ignore").reset_index(drop=True)


def _places(variants: "pd.DataFrame", axis: str) -> "pd.DataFrame":
    """Return a row a variant: its place on ``axis``, the words of its facet, and the facet's order ``_facet``."""
    import pandas as pd

    mine = variants[variants["axis"] == axis].set_index("variant")
    others = variants[variants["axis"] != axis]
    facets = pd.Series("", index=mine.index)
    orders: dict[str, tuple[int, ...]] = {"": ()}
    for variant, rows in others.groupby("variant", sort=False):
        words = ", ".join(f"{row.title}: {row.point}" for row in rows.itertuples())
        facets[variant] = words
        orders[words] = tuple(int(position) for position in rows["position"])
    ranks = {words: rank for rank, words in enumerate(sorted(orders, key=lambda words: orders[words]))}
    return pd.DataFrame(
        {
            "axis_position": mine["position"].astype("int64"),
            "axis_point": mine["point"].astype(str),
            "axis_value": mine["value"].astype("float64"),
            "facet": facets,
            "_facet": facets.map(ranks),
        }
    )
