"""A job: one pure step of learning, named by everything that can change its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.hashing import canonical_json, sha256_of

#: Raise it when the meaning of a kind or of a parameter changes: stored results of before stop matching.
FORMAT = 2

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One pure step of learning. Simulated time is absent on purpose: the same training at another moment is the same job.

    ``params`` is canonical JSON. Two jobs are equal when their names are, and a name is the hash of the kind, the parameters
    and the names of the inputs; so the graph can be hundreds of jobs deep and nothing walks it recursively.
    """

    kind: str
    params: str
    inputs: tuple["Job", ...] = field(repr=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        name = sha256_of([FORMAT, self.kind, self.params, [job.name for job in self.inputs]])
        object.__setattr__(self, "name", name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def job(kind: str, params: Mapping[str, Any], inputs: Sequence[Job] = ()) -> Job:
    """Return the job of this kind, parameters and inputs."""
    return Job(kind, canonical_json(dict(params)), tuple(inputs))


@dataclass(frozen=True, slots=True)
class Result:
    """What a job gives: numbers (JSON values), and tensors by name where there are any."""

    numbers: Mapping[str, Any] = field(default_factory=dict)
    tensors: Tensors = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes that the tensors take in memory."""
        return sum(np.asarray(tensor).nbytes for tensor in self.tensors.values())
