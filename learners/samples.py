"""Which samples a job works on: a client's, several clients', or a split's. Numpy alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.data.partition import shard_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result

#: Every so many samples of the public split are kept for choices such as FedPT's alpha; the others are for fitting.
VALIDATION_STRIDE = 4


def samples_of(partition: Result, on: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the dataset indices that ``on`` names: {client: 3}, {clients: [0, 3]} or {split: name}.

    The splits are test and public, and of the public one the disjoint public_fit and public_validation.
    """
    match on:
        case {"client": client}:
            found = shard_of(partition, client)
        case {"clients": clients}:
            found = np.concatenate([shard_of(partition, client) for client in clients])
        case {"split": "public_fit"}:
            public = partition.tensors["public"]
            found = public[np.arange(len(public)) % VALIDATION_STRIDE != 0]
        case {"split": "public_validation"}:
            found = partition.tensors["public"][::VALIDATION_STRIDE]
        case {"split": "test" | "public" as name}:
            found = partition.tensors[name]
        case _:
            raise JobError(f"no samples are called {dict(on)}")
    if len(found) == 0:
        raise JobError(
            f"there are no samples for {dict(on)}: give the split a share above 0 (learning.public_share, test_share)"
        )
    return found
