"""What a state is worth while a policy learns or is tried: foretold by a surrogate, or found out by training."""

from collections.abc import Callable, Mapping
from typing import Any

from mecsim.build.rehearsal import Foretold as Foretold
from mecsim.errors import MecsimError
from mecsim.federation.rounds import Round
from mecsim.jobs.job import Job


class Trained:
    """The accuracies of the evaluations that the rounds name: ``demand`` executes a job and returns its numbers."""

    def __init__(self, demand: Callable[[Job], Mapping[str, Any]]) -> None:
        self._demand = demand

    def after(self, each: Round) -> float:
        """Return the accuracy after a round; a MecsimError says so where it is not evaluated."""
        if each.quality is None:
            raise MecsimError(f"round {each.number} is not evaluated: a policy is rewarded for each, so set evaluate_every: 1")
        return float(self._demand(each.quality)["accuracy"])
