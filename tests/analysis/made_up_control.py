"""A run folder of control policies, made up: an objective, choices of a knob, a surrogate of quality and a training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from made_up_study import MANIFEST, SCENARIO, demo_tables

from mecsim.results.folder import write_run
from mecsim.results.reader import Run, open_run
from mecsim.results.records import RoundRow, Row, SurrogateRow, TrainingRow

#: label (its first word is the made-up scheme) -> its policy and the choices among which its devices have theirs
POLICIES = {
    "lora fixed": ({"name": "fixed", "choice": 0.5}, (0.5,)),
    "bias memory": ({"name": "memory"}, (0.0, 0.9)),
    "adapter random": ({"name": "random"}, (0.0, 0.5, 0.75, 0.9)),
    "head learned": ({"name": "learned", "policy": "policies/a"}, (0.75, 0.9)),
}
#: Twice the error, half the time in units of 10 s, a tenth of the energy in units of 100 J.
WEIGHTS = {"quality": 2.0, "time": 0.5, "energy": 0.1, "time_scale_s": 10.0, "energy_scale_j": 100.0}


def scenario_of(labels: Sequence[str] = tuple(POLICIES), weights: dict | None = WEIGHTS, scheme: str = "fedpeat") -> str:
    """Return the scenario of a made-up study under control."""
    import yaml

    said = yaml.safe_load(SCENARIO) | ({"objective": weights} if weights else {})
    said["schemes"] = [
        {"name": scheme, "label": label, "ladder": [0.0, 0.5, 0.75, 0.9], "control": POLICIES[label][0]} for label in labels
    ]
    return yaml.safe_dump(said, sort_keys=False)


def cost_of(row: RoundRow) -> float:
    """Return what a round costs by ``WEIGHTS``."""
    joules = row.device_compute_energy_j + row.device_radio_energy_j + row.device_idle_energy_j
    return 2.0 * (1.0 - row.accuracy) + 0.5 * (row.sim_time_s - row.opened_at_s) / 10.0 + 0.1 * joules / 100.0


def control_tables(labels: Sequence[str] = tuple(POLICIES), seeds: Sequence[int] = (1, 2, 3), **study) -> dict[str, list[Row]]:
    """Return the made-up study with costs, objectives and choices: a device's choice is by its number and the round."""
    tables = demo_tables(labels=labels, seeds=seeds, **study)
    tables["rounds"] = [replace(row, cost=cost_of(row) if row.round else None) for row in tables["rounds"]]
    tables["clients"] = [
        replace(row, choice=choices[(row.device + row.round) % len(choices)], age=int(row.round % 3 == 0 and row.device == 5))
        for row in tables["clients"]
        for choices in (POLICIES[row.label][1],)
    ]
    tables["summary"] = [
        replace(trial, objective=sum(row.cost for row in _counted(tables["rounds"], trial))) for trial in tables["summary"]
    ]
    return tables


def _counted(rounds, trial):
    own = [row for row in rounds if (row.label, row.variant, row.seed) == (trial.label, trial.variant, trial.seed)]
    hit = next((row.round for row in own if trial.target_accuracy and row.accuracy >= trial.target_accuracy), len(own))
    return [row for row in own if 0 < row.round <= hit]


def surrogate_rows(label: str = "head learned", n_worlds: int = 4, n_rounds: int = 15, seed: int = 0) -> list[SurrogateRow]:
    """Return foretold accuracies: off by 1, 3 and 4 points at random, those of the run also 2 points too high."""
    rng, rows = np.random.default_rng(seed), []
    for source, spread, shift in (("fit", 0.01, 0.0), ("held-out", 0.03, 0.0), ("run", 0.04, 0.02)):
        for trial in ("lora fixed", "head learned"):
            for world in range(n_worlds):
                for number in range(1, n_rounds + 1):
                    observed = 0.9 - 0.8 * float(np.exp(-number / 4)) + 0.01 * world
                    foretold = observed + shift + float(rng.normal(0.0, spread))
                    rows.append(
                        SurrogateRow(
                            label=label, source=source, trial=trial, world=f"seed {world}", round=number,
                            predicted=foretold, observed=observed,
                        )
                    )  # fmt: skip
    return rows


def training_rows(label: str = "head learned", n: int = 40) -> list[TrainingRow]:
    """Return the course of a training whose return rises from -12 to -6; no episode ends before the first row."""
    rng = np.random.default_rng(1)
    return [
        TrainingRow(
            label=label, steps=512 * i, mean_return=None if i == 0 else -6 - 6 * np.exp(-i / 9) + rng.normal(0, 0.3),
            std_return=None if i == 0 else 1.2, evaluation_return=-6.0 - 5.5 * float(np.exp(-i / 9)),
        )
        for i in range(n)
    ]  # fmt: skip


def write_control(
    folder: Path, *, extras=None, scenario: str | None = None, labels: Sequence[str] = tuple(POLICIES), **study
) -> Run:
    """Write the made-up study under control as a run folder, and open it."""
    tables = control_tables(labels, **study) | {"surrogate": surrogate_rows(), "training": training_rows()}
    manifest = {**MANIFEST, "seeds": list(study.get("seeds", (1, 2, 3))), "reconstructions": ["fedpeat"]}
    write_run(folder, scenario_yaml=scenario or scenario_of(labels), manifest=manifest, tables=tables, extras=extras)
    return open_run(folder)
