"""The agent that learns a policy by playing against the surrogate."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mecsim.build.observing import NO_KNOB
from mecsim.cli.policy_subject import Recipe, Subject, env_worlds
from mecsim.control.surrogate import Surrogate
from mecsim.episode import EnvWorld
from mecsim.hashing import sha256_of
from mecsim.jobs.runner import Runner

if TYPE_CHECKING:
    from learners.agents.settings import Progress
    from mecsim.gym_env import ControlEnv


@dataclass(frozen=True)
class MakesEnv:
    """Makes an environment of the training; can be sent to another process."""

    subject: Subject
    worlds: tuple[EnvWorld, ...]
    surrogate: Surrogate
    bandwidths: tuple[float, ...]

    def __call__(self) -> "ControlEnv":
        """Return a new environment."""
        from mecsim.gym_env import ControlEnv
        from mecsim.qualities import Foretold

        return ControlEnv(
            self.subject.scenario,
            self.subject.index,
            self.subject.learning,
            self.worlds,
            lambda world, scheme: Foretold(self.surrogate, (scheme.knob() or NO_KNOB).choices, world.dealt),
            bandwidths=self.bandwidths,
        )


def train_agent(
    subject: Subject,
    recipe: Recipe,
    surrogate: Surrogate,
    runner: Runner,
    *,
    work: Path,
    reward_scale: float,
    after: Path | None,
    until: int,
    on_progress: "Callable[[Progress], None]",
) -> Path:
    """Train against the surrogate and return the folder, in ``work``, that this very training has for itself.

    It goes on from the training in the folder ``after``, and stops when ``until`` rounds are played in all. Stopped and started
    again, it goes on from its last checkpoint; another number anywhere is another training.
    """
    from learners.agents.episodes import Evaluation, Reset
    from learners.agents.settings import TrainingSettings
    from learners.agents.training import train

    worlds = env_worlds(subject, runner, range(recipe.worlds + recipe.judged))
    playing = MakesEnv(subject, tuple(worlds[: recipe.worlds]), surrogate, recipe.bandwidths)
    judging = MakesEnv(subject, tuple(worlds[recipe.worlds :]), surrogate, recipe.bandwidths)
    folder = work / f"{subject.scenario.name}-{_identity(subject, recipe, surrogate)}"
    train(
        [playing] * recipe.environments,
        TrainingSettings(seed=recipe.seed, n_steps=recipe.steps, reward_scale=reward_scale),
        folder,
        on_progress,
        evaluation=Evaluation(
            make_env=judging, resets=tuple(Reset(seed=0, options={"world": place}) for place in range(recipe.judged))
        ),
        names=playing().branches.names,
        processes=recipe.environments > 1,
        after=after,
        until=until,
    )
    return folder


def _identity(subject: Subject, recipe: Recipe, surrogate: Surrogate) -> str:
    scenario: dict[str, Any] = subject.scenario.model_dump(mode="json", exclude={"schemes"})
    entry = subject.entry.model_copy(update={"control": None, "label": ""}).model_dump(mode="json")
    return sha256_of([asdict(recipe), scenario, entry, asdict(surrogate.coefficients)])[:12]
