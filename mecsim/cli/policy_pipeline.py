"""From a scheme to a policy for it: real trials, a surrogate of their quality, an agent that plays against it, its files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from mecsim.cli.interrupt import Interrupt
from mecsim.cli.policy_exploration import explored, trajectories_of
from mecsim.cli.policy_files import write_policy
from mecsim.cli.policy_subject import Recipe, Subject, knob_of
from mecsim.cli.policy_training import train_agent
from mecsim.cli.progress import Look, watching
from mecsim.control.surrogate_fit import fit
from mecsim.jobs.job import Job
from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.runner import LocalRunner

if TYPE_CHECKING:
    from learners.agents.settings import Progress


def train_policy(
    subject: Subject,
    recipe: Recipe,
    runner: LocalRunner | PoolRunner,
    interrupt: Interrupt,
    *,
    work: Path,
    out: Path,
    console: Console,
    look: Look,
) -> None:
    """Train a policy for the subject's scheme and write it to ``out``; checkpoints are in ``work``, progress on ``console``."""

    def stoppable(job: Job) -> None:
        interrupt.check()

    def executed(job: Job) -> None:
        progress.executed(job)
        interrupt.check()

    runner.on_executed = stoppable
    knob = knob_of(subject, runner)
    with watching(console, look, quiet=console.quiet) as progress:
        runner.on_executed = executed
        trajectories, objective = trajectories_of(subject, explored(subject, recipe, knob), knob, runner, progress)
    runner.on_executed = stoppable
    fitted = fit(trajectories, choices=knob.choices)
    _tell(console, _of_fit(fitted.surrogate.facts))
    training = train_agent(
        subject, recipe, fitted.surrogate, runner, work=work, reward_scale=objective, on_progress=_telling(console)
    )
    write_policy(out, subject, recipe, knob, fitted, training)


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
