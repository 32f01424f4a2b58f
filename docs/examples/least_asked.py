"""A control policy from outside: ask those who were asked least so far, each for what it would end soonest.

A scenario names it: ``plugins: [least_asked]`` and ``control: {name: least-asked}`` beside the keys of a scheme.
"""

from collections import Counter

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mecsim.control.observation import Observation
from mecsim.control.policy import POLICIES, Assignment, Decision, PolicyContext, PolicyEntry
from mecsim.knobs import Settings


class LeastAskedParams(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    longest_s: float | None = Field(default=None, gt=0.0, description="turns expected to take longer are left out; null: none")


class LeastAsked:
    """Of those asked equally often, the one expected to end first; still equal, the lower device."""

    chooses_devices, asks_quality = True, False

    def __init__(self, longest_s: float | None) -> None:
        self._longest_s = np.finfo(float).max if longest_s is None else longest_s
        self._times: Counter[int] = Counter()

    def decide(self, observation: Observation) -> Decision:
        seconds, choices = observation.expected_s.min(axis=1), observation.expected_s.argmin(axis=1)
        times = [self._times[int(device)] for device in observation.devices]
        order = [row for row in np.lexsort((seconds, times)) if seconds[row] <= self._longest_s]  # infinite: not feasible
        chosen = {int(observation.devices[row]): observation.choices[choices[row]] for row in order[: observation.n_asked]}
        self._times.update(chosen.keys())
        return Decision(tuple(Assignment(device=each, settings=Settings(choice=choice)) for each, choice in chosen.items()))


def create(params: LeastAskedParams, context: PolicyContext) -> LeastAsked:
    return LeastAsked(params.longest_s)


if "least-asked" not in POLICIES:
    POLICIES.put(
        "least-asked", PolicyEntry(description="those who were asked least so far", params=LeastAskedParams, create=create)
    )
