"""Graphs of jobs: walked in order, and on their way to another process."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mecsim.jobs.job import Job


def in_order(wanted: Iterable[Job], *, skip: Callable[[Job], bool] = lambda job: False) -> list[Job]:
    """Return ``wanted`` and what they stand on, inputs first: the order in which one who works alone executes them.

    A job that ``skip`` says True of is left out, with everything that only it needs. ``skip`` is asked once a job.
    """
    seen, order = set[Job](), list[Job]()
    # A stack and no recursion: graphs are deeper than Python's limit.
    for first in wanted:
        pending = [(first, False)]
        while pending:
            job, inputs_are_done = pending.pop()
            if inputs_are_done:
                order.append(job)
            elif job not in seen:
                seen.add(job)
                if not skip(job):
                    pending.append((job, True))
                    pending.extend((needed, False) for needed in reversed(job.inputs))
    return order


@dataclass(frozen=True, slots=True)
class JobList:
    """Jobs that can be pickled: their graphs are hundreds of jobs deep, and pickle would follow them by recursion."""

    jobs: tuple[Job, ...]

    def __reduce__(self) -> "tuple[Callable[..., JobList], tuple[Any, ...]]":
        order = in_order(self.jobs)
        place = {job.name: i for i, job in enumerate(order)}
        packed = [(job.kind, job.params, tuple(place[needed.name] for needed in job.inputs)) for job in order]
        return _unpacked, (packed, [place[job.name] for job in self.jobs])


def _unpacked(packed: Sequence[tuple[str, str, tuple[int, ...]]], wanted: Sequence[int]) -> JobList:
    jobs: list[Job] = []
    for kind, params, inputs in packed:
        jobs.append(Job(kind, params, tuple(jobs[i] for i in inputs)))
    return JobList(tuple(jobs[i] for i in wanted))
