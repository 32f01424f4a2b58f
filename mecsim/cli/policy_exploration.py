"""The real trials that the surrogate of quality is fitted to."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mecsim.build.rehearsal import total_of
from mecsim.cli.policy_subject import Recipe, Subject, dealt_in, moved
from mecsim.config.entries import ControlEntry
from mecsim.config.scenario import Scenario
from mecsim.config.variants import Variant
from mecsim.control.catalog import POLICIES
from mecsim.control.surrogate_errors import Residual, Trajectory
from mecsim.evidence import merged_by_round
from mecsim.federation.contract import Knob
from mecsim.jobs.runner import Runner
from mecsim.results.records import ClientRow, RoundRow, SummaryRow
from mecsim.study import Progress, run_study


def explored(subject: Subject, recipe: Recipe, knob: Knob) -> list[Scenario]:
    """Return the studies whose trials the surrogate is fitted to: policies that go to all corners, in the training's worlds.

    Every other policy asks as many devices as may be asked, the ones between half of them where that is more than one: how fast
    a few devices teach is what a policy most easily gains or loses by, and chance alone rarely keeps to few. In half of the
    worlds it is the other way round, so that no choice is only ever seen with many devices, or with few.
    """
    corners: list[tuple[str, dict[str, Any]]] = [
        ("random", {"vary_number": True, "bandwidths": list(recipe.bandwidths)}),
        ("random", {}),
        ("greedy-energy", {"renew": "never"}),
        ("greedy-finish", {}),
    ]
    if len(knob.choices) > 1:
        corners += [("fixed", {"choice": choice, "renew": "never"}) for choice in knob.choices]
    n_asked = subject.scenario.n_asked(subject.index)
    numbers = (n_asked, n_asked // 2 if n_asked > 3 else n_asked)
    n_worlds = max(2, round(recipe.trials / len(corners)))
    first, studies = n_worlds - n_worlds // 2, []
    for turned, replications in enumerate((first, n_worlds - first)):
        entries = tuple(
            subject.under(_control(name, options), f"{name} {i}", clients_per_round=numbers[(i + turned) % 2])
            for i, (name, options) in enumerate(corners)
        )
        there = moved(subject.scenario, subject.index, turned * first).scenario
        studies.append(there.model_copy(update={"schemes": entries, "replications": replications}))
    return studies


def practised(subject: Subject, recipe: Recipe, policy: Path, number: int) -> Scenario:
    """Return the study of what a policy that was trained against a surrogate does for real, in the training's worlds.

    A policy goes where the surrogate promises most, and so to where it is wrong: that is what the next fit has to learn from.
    """
    entry = subject.under(_control("learned", {"policy": policy}), f"learned {number}")
    return subject.scenario.model_copy(update={"schemes": (entry,), "replications": recipe.own_trials})


def trajectories_of(
    subject: Subject, scenario: Scenario, knob: Knob, runner: Runner, progress: Progress
) -> tuple[list[Trajectory], list[float]]:
    """Run a study of real trials; return them as the surrogate's fit wants them, and their objectives."""
    rows = run_study([Variant.only(scenario)], subject.learning, runner, progress).rows
    dealt = {
        scenario.seed + place: dealt_in(subject, scenario.trial_seeds(place), runner) for place in range(scenario.replications)
    }
    clients: dict[tuple[str, int], list[ClientRow]] = defaultdict(list)
    for client in rows["clients"]:
        if isinstance(client, ClientRow):
            clients[client.label, client.seed].append(client)
    rounds: dict[tuple[str, int], list[RoundRow]] = defaultdict(list)
    for row in rows["rounds"]:
        if isinstance(row, RoundRow):
            rounds[row.label, row.seed].append(row)
    trajectories = [
        Trajectory(
            world=str(seed),
            label=label,
            rounds=[(merged[row.round], row.accuracy) for row in of_trial],
            total=total_of(dealt[seed]),
        )
        for (label, seed), of_trial in rounds.items()
        for merged in (merged_by_round(clients[label, seed], knob.choices, dealt[seed]),)
    ]
    objectives = [row.objective for row in rows["summary"] if isinstance(row, SummaryRow) and row.objective is not None]
    return trajectories, objectives


def points_csv(residuals: Sequence[Residual]) -> str:
    """Return what was foretold and what came, a row a round, as a table."""
    text = io.StringIO()
    names = ("source", "world", "label", "round", "predicted", "observed", "one_step")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(_rounded(getattr(each, name) for name in names) for each in residuals)
    return text.getvalue()


def _control(name: str, options: Mapping[str, Any]) -> ControlEntry:
    return ControlEntry(name=name, params=POLICIES[name].params(**options))


def _rounded(values: Iterable[Any]) -> list[Any]:
    return [round(value, 5) if isinstance(value, float) else value for value in values]
