"""A runner with worker processes: independent jobs are executed side by side."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from mecsim.errors import MecsimError
from mecsim.jobs.graph import in_order
from mecsim.jobs.job import Job, Result
from mecsim.jobs.memory import MEMORY_BYTES
from mecsim.jobs.plan import Plan
from mecsim.jobs.runner import Results
from mecsim.jobs.ticket import MakeWorker
from mecsim.jobs.worker_process import Answer
from mecsim.jobs.workers import Task, Workers, told

__all__ = ["MakeWorker", "PoolRunner"]

A = TypeVar("A")
R = TypeVar("R")

#: How often a demand may find that what it has computed is gone from the store.
MAX_PASSES = 3


class PoolRunner:
    """Executes jobs in worker processes, which share the store. Results, and failures, are those of ``LocalRunner``.

    Workers are started when there is something to execute, and stay until ``close``; afterwards a demand starts new ones.
    Every result is stored as soon as it is there. ``on_executed`` is called in the caller's thread, when a job is known to be
    done. A worker that dies is replaced. For one thread only; a demand may be made between the results of a ``map``.

    ``memory_bytes`` is what each worker may keep of recent results.
    """

    def __init__(
        self,
        make_worker: MakeWorker,
        store: Results,
        *,
        n_workers: int,
        on_executed: Callable[[Job], None] = lambda job: None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._store = store
        self._workers = Workers(make_worker, n_workers, memory_bytes)
        self.on_executed = on_executed
        self.n_executed = 0

    @property
    def n_workers(self) -> int:
        """How many jobs, or calls of ``map``, can be executed side by side."""
        return self._workers.n_workers

    @property
    def n_running(self) -> int:
        """How many jobs (and calls of ``map``) are being executed now."""
        return self._workers.n_running

    def demand(self, jobs: Sequence[Job]) -> list[Result]:
        """Return the results of ``jobs``, in their order, running what the store does not have.

        When a job fails, what comes before it in the order of ``LocalRunner`` is finished, so that the exception is the same at
        any number of workers; the other workers are killed. So they are after any other exception, KeyboardInterrupt as well.
        """
        try:
            for _ in range(MAX_PASSES):
                self._carry_out(Plan(jobs, self._store))
                results = [self._store.get(job) for job in jobs]
                whole = [result for result in results if result is not None]
                if len(whole) == len(jobs):
                    return whole
            raise MecsimError(
                f"the job store loses results: they were computed and gone {MAX_PASSES} times. Is its disk full, or is "
                "somebody emptying it? Name another folder with --store."
            )
        except BaseException:
            self._drop()
            raise

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs that a demand for ``jobs`` would execute, inputs first."""
        return in_order(jobs, skip=self._store.__contains__)

    def map(self, function: Callable[[A], R], arguments: Iterable[A]) -> Iterator[tuple[int, R]]:
        """Yield (position of the argument, what ``function`` gave for it), in the order in which workers finish them.

        ``function``, the arguments and what it gives are pickled. When calls fail, the exception of the first argument among
        them is raised after the results of all arguments before it. An iterator that is dropped kills the workers.
        """
        running: dict[Task, int] = {}
        upcoming = enumerate(arguments)
        following = next(upcoming, None)
        failed: tuple[int, BaseException] | None = None
        try:
            while running or following is not None:
                while following is not None and self._workers.has_room:
                    task = Task.call(function, following[1], following[0])
                    running[task] = following[0]
                    self._workers.submit(task)
                    following = next(upcoming, None)
                for task, answer in self._answered(running)[:1]:
                    index = running.pop(task)
                    if answer.error is None:
                        yield index, answer.value
                    else:
                        # Only what was submitted before can still fail earlier.
                        failed, following = (index, told(answer)), None
                        running = {each: earlier for each, earlier in running.items() if earlier < index}
            if failed is not None:
                raise failed[1]
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """End all workers at once, in the middle of their jobs if need be. What is stored stays; the store stays open."""
        self._workers.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _carry_out(self, plan: Plan) -> None:
        running: dict[Task, Job] = {}
        while not plan.is_settled:
            while self._workers.has_room and (job := plan.take()) is not None:
                task = Task.execution(job)
                running[task] = job
                self._workers.submit(task)
            # All of them, before others are taken: what they make ready may come before what was ready.
            for task, answer in self._answered(running):
                self._settle(plan, running.pop(task), answer, n_deaths=task.n_deaths)
        if plan.error is not None:
            raise plan.error

    def _answered(self, running: Collection[Task]) -> list[tuple[Task, Answer]]:
        """Return those of these tasks that have their answer; if there are none, wait until something has happened."""
        if all(task.answer is None for task in running):
            self._workers.wait()
        return [(task, task.answer) for task in running if task.answer is not None]

    def _settle(self, plan: Plan, job: Job, answer: Answer, *, n_deaths: int) -> None:
        if answer.error is not None:
            plan.failed(job, told(answer))
        elif answer.value.lacking:
            plan.lacked(job, answer.value.lacking)
        else:
            plan.finished(job)
            # A worker may have died between storing a result and saying so; the next one then found it in the store.
            if answer.value.executed or n_deaths:
                self.n_executed += 1
                self.on_executed(job)

    def _drop(self) -> None:
        # What is still being executed is wanted by nobody, and its answer would come in the middle of another demand.
        if self._workers.is_busy:
            self.close()
