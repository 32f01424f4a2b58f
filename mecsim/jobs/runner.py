"""Runners answer demands for results: they execute what is asked for and not stored, and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from mecsim.jobs.graph import in_order
from mecsim.jobs.job import Job, Result
from mecsim.jobs.memory import MEMORY_BYTES, Memory

A = TypeVar("A")
R = TypeVar("R")

#: Executes one job on the results of its inputs.
Execute = Callable[[Job, Sequence[Result]], Result]


class Runner(Protocol):
    """What the world and the study may ask of whoever executes jobs."""

    @property
    def n_workers(self) -> int:
        """How many jobs, or calls of ``map``, it can execute side by side."""
        ...

    def demand(self, jobs: Sequence[Job]) -> list[Result]:
        """Return the results of ``jobs``, in their order, running what the store does not have."""
        ...

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs that a demand for ``jobs`` would execute, inputs first."""
        ...

    def map(self, function: Callable[[A], R], arguments: Iterable[A]) -> Iterator[tuple[int, R]]:
        """Yield (position of the argument, what ``function`` gave for it), in the order in which they are done.

        It may happen in other processes: ``function`` is one of a module (or a partial of one), and everything is picklable.
        """
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
        self._memory = Memory(memory_bytes)
        self.on_executed = on_executed
        self.n_executed = 0
        self.n_workers = 1
        #: Jobs that are being executed now: 0 or 1.
        self.n_running = 0

    def demand(self, jobs: Sequence[Job]) -> list[Result]:
        """Return the results of ``jobs``, in their order, running what the store does not have."""
        return [self._result(job) for job in jobs]

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs that a demand for ``jobs`` would execute, inputs first."""
        return in_order(jobs, skip=lambda job: job.name in self._memory or job in self._store)

    def map(self, function: Callable[[A], R], arguments: Iterable[A]) -> Iterator[tuple[int, R]]:
        """Yield (position of the argument, what ``function`` gave for it), in their order, each when it is asked for."""
        for index, argument in enumerate(arguments):
            yield index, function(argument)

    def close(self) -> None:
        """Do nothing: there is no other process to end. The store stays open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

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
        self.n_running = 1
        try:
            result = self._execute(job, inputs)
        finally:
            self.n_running = 0
        self._store.put(job, result)
        self._memory.put(job.name, result)
        self.n_executed += 1
        self.on_executed(job)
        return result
