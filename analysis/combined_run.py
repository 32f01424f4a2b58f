"""Several runs as one, for every figure and table that takes a run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from analysis.compare import Difference, differences, is_one_world
from mecsim.errors import MecsimError
from mecsim.results.reader import Run
from mecsim.results.records import TABLES, SurrogateRow, TrainingRow, Trial

if TYPE_CHECKING:
    import pandas as pd

#: The axis on which runs of different worlds stand.
AXIS, TITLE = "run", "Run"
#: The tables with rows by trial, and those with rows by policy; the others have rows by world.
_OF_TRIALS = tuple(name for name, row in TABLES.items() if issubclass(row, Trial))
_OF_POLICIES = tuple(name for name, row in TABLES.items() if issubclass(row, SurrogateRow | TrainingRow))
#: What the section ``objective`` makes of a trial: numbers of other weights are no numbers of one measure.
_WEIGHED = {"summary": "objective", "rounds": "cost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedRun(Run):
    """Several runs with one set of tables.

    Of one world, they are one study: variants and seeds stay, so trials are paired over the runs, and labels that several runs
    have are told apart by the run's name before them. Of different worlds, each run has its own variants, named by it, on an
    axis "run" of the sweep; labels stay, so a scheme keeps its colour, and only trials of one run are paired.
    """

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def is_one_world(self) -> bool:
        """Whether trials of the same variant and seed met the same world in all runs."""
        return is_one_world(self.differences)

    def frame(self, name: str) -> "pd.DataFrame":
        """Return the table ``name`` of all runs, with the columns of ``mecsim.results.records``, by variant and label.

        Objectives and costs are empty where the runs weigh them differently.
        """
        import pandas as pd

        if name == "variants":
            return self._variants()
        if name in _OF_POLICIES:
            return self._of_policies(name)
        labels, variants = self.labels(), self.variants()
        frames, met = [], set[tuple[str, int]]()
        for run, new_labels, new_variants in zip(self.runs, labels, variants, strict=True):
            frame = run.frame(name)
            frame = frame.assign(variant=frame["variant"].map(new_variants).astype(frame["variant"].dtype))
            if name in _OF_TRIALS:
                frame = frame.assign(label=frame["label"].map(new_labels).astype(frame["label"].dtype))
            else:
                worlds = pd.MultiIndex.from_frame(frame[["variant", "seed"]])
                frame = frame[~worlds.isin(met)]
                met |= set(worlds)
            if name in _WEIGHED and self._weighs_differently:
                frame = frame.assign(**{_WEIGHED[name]: math.nan})
            frames.append(frame)
        # Tables without rows have no types to speak of.
        told = [frame for frame in frames if len(frame)] or frames[:1]
        table = pd.concat(told, ignore_index=True)
        keys = {"variant": variants, "label": labels} if name in _OF_TRIALS else {"variant": variants}
        for key, names in reversed(keys.items()):
            order = {new: i for i, new in enumerate(_met(new for of in names for new in of.values()))}
            table = table.sort_values(key, key=lambda column, order=order: column.map(order), kind="stable")
        return table.reset_index(drop=True)

    def labels(self) -> list[dict[str, str]]:
        """Return what each run's labels are called here."""
        own = [_met(run.frame("summary")["label"]) for run in self.runs]
        if not self.is_one_world:
            return [{label: label for label in labels} for labels in own]
        every = [label for labels in own for label in labels]
        new = [
            {label: f"{name}: {label}" if every.count(label) > 1 else label for label in labels}
            for name, labels in zip(self.names, own, strict=True)
        ]
        called = [label for names in new for label in names.values()]
        if len(set(called)) == len(called):
            return new
        return [{label: f"{name}: {label}" for label in labels} for name, labels in zip(self.names, own, strict=True)]

    def variants(self) -> list[dict[str, str]]:
        """Return what each run's variants are called here."""
        own = [_met(run.frame("summary")["variant"]) for run in self.runs]
        if self.is_one_world:
            return [{variant: variant for variant in variants} for variants in own]
        return [
            {variant: f"{name}: {variant}" if variant else name for variant in variants}
            for name, variants in zip(self.names, own, strict=True)
        ]

    @property
    def _weighs_differently(self) -> bool:
        """Whether the runs have different objectives, or some have none."""
        return any(each.key.partition(".")[0] == "objective" for each in self.differences)

    def _of_policies(self, name: str) -> "pd.DataFrame":
        """Return what stands behind the policies of all runs; what several of them were given once."""
        import pandas as pd

        frames = []
        for run, new in zip(self.runs, self.labels(), strict=True):
            frame = run.frame(name)
            frame = frame.assign(label=frame["label"].map(new).astype(frame["label"].dtype))
            if "trial" in frame:
                own = frame["source"] == "run"  # others are trials of the run that was fitted to
                frame = frame.assign(trial=frame["trial"].where(~own, frame["trial"].map(new)))
            frames.append(frame)
        told = [frame for frame in frames if len(frame)] or frames[:1]
        return pd.concat(told, ignore_index=True).drop_duplicates(ignore_index=True)

    def _variants(self) -> "pd.DataFrame":
        """Return the axes: those of the sweep, and behind them, for runs side by side, the axis of the runs.

        Where the runs have other axes, that one is the only one, and has a point a variant.
        """
        import pandas as pd

        tables = [
            table.assign(variant=table["variant"].map(new).astype("str"))
            for table, new in zip([run.frame("variants") for run in self.runs], self.variants(), strict=True)
        ]
        if self.is_one_world:
            return pd.concat(tables, ignore_index=True).drop_duplicates(["variant", "axis"], ignore_index=True)
        axes = {tuple(_met(table["axis"])) for table in tables}
        shared = len(axes) == 1
        axis = AXIS if AXIS not in next(iter(axes)) else f"{AXIS} folder"
        runs = [
            (variant, axis, TITLE, 0, name if shared else variant, math.nan)
            for name, new in zip(self.names, self.variants(), strict=True)
            for variant in new.values()
        ]
        places = pd.DataFrame(runs, columns=list(tables[0].columns)).astype({"value": "float64"})
        kept = [table.astype({"value": "float64"}) for table in tables if shared and len(table)]
        return _renumbered(pd.concat([*kept, places], ignore_index=True))


