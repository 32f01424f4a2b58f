"""The section on control: what the objective is, who decided what, and how far off the surrogate of quality is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.controls import controlled_schemes, decided, knobs, policies
from analysis.decisions import by_group, choice_shares
from analysis.findings import alike, join
from analysis.foretold import SOURCES, errors
from analysis.formats import NOTHING, count_text, percent_text, significant, times_text
from analysis.measures import MEASURES, with_measures
from analysis.objective import PARTS, lacks_objective, parts_of, reference_of, until_text, weights_of
from analysis.paired import best, differences
from analysis.plots.decisions import choice_text
from analysis.report.table import Cell, Mark, Names, TextTable
from analysis.stats import interval

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

_text = MEASURES["objective"].text
#: A scheme whose control its paper describes in words alone.
_REBUILT = "fedpeat"
#: So many schemes under one policy are named in its sentence; of more their number is told.
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Control:
    """What stands under "Control": sentences, the table of the objective, and below the figures other tables and notes."""

    paragraphs: list[str]
    objective: TextTable | None
    tables: list[TextTable]
    notes: list[str]


def control(material: "Material", names: Names) -> Control | None:
    """Return the section; None where no scheme is under a control policy and there is no objective."""
    known = policies(material.scenario)
    if not known and lacks_objective(material):
        return None
    surrogate = material.frame("surrogate")
    objective = None if lacks_objective(material) else objective_table(material, names)
    tables = []
    if any(decided(material.of(variant)) for variant in material.variants):
        tables.append(decisions_table(material, names))
    if len(surrogate):
        tables.append(surrogate_table(surrogate))
    return Control(list(_paragraphs(material)), objective, tables, list(_notes(material)))


def _paragraphs(material: "Material") -> Iterator[str]:
    known = policies(material.scenario)
    if not lacks_objective(material):
        weights = weights_of(material.scenario)
        text = f"The objective of a trial adds up what its rounds cost, over {until_text(material)}; lower is better."
        yield text if weights is None else f"{text} A round costs {weights.formula}."
    if known:
        by_policy = alike((policy, label) for label, policy in known.items())
        in_table = not lacks_objective(material)
        each = "; ".join(
            policy if labels == [policy] else f"{policy} for {_who(labels, in_table=in_table)}"
            for policy, labels in by_policy.items()
        )
        of = knobs(material.scenario)
        yield f"A control policy decides once a round who takes part and how: {each}." + (
            f" What it chooses for a device is {join(of)}." if of else ""
        )
    if _REBUILT in controlled_schemes(material.scenario):
        yield (
            "FedPEAT's control is a reconstruction: its paper's formulas were not at hand. What a policy observes, what it "
            "decides and what a round costs are choices of this simulator."
        )


def _who(labels: list[str], *, in_table: bool) -> str:
    """Return the labels, or how many they are where they are many and the table of objectives names each one's policy."""
    return f"{len(labels)} schemes" if in_table and len(labels) > _MOST_NAMED else join(labels)


def _notes(material: "Material") -> Iterator[str]:
    if material.n_seeds > 1 and not lacks_objective(material):
        yield (
            "Differences are taken seed by seed in the same worlds. Who is compared with the best was compared with the one "
            "that was chosen for being the best of these seeds, so small leads are to be taken with care."
            if reference_of(material)[1] == "the best"
            else "Differences are taken seed by seed in the same worlds."
        )
    if len(material.frame("surrogate")):
        yield (
            "RMSE is the root of the mean squared difference between foretold and observed accuracy, bias its mean, both in "
            "points of accuracy. A policy is trained on what the surrogate foretells; the numbers of this report are of real "
            "training wherever the scenario trains."
        )


def objective_table(material: "Material", names: Names) -> TextTable:
    """Return a row a (variant, label): policy, objective, its parts, and the difference to the reference."""
    summary, known = with_measures(material.frame("summary")), policies(material.scenario)
    reference, why = reference_of(material)
    compared = bool(reference) and material.n_seeds > 1
    parts = parts_of(material)
    sums = None if parts is None else parts.groupby(["variant", "label"])[list(PARTS)].mean()
    pairs = differences(summary, "objective", reference).set_index(["variant", "label"]) if compared else None
    first = best(summary, "objective").set_index("variant")
    rows = []
    for key, group in summary.groupby(["variant", "label"], sort=False):
        variant, label = str(key[0]), str(key[1])
        middle = interval(group["objective"].tolist())
        mark = _mark(first.loc[variant], label)
        cells = [Cell(known.get(label, NOTHING)), Cell(_text(middle.mean, middle.half), middle.mean, mark)]
        if sums is not None:
            cells += [_part(sums, key, part) for part in PARTS]
        if pairs is not None:
            cells.append(_against(pairs, key, label == reference))
        if group["target_accuracy"].notna().any():
            reached = int(group["time_to_target_s"].notna().sum())
            cells.append(Cell(f"{reached} of {len(group)}", reached / len(group)))
        rows.append((*names.cells(variant, label), *cells))
    heads = [*names.heads, "policy", "objective", *(PARTS if sums is not None else ())]
    heads += [f"less {reference}, {why}"] * (pairs is not None)
    heads += ["seeds that reach the target"] * bool(summary["target_accuracy"].notna().any())
    return TextTable("The objective and its parts; lower is better", tuple(heads), tuple(rows), n_names=len(names.heads) + 1)


