"""Who executes the jobs of a study: this process, or worker processes beside it."""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from mecsim.config.scenario import Scenario
from mecsim.hashing import canonical_json
from mecsim.jobs.job import Job, Result
from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.runner import Execute, LocalRunner
from mecsim.jobs.store import Store

#: Without a word, no more workers than this: each holds torch and a model in memory.
MOST_WORKERS = 8


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """Return a worker a core, eight at most."""
    return min(available_cores(), MOST_WORKERS)


def execute(job: Job, inputs: Sequence[Result]) -> Result:
    """Return the result of ``job``; torch is loaded when a job needs it, and not before."""
    from mecsim.jobs import synthetic

    if job.kind in synthetic.KINDS:
        return synthetic.execute(job, inputs)
    from learners.worker import execute as execute_job

    return execute_job(job, inputs)


def open_store(folder: Path) -> Store:
    """Return the store in ``folder``, for the results of this machine's numerics class."""
    from learners.numerics import numerics_class

    return Store(folder, numerics=numerics_class())


def make_worker(folder: str, scenarios: tuple[Scenario, ...]) -> tuple[Execute, Store]:
    """Return what a worker process needs to execute jobs of ``scenarios``.

    Their plugins may have kinds of jobs of their own. Jobs name folders and files by their content alone, so where that lies
    has to be looked up here once more.
    """
    from learners.catalog import load_plugins
    from mecsim.cli.learning import room_of

    for scenario in scenarios:
        load_plugins(scenario.plugins)
        room_of(scenario).partition(scenario, scenario.trial_seeds())
        for index in range(len(scenario.schemes)):
            room_of(scenario).cost_sheets(scenario, index)
    return execute, open_store(Path(folder))


def runner_of(folder: Path, n_workers: int, scenarios: Iterable[Scenario] = ()) -> tuple[LocalRunner | PoolRunner, Store]:
    """Return a runner over the store in ``folder``, and the store: in this process with one worker, else beside it.

    Workers are for the jobs of ``scenarios``.
    """
    store = open_store(folder)
    if n_workers == 1:
        return LocalRunner(execute, store), store
    different = {
        canonical_json([s.learning.model_dump(mode="json"), s.model_dump(mode="json")["schemes"]]): s for s in scenarios
    }
    make = partial(make_worker, str(folder.resolve()), tuple(different.values()))
    return PoolRunner(make, store, n_workers=n_workers), store