def combined(runs: Sequence[Run], names: Sequence[str] | None = None) -> CombinedRun:
    """Return the runs as one; ``names`` are those of their folders by default. MecsimError if a run is there twice."""
    if len({run.folder.resolve() for run in runs}) < len(runs):
        raise MecsimError("a run cannot be compared with itself: name each run folder once.")
    if len(runs) < 2:
        raise MecsimError("one run alone is nothing to compare: name two run folders or more.")
    names = tuple(names) if names is not None else run_names([run.folder for run in runs])
    title = " + ".join(names)
    return CombinedRun(
        folder=Path(title),
        manifest=MappingProxyType(_manifest(runs, title)),
        scenario_yaml=_scenario(runs, title),
        runs=tuple(runs),
        names=names,
        differences=tuple(differences(runs)),
    )


def run_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """Return what runs are called: the names of their folders, with as many of those around them as make them different."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = tuple("/".join(each[-depth:]) for each in parts)
        if len(set(names)) == len(names):
            return names
    return tuple(str(folder) for folder in folders)


def _met(names: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(names))


def _renumbered(variants: "pd.DataFrame") -> "pd.DataFrame":
    """Return the axes with one count of points over all runs: by their numbers where all have one, else as they are met."""
    positions: dict[tuple[str, str], int] = {}
    for axis, rows in variants.groupby("axis", sort=False):
        points = rows.drop_duplicates("point")
        if points["value"].notna().all():
            points = points.sort_values("value", kind="stable")
        positions |= {(str(axis), point): i for i, point in enumerate(points["point"])}
    keys = zip(variants["axis"], variants["point"], strict=True)
    return variants.assign(position=[positions[key] for key in keys])


def _manifest(runs: Sequence[Run], title: str) -> dict[str, Any]:
    """Return what can be said of all runs: facts that they share, and sums of what they took."""
    facts: dict[str, Any] = {key: value for key, value in runs[0].manifest.items() if _all_have(runs, key, value)}
    for key in ("real_seconds", "jobs_run", "jobs_reused"):
        facts[key] = sum(run.manifest.get(key) or 0 for run in runs)
    for key in ("seeds", "reconstructions"):
        facts[key] = _met(value for run in runs for value in run.manifest.get(key) or ())
    return {**facts, "name": title, "command": "; ".join(str(run.manifest.get("command", "")) for run in runs)}


def _all_have(runs: Sequence[Run], key: str, value: object) -> bool:
    return all(run.manifest.get(key) == value for run in runs)


def _scenario(runs: Sequence[Run], title: str) -> str:
    """Return the scenario of the first run under the name of all: see ``differences`` for where the others are not like it."""
    scenario: Mapping[str, Any] = yaml.safe_load(runs[0].scenario_yaml) or {}
    return yaml.safe_dump({**scenario, "name": title}, sort_keys=False)
