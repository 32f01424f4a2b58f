"""The same environment with one joint action over all devices, to show what branching brings. For few devices only."""

import itertools
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from mecsim.errors import MecsimError

#: As many joint actions at most.
MOST_ACTIONS = 5_000


class FlatActions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Joins the branches of all devices into one ``Discrete``: of each device not to be asked, or one way of being asked.

    The action space is ``MultiDiscrete``, device by device. The first of a device's ``n_branches`` branches must be the gate (0
    no, 1 yes); what the others would say to a device that is not asked makes no difference, so it is one joint action, played
    with the first allowed action of each. The last device's way changes fastest. ``MecsimError``: there are more joint actions
    than ``MOST_ACTIONS``.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], n_branches: int) -> None:
        super().__init__(env)
        nvec = cast(spaces.MultiDiscrete, env.action_space).nvec
        self._sizes: list[int] = nvec[:n_branches].tolist()
        self._n_devices = len(nvec) // n_branches
        others = itertools.product(*(range(size) for size in self._sizes[1:]))
        #: (ways - 1, branches) of the ways of being asked.
        self._ways = np.array([(1, *way) for way in others])
        n_actions = (1 + len(self._ways)) ** self._n_devices
        if n_actions > MOST_ACTIONS:
            raise MecsimError(
                f"{self._n_devices} devices with {1 + len(self._ways)} ways each have {n_actions:,} joint actions, and at most "
                f"{MOST_ACTIONS:,} can be learned flat. Take fewer devices or choices, or the branches."
            )
        self.action_space = spaces.Discrete(n_actions)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which joint actions are allowed: those of which every branch of every device is."""
        allowed = np.ones(1, dtype=bool)
        for masks in self._masks():
            first, rest = masks[0], masks[1:]
            ways = [first[1] and all(mask[way] for mask, way in zip(rest, row[1:], strict=True)) for row in self._ways]
            allowed = np.logical_and.outer(allowed, np.array([first[0], *ways])).reshape(-1)
        return allowed

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take the step of the branches that ``action`` stands for."""
        return self.env.step(self.branches_of(int(action)))

    def branches_of(self, action: int) -> NDArray[np.int64]:
        """Return the actions of all branches, device by device."""
        ways = np.unravel_index(action, (1 + len(self._ways),) * self._n_devices)
        rows = [
            self._ways[way - 1] if way else np.array([0, *(int(mask.argmax()) for mask in masks[1:])])
            for way, masks in zip(ways, self._masks(), strict=True)
        ]
        return np.concatenate(rows).astype(np.int64)

    def _masks(self) -> list[list[NDArray[np.bool_]]]:
        """Return the masks of each device, one a branch."""
        flat = np.asarray(self.env.get_wrapper_attr("action_masks")(), dtype=bool).reshape(self._n_devices, -1)
        bounds = np.cumsum(self._sizes)[:-1]
        return [np.split(row, bounds) for row in flat]
