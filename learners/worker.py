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

    return init.run(params, inputs)


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


@KINDS.add("collect")
def _collect(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    from learners import collect

    return collect.run(params, inputs)


@KINDS.add("emulator")
def _emulator(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import emulator

    return emulator.run(params, inputs, name)


@KINDS.add("narrowed")
def _narrowed(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import narrowed

    return narrowed.run_distil(params, inputs, name)


@KINDS.add("align")
def _align(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import narrowed

    return narrowed.run_align(params, inputs, name)


@KINDS.add("proxy_evaluate")
def _proxy_evaluate(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import proxy_tuning

    return proxy_tuning.run_evaluate(params, inputs, name)


@KINDS.add("proxy_distil")
def _proxy_distil(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import proxy_tuning

    return proxy_tuning.run_distil(params, inputs, name)


@KINDS.add("proxy_alpha")
def _proxy_alpha(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import proxy_tuning

    return proxy_tuning.run_alpha(params, inputs, name)


@KINDS.add("epsilon")
def _epsilon(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
    _prepare_torch()
    from learners import privacy

    return privacy.run_epsilon(params, inputs, name)


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
