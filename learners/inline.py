"""Runs a graph of jobs in this process with a dictionary for a store: for benchmarks and tests of learning alone."""

from learners.worker import execute
from mecsim.jobs.job import Job, Result


class InlineRunner:
    """Executes what is demanded, each job once."""

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}

    def demand(self, wanted: Job) -> Result:
        """Return the result of ``wanted``, running what it needs first."""
        pending = [wanted]
        while pending:
            job = pending[-1]
            lacking = [needed for needed in job.inputs if needed.name not in self._results]
            if lacking:
                pending.extend(lacking)
                continue
            pending.pop()
            if job.name not in self._results:
                self._results[job.name] = execute(job, [self._results[needed.name] for needed in job.inputs])
        return self._results[wanted.name]
