"""Federated averaging: the job kind ``average``. Numpy alone."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.states import state_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result, Tensors


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute an ``average`` job over the inputs' states.

    ``weights`` asks for their weighted mean; ``coefficients``, in place of it, for the sum with these factors, which may be
    negative and add up to 1 (see ``learners.schemes.blending``).
    """
    states = [state_of(result) for result in inputs]
    if "coefficients" in params:
        return Result({"n_states": len(inputs)}, combination(states, params["coefficients"]))
    return Result({"n_updates": len(inputs)}, weighted_mean(states, params["weights"]))


def weighted_mean(states: Sequence[Tensors], weights: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Return sum(w * state) / sum(w), added up in float64 in the given order and cast back.

    With whole weights (sample counts, below 2**29 in total) products and sums of float32 are exact, so the mean of equal
    states is that state bit for bit.
    """
    total = float(sum(weights))
    if len(states) != len(weights) or not states or min(weights) < 0 or total <= 0.0:
        raise JobError(f"{len(states)} states cannot be averaged with weights {list(weights)}")
    return _summed(states, weights, total)


def combination(states: Sequence[Tensors], coefficients: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Return sum(c * state), added up in float64 in the given order and cast back; the coefficients add up to 1."""
    if len(states) != len(coefficients) or not states or not math.isclose(math.fsum(coefficients), 1.0, abs_tol=1e-9):
        raise JobError(f"{len(states)} states cannot be combined with coefficients {list(coefficients)}: they add up to 1")
    return _summed(states, coefficients, 1.0)


def _summed(states: Sequence[Tensors], factors: Sequence[float], divisor: float) -> dict[str, NDArray[Any]]:
    if any(state.keys() != states[0].keys() for state in states):
        raise JobError("states with different tensors cannot be averaged: the updates come from different methods or models")
    result = {}
    for name, first in states[0].items():
        accumulated = np.zeros(first.shape, dtype=np.float64)
        for state, factor in zip(states, factors, strict=True):
            accumulated += np.multiply(state[name], factor, dtype=np.float64)
        result[name] = (accumulated / divisor).astype(first.dtype)
    return result
