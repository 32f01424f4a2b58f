"""Training an agent: in stretches that depend on nothing but the state before them, so that it can stop and go on anywhere."""

import csv
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import configure
from stable_baselines3.common.utils import set_random_seed

from learners.agents import checkpoints
from learners.agents.episodes import Ended, Evaluation, MakeEnv, evaluate, side_by_side
from learners.agents.policies import BranchingPolicy, DevicePolicy, JointPolicy
from learners.agents.settings import CurveRow, Progress, TrainingSettings
from mecsim.errors import MecsimError
from mecsim.hashing import seed_of

CHECKPOINT, BEST, CURVE, TENSORBOARD = "checkpoint.safetensors", "best.safetensors", "curve.csv", "tensorboard"

#: The parts of the network that decide; the rest is the value, which only training needs.
ACTOR = ("encoder.", "combiner.", "heads.")

OnProgress = Callable[[Progress], None]


class ScheduledPPO(MaskablePPO):
    """Whose learning rate and entropy follow the settings over the whole training, in as many stretches as it may be cut."""

    settings: TrainingSettings

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        self._current_progress_remaining = 1.0 - self.settings.done(num_timesteps)
        self.ent_coef = self.settings.entropy_at(num_timesteps)


def train(
    make_envs: Sequence[MakeEnv],
    settings: TrainingSettings,
    folder: Path,
    on_progress: OnProgress | None = None,
    *,
    evaluation: Evaluation,
    names: Sequence[str],
    processes: bool = False,
    after: Path | None = None,
    until: int | None = None,
) -> None:
    """Train an agent in ``folder``, going on from a checkpoint that is there; ``best_weights`` has what comes of it.

    ``after`` is the folder of a training that goes on here, in other environments: from where it stopped, and with a best state
    of its own. ``until``: the number of steps to stop after, where ``settings`` say that it goes on.

    Observations are {"devices": (n, F), "round": (G,), "available": (n,)}, actions ``MultiDiscrete(sizes * n)`` with the
    branches ``names`` of each device (the first is whether it is asked), or ``Discrete`` for joint actions; environments have
    ``action_masks()``. The same settings and environments give the same weights, however often it is interrupted: stretches
    between evaluations begin with new episodes and with seeds of their own.

    Writes ``checkpoint.safetensors``, ``best.safetensors`` (by the mean return of the evaluation's episodes, ties: the
    earlier), ``curve.csv`` (a row a ``CurveRow``) and ``tensorboard/``. ``MecsimError``: the checkpoint is of other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    together = side_by_side(make_envs, processes=processes, reward_scale=settings.reward_scale)
    judge = evaluation.make_env()
    try:
        with _one_thread():
            model = _model(together, settings, names)
            model.set_logger(configure(str(folder / TENSORBOARD), ["tensorboard"]))
            training = _Training(model, settings, folder, judge, evaluation, on_progress or (lambda progress: None))
            training.run(after, settings.n_steps if until is None else until)
            model.logger.close()
    finally:
        together.close()
        judge.close()


def best_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return the best state's weights of encoder, combiner and heads by name, as ``mecsim.control.learned.save`` takes them."""
    file = folder / BEST
    if not file.exists():
        raise MecsimError(f"{folder}: no training has written {BEST} here. Train first.")
    weights = {name: value.numpy() for name, value in checkpoints.network_of(file).items()}
    return {name: value for name, value in weights.items() if name.startswith(ACTOR)}


def best_facts(folder: Path) -> dict[str, Any]:
    """Return ``steps``, ``evaluation_return`` and ``settings`` of the best state."""
    return checkpoints.read_facts(folder / BEST)


