"""What figures and tables are made of: the frames of a run, each read once, whole or of one variant."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from analysis.frames import by_label, cumulative, with_diagnostic

if TYPE_CHECKING:
    import pandas as pd

    from mecsim.results.reader import Run


class Material:
    """The frames of ``run``; given a ``variant``, the rows of that one alone (of tables that have variants).

    ``frame`` has the columns of ``mecsim.results.records``; ``series`` those of ``frames.cumulative`` and ``labels`` those of
    ``frames.by_label``. All frames are shared: who changes one takes a copy.
    """

    def __init__(self, run: "Run", variant: str | None = None, whole: "Material | None" = None) -> None:
        self.run = run
        self.variant = variant
        self._whole = whole
        self._frames: dict[str, pd.DataFrame] = {}

    def of(self, variant: str) -> "Material":
        """Return the material of one variant."""
        return Material(self.run, variant, self._whole or self)

    def frame(self, name: str) -> "pd.DataFrame":
        """Return the table ``name`` of the run folder."""
        if name not in self._frames:
            if self._whole is None:
                self._frames[name] = self.run.frame(name)
            else:
                rows = self._whole.frame(name)
                of_variant = rows[rows["variant"] == self.variant].reset_index(drop=True) if "variant" in rows else rows
                self._frames[name] = of_variant
        return self._frames[name]

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants in the order of the study; ("",) without a sweep."""
        return tuple(dict.fromkeys(self.frame("summary")["variant"]))

    @cached_property
    def is_swept(self) -> bool:
        """Whether there is more than one variant."""
        return len(self.variants) > 1

    @cached_property
    def labels(self) -> "pd.DataFrame":
        """The summary averaged over seeds, a row a (variant, label)."""
        return by_label(self.frame("summary"))

    @cached_property
    def series(self) -> "pd.DataFrame":
        """What each trial had spent by the end of each round; with a column for ``quality`` where that is not accuracy."""
        series = cumulative(self.frame("rounds"))
        return series if self.quality == "accuracy" else with_diagnostic(series, self.frame("diagnostics"), self.quality)

    @cached_property
    def quality(self) -> str:
        """What curves are of: bits a byte where every label of the study has them, as the share of tokens says little there."""
        if self._whole is not None:
            return self._whole.quality
        told = self.frame("diagnostics")
        with_bits = set(told.loc[told["name"] == "bits_per_byte", "label"])
        return "bits_per_byte" if with_bits >= set(self.frame("summary")["label"]) else "accuracy"

    @cached_property
    def scenario(self) -> Mapping[str, Any]:
        """The resolved scenario as plain data."""
        return yaml.safe_load(self.run.scenario_yaml) or {}

    @property
    def n_seeds(self) -> int:
        """The number of replications: the seeds of the trial that has the fewest."""
        return int(self.frame("summary").groupby(["variant", "label"])["seed"].nunique().min())
