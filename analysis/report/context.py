"""Everything that the report's template is given: text, made from a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.findings import account_note
from analysis.formats import NOTHING
from analysis.material import Material
from analysis.report.answers import answer
from analysis.report.asked import asked, is_synthetic, scheme_settings
from analysis.report.compared import fairness_tables, paired_tables, target_table
from analysis.report.control import control
from analysis.report.costs import energy_table, schemes_table
from analysis.report.facts import facts, versions
from analysis.report.figures import inline_figures
from analysis.report.people import causes_table, empty_sentences, outcomes_table
from analysis.report.question import question
from analysis.report.swept import swept_keys
from analysis.report.table import Names
from analysis.report.tradeoffs import tradeoff_tables
from analysis.report.trials import diagnostics_table, trials_table

if TYPE_CHECKING:
    from analysis.plots.study import Plot
    from mecsim.results.reader import Run

#: Anchor of each section -> its title, in the order of the page.
_TITLES = {
    "answer": "The answer",
    "figures": "The figures",
    "paired": "Differences in the same worlds",
    "tradeoffs": "Trade-offs",
    "target": "What it takes to the target",
    "control": "Control",
    "devices": "Who took part",
    "fairness": "How even it is",
    "spent": "Where energy and bytes went",
    "inside": "What else the evaluations gave",
    "trials": "Every trial",
    "asked": "What was asked",
    "meaning": "How to read the numbers",
    "again": "How to get this again",
}


def context(run: "Run", plots: "Sequence[Plot]") -> dict[str, Any]:
    """Return the variables of ``report.html.j2``."""
    material = Material(run)
    names = Names(material.variants, list(dict.fromkeys(material.frame("summary")["label"])))
    drawn = inline_figures(material, plots, run.folder / "plots")
    parts = {
        **_tables(material, names),
        **_asked(material),
        "name": str(run.manifest.get("name", "a run")),
        "question": question(material),
        "answer": answer(material, names),
        "drawn": drawn,
        "control": control(material, names),
        "empty": empty_sentences(material.frame("rounds")),
        "manifest": facts(run.manifest),
        "versions": versions(run.manifest),
        "command": str(run.manifest.get("command") or NOTHING),
        "scenario_yaml": run.scenario_yaml,
    }
    return {**parts, "contents": _contents(parts)}


def _tables(material: Material, names: Names) -> dict[str, Any]:
    clients = material.frame("clients")
    return {
        "paired": paired_tables(material, names),
        "tradeoffs": tradeoff_tables(material, names),
        "target": target_table(material.frame("summary"), names),
        "outcomes": outcomes_table(clients, names),
        "causes": causes_table(clients, names),
        "fairness": fairness_tables(material, names),
        "energy": energy_table(material.frame("energy"), names),
        "diagnostics": diagnostics_table(material.frame("diagnostics"), names),
        "trials": trials_table(material.frame("summary"), names),
        "schemes": schemes_table(material.labels, scheme_settings(material.scenario)),
    }


def _asked(material: Material) -> dict[str, Any]:
    """Return what is said of the scenario, and of what its numbers stand for."""
    keys = swept_keys(material.scenario)
    changed = [f"The sweep changes {', '.join(keys)}: see its points above."] if keys else []
    rebuilt = [str(name) for name in material.run.manifest.get("reconstructions") or ()]
    told = "Reconstructed from their published description, not from their authors' code: "
    return {
        "asked": [*asked(material.scenario), *changed],
        "reconstructions": [f"{told}{', '.join(rebuilt)}."] if rebuilt else [],
        "costs": account_note(material.labels),
        "synthetic": is_synthetic(material.scenario),
    }


def _contents(parts: Mapping[str, Any]) -> dict[str, str]:
    """Return the sections that have something in them."""
    there = dict.fromkeys(_TITLES, True)
    there |= {name: bool(parts[name]) for name in ("paired", "tradeoffs", "target", "control", "fairness")}
    there["inside"] = bool(parts["diagnostics"].rows or parts["drawn"]["inside"])
    there["figures"] = bool(parts["drawn"]["main"] or parts["drawn"]["folded"])
    return {anchor: title for anchor, title in _TITLES.items() if there[anchor]}
