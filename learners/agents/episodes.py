"""Environments side by side for training, and episodes that are played greedily to see how good a policy is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper, VecMonitor

from learners.agents.policies import DevicePolicy

MakeEnv = Callable[[], gymnasium.Env[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """How an episode begins: what ``reset`` is called with."""

    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The fixed episodes by which the best state of a training is chosen: an environment of its own, and how each begins."""

    make_env: MakeEnv
    resets: tuple[Reset, ...]


class ScaledRewards(VecEnvWrapper):
    """Divides rewards by a number."""

    def __init__(self, venv: VecEnv, scale: float) -> None:
        super().__init__(venv)
        self._scale = scale

    def reset(self) -> Any:
        """Begin new episodes."""
        return self.venv.reset()

    def step_wait(self) -> Any:
        """Return the step with scaled rewards."""
        obs, rewards, dones, infos = self.venv.step_wait()
        return obs, rewards / self._scale, dones, infos


def side_by_side(make_envs: Sequence[MakeEnv], *, processes: bool, reward_scale: float) -> VecEnv:
    """Return the environments as one, each in a process of its own or all in this one; infos tell unscaled returns."""
    together: VecEnv = SubprocVecEnv(list(make_envs)) if processes else DummyVecEnv(list(make_envs))
    return ScaledRewards(VecMonitor(together), reward_scale)


class Ended(BaseCallback):
    """Collects the returns and lengths of episodes as they end in training."""

    def __init__(self) -> None:
        super().__init__()
        self.returns: list[float] = []
        self.lengths: list[int] = []

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.returns.append(float(info["episode"]["r"]))
                self.lengths.append(int(info["episode"]["l"]))
        return True


def evaluate(policy: DevicePolicy, env: gymnasium.Env[Any, Any], resets: Sequence[Reset]) -> float:
    """Return the mean unscaled return of the episodes, played greedily."""
    return float(np.mean([_play(policy, env, reset) for reset in resets]))


def _play(policy: DevicePolicy, env: gymnasium.Env[Any, Any], reset: Reset) -> float:
    masks = env.get_wrapper_attr("action_masks")
    obs, _ = env.reset(seed=reset.seed, options=dict(reset.options))
    total, ended = 0.0, False
    while not ended:
        tensors = {name: torch.as_tensor(value).unsqueeze(0) for name, value in obs.items()}
        with torch.no_grad():
            action = policy.choices(tensors, masks()[np.newaxis])[0].draw(greedy=True)
        chosen = action.numpy().reshape(env.action_space.shape or ())
        obs, reward, terminated, truncated, _ = env.step(chosen)
        total, ended = total + float(reward), terminated or truncated
    return total
