"""Worker processes: started when there is something to do, replaced when they die, and killed when told.

Not concurrent.futures.ProcessPoolExecutor: when one of its workers dies, it ends all others in the middle of their jobs, it
does not know which job it was, and it has no public way to kill workers before Python 3.14. A pipe a worker has all three, and
no lock that a killed process could take along.
"""

import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from mecsim.errors import MecsimError
from mecsim.jobs.held_back import interrupts_held_back
from mecsim.jobs.job import Job
from mecsim.jobs.memory import MEMORY_BYTES
from mecsim.jobs.ticket import MakeWorker, Ticket
from mecsim.jobs.worker_process import Answer, work

#: A task that this many workers died of is not given to another, nor are more workers started after as many failed starts.
MAX_DEATHS = 3


@dataclass(slots=True, eq=False)
class Task:
    """Something to be done by a worker, and its answer once there is one."""

    message: bytes
    description: str
    answer: Answer | None = None
    n_deaths: int = 0

    @classmethod
    def execution(cls, job: Job) -> "Task":
        """Return the task to execute a job; its answer's value is a Report."""
        return cls(pickle.dumps((None, Ticket.of(job))), f"the {job.kind!r} job {job.name[:12]}")

    @classmethod
    def call(cls, function: Callable[[Any], Any], argument: Any, index: int) -> "Task":
        """Return the task to call a function."""
        name = getattr(function, "__qualname__", type(function).__name__)
        return cls(pickle.dumps((function, argument)), f"{name} for argument {index}")


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    is_ready: bool = False
    task: Task | None = field(default=None)


class Workers:
    """Up to ``n_workers`` processes, which ``make_worker`` equips. For one thread only."""

    def __init__(self, make_worker: MakeWorker, n_workers: int, memory_bytes: int = MEMORY_BYTES) -> None:
        if n_workers < 1:
            raise ValueError(f"there has to be a worker at least, got {n_workers}")
        self.n_workers = n_workers
        # Pickled here, so that what cannot be pickled or found is an exception and no death of a process.
        self._made = pickle.dumps(make_worker)
        self._memory_bytes = memory_bytes
        self._workers: list[_Worker] = []
        self._queue: deque[Task] = deque()
        self._n_failed_starts = 0

    @property
    def n_running(self) -> int:
        """How many workers have a task now."""
        return sum(worker.task is not None for worker in self._workers)

    @property
    def is_busy(self) -> bool:
        """Whether there is a task without an answer."""
        return bool(self._queue) or self.n_running > 0

    @property
    def has_room(self) -> bool:
        """Whether a task that is submitted now would be begun at once."""
        return self.n_running + len(self._queue) < self.n_workers

    def submit(self, task: Task) -> None:
        """Give ``task`` to a worker as soon as one is free."""
        self._queue.append(task)
        self._hand_out()

    def wait(self) -> None:
        """Return when something has happened: most times, one of the tasks has its answer now.

        Raises what ``make_worker`` raised, and MecsimError when workers die again and again.
        """
        self._hand_out()
        busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
        for connection in wait(list(busy)):
            if isinstance(connection, Connection):
                self._hear(busy[connection])

    def kill(self) -> None:
        """End all workers at once, in the middle of their tasks. Tasks without an answer have a MecsimError as theirs."""
        with interrupts_held_back():
            stopped = [*self._queue, *(worker.task for worker in self._workers if worker.task is not None)]
            for task in stopped:
                task.answer = Answer(error=MecsimError(f"{task.description} was stopped"))
            self._queue.clear()
            for worker in self._workers:
                worker.process.kill()
            for worker in self._workers:
                _bury(worker)
            self._workers.clear()

    def _hand_out(self) -> None:
        while self._queue and (worker := self._free_worker()) is not None:
            worker.task = self._queue.popleft()
            try:
                worker.connection.send_bytes(worker.task.message)
            except OSError:
                self._lost(worker)

    def _free_worker(self) -> _Worker | None:
        for worker in [each for each in self._workers if each.task is None]:
            if worker.process.is_alive():
                return worker
            self._workers.remove(worker)
            _bury(worker)
        return self._start() if len(self._workers) < self.n_workers else None

    def _start(self) -> _Worker:
        with interrupts_held_back():
            ours, theirs = multiprocessing.Pipe()
            # A daemon is ended when its parent ends in an orderly way, if nobody has called kill.
            process = multiprocessing.get_context("spawn").Process(
                target=work, args=(theirs, self._made, self._memory_bytes), name="mecsim-worker", daemon=True
            )
            process.start()
            # The worker has the only other end now, so its death is the end of what can be read.
            theirs.close()
            self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._lost(worker)
            return
        answer: Answer = pickle.loads(message)  # noqa: S301 (from a process of ours)
        if worker.is_ready:
            if worker.task is not None:
                worker.task.answer, worker.task = answer, None
        elif answer.error is not None:
            raise told(answer)
        else:
            worker.is_ready, self._n_failed_starts = True, 0

    def _lost(self, worker: _Worker) -> None:
        """Let another worker do what this one died of; after a few times say so."""
        self._workers.remove(worker)
        ended = _bury(worker)
        task = worker.task
        if task is None:
            return
        self._queue.appendleft(task)
        if not worker.is_ready:
            self._n_failed_starts += 1
            if self._n_failed_starts >= MAX_DEATHS:
                raise MecsimError(
                    f"{MAX_DEATHS} worker processes ended while they started, the last one {ended}. If your own script starts "
                    "this, put it under 'if __name__ == \"__main__\":'; else try one worker (--workers 1)."
                )
            return
        task.n_deaths += 1
        if task.n_deaths >= MAX_DEATHS:
            raise MecsimError(
                f"{MAX_DEATHS} worker processes ended while they executed {task.description}, the last one {ended}. Most "
                "likely the memory was not enough: take fewer workers (--workers). What is done is stored."
            )


def told(answer: Answer) -> BaseException:
    """Return the exception of an answer, with a note of where in the worker it was raised."""
    error = answer.error
    if error is None:
        raise ValueError("an answer without an error")
    error.add_note(f"In a worker process:\n{answer.trace}")
    return error


def _bury(worker: _Worker) -> str:
    """Wait for the end of a worker's process, which is near, and say how it ended."""
    worker.connection.close()
    worker.process.join(timeout=10.0)
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()
    code = worker.process.exitcode
    worker.process.close()
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"with exit code {code}"