def _mark(first: Any, label: str) -> Mark:
    """Return how a label stands: the best, not told apart from it, or neither; nothing is where nobody is beaten."""
    if not first["beaten"] and first["n"] > 1:
        return ""
    return "best" if first["winner"] == label else "tied" if first["n"] > 1 and label in first["rivals"] else ""


def _part(sums: "pd.DataFrame", key: Any, part: str) -> Cell:
    value = float(sums.loc[key, part]) if key in sums.index else float("nan")
    return Cell(_text(value, None), value)


def _against(pairs: "pd.DataFrame", key: Any, is_reference: bool) -> Cell:
    if is_reference or key not in pairs.index or pairs.loc[key, "mean"] != pairs.loc[key, "mean"]:
        return Cell(NOTHING)
    row = pairs.loc[key]
    return Cell(f"{'+' if row['mean'] > 0 else ''}{_text(row['mean'], row['half'])}, {row['verdict']}", row["mean"])


def decisions_table(material: "Material", names: Names) -> TextTable:
    """Return a row a scheme and group of devices: how often one was asked, and with what; all seeds together."""
    clients = material.frame("clients")
    varied = [name for name in ("bandwidth", "power_db") if clients[name].nunique() > 1]
    has_older = bool((clients["age"] > 0).any())
    rows = []
    for variant in material.variants:
        of = material.of(variant)
        own, labels = of.frame("clients"), decided(of)
        for row in by_group(own, of.frame("rounds"), of.frame("devices"), labels).itertuples():
            turns = own[(own["label"] == row.label) & (own["group"] == row.group)]
            cells = [
                Cell(str(row.group)),
                Cell(times_text(row.n_devices), row.n_devices),
                Cell(percent_text(row.asked_share), row.asked_share),
                Cell(percent_text(row.completed_share), row.completed_share),
                Cell(_chosen(turns, row.label), row.mean_choice),
            ]
            cells += [Cell(percent_text(row.older_share), row.older_share)] * has_older
            cells += [Cell(_plain(row.mean_bandwidth), row.mean_bandwidth)] * ("bandwidth" in varied)
            cells += [Cell(_plain(row.mean_power_db), row.mean_power_db)] * ("power_db" in varied)
            rows.append((*names.cells(variant, row.label), *cells))
    heads = [*names.heads, "group", "devices", "rounds in which one is asked", "turns completed", "choices"]
    heads += ["turns around an older version"] * has_older
    heads += ["mean weight of bandwidth"] * ("bandwidth" in varied) + ["mean change of power (dB)"] * ("power_db" in varied)
    caption = "What was decided, by group of devices"
    return TextTable(caption, tuple(heads), tuple(rows), n_names=len(names.heads) + 1)


def _chosen(turns: "pd.DataFrame", label: str) -> str:
    """Return "0: 40.0 %, 0.5: 60.0 %"."""
    if turns.empty:
        return NOTHING
    shares = choice_shares(turns, [label]).iloc[0]
    return ", ".join(f"{choice_text(choice)}: {percent_text(share)}" for choice, share in shares.items() if share > 0)


def _plain(value: float) -> str:
    return NOTHING if value != value else significant(value)


def surrogate_table(surrogate: "pd.DataFrame") -> TextTable:
    """Return a row a source, and for trials of this run also a row a scheme: how far off the surrogate is."""
    rows = tuple(
        (
            Cell(row.label),
            Cell(f"{row.source}: {SOURCES[row.source]}"),
            Cell(row.trial or "all"),
            Cell(count_text(row.n_trials), row.n_trials),
            Cell(count_text(row.n_worlds), row.n_worlds),
            Cell(count_text(row.n), row.n),
            Cell(f"{100 * row.rmse:.1f}", row.rmse),
            Cell(f"{100 * row.bias:+.1f}", row.bias),
            Cell(_plain(row.r2), row.r2),
        )
        for row in errors(surrogate).itertuples()
    )
    heads = (
        "brought by", "foretold for", "scheme", "trials", "worlds", "rounds", "RMSE, points", "bias, points",
        "share of variance explained",
    )  # fmt: skip
    return TextTable("How far off the surrogate of quality is", heads, rows, n_names=3)
