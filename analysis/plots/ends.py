"""Where trials end: the summary with a quality of one name, and its means by label."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.measures import with_measures
from analysis.stats import interval

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material


def trials(material: "Material") -> "pd.DataFrame":
    """Return ``with_measures``'s frame of the summary, a row a trial, with a column ``quality``.

    That is the accuracy at the end, or the bits a byte at the end where the study's curves are of those.
    """
    frame = with_measures(material.frame("summary"), material.frame("diagnostics"))
    column = "final_accuracy" if material.quality == "accuracy" else "bits_per_byte"
    return frame.assign(quality=frame[column].astype("float64"))


def lacks_quality(material: "Material") -> str:
    """Return why there is no curve to draw, and "" where there is one."""
    return "" if material.series[material.quality].notna().any() else "no round was evaluated"


def means(trials: "pd.DataFrame", columns: Sequence[str]) -> "pd.DataFrame":
    """Return the means of ``columns`` over the seeds, a row a (variant, label) in the order of ``trials``.

    Columns: ``variant``, ``label``, ``n`` (seeds), and of each of ``columns`` its mean and ``<name>_half``, the half-width of
    its 95 % t-interval (NaN for one seed). A mean over seeds of which one has no number is NaN.
    """
    import pandas as pd

    rows = []
    for (variant, label), group in trials.groupby(["variant", "label"], sort=False):
        row: dict[str, object] = {"variant": variant, "label": label, "n": len(group)}
        for column in columns:
            middle = interval(group[column].astype("float64").tolist())
            row |= {column: middle.mean, f"{column}_half": float("nan") if middle.half is None else middle.half}
        rows.append(row)
    numbers = [name for column in columns for name in (column, f"{column}_half")]
    return pd.DataFrame(rows, columns=["variant", "label", "n", *numbers])
