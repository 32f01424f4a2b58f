"""Which jobs a demand has to execute, and which of them can be executed now."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence

from mecsim.errors import MecsimError
from mecsim.jobs.graph import in_order
from mecsim.jobs.job import Job
from mecsim.jobs.runner import Results

#: How often a job may come back because a result of its inputs was gone, before the store is said to be at fault.
MAX_RETURNS = 5


class Plan:
    """The jobs of a demand that the store does not have. Those whose inputs are there can be taken, earlier demanded first.

    Every job has a rank, its place in ``in_order``; inputs have lower ranks than what needs them. After a failure only jobs of
    lower rank are given out, so that the failure of the lowest rank is found: the one that one worker would have met.
    """

    def __init__(self, wanted: Sequence[Job], store: Results) -> None:
        self._store = store
        self._ranks: dict[Job, int] = {}
        self._lowest = 0
        self._n_awaited: dict[Job, int] = {}
        self._dependents: dict[Job, list[Job]] = {}
        self._ready: list[tuple[int, Job]] = []
        self._taken: set[Job] = set()
        self._n_returns: Counter[Job] = Counter()
        self._limit = float("inf")
        self.error: BaseException | None = None
        self._add(wanted)

    def __len__(self) -> int:
        """Return how many jobs are not finished."""
        return len(self._ranks)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to wait for any more: all is finished, or all that ranks before the failure is."""
        ready = bool(self._ready) and self._ready[0][0] < self._limit
        return not ready and all(self._ranks[job] > self._limit for job in self._taken)

    def take(self) -> Job | None:
        """Return the next job to execute, or None while there is none; it is not returned again unless an input lacked."""
        if not self._ready or self._ready[0][0] > self._limit:
            return None
        _, job = heapq.heappop(self._ready)
        self._taken.add(job)
        return job

    def finished(self, job: Job) -> None:
        """Say that the result of ``job`` is in the store."""
        self._taken.discard(job)
        del self._ranks[job], self._n_awaited[job]
        for dependent in self._dependents.pop(job, ()):
            self._n_awaited[dependent] -= 1
            if not self._n_awaited[dependent]:
                heapq.heappush(self._ready, (self._ranks[dependent], dependent))

    def failed(self, job: Job, error: BaseException) -> None:
        """Say that ``job`` raised ``error``; kept is that of the lowest rank."""
        self._taken.discard(job)
        if self._ranks[job] < self._limit:
            self._limit, self.error = self._ranks[job], error

    def lacked(self, job: Job, names: Iterable[str]) -> None:
        """Say that the inputs of these names were not there (a damaged file): they are computed again, then ``job`` is."""
        self._n_returns[job] += 1
        if self._n_returns[job] > MAX_RETURNS:
            raise MecsimError(
                f"the job store loses results: the inputs of a {job.kind} job were computed and gone {MAX_RETURNS} times. "
                "Is its disk full, or is somebody emptying it? Name another folder with --store."
            )
        self._taken.discard(job)
        gone = set(names)
        # Another job may have told of the same damage before, and the input be there again.
        self._add([needed for needed in job.inputs if needed.name in gone])
        self._await_inputs(job)

    def _add(self, wanted: Sequence[Job]) -> None:
        order = in_order(wanted, skip=lambda job: job in self._ranks or job in self._store)
        self._lowest -= len(order)
        for rank, job in enumerate(order, self._lowest):
            self._ranks[job] = rank
            self._await_inputs(job)

    def _await_inputs(self, job: Job) -> None:
        awaited = {needed for needed in job.inputs if needed in self._ranks}
        self._n_awaited[job] = len(awaited)
        for needed in awaited:
            self._dependents.setdefault(needed, []).append(job)
        if not awaited:
            heapq.heappush(self._ready, (self._ranks[job], job))
