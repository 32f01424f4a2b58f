"""Runners answer demands for results: they execute what is asked for and not stored, and nothing else."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from mecsim.jobs.job import Job, Result

#: Executes one job on the results of its inputs.
Execute = Callable[[Job, Sequence[Result]], Result]

MEMORY_BYTES = 512 * 2**20


class Runner(Protocol):
    """What the world and the study may ask of whoever executes jobs."""

    def demand(self, jobs: Sequence[Job]) -> list[Result]:
        """Return the results of ``jobs``, in their order, running what the store does not have."""
        ...

    def missing(self, jobs: Sequence[Job]) -> int:
        """Return how many jobs a demand for ``jobs`` would execute."""
        ...


class Results(Protocol):
    """Where a runner looks for results, and leaves them: a store."""

    def __contains__(self, job: Job) -> bool: ...

    def get(self, job: Job) -> Result | None:
        """Return the result of ``job``, or None."""
        ...

    def put(self, job: Job, result: Result) -> None:
        """Keep the result of ``job``."""
        ...


class LocalRunner:
    """Executes jobs one after the other in this process, with a bounded memory of recent results in front of the store.

    Every result is stored as soon as it is there, so a killed study goes on where it was. ``on_executed`` is called after each
    execution.
    """

    def __init__(
        self,
        execute: Execute,
        store: Results,
        *,
        on_executed: Callable[[Job], None] = lambda job: None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._execute = execute
        self._store = store
        self._memory = _Memory(memory_bytes)
        self.on_executed = on_executed
        self.n_executed = 0

    def demand(self, jobs: Sequence[Job]) -> list[Result]:
        """Return the results of ``jobs``, in their order, running what the store does not have."""
        return [self._result(job) for job in jobs]

    def missing(self, jobs: Sequence[Job]) -> int:
        """Return how many jobs a demand for ``jobs`` would execute."""
        pending, seen, count = list(jobs), set[str](), 0
        while pending:
            job = pending.pop()
            if job.name in seen or job.name in self._memory or job in self._store:
                continue
            seen.add(job.name)
            count += 1
            pending.extend(job.inputs)
        return count

    def _result(self, wanted: Job) -> Result:
        # A stack and no recursion: the history of a federated run is hundreds of jobs deep.
        pending = [wanted]
        while True:
            job = pending[-1]
            result = self._known(job)
            if result is None:
                inputs = [self._known(needed) for needed in job.inputs]
                lacking = [needed for needed, have in zip(job.inputs, inputs, strict=True) if have is None]
                if lacking:
                    pending.extend(reversed(lacking))
                    continue
                result = self._run(job, [have for have in inputs if have is not None])
            pending.pop()
            if not pending:
                return result

    def _known(self, job: Job) -> Result | None:
        result = self._memory.get(job.name)
        if result is None:
            result = self._store.get(job)
            if result is not None:
                self._memory.put(job.name, result)
        return result

    def _run(self, job: Job, inputs: Sequence[Result]) -> Result:
        result = self._execute(job, inputs)
        self._store.put(job, result)
        self._memory.put(job.name, result)
        self.n_executed += 1
        self.on_executed(job)
        return result


class _Memory:
    """The least recently used results, up to a number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._results: OrderedDict[str, Result] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._results

    def get(self, name: str) -> Result | None:
        if name not in self._results:
            return None
        self._results.move_to_end(name)
        return self._results[name]

    def put(self, name: str, result: Result) -> None:
        if name in self._results:
            return
        self._results[name] = result
        self._size_bytes += result.size_bytes
        while self._size_bytes > self._limit_bytes:
            _, dropped = self._results.popitem(last=False)
            self._size_bytes -= dropped.size_bytes
