"""Where a control policy meets a trial's world: what it observes, and what its decisions do there."""

from collections.abc import Sequence, Set
from typing import Protocol, runtime_checkable

import numpy as np

from mecsim.build.observing import Observer
from mecsim.build.view import FleetView
from mecsim.control.observation import Observation
from mecsim.control.policy import Assignment, Decision, Policy
from mecsim.control.selection import Selector, draw_candidates
from mecsim.errors import MecsimError
from mecsim.federation.contract import Scheme
from mecsim.federation.rounds import Round
from mecsim.nodes.world import World
from mecsim.rng import Streams

#: How many devices a policy looks at that chooses among all: what keeps a decision cheap in a city. A default of this project.
LOOKED_AT = 1000


@runtime_checkable
class Planned(Protocol):
    """A policy that knows beforehand what it will do: it is told who is there, and nothing else is worked out for it."""

    def planned(self, round_number: int, there: Set[int]) -> Decision:
        """Return the round's decision; only who is ``there`` can be asked."""
        ...


class Control:
    """A policy at work in one trial.

    ``selector`` says who takes part where the policy does not. Assignments hold until a device is asked again.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        selector: Selector,
        view: FleetView,
        world: World,
        scheme: Scheme,
        streams: Streams,
        n_samples: Sequence[int],
        histogram: Sequence[Sequence[int]] | None,
        n_asked: int,
        n_rounds: int,
    ) -> None:
        self.policy = policy
        self._observer = Observer(
            world, scheme, view, n_samples, histogram=histogram, n_rounds=n_rounds, asks_quality=policy.asks_quality
        )
        self._selector, self._view, self._world = selector, view, world
        self._streams, self._n_asked = streams, n_asked
        self._assignments: dict[int, Assignment] = {}
        self._looked: tuple[tuple[object, ...], Observation] | None = None
        view.settings_of = lambda device: self.assignment(device).settings

    def assignment(self, device: int) -> Assignment:
        """Return what has been decided for a device."""
        return self._assignments.get(device) or Assignment(device=device)

    def select(self, number: int, n: int, busy: Set[int]) -> tuple[int, ...]:
        """Let the policy decide on a round of at most ``n`` devices, tell the world, and return who is asked."""
        if isinstance(self.policy, Planned):
            decision = self.policy.planned(number, self._there(number, busy))
        elif self.policy.chooses_devices:
            observation = self.observe(number, n, busy)
            if not observation.available.any():
                return ()
            decision = self._checked(self.policy.decide(observation), observation)
            if not decision.assignments and not observation.feasible.any():
                decision = _all_available(observation)
        else:
            self._tell(busy)  # full power of all others, before anybody looks
            self._view.round_number = number
            chosen = self._selector.select(self._view, number, n, busy)
            if not chosen:
                return ()
            decision = self._as_selected(
                self.policy.decide(self._observer.observe(number, n, np.sort(np.array(chosen)))), chosen
            )
        kept = decision.assignments[:n]
        self._assignments.update({each.device: each for each in kept})
        devices = tuple(each.device for each in kept)
        self._tell({*busy, *devices})
        return devices

    def _there(self, number: int, busy: Set[int]) -> Set[int]:
        """Return who can be asked."""
        self._tell(busy)  # full power of all others
        self._view.round_number = number
        devices = np.arange(len(self._world.fleet))
        return set(devices[self._view.available(devices)].tolist()) - busy

    def _tell(self, devices: Set[int]) -> None:
        """Let the world divide cells and limit powers as decided for ``devices``, and for nobody else."""
        decided = [self.assignment(device) for device in sorted(devices)]
        divides = any(each.bandwidth != 1.0 for each in decided)
        self._world.set_radio(
            {each.device: each.bandwidth for each in decided} if divides else {},
            {each.device: each.power_db for each in decided if each.power_db},
        )

    def observe(self, number: int, n: int | None = None, busy: Set[int] = frozenset()) -> Observation:
        """Return what a policy that chooses among all would see; of a large fleet, 1,000 devices drawn at random.

        Asked again at the same instant for the same round, it is what it was.
        """
        key = (number, n, frozenset(busy), self._view.now_s)
        if self._looked is None or self._looked[0] != key:
            self._tell(busy)  # full power of all others, before anybody looks
            self._looked = (key, self._observe_all(number, n, busy))
        return self._looked[1]

    def _observe_all(self, number: int, n: int | None, busy: Set[int]) -> Observation:
        devices = np.arange(len(self._world.fleet), dtype=np.int64)
        if len(devices) > LOOKED_AT:
            devices = draw_candidates(self._streams, self._view, number, LOOKED_AT, busy)
        elif busy:
            devices = devices[~np.isin(devices, list(busy))]
        return self._observer.observe(number, self._n_asked if n is None else n, devices)

    def somebody_there(self) -> bool:
        """Tell whether any device can be asked now."""
        return bool(self._view.available(np.arange(len(self._world.fleet))).any())

    def learn(self, each: Round) -> None:
        """Take note of a round that has closed."""
        self._observer.learn(each)

    def _checked(self, decision: Decision, observation: Observation) -> Decision:
        """Return a decision that asks each device once, and only those that can be asked."""
        devices = decision.devices
        there = set(map(int, observation.devices[observation.available]))
        if len(set(devices)) < len(devices) or not set(devices) <= there:
            wrong = sorted(device for device in set(devices) if devices.count(device) > 1 or device not in there)
            raise MecsimError(
                f"the policy asks devices {wrong} in round {observation.round_number}, who are named twice or cannot be asked: "
                "it may name each device of the observation that is available, once"
            )
        return decision

    def _as_selected(self, decision: Decision, chosen: Sequence[int]) -> Decision:
        """Return a decision on ``chosen`` in their order: updates are merged in the order of selection."""
        by_device = {each.device: each for each in decision.assignments}
        if set(by_device) != set(chosen) or len(decision.assignments) != len(chosen):
            raise MecsimError(
                f"the policy assigns devices {sorted(by_device)}, and the section selection asks {sorted(chosen)}: "
                "a policy that says who takes part needs chooses_devices"
            )
        return Decision(tuple(by_device[device] for device in chosen))


def _all_available(observation: Observation) -> Decision:
    """Return the decision where no device could do anything: they are asked all the same, so that why not is on record."""
    return Decision(tuple(Assignment(device=int(device)) for device in observation.devices[observation.available]))
