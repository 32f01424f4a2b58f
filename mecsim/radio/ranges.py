"""Where a path loss model is used beyond what its source covers: sentences for a warning."""

import math
from collections.abc import Sequence

from mecsim.radio.path_loss import PathLossModel, Range


def range_warnings(
    model: PathLossModel,
    *,
    frequency_ghz: float,
    largest_distance_m: float,
    bs_heights_m: Sequence[float],
    ue_height_m: float,
) -> list[str]:
    """Return one sentence for each quantity outside the model's range, with the range; an empty list if all is covered.

    Distances below the model's minimum are left out: the laws clamp them, and every fleet has some.
    """
    values = [
        ("the carrier", frequency_ghz, "GHz", model.frequency_range_ghz),
        *(("the largest distance", largest_distance_m, "m", reach) for reach in _reaches(model)),
        *(("a station's height", height_m, "m", model.bs_height_range_m) for height_m in sorted(set(bs_heights_m))),
        ("a device's height", ue_height_m, "m", model.ue_height_range_m),
    ]
    return [
        f"path loss {model.name!r} covers {_said(covered)} {unit}, {what} is {value:g} {unit}: the law is extrapolated"
        for what, value, unit, covered in values
        if not covered[0] <= value <= covered[1]
    ]


def _reaches(model: PathLossModel) -> list[Range]:
    """Return the ranges of distance, one if both LoS states have the same."""
    return [(0.0, maximum_m) for maximum_m in sorted({model.maximum_los_m, model.maximum_nlos_m})]


def _said(covered: Range) -> str:
    low, high = covered
    if low == high:
        return f"{low:g}"
    if low == 0.0:
        return f"up to {high:g}"
    return f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and more"
