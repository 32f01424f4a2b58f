"""Executes a job: the only entry of the runners. Importing it loads no torch; the first job does."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from learners.catalog import load_plugins
from learners.numerics import numerics_class
from mecsim.jobs.job import Job, Result
from mecsim.registry import Registry

__all__ = ["KINDS", "execute", "load_plugins", "numerics_class"]

#: Gives a job's result from its parameters, the results of its inputs, and its name (which is its seed).
Kind = Callable[[Mapping[str, Any], Sequence[Result], str], Result]

#: Kinds of job. A plugin adds its own; a worker process calls ``load_plugins`` with the scenario's modules first.
KINDS: Registry[Kind] = Registry("kind of job")


_ONE_AT_A_TIME = threading.Lock()


def execute(job: Job, inputs: Sequence[Result]) -> Result:
    """Return the result of ``job``, given those of ``job.inputs`` in their order. Equal jobs give equal bytes.

    Threads take turns: the resident models and torch's generator are the process's. For speed, use processes.
    """
    with _ONE_AT_A_TIME:
        return KINDS[job.kind](json.loads(job.params), inputs, job.name)


@KINDS.add("partition")
def _partition(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    from learners.data import partition

    return partition.run(params)


@KINDS.add("average")
def _average(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    from learners import average

    return average.run(params, inputs)


@KINDS.add("init")
def _init(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import init

    return init.run(params)


@KINDS.add("train")
def _train(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import train

    return train.run(params, inputs, name)


@KINDS.add("evaluate")
def _evaluate(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import evaluate

    return evaluate.run(params, inputs)


@KINDS.add("cost")
def _cost(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import costs

    return costs.run(params)


def _prepare_torch() -> None:
    """One thread and deterministic kernels: what the numerics class promises, in whichever thread this is."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
