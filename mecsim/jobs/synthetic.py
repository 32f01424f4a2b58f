"""Learning that is a formula: jobs that are executed in plain Python, for studies of the network alone. No torch.

A stand-in: its numbers follow from the amount of data that entered the server's state, and from nothing that a model or a
dataset would add. They say nothing of any scheme's accuracy.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import JobError
from mecsim.jobs.job import Job, Result, job
from mecsim.rng import Streams

Kind = Callable[[Mapping[str, Any], Sequence[Result], str], Result]


def partition_job(samples: Mapping[str, Any], *, n_devices: int, seed: int) -> Job:
    """Return the job that says how many samples each device has; its number ``n_samples`` is a list of whole numbers from 1.

    ``samples`` is one of {kind: fixed, mean}, {kind: lognormal, mean, sigma}, {kind: zipf, mean, exponent}.
    """
    return job("synthetic-partition", {"samples": dict(samples), "n_devices": n_devices, "seed": seed})


def quality_job(progress: float, curve: Mapping[str, float]) -> Job:
    """Return the evaluation after ``progress``; its numbers are accuracy, loss and the progress itself.

    With l = (1 + progress / half) ** -exponent, which falls from 1 towards 0: accuracy = accuracy_end - (accuracy_end -
    accuracy_start) l, loss = loss_end + (loss_start - loss_end) l. The curve has these six numbers.
    """
    return job("synthetic-quality", {"progress": progress, "curve": dict(curve)})


def loss_job(progress: float, curve: Mapping[str, float], *, client: int, spread: float, seed: int) -> Job:
    """Return the evaluation on a client's own samples: the loss times a factor of the client's own, always the same.

    The factor is log-normal with mean 1; ``spread`` is the standard deviation of its logarithm.
    """
    drawn = {"client": client, "spread": spread, "seed": seed}
    return job("synthetic-loss", {"progress": progress, "curve": dict(curve), **drawn})


def execute(wanted: Job, inputs: Sequence[Result]) -> Result:
    """Return the result of a job of these kinds."""
    if wanted.kind not in KINDS:
        raise JobError(f"a job of kind {wanted.kind!r} is no formula: kinds are {', '.join(KINDS)}")
    return KINDS[wanted.kind](json.loads(wanted.params), inputs, wanted.name)


def run_partition(params: Mapping[str, Any], inputs: Sequence[Result] = (), name: str = "") -> Result:
    """Execute a ``synthetic-partition`` job; a device more changes no other's number."""
    drawn = Streams(params["seed"]).get("synthetic", "samples")
    n_samples = np.maximum(1, np.rint(_sizes(params["samples"], params["n_devices"], drawn))).astype(np.int64)
    return Result({"n_samples": n_samples.tolist()})


def run_quality(params: Mapping[str, Any], inputs: Sequence[Result] = (), name: str = "") -> Result:
    """Execute a ``synthetic-quality`` job."""
    curve, progress = params["curve"], params["progress"]
    left = _left(progress, curve)
    accuracy = curve["accuracy_end"] - (curve["accuracy_end"] - curve["accuracy_start"]) * left
    return Result({"accuracy": accuracy, "loss": _loss(left, curve), "progress": progress})


def run_loss(params: Mapping[str, Any], inputs: Sequence[Result] = (), name: str = "") -> Result:
    """Execute a ``synthetic-loss`` job."""
    spread = params["spread"]
    normal = float(Streams(params["seed"]).get("synthetic", "loss", params["client"]).standard_normal())
    factor = math.exp(spread * normal - 0.5 * spread**2)
    return Result({"loss": factor * _loss(_left(params["progress"], params["curve"]), params["curve"])})


#: What executes a job of each kind, from its parameters, the results of its inputs, and its name.
KINDS: Mapping[str, Kind] = {
    "synthetic-partition": run_partition,
    "synthetic-quality": run_quality,
    "synthetic-loss": run_loss,
}


def _sizes(samples: Mapping[str, Any], n: int, drawn: np.random.Generator) -> NDArray[np.float64]:
    """Return ``n`` sizes with the law's mean, one draw a device; zipf is a Pareto tail, P(size > x) ~ x ** -exponent."""
    match samples:
        case {"kind": "fixed", "mean": mean}:
            return np.full(n, float(mean))
        case {"kind": "lognormal", "mean": mean, "sigma": sigma}:
            return float(mean) * np.exp(float(sigma) * drawn.standard_normal(n) - 0.5 * float(sigma) ** 2)
        case {"kind": "zipf", "mean": mean, "exponent": exponent} if exponent > 1.0:
            least = float(mean * (exponent - 1.0) / exponent)
            return least * np.power(1.0 - drawn.random(n), -1.0 / float(exponent))
        case _:
            laws = "fixed (mean), lognormal (mean, sigma), and zipf (mean, exponent above 1)"
            raise JobError(f"no law of samples {dict(samples)}: laws are {laws}")


def _left(progress: float, curve: Mapping[str, float]) -> float:
    return float((1.0 + progress / curve["half"]) ** -curve["exponent"])


def _loss(left: float, curve: Mapping[str, float]) -> float:
    return curve["loss_end"] + (curve["loss_start"] - curve["loss_end"]) * left
