"""The objective of a trial in its parts: what error, time and energy cost in the rounds that count."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from analysis.controls import LEARNED, policies
from analysis.formats import duration_text, energy_text, percent_text, times_text
from analysis.frames import TRIAL
from analysis.measures import with_measures
from analysis.paired import best

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

#: Parts of the objective, in the order in which they are stacked.
PARTS = ("error", "time", "device energy")
#: Parts and objective that are nearer than this share of it are one number, added up in another order.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Weights:
    """The scenario's section ``objective``.

    A round costs quality x (1 - accuracy after it) + time x its seconds / time_scale_s + energy x the devices' joules /
    energy_scale_j.
    """

    quality: float
    time: float
    energy: float
    time_scale_s: float
    energy_scale_j: float

    @property
    def formula(self) -> str:
        """Return what a round costs, in words."""
        return (
            f"{times_text(self.quality)} times the error (1 - accuracy) after it, {times_text(self.time)} times its time in "
            f"units of {duration_text(self.time_scale_s)}, and {times_text(self.energy)} times the devices' energy in units of "
            f"{energy_text(self.energy_scale_j)}"
        )


def weights_of(scenario: Mapping[str, Any]) -> Weights | None:
    """Return the weights of a resolved scenario; None where it has no section ``objective``."""
    section = scenario.get("objective")
    if not isinstance(section, Mapping):
        return None
    return Weights(**{field.name: float(section[field.name]) for field in fields(Weights)})


def objective_parts(rounds: "pd.DataFrame", summary: "pd.DataFrame", weights: Weights) -> "pd.DataFrame":
    """Return what each trial's objective is made of: a row a trial that has one, a column for each of ``PARTS``.

    Columns before them: ``variant``, ``label``, ``seed``. Rounds count up to the first that reached the trial's target
    accuracy, that one included, or all of them; such as have no cost (round 0, and those that are not evaluated) do not.
    """
    frame = rounds.merge(summary[[*TRIAL, "target_accuracy"]], on=TRIAL)
    numbers = {name: frame[name].astype("float64") for name in ("accuracy", "cost", "target_accuracy")}
    reached = frame["round"].where(numbers["accuracy"] >= numbers["target_accuracy"])
    last = reached.groupby([frame[key] for key in TRIAL]).transform("min")
    counted = frame[numbers["cost"].notna() & ~(frame["round"] > last)].astype({"accuracy": "float64"})
    joules = counted[[f"device_{part}_energy_j" for part in ("compute", "radio", "idle")]].sum(axis=1)
    seconds = counted["sim_time_s"] - counted["opened_at_s"]
    counted = counted.assign(
        **{
            PARTS[0]: weights.quality * (1.0 - counted["accuracy"]),
            PARTS[1]: weights.time * seconds / weights.time_scale_s,
            PARTS[2]: weights.energy * joules / weights.energy_scale_j,
        }
    )
    sums = counted.groupby(["variant", "label", "seed"], sort=False)[list(PARTS)].sum()
    order = summary.set_index(["variant", "label", "seed"]).index
    return sums.reindex(order).dropna(how="all").reset_index()


def parts_of(material: "Material") -> "pd.DataFrame | None":
    """Return ``objective_parts`` of the material; None where there is no objective, or its weights are not all the same.

    So they are where a sweep changes them, and where runs with other ones are compared: the parts then do not add up.
    """
    weights, summary = weights_of(material.scenario), material.frame("summary")
    if weights is None or summary["objective"].isna().all():
        return None
    found = objective_parts(material.frame("rounds"), summary, weights)
    told = summary.dropna(subset=["objective"]).merge(found, how="left", on=["variant", "label", "seed"])
    gap = (told[list(PARTS)].sum(axis=1, skipna=False) - told["objective"].astype("float64")).abs()
    return found if bool((gap <= _ROUNDING * told["objective"].abs() + 1e-12).all()) else None


def lacks_objective(material: "Material") -> str:
    """Return why there is no objective to speak of, and "" where there is one."""
    return "" if material.frame("summary")["objective"].notna().any() else "the scenario has no section objective"


def reference_of(material: "Material") -> tuple[str, str]:
    """Return whom others are compared with on the objective, and in words why; ("", "") where nobody has one.

    It is the learned policy, which was chosen before there was any result; without one the best of the first variant.
    """
    summary = with_measures(material.frame("summary"))
    known = policies(material.scenario)
    has = summary.groupby("label", sort=False)["objective"].apply(lambda values: values.notna().all())
    for label in has.index[has]:
        if known.get(label) == LEARNED:
            return str(label), "the learned policy"
    winners = [row.winner for row in best(summary, "objective").itertuples() if row.winner]
    return (winners[0], "the best") if winners else ("", "")


def until_text(material: "Material") -> str:
    """Return up to where rounds count, in words."""
    targets = material.frame("summary")["target_accuracy"].dropna()
    if targets.empty:
        return "all of its rounds"
    return f"its rounds up to the first that reaches the target accuracy of {percent_text(float(targets.iloc[0]))}"
