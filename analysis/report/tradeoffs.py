"""Tables of trade-offs: who is on which Pareto front, how firmly, and how much ground the fronts cover."""

from typing import TYPE_CHECKING, Any

from analysis.findings import quality_measure
from analysis.formats import NOTHING, percent_text
from analysis.measures import MEASURES, with_measures
from analysis.pareto import hypervolumes, share_on_front
from analysis.report.table import Cell, Names, TextTable

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

_COSTS = ("sim_time_s", "device_energy_j", "uplink_bytes")


def tradeoff_tables(material: "Material", names: Names) -> list[TextTable]:
    """Return the tables; none where only one scheme is compared, or nothing was evaluated."""
    summary = with_measures(material.frame("summary"), material.frame("diagnostics"))
    quality = quality_measure(material)
    if summary["label"].nunique() < 2 or summary[quality].isna().all():
        return []
    return [_fronts(summary, quality, names), _volumes(summary, quality, names)]


def _fronts(summary: "pd.DataFrame", quality: str, names: Names) -> TextTable:
    found = {cost: share_on_front(summary, cost, quality).set_index(["variant", "label"]) for cost in _COSTS}
    rows = tuple((*names.cells(*key), *(_stand(of.loc[key]) for of in found.values())) for key in found[_COSTS[0]].index)
    heads = (*names.heads, *(f"against {_title(cost)}" for cost in _COSTS))
    caption = (
        f"On the Pareto front of {_title(quality)} against each cost; with several seeds, in which share of draws of seeds"
    )
    return TextTable(caption, heads, rows, n_names=len(names.heads))


def _stand(row: Any) -> Cell:
    """Return whether a scheme is on the front of the means, and in how many draws of whole seeds it would be."""
    if row["cost"] != row["cost"]:
        return Cell(NOTHING)
    where = "on the front" if row["on_front"] else "dominated"
    if row["share"] != row["share"]:
        return Cell(where, float(row["on_front"]))
    return Cell(f"{where} ({percent_text(row['share'])})", row["share"])


def _volumes(summary: "pd.DataFrame", quality: str, names: Names) -> TextTable:
    found = {cost: hypervolumes(summary, cost, quality).set_index("variant") for cost in _COSTS}
    variants = list(found[_COSTS[0]].index)
    rows = tuple(
        (*(names.variant(v) or (Cell("all schemes"),)), *(_volume(of.loc[v]) for of in found.values())) for v in variants
    )
    heads = ("variant" if names.is_swept else "", *(f"{_title(quality)} and {_title(cost)}" for cost in _COSTS))
    caption = "Ground that the front covers: its hypervolume as a share of that of the best of both anywhere in the study"
    return TextTable(caption, heads, rows, n_names=1)


def _volume(row: Any) -> Cell:
    """Return a volume as a share of the largest one there could be, with its bootstrap interval where there is one."""
    if row["share"] != row["share"]:
        return Cell(NOTHING)
    text = percent_text(row["share"])
    if row["low"] == row["low"] and row["hypervolume"] > 0:
        largest = row["hypervolume"] / row["share"]
        text += f" ({percent_text(row['low'] / largest)} to {percent_text(row['high'] / largest)})"
    return Cell(text, row["share"])


def _title(measure: str) -> str:
    title = MEASURES[measure].title
    return title[0].lower() + title[1:]
