"""A world of four rounds whose best decisions are known: who is worth asking, and for what, stands in the features."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

#: Actions of ask and choice; two more for a branch that never matters.
NAMES, SIZES = ("ask", "choice", "renew"), (2, 3, 2)


class TinyControl(gymnasium.Env[Any, Any]):
    """Each device has one right choice of three; asked for it, it brings 1 if it is willing, and takes 1 otherwise.

    Of each device one of the wrong choices is masked, and one of four devices cannot be asked at all. The features are the
    right choice (one-hot) and whether the device is willing. ``best`` is the best return of the episode.
    """

    def __init__(self, n: int = 3) -> None:
        self.n = n
        self.observation_space = spaces.Dict(
            {
                "devices": spaces.Box(-2.0, 2.0, (n, 4), np.float32),
                "round": spaces.Box(-2.0, 2.0, (1,), np.float32),
                "available": spaces.Box(0.0, 1.0, (n,), np.float32),
            }
        )
        self.action_space = spaces.MultiDiscrete(np.array(SIZES * n))
        self.masked_actions = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.round, self.best = 0, 0.0
        return self._next(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        table = np.asarray(action).reshape(self.n, len(SIZES))
        taken = np.concatenate([np.eye(size)[column] for size, column in zip(SIZES, table.T, strict=True)], axis=1)
        self.masked_actions += int((taken.reshape(-1) * ~self.action_masks()).sum())
        asked = table[:, 0] == 1
        brings = np.where((table[:, 1] == self.right) & self.willing, 1.0, -1.0)
        self.round += 1
        return self._next(), float((asked * brings).sum()), self.round == 4, False, {}

    def action_masks(self) -> np.ndarray:
        ask = np.stack([np.ones(self.n, dtype=bool), self.askable], axis=1)
        choice = np.arange(3) != ((self.right + 1) % 3)[:, np.newaxis]
        return np.hstack([ask, choice, np.ones((self.n, 2), dtype=bool)]).reshape(-1)

    def _next(self) -> dict[str, np.ndarray]:
        self.right = self.np_random.integers(0, 3, self.n)
        self.willing = self.np_random.random(self.n) < 0.5
        self.askable = self.np_random.random(self.n) < 0.75
        if self.round < 4:
            self.best += float((self.willing & self.askable).sum())
        devices = np.hstack([np.eye(3)[self.right], self.willing[:, np.newaxis]]).astype(np.float32)
        return {
            "devices": devices,
            "round": np.array([self.round / 4.0], dtype=np.float32),
            "available": self.askable.astype(np.float32),
        }
