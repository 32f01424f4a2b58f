"""What a worker process is told of a job: its own words and the names of its inputs, never the graph behind them."""

from collections.abc import Callable
from dataclasses import dataclass

from mecsim.jobs.job import Job
from mecsim.jobs.memory import MEMORY_BYTES, Memory
from mecsim.jobs.runner import Execute, Results

#: Makes what a worker process needs; called once in each. Picklable: a function of a module, or a partial of one.
MakeWorker = Callable[[], tuple[Execute, Results]]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job without the jobs behind it. A graph is hundreds of jobs deep, and pickling one would recurse through it."""

    kind: str
    params: str
    inputs: tuple[str, ...]

    @classmethod
    def of(cls, job: Job) -> "Ticket":
        """Return the ticket of ``job``."""
        return cls(job.kind, job.params, tuple(needed.name for needed in job.inputs))

    def job(self) -> Job:
        """Return the job, with the name that it has; of its inputs nothing but the names is right."""
        return Job(self.kind, self.params, tuple(_only_named(name) for name in self.inputs))


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a ticket. The result itself is in the store.

    ``executed`` is False where the store had it already. ``lacking`` names the inputs that the store did not have (whole): then
    nothing was executed.
    """

    executed: bool = False
    lacking: tuple[str, ...] = ()


class Bench:
    """Executes tickets in a worker: inputs come from the store or from a bounded memory, results go to both."""

    def __init__(self, execute: Execute, store: Results, memory_bytes: int = MEMORY_BYTES) -> None:
        self._execute = execute
        self._store = store
        self._memory = Memory(memory_bytes)

    def __call__(self, ticket: Ticket) -> Report:
        """Execute the ticket's job, unless the store has its result, or lacks that of an input."""
        job = ticket.job()
        if job in self._store:
            return Report()
        inputs = []
        for needed in job.inputs:
            result = self._memory.get(needed.name) or self._store.get(needed)
            if result is not None:
                self._memory.put(needed.name, result)
                inputs.append((needed.name, result))
        if len(inputs) < len(job.inputs):
            return Report(lacking=tuple(sorted(set(ticket.inputs) - {name for name, _ in inputs})))
        result = self._execute(job, [result for _, result in inputs])
        self._store.put(job, result)
        self._memory.put(job.name, result)
        return Report(executed=True)


def _only_named(name: str) -> Job:
    job = Job("", "", ())
    object.__setattr__(job, "name", name)
    return job
