"""A store in a temporary folder, and an arithmetic that stands in for training."""

import json

import numpy as np
import pytest

from mecsim.jobs.job import Result
from mecsim.jobs.store import Store


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "store", numerics="test")
    yield opened
    opened.close()


class Arithmetic:
    """Adds a job's own number to those of its inputs, and remembers what it was asked to do."""

    def __init__(self):
        self.done = []

    def __call__(self, job, inputs):
        own = json.loads(job.params)["value"]
        self.done.append(own)
        total = own + sum(float(result.tensors["sum"][0]) for result in inputs)
        return Result({"total": total}, {"sum": np.array([total], dtype=np.float64)})


@pytest.fixture
def arithmetic():
    return Arithmetic()
