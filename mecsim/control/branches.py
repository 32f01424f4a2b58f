"""A decision as one small whole number for each device and branch: what it is asked, and what it is told to do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.control.features import transfer_s
from mecsim.control.observation import Bools, Devices, Floats, Observation
from mecsim.control.policy import Assignment, Decision
from mecsim.knobs import Settings


@dataclass(frozen=True)
class Branches:
    """The branches of every device: ``ask`` (0 no, 1 yes), ``choice`` (its place), ``renew`` (0 no, 1 yes), ``bandwidth``.

    ``renew`` is there only if the server remakes what a choice stands for, ``bandwidth`` only with more than one weight; its
    actions are places among ``bandwidths``.
    """

    n_choices: int
    renews: bool
    bandwidths: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.n_choices < 1 or not self.bandwidths or min(self.bandwidths) <= 0.0:
            raise ValueError(f"at least one choice and one bandwidth weight above 0 are needed, got {self}")

    @property
    def names(self) -> tuple[str, ...]:
        """The branches of a device, in order."""
        renew, bandwidth = ("renew",) * self.renews, ("bandwidth",) * (len(self.bandwidths) > 1)
        return ("ask", "choice", *renew, *bandwidth)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of actions of each branch."""
        sizes = {"ask": 2, "choice": self.n_choices, "renew": 2, "bandwidth": len(self.bandwidths)}
        return tuple(sizes[name] for name in self.names)

    def masks(self, observation: Observation) -> list[Bools]:
        """Return for each branch which actions are allowed, (n, size); every row allows one at least.

        A device without a feasible choice cannot be asked, and of its other branches one action is left: the default choice,
        the renewal, the first bandwidth.
        """
        feasible = observation.feasible
        some: Bools = np.any(feasible, axis=1)
        default = np.arange(self.n_choices) == observation.default
        by_name = {
            "ask": np.stack([np.ones_like(some), some], axis=1),
            "choice": np.where(some[:, np.newaxis], feasible, default),
            "renew": np.stack([some, np.ones_like(some)], axis=1),
            "bandwidth": some[:, np.newaxis] | (np.arange(len(self.bandwidths)) == 0),
        }
        return [by_name[name] for name in self.names]

    def flat_mask(self, observation: Observation) -> Bools:
        """Return the masks as one row, device by device and branch by branch: what ``MultiDiscrete(sizes * n)`` goes with."""
        return np.hstack(self.masks(observation)).reshape(-1)

    def decode(self, actions: NDArray[np.integer], observation: Observation) -> Decision:
        """Return the decision of (n, len(sizes)) ``actions``, which may also come as one row, device by device.

        If more than ``n_asked`` are asked, those expected to finish first stay (ties: the lower device). If nobody is asked
        though somebody could be, the one device and choice expected first is (ties: the lower device, then the earlier choice),
        and renews. Devices are asked in the order of their numbers. ``ValueError``: the shape or an action does not fit, or a
        device is asked for a choice that is not feasible.
        """
        table = self._checked(np.asarray(actions), observation)
        column = {name: table[:, place] for place, name in enumerate(self.names)}
        places, choice = np.flatnonzero(column["ask"] == 1), column["choice"]
        renew = column["renew"] == 1 if self.renews else np.ones(observation.n, dtype=bool)
        weights = np.array(self.bandwidths)[column.get("bandwidth", np.zeros(observation.n, dtype=np.int64))]
        refused = places[~observation.feasible[places, choice[places]]]
        if refused.size:
            raise ValueError(f"devices {observation.devices[refused].tolist()} are asked for choices that are not feasible")
        if not places.size:
            return self._soonest(observation)
        if places.size > observation.n_asked:
            first = np.argsort(_finish_s(observation, places, choice[places], renew[places]), kind="stable")
            places = np.sort(places[first[: observation.n_asked]])
        return Decision(
            tuple(
                self._assignment(observation, i, int(choice[i]), renew=bool(renew[i]), bandwidth=float(weights[i]))
                for i in places.tolist()
            )
        )

    def _checked(self, actions: NDArray[np.integer], observation: Observation) -> Devices:
        if observation.n_choices != self.n_choices:
            raise ValueError(f"the observation has {observation.n_choices} choices, the branches {self.n_choices}")
        shape = (observation.n, len(self.sizes))
        if actions.size != shape[0] * shape[1] or not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(f"whole numbers of the shape {shape} are needed, got {actions.dtype} of the shape {actions.shape}")
        table = actions.reshape(shape).astype(np.int64)
        outside = (table < 0) | (table >= np.array(self.sizes))
        if outside.any():
            device, branch = np.argwhere(outside)[0]
            raise ValueError(
                f"device {observation.devices[device]}: {self.names[branch]} has the actions 0 to {self.sizes[branch] - 1}, "
                f"got {table[device, branch]}"
            )
        return table

    def _soonest(self, observation: Observation) -> Decision:
        if not observation.feasible.any():
            return Decision(())
        finish_s = np.where(observation.feasible, observation.expected_s, np.inf)
        # An infinite expectation of a feasible turn must not lose against one that is not feasible.
        finish_s = np.where(observation.feasible & np.isinf(finish_s), np.finfo(np.float64).max, finish_s)
        device, choice = divmod(int(np.argmin(finish_s)), self.n_choices)
        return Decision((self._assignment(observation, device, choice, renew=True, bandwidth=1.0),))

    def _assignment(self, observation: Observation, place: int, choice: int, *, renew: bool, bandwidth: float) -> Assignment:
        # Where there is nothing to choose, the scheme may have no knob at all, and would refuse a choice.
        value = observation.choices[choice] if self.n_choices > 1 else None
        settings = Settings(choice=value, renew=renew)
        return Assignment(device=int(observation.devices[place]), settings=settings, bandwidth=bandwidth)


def _finish_s(observation: Observation, places: Devices, choice: Devices, renew: Bools) -> Floats:
    """Return the expected seconds of the turns; who does not renew saves the download of what it lacks."""
    saved_bytes = (observation.download_bytes - observation.kept_download_bytes)[places, choice]
    saved_s = np.where(renew, 0.0, transfer_s(saved_bytes, observation.downlink_bps[places]))
    return observation.expected_s[places, choice] - saved_s