class _Training:
    """What is under way: the model, its curve, and the best so far."""

    def __init__(
        self,
        model: ScheduledPPO,
        settings: TrainingSettings,
        folder: Path,
        judge: gymnasium.Env[Any, Any],
        evaluation: Evaluation,
        on_progress: OnProgress,
    ) -> None:
        self._model, self._settings, self._folder = model, settings, folder
        self._judge, self._resets, self._tell = judge, evaluation.resets, on_progress
        self._rows: list[CurveRow] = []
        self._n_rows_before = 0  # of the training that goes on here
        self._policy = cast(DevicePolicy, model.policy)

    def run(self, after: Path | None, until: int) -> None:
        """Train for ``until`` steps in all, from the checkpoint if there is one, or from that of the training before."""
        if after is not None:
            self._n_rows_before = len(checkpoints.read_facts(after / CHECKPOINT)["curve"])
        if (self._folder / CHECKPOINT).exists():
            self._restore(self._folder / CHECKPOINT)
        else:
            if after is not None:
                self._restore(after / CHECKPOINT)
            self._close_stretch(Ended())
        while self._model.num_timesteps < until:
            ended = Ended()
            before = self._model.num_timesteps
            seed = seed_of("agent", self._settings.seed, before) % 2**31
            set_random_seed(seed)
            self._model.get_env().seed(seed)  # type: ignore[union-attr]
            # Without a last observation the environments begin new episodes.
            self._model._last_obs = None
            stretch = min(self._settings.steps_between, until - before)
            self._model.learn(stretch, callback=ended, reset_num_timesteps=False)
            self._close_stretch(ended)

    def _close_stretch(self, ended: Ended) -> None:
        """Evaluate, and write down where the training is."""
        steps = self._model.num_timesteps
        best_before = max((row.evaluation_return for row in self._rows[self._n_rows_before :]), default=-np.inf)
        row = _row(steps, ended, evaluate(self._policy, self._judge, self._resets))
        self._rows.append(row)
        self._model.logger.record("evaluation/mean_return", row.evaluation_return)
        self._model.logger.dump(steps)
        network, optimizer = self._policy.network, self._policy.optimizer
        settings = _plain(self._settings)
        if row.evaluation_return > best_before:
            facts = {"steps": steps, "evaluation_return": row.evaluation_return, "settings": settings}
            checkpoints.write(self._folder / BEST, network, optimizer, facts)
        facts = {
            "steps": steps,
            "updates": self._model._n_updates,
            "settings": settings,
            "curve": [dataclasses.asdict(each) for each in self._rows],
        }
        checkpoints.write(self._folder / CHECKPOINT, network, optimizer, facts)
        _write_curve(self._folder / CURVE, self._rows)
        best = max(best_before, row.evaluation_return)
        self._tell(Progress(n_steps=steps, total_steps=self._settings.n_steps, row=row, best_return=best))

    def _restore(self, file: Path) -> None:
        facts, settings = checkpoints.read_facts(file), _plain(self._settings)
        if facts["settings"] != settings:
            other = [name for name in settings if facts["settings"].get(name) != settings[name]]
            raise MecsimError(
                f"{file}: this training began with other settings ({', '.join(other)}). "
                "Go on with those, or take another folder."
            )
        checkpoints.restore(file, self._policy.network, self._policy.optimizer)
        self._model.num_timesteps, self._model._n_updates = facts["steps"], facts["updates"]
        self._model._update_current_progress_remaining(facts["steps"], self._settings.n_steps)
        self._rows = [CurveRow(**row) for row in facts["curve"]]
        _write_curve(self._folder / CURVE, self._rows)


def _model(together: Any, settings: TrainingSettings, names: Sequence[str]) -> ScheduledPPO:
    """Return the untrained model; its weights depend on the seed only."""
    rate = settings.learning_rate
    fall = settings.final_learning_rate - rate
    model = ScheduledPPO(
        BranchingPolicy if settings.actions == "branches" else JointPolicy,
        together,
        learning_rate=lambda remaining: rate + fall * (1.0 - remaining),
        n_steps=settings.rollout_steps,
        batch_size=settings.batch_size,
        n_epochs=settings.n_epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip_range,
        ent_coef=settings.entropy,
        vf_coef=settings.value_weight,
        max_grad_norm=settings.max_gradient_norm,
        policy_kwargs={"hidden": settings.hidden, "names": tuple(names)},
        seed=seed_of("agent", settings.seed) % 2**31,
        device="cpu",
    )
    model.settings = settings
    return model


def _row(steps: int, ended: Ended, evaluation_return: float) -> CurveRow:
    some = bool(ended.returns)
    return CurveRow(
        steps=steps,
        n_episodes=len(ended.returns),
        mean_return=float(np.mean(ended.returns)) if some else None,
        std_return=float(np.std(ended.returns)) if some else None,
        mean_length=float(np.mean(ended.lengths)) if some else None,
        evaluation_return=evaluation_return,
    )


def _write_curve(path: Path, rows: Sequence[CurveRow]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(CurveRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(row) for row in rows)


def _plain(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(settings).items()}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, and processes with environments need the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
