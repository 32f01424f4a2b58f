"""From a scheme to a policy for it: real trials, a surrogate of their quality, an agent that plays against it, its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from mecsim.cli.interrupt import Interrupt
from mecsim.cli.policy_exploration import explored, practised, trajectories_of
from mecsim.cli.policy_files import write_policy
from mecsim.cli.policy_subject import Recipe, Subject, knob_of
from mecsim.cli.policy_training import train_agent
from mecsim.cli.progress import Look, watching
from mecsim.config.scenario import Scenario
from mecsim.control.surrogate_errors import Trajectory
from mecsim.control.surrogate_fit import fit
from mecsim.federation.contract import Knob
from mecsim.jobs.job import Job
from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.runner import LocalRunner

if TYPE_CHECKING:
    from learners.agents.settings import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a training works with: who runs jobs, what stops it, where it tells of its progress, and where checkpoints are."""

    runner: LocalRunner | PoolRunner
    interrupt: Interrupt
    console: Console
    look: Look
    work: Path


def train_policy(subject: Subject, recipe: Recipe, desk: Desk, out: Path) -> None:
    """Train a policy for the subject's scheme and write it to ``out``.

    Between two parts of the agent's training, its policy so far is tried for real, and the surrogate fitted anew.
    """
    desk.runner.on_executed = lambda job: desk.interrupt.check()
    knob = knob_of(subject, desk.runner)
    trajectories, objectives = list[Trajectory](), list[float]()
    for study in explored(subject, recipe, knob):
        found = _trained(subject, study, knob, desk)
        trajectories += found[0]
        objectives += found[1]
    n_parts, training = recipe.refits + 1, None
    for part in range(1, n_parts + 1):
        fitted = fit(trajectories, choices=knob.choices)
        _tell(desk.console, _of_fit(fitted.surrogate.facts))
        training = train_agent(
            subject,
            recipe,
            fitted.surrogate,
            desk.runner,
            work=desk.work,
            reward_scale=sum(objectives) / len(objectives),
            after=training,
            until=recipe.steps * part // n_parts,
            on_progress=_telling(desk.console),
        )
        place = out if part == n_parts else training / "policy"
        write_policy(place, subject, recipe, knob, fitted, training)
        if part < n_parts:
            trajectories += _trained(subject, practised(subject, recipe, place, part), knob, desk)[0]


def _trained(subject: Subject, study: Scenario, knob: Knob, desk: Desk) -> tuple[list[Trajectory], list[float]]:
    """Train the trials of a study for real, and show how that goes on."""
    before = desk.runner.on_executed

    def executed(job: Job) -> None:
        progress.executed(job)
        before(job)

    with watching(desk.console, desk.look, quiet=desk.console.quiet) as progress:
        desk.runner.on_executed = executed
        try:
            return trajectories_of(subject, study, knob, desk.runner, progress)
        finally:
            desk.runner.on_executed = before


def _of_fit(facts: Mapping[str, Any]) -> str:
    held_out = facts["errors"]["held-out"]
    return (
        f"surrogate of quality: fitted to {facts['n_trajectories']} trials in {len(facts['worlds'])} worlds; in others "
        f"it is off by {100 * held_out['rmse']:.1f} points of accuracy (RMSE), {100 * held_out['bias']:+.1f} on average, "
        f"and the mean curve by {100 * held_out['by_round_rmse']:.1f}"
    )


def _telling(console: Console) -> "Callable[[Progress], None]":
    def on_progress(progress: "Progress") -> None:
        row = progress.row
        _tell(
            console,
            f"agent: {progress.n_steps:,} of {progress.total_steps:,} rounds; objective in the judged worlds "
            f"{-row.evaluation_return:.3f}, at best {-progress.best_return:.3f}",
        )

    return on_progress


def _tell(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False)
