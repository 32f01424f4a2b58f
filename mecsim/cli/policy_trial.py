"""The policies of a scenario, tried against a surrogate of quality in worlds that nobody has seen."""

from pathlib import Path

import numpy as np
from rich.table import Table

from mecsim.build.policy import build_policy
from mecsim.build.rehearsal import Rehearsed, check_choices, objective_of, rehearse
from mecsim.build.stage import build_stage
from mecsim.cli.policy_subject import FIRST_SEED, env_worlds, moved
from mecsim.config.scenario import Scenario
from mecsim.control.surrogate import Surrogate
from mecsim.errors import MecsimError
from mecsim.evidence import surrogates_of
from mecsim.jobs.runner import Runner


def surrogate_file(scenario: Scenario) -> Path:
    """Return the surrogate of the scenario's first policy that brings one."""
    for path in surrogates_of(scenario).values():
        return path
    raise MecsimError("no policy of the scenario brings a surrogate of quality: name one with --surrogate, or train a policy")


def rehearsals(scenario: Scenario, file: Path, n_worlds: int, runner: Runner) -> dict[str, list[Rehearsed]]:
    """Return what came of each scheme in the same ``n_worlds`` worlds, whose seeds neither study nor training has."""
    objective_of(scenario)
    surrogate, found = Surrogate.load(file), dict[str, list[Rehearsed]]()
    for index, entry in enumerate(scenario.schemes):
        subject = moved(scenario, index, 2 * FIRST_SEED)
        stages = [
            build_stage(subject.scenario, index, subject.learning, seeds=world.seeds, dealt=world.dealt, sheets=world.sheets)
            for world in env_worlds(subject, runner, range(n_worlds))
        ]
        check_choices(surrogate, stages[0].make_scheme().knob())
        found[entry.label] = [rehearse(stage, build_policy(stage), surrogate) for stage in stages]
    return found


def rehearsed_table(scenario: Scenario, file: Path, n_worlds: int, runner: Runner) -> Table:
    """Return the objectives as a table, the lowest first, with 95 % t-intervals of the differences to it."""
    from scipy.stats import t

    found = rehearsals(scenario, file, n_worlds, runner)
    objectives = {label: np.array([each.objective for each in played]) for label, played in found.items()}
    ordered = sorted(objectives, key=lambda label: float(objectives[label].mean()))
    best = objectives[ordered[0]]
    table = Table(title=f"{n_worlds} worlds, quality foretold: no training", title_justify="left", show_edge=False)
    table.add_column("scheme", overflow="fold")
    for name in ("objective", "over the best", "rounds", "time", "energy", "at the end"):
        table.add_column(name, justify="right")
    for label in ordered:
        differences = objectives[label] - best
        half = float(t.ppf(0.975, n_worlds - 1) * differences.std(ddof=1) / np.sqrt(n_worlds))
        played = found[label]
        until = [_rounds_to(scenario.target_accuracy, each) for each in played]
        table.add_row(
            label,
            f"{objectives[label].mean():.3f}",
            "" if label == ordered[0] else f"{differences.mean():+.3f} ± {half:.3f}",
            f"{np.mean(until):.1f}",
            f"{np.mean([each.clock_s[n - 1] for each, n in zip(played, until, strict=True)]) / 60:.1f} min",
            f"{np.mean([each.joules[n - 1] for each, n in zip(played, until, strict=True)]) / 1e3:.1f} kJ",
            f"{100 * np.mean([each.accuracies[-1] for each in played]):.1f} %",
        )
    return table


def _rounds_to(target: float | None, played: Rehearsed) -> int:
    reached = [] if target is None else [i for i, accuracy in enumerate(played.accuracies, start=1) if accuracy >= target]
    return reached[0] if reached else len(played.accuracies)
