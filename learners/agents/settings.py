"""How an agent is trained: every number that changes the result, and what is told while it runs."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Proximal policy optimization with masks; a step is a step of one environment.

    ``gamma`` is 1: an episode is a trial of a few dozen rounds at most, and what counts is its whole sum. ``actions`` are the
    branches of each device, or one joint action over all devices (for comparison). Learning rate and entropy weight fall
    linearly from their first to their final value. ``reward_scale`` divides rewards for the learner only, so that the value has
    a size of about 1; returns are always told unscaled.
    """

    seed: int
    n_steps: int
    #: After as many steps each: an evaluation, a row of the curve, a checkpoint. Environments start anew then.
    steps_between: int = 8192
    #: Of each environment before an update.
    rollout_steps: int = 256
    batch_size: int = 256
    n_epochs: int = 6
    learning_rate: float = 5e-4
    final_learning_rate: float = 5e-5
    entropy: float = 0.01
    final_entropy: float = 0.0
    gamma: float = 1.0
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    value_weight: float = 0.5
    max_gradient_norm: float = 0.5
    reward_scale: float = 1.0
    hidden: tuple[int, ...] = (64, 64)
    actions: Literal["branches", "joint"] = "branches"

    def __post_init__(self) -> None:
        counts = (self.n_steps, self.steps_between, self.rollout_steps, self.batch_size, self.n_epochs, *self.hidden)
        if min(counts) < 1 or not self.hidden or self.reward_scale <= 0.0:
            raise ValueError(f"steps, sizes and the reward scale must be above 0, got {self}")

    def done(self, n_steps: int) -> float:
        """Return the share of the training that is done, from 0 to 1."""
        return min(n_steps / self.n_steps, 1.0)

    def entropy_at(self, n_steps: int) -> float:
        """Return the weight of the entropy after ``n_steps``."""
        return self.entropy + (self.final_entropy - self.entropy) * self.done(n_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    """A row of ``curve.csv``: the episodes that ended since the row before, and the evaluation now.

    None where no episode ended (as before the first step). Returns are sums of rewards, unscaled.
    """

    steps: int
    n_episodes: int
    mean_return: float | None
    std_return: float | None
    mean_length: float | None
    evaluation_return: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is told after every evaluation."""

    n_steps: int
    total_steps: int
    row: CurveRow
    best_return: float
