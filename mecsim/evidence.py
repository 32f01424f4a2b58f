"""What stands behind a learned policy, as tables: how it was trained, and how far off its surrogate of quality is."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mecsim.build.rehearsal import merged_of, total_of
from mecsim.config.scenario import Scenario
from mecsim.control.catalog import POLICIES
from mecsim.control.policy import CURVE_FILE, POINTS_FILE
from mecsim.control.surrogate import Merged, Surrogate
from mecsim.federation.rounds import STUDY_ENDED
from mecsim.results.records import ClientRow, RoundRow, Row, SurrogateRow, TrainingRow


def surrogates_of(scenario: Scenario) -> dict[str, Path]:
    """Return the surrogates that policies of the scenario bring, each file once, by the label of the first scheme with it."""
    found: dict[Path, str] = {}
    for entry in scenario.schemes:
        path = None if entry.control is None else POLICIES[entry.control.name].surrogate_of(entry.control.params)
        if path is not None:
            found.setdefault(path.resolve(), entry.label)
    return {label: path for path, label in found.items()}


def named_surrogates(scenarios: Iterable[Scenario]) -> dict[Path, str]:
    """Return the surrogates that policies of ``scenarios`` bring, each file once, with the label that its rows have.

    That is the label of the first scheme with it; where a sweep puts several files under one label, with the folder's name.
    """
    names: dict[Path, str] = {}
    for scenario in scenarios:
        for label, path in surrogates_of(scenario).items():
            if path not in names:
                names[path] = label if label not in names.values() else f"{label} ({path.parent.name})"
    return names


def shipped_rows(label: str, surrogate: Path) -> dict[str, list[Row]]:
    """Return the tables that came with a policy."""
    points = [
        SurrogateRow(
            label=label,
            source=row["source"],
            trial=row["label"],
            world=row["world"],
            round=int(row["round"]),
            predicted=float(row["predicted"]),
            observed=float(row["observed"]),
        )
        for row in _read(surrogate.parent / POINTS_FILE)
    ]
    curve = [
        TrainingRow(
            label=label,
            steps=int(row["steps"]),
            mean_return=_number(row["mean_return"]),
            std_return=_number(row["std_return"]),
            evaluation_return=float(row["evaluation_return"]),
        )
        for row in _read(surrogate.parent / CURVE_FILE)
    ]
    return {"surrogate": list(points), "training": list(curve)}


def foretold_rows(
    label: str, surrogate: Surrogate, rows: Mapping[str, Sequence[Row]], dealt: Mapping[str, Any]
) -> list[SurrogateRow]:
    """Return what the surrogate foretells for one trial of this run, whose ``rows`` are those of its rounds and clients.

    Nothing where the trial's choices are not the surrogate's.
    """
    clients = [row for row in rows["clients"] if isinstance(row, ClientRow)]
    rounds = [row for row in rows["rounds"] if isinstance(row, RoundRow)]
    if any(row.choice not in surrogate.choices for row in clients if row.choice is not None):
        return []
    merged = merged_by_round(clients, surrogate.choices, dealt)
    state, found = surrogate.start(total_of(dealt)), list[SurrogateRow]()
    for row in rounds[1:]:
        state = surrogate.step(state, merged[row.round])
        if row.accuracy is not None:
            found.append(
                SurrogateRow(
                    label=label,
                    source="run",
                    trial=row.label,
                    world=", ".join(filter(None, (row.variant, f"seed {row.seed}"))),
                    round=row.round,
                    predicted=state.accuracy,
                    observed=row.accuracy,
                )
            )
    return found


def merged_by_round(
    clients: Iterable[ClientRow], choices: Sequence[float], dealt: Mapping[str, Any]
) -> Mapping[int, list[Merged]]:
    """Return what was merged in each round of one trial, as a surrogate reads it: of one that the end cut short, nothing."""
    turns, completed = list(clients), defaultdict[int, list[ClientRow]](list)
    was_cut = {row.round for row in turns if row.reason == STUDY_ENDED}
    for row in turns:
        if row.outcome == "completed" and row.round not in was_cut:
            completed[row.round].append(row)
    return defaultdict(list, {number: merged_of(rows, choices, dealt) for number, rows in completed.items()})


def _read(path: Path) -> Iterator[dict[str, str]]:
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def _number(text: str) -> float | None:
    return float(text) if text else None
