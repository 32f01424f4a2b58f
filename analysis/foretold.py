"""How far a surrogate of quality is off: what it foretold against what came, by source and by round."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Source of ``surrogate.parquet`` -> what it is, in words, in reading order.
SOURCES = {
    "fit": "trials that it was fitted to",
    "held-out": "the same trials, by a fit without their world",
    "run": "trials of this run",
}

_ERRORS = {
    "label": "str", "source": "str", "trial": "str", "n_trials": "int64", "n_worlds": "int64", "n": "int64",
    "rmse": "float64", "bias": "float64", "r2": "float64",
}  # fmt: skip
_RESIDUALS = {"source": "str", "round": "int64", "n": "int64", "low": "float64", "median": "float64", "high": "float64"}


def errors(surrogate: "pd.DataFrame") -> "pd.DataFrame":
    """Return how far off it is: a row a (label, source), and behind "run" a row for each scheme of the run.

    Columns: ``label`` (whose policy brought the surrogate), ``source``, ``trial`` (the scheme whose trials these are, "" for
    all), ``n_trials``, ``n_worlds``, ``n`` (rounds), ``rmse`` and ``bias`` (foretold less observed) as shares of one, and
    ``r2``, the share of the variance that is explained (NaN where all observed are equal).
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    for label, of_label in surrogate.groupby("label", sort=False):
        for source in SOURCES:
            own = of_label[of_label["source"] == source]
            if len(own):
                rows.append((label, source, "", *_of(own)))
            if source == "run" and own["trial"].nunique() > 1:
                rows += [(label, source, trial, *_of(each)) for trial, each in own.groupby("trial", sort=False)]
    return pd.DataFrame(rows, columns=list(_ERRORS)).astype(_ERRORS)


def _of(own: "pd.DataFrame") -> tuple[float, ...]:
    gaps = own["predicted"] - own["observed"]
    spread = float(((own["observed"] - own["observed"].mean()) ** 2).sum())
    r2 = 1.0 - float((gaps**2).sum()) / spread if spread > 0 else math.nan
    n_trials = len(own[["trial", "world"]].drop_duplicates())
    return n_trials, own["world"].nunique(), len(own), math.sqrt(float((gaps**2).mean())), float(gaps.mean()), r2


def residuals_by_round(surrogate: "pd.DataFrame") -> "pd.DataFrame":
    """Return foretold less observed by source and round: its median and quartiles, linear between the values.

    Columns: ``source``, ``round``, ``n``, ``low`` (25 %), ``median``, ``high`` (75 %).
    """
    import pandas as pd

    gaps = surrogate.assign(gap=surrogate["predicted"] - surrogate["observed"])
    rows = [
        (source, number, len(own), *own["gap"].quantile([0.25, 0.5, 0.75]))
        for source in SOURCES
        for number, own in gaps[gaps["source"] == source].groupby("round", sort=True)
    ]
    return pd.DataFrame(rows, columns=list(_RESIDUALS)).astype(_RESIDUALS)
