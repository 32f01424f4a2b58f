"""A run with some of its numbers replaced, for tests that know what has to be said of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis.material import Material
from mecsim.results.reader import Run


@dataclass(frozen=True, slots=True)
class EditedRun:
    """``run``, but of the tables named in ``changes`` what those functions make of them."""

    run: Run
    changes: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = field(default_factory=dict)

    def frame(self, name):
        frame = self.run.frame(name)
        return self.changes[name](frame) if name in self.changes else frame

    def __getattr__(self, name):
        return getattr(self.run, name)


def with_summary(run: Run, column: str, values: Mapping[tuple[str, str], list[float | None]]) -> Material:
    """Return the material of ``run`` with ``column`` of its summary set: (variant, label) -> a value a seed."""

    def change(summary: pd.DataFrame) -> pd.DataFrame:
        numbers = summary[column].astype("float64").copy()
        for (variant, label), each in values.items():
            numbers[(summary["variant"] == variant) & (summary["label"] == label)] = [
                math.nan if value is None else value for value in each
            ]
        return summary.assign(**{column: numbers})

    return Material(EditedRun(run, {"summary": change}))
