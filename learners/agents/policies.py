"""The networks as policies of sb3-contrib's MaskablePPO."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from torch import Tensor

from learners.agents.distributions import Choices
from learners.agents.networks import BranchingNetwork, Encoder, JointNetwork

Observations = Mapping[str, Tensor]


class DevicePolicy(MaskableActorCriticPolicy):
    """A policy over observations {"devices": (n, F), "round": (G,), "available": (n,)} with a network of ours."""

    network: Encoder

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Space[Any],
        lr_schedule: Any,
        *,
        hidden: Sequence[int],
        names: Sequence[str],
        **kwargs: Any,
    ) -> None:
        # The parent's constructor calls _build.
        self.hidden, self.names = tuple(hidden), tuple(names)
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    @abstractmethod
    def make_network(self, n_inputs: int, n_devices: int) -> Encoder:
        """Return the network for ``n_inputs`` features."""

    def _build(self, lr_schedule: Any) -> None:
        shapes = {name: space.shape or () for name, space in cast(spaces.Dict, self.observation_space).items()}
        n_devices, n_features = shapes["devices"]
        self.network = self.make_network(n_features + shapes["round"][0], n_devices)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1.0), **self.optimizer_kwargs)

    def choices(self, obs: Observations, action_masks: Any) -> tuple[Choices, Tensor]:
        """Return the distribution over actions under the (b, all) masks, and the (b, 1) values."""
        logits, values = self.network(obs["devices"].float(), obs["round"].float(), obs["available"].float())
        return Choices(logits, torch.as_tensor(np.asarray(action_masks), dtype=torch.bool)), values

    def forward(
        self, obs: Any, deterministic: bool = False, action_masks: np.ndarray | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (b, ...) actions, (b, 1) values and the (b,) log-probabilities."""
        choices, values = self.choices(obs, action_masks)
        actions = choices.draw(greedy=deterministic)
        return actions.reshape(-1, *(self.action_space.shape or ())), values, choices.log_probability(actions)

    def evaluate_actions(
        self, obs: Any, actions: Tensor, action_masks: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return (b, 1) values, and the (b,) log-probabilities and entropies of actions that were taken."""
        choices, values = self.choices(obs, action_masks)
        return values, choices.log_probability(actions), choices.entropy()

    def predict_values(self, obs: Any) -> Tensor:
        """Return (b, 1) values."""
        _, fleet = self.network.codes(obs["devices"].float(), obs["round"].float(), obs["available"].float())
        return self.network.value_of(fleet)

    def _predict(self, observation: Any, deterministic: bool = False, action_masks: np.ndarray | None = None) -> Tensor:
        return self.choices(observation, action_masks)[0].draw(greedy=deterministic)


class BranchingPolicy(DevicePolicy):
    """For ``MultiDiscrete(sizes * n)``, device by device; the branches are called ``names``."""

    def make_network(self, n_inputs: int, n_devices: int) -> Encoder:
        """Return a network with a head a branch."""
        sizes = cast(spaces.MultiDiscrete, self.action_space).nvec.reshape(n_devices, len(self.names))[0].tolist()
        return BranchingNetwork(n_inputs, self.hidden, dict(zip(self.names, sizes, strict=True)))


class JointPolicy(DevicePolicy):
    """For ``Discrete``: all joint actions in one head."""

    def make_network(self, n_inputs: int, n_devices: int) -> Encoder:
        """Return a network with one head."""
        return JointNetwork(n_inputs, self.hidden, n_devices, int(cast(spaces.Discrete, self.action_space).n))
