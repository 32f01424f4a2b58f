"""Everything that the report's template is given: text, made from a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from markupsafe import Markup

from analysis.findings import account_note, findings, seeds_note
from analysis.formats import NOTHING, bytes_text, count_text, diagnostic_text, duration_text, energy_text, flop_text
from analysis.frames import by_label, causes, diagnostics, empty_rounds, energy_parts, outcomes
from analysis.plots.study import KINDS, Plot
from analysis.report.asked import asked, is_synthetic, scheme_settings
from analysis.report.inline import inline_svg
from analysis.report.words import CAPTIONS, describe
from analysis.tables import text_table

if TYPE_CHECKING:
    import pandas as pd

    from mecsim.results.reader import Run


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text: its heads, its rows, and how many first columns are names."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_names: int


@dataclass(frozen=True, slots=True)
class InlineFigure:
    """A figure in the page; ``wide`` ones scroll in their own box on a phone."""

    svg: Markup
    caption: str
    wide: bool


def context(run: "Run", plots: Sequence[Plot]) -> dict[str, Any]:
    """Return the variables of ``report.html.j2``."""
    scenario = yaml.safe_load(run.scenario_yaml)
    labels, clients = by_label(run.frame("summary")), run.frame("clients")
    return {
        "name": str(run.manifest.get("name", "a run")),
        "asked": asked(scenario),
        "answers": [(str(variant), findings(group)) for variant, group in labels.groupby("variant", sort=False)],
        "summary": _summary(labels),
        "notes": [f"{note[0].upper()}{note[1:]}." for note in (account_note(labels), seeds_note(labels["n"].tolist())) if note],
        "costs": account_note(labels),
        "synthetic": is_synthetic(scenario),
        "figures": _figures(labels, plots, run.folder / "plots"),
        "swept": labels["variant"].nunique() > 1,
        "schemes": _schemes(labels, scheme_settings(scenario)),
        "diagnostics": _diagnostics(run.frame("diagnostics")),
        "outcomes": _outcomes(clients),
        "causes": _causes(clients),
        "empty": _empty(run.frame("rounds")),
        "energy": _energy(run.frame("energy")),
        "facts": _facts(run.manifest),
        "versions": sorted(dict(run.manifest.get("versions") or {}).items()),
        "command": str(run.manifest.get("command") or NOTHING),
        "reconstructions": [str(name) for name in run.manifest.get("reconstructions") or ()],
        "scenario_yaml": run.scenario_yaml,
    }


def _summary(labels: "pd.DataFrame") -> TextTable:
    frame = text_table(labels)
    heads = {
        "accuracy": "accuracy at the end",
        "time": "time to the end",
        "ratio": "uplink to the smallest",
        "refused": "devices left out",
    }
    names = [column for column in ("variant", "scheme") if column in frame.columns]
    return TextTable(
        heads=tuple(heads.get(column, column) for column in frame.columns),
        rows=tuple(frame.itertuples(index=False, name=None)),
        n_names=len(names),
    )


def _figures(labels: "pd.DataFrame", plots: Sequence[Plot], folder: Path) -> list[InlineFigure]:
    """Return all figures of a study without a sweep; with one, the overview of each variant."""
    swept = labels["variant"].nunique() > 1
    chosen = [plot for plot in plots if plot.kind in (KINDS[:1] if swept else KINDS)]
    figures = []
    for number, plot in enumerate(chosen):
        words = describe(plot.kind, labels[labels["variant"] == plot.variant])
        text = (folder / f"{plot.name}.svg").read_text(encoding="utf-8")
        where = f"{plot.variant}: " if swept else ""
        svg = inline_svg(text, prefix=f"figure{number + 1}", words=where + words)
        figures.append(InlineFigure(svg, where + CAPTIONS[plot.kind], wide=plot.kind == "overview"))
    return figures


def _schemes(labels: "pd.DataFrame", settings: Mapping[str, str]) -> TextTable:
    rows = tuple(
        (
            row.label,
            row.scheme,
            settings.get(row.label, NOTHING),
            count_text(row.trainable_parameters),
            bytes_text(row.update_bytes),
            flop_text(row.turn_flop),
            flop_text(row.inference_flop),
            bytes_text(row.peak_memory_bytes),
            row.account_as or "the model trained",
        )
        for row in labels.drop_duplicates("label").itertuples()
    )
    heads = (
        "label",
        "scheme",
        "settings",
        "trained parameters",
        "one update",
        "one turn",
        "one query",
        "peak memory",
        "costs are of",
    )
    return TextTable(heads, rows, n_names=3)


def _diagnostics(recorded: "pd.DataFrame") -> TextTable:
    """Return a row a scheme and number: where it was at first, and where at the end."""
    frame = diagnostics(recorded)
    swept = frame["variant"].nunique() > 1
    rows = tuple(
        (
            *((row.variant,) if swept else ()),
            row.label,
            row.name.replace("_", " "),
            f"{diagnostic_text(row.name, row.first)} (round {row.first_round})",
            f"{diagnostic_text(row.name, row.last, row.last_half)} (round {row.last_round})",
        )
        for row in frame.itertuples(index=False)
    )
    return TextTable((*(("variant",) if swept else ()), "scheme", "number", "at first", "at the end"), rows, n_names=2 + swept)


def _outcomes(clients: "pd.DataFrame") -> TextTable:
    """Return a row a scheme and a column a group: completed of all turns, and how the others ended."""
    frame = outcomes(clients)
    swept = frame["variant"].nunique() > 1
    groups = list(dict.fromkeys(zip(frame["group"], frame["profile"], strict=True)))
    others = [column for column in frame.columns[6:] if column != "completed"]
    cells = {(row["variant"], row["label"], row["group"], row["profile"]): _ended(row, others) for _, row in frame.iterrows()}
    trials = list(dict.fromkeys(zip(frame["variant"], frame["label"], strict=True)))
    rows = [
        (*(trial if swept else trial[1:]), *(cells.get((*trial, *group), "no turns") for group in groups)) for trial in trials
    ]
    heads = tuple(group if group == profile else f"{group} ({profile})" for group, profile in groups)
    return TextTable((*(("variant",) if swept else ()), "scheme", *heads), tuple(rows), n_names=1 + swept)


def _ended(row: "pd.Series", others: Sequence[str]) -> str:
    completed = int(row.get("completed", 0))
    parts = [f"{completed} of {row['turns']} completed"]
    parts += [f"{row[outcome]} {outcome.replace('_', ' ')}" for outcome in others if row[outcome]]
    return ", ".join(parts)


def _causes(clients: "pd.DataFrame") -> TextTable:
    frame = causes(clients)
    swept = clients["variant"].nunique() > 1
    rows = tuple(
        (
            *((row.variant,) if swept else ()),
            row.label,
            row.profile,
            row.outcome,
            row.cause,
            row.example.partition(": ")[2] or NOTHING,
            count_text(row.turns),
        )
        for row in frame.itertuples()
    )
    heads = (*(("variant",) if swept else ()), "scheme", "profile", "outcome", "cause", "for example", "turns")
    return TextTable(heads, rows, n_names=5 + swept)


def _empty(rounds: "pd.DataFrame") -> list[str]:
    """Return a sentence for each trial in which there was nobody to ask in some round."""
    return [
        f"In {row.empty} of {row.rounds} rounds of {' '.join(filter(None, (row.label, row.variant)))} there was nobody to ask: "
        "the server waited a week at most, and went on without an update."
        for row in empty_rounds(rounds).itertuples()
    ]


def _energy(energy: "pd.DataFrame") -> TextTable:
    """Return a row a scheme and a column a part that takes anything."""
    frame = energy_parts(energy)
    swept = frame["variant"].nunique() > 1
    parts = [column for column in frame.columns[2:] if frame[column].any()]
    names = ["variant", "label"] if swept else ["label"]
    rows = tuple((*(row[name] for name in names), *(energy_text(row[part]) for part in parts)) for _, row in frame.iterrows())
    return TextTable((*(("variant",) if swept else ()), "scheme", *parts), rows, n_names=1 + swept)


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is needed to run it again, and what it took, in the order in which it is told."""
    seconds = manifest.get("real_seconds")
    told = {
        "mecsim": manifest.get("mecsim_version"),
        "seeds": manifest.get("seeds"),
        "Python": manifest.get("python"),
        "platform": manifest.get("platform"),
        "host": manifest.get("host"),
        "started": manifest.get("started_at"),
        "real time taken": None if seconds is None else duration_text(float(seconds)),
        "learning jobs run": manifest.get("jobs_run"),
        "jobs from the store": manifest.get("jobs_reused"),
        "table format": f"version {manifest.get('schema_version')}",
    }
    return [(name, _plain(value)) for name, value in told.items()]


def _plain(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return NOTHING
        case Mapping():
            return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(_plain(item) for item in value)
        case _:
            return str(value)
