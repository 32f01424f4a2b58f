"""Executes a job: the only entry of the runners. Importing it loads no torch; the first job that needs it does."""

import importlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from learners.catalog import load_plugins
from learners.numerics import numerics_class
from mecsim.jobs import synthetic
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


def _from_module(path: str, *, needs_torch: bool) -> Kind:
    """Return the function at "module:function" as a kind; its module is imported when a job of the kind is executed."""
    module, _, function = path.partition(":")

    def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str) -> Result:
        if needs_torch:
            _prepare_torch()
        result: Result = getattr(importlib.import_module(module), function)(params, inputs, name)
        return result

    return run


def _prepare_torch() -> None:
    """One thread and deterministic kernels: what the numerics class promises, in whichever thread this is."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


for _kind, _path in {
    "partition": "learners.data.partition:run",
    "average": "learners.average:run",
    "collect": "learners.collect:run",
    "truncate": "learners.ranks:run_truncate",
    "pad": "learners.ranks:run_pad",
}.items():
    KINDS.put(_kind, _from_module(_path, needs_torch=False))

for _kind, _path in {
    "init": "learners.init:run",
    "train": "learners.train:run",
    "evaluate": "learners.evaluate:run",
    "cost": "learners.costs:run",
    "epsilon": "learners.privacy:run_epsilon",
    "emulator": "learners.emulator:run",
    "narrowed": "learners.narrowed:run_distil",
    "align": "learners.narrowed:run_align",
    "proxy_evaluate": "learners.proxy_tuning:run_evaluate",
    "proxy_alpha": "learners.proxy_tuning:run_alpha",
    "proxy_distil": "learners.proxy_tuning:run_distil",
}.items():
    KINDS.put(_kind, _from_module(_path, needs_torch=True))

for _kind, _run in synthetic.KINDS.items():
    KINDS.put(_kind, _run)
