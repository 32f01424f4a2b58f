"""Federated averaging: the job kind ``average``. Numpy alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.states import state_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result, Tensors


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute an ``average`` job: the mean of the inputs' states, weighted by ``weights``."""
    return Result({"n_updates": len(inputs)}, weighted_mean([state_of(result) for result in inputs], params["weights"]))


def weighted_mean(states: Sequence[Tensors], weights: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Return sum(w * state) / sum(w), added up in float64 in the given order and cast back.

    With whole weights (sample counts, below 2**29 in total) products and sums of float32 are exact, so the mean of equal
    states is that state bit for bit.
    """
    total = float(sum(weights))
    if len(states) != len(weights) or not states or min(weights) < 0 or total <= 0.0:
        raise JobError(f"{len(states)} states cannot be averaged with weights {list(weights)}")
    if any(state.keys() != states[0].keys() for state in states):
        raise JobError("states with different tensors cannot be averaged: the updates come from different methods or models")
    mean = {}
    for name, first in states[0].items():
        accumulated = np.zeros(first.shape, dtype=np.float64)
        for state, weight in zip(states, weights, strict=True):
            accumulated += np.multiply(state[name], weight, dtype=np.float64)
        mean[name] = (accumulated / total).astype(first.dtype)
    return mean
