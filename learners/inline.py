"""Runs a graph of jobs in this process with a dictionary for a store: for benchmarks and tests of learning alone."""

from learners.worker import execute
from mecsim.jobs.job import Job, Result
from mecsim.jobs.runner import LocalRunner


class InlineRunner:
    """Executes what is demanded, each job once, and keeps every result."""

    def __init__(self) -> None:
        self._runner = LocalRunner(execute, _Kept())

    def demand(self, wanted: Job) -> Result:
        """Return the result of ``wanted``, running what it needs first."""
        (result,) = self._runner.demand([wanted])
        return result


class _Kept:
    def __init__(self) -> None:
        self._results: dict[Job, Result] = {}

    def __contains__(self, job: Job) -> bool:
        return job in self._results

    def get(self, job: Job) -> Result | None:
        return self._results.get(job)

    def put(self, job: Job, result: Result) -> None:
        self._results[job] = result
