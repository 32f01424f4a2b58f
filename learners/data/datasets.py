"""The datasets: their options, number of classes, content and loader. No torch, and nothing is loaded on import."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from learners.data import digits, idx
from mecsim.errors import JobError
from mecsim.registry import Registry

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]


class DigitsParams(BaseModel):
    """Options of the digits."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    train_per_class: int | None = Field(default=None, ge=1, description="keep at most this many training images a class")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """A labelled image set: functions of its options ``params``.

    ``digest`` pins the content, ``load`` gives grey images 0..1 (n, 1, 28, 28) and labels (n,), and must give what the digest
    pins.
    """

    description: str
    params: type[BaseModel]
    n_classes: Callable[[Any], int]
    digest: Callable[[Any], str]
    load: Callable[[Any], Arrays]


DATASETS: Registry[DatasetEntry] = Registry("dataset")

DATASETS.put(
    "digits",
    DatasetEntry(
        description="1,797 handwritten digits of scikit-learn, 8x8 scaled to 28x28",
        params=DigitsParams,
        n_classes=lambda params: 10,
        digest=lambda params: digits.DIGEST,
        load=lambda params: digits.load(),
    ),
)
DATASETS.put(
    "idx",
    DatasetEntry(
        description="grey images and labels in local IDX files (MNIST and its kin), scaled to 28x28 if need be",
        params=idx.IdxParams,
        n_classes=idx.n_classes,
        digest=idx.digest,
        load=idx.load,
    ),
)

# Where content was last seen: jobs name the content alone, so that a store does not care where the files lie.
_SEEN: dict[str, BaseModel] = {}


def dataset_spec(name: str, params: BaseModel | None = None) -> dict[str, Any]:
    """Return the dataset's part of a job's parameters: name, digest and number of classes, and its options without paths."""
    entry = DATASETS[name]
    given = params if params is not None else entry.params()
    digest = entry.digest(given)
    _SEEN[digest] = given
    paths = {key for key in type(given).model_fields if isinstance(getattr(given, key), Path)}
    return {"name": name, "digest": digest, "n_classes": entry.n_classes(given), **given.model_dump(mode="json", exclude=paths)}


def load_content(name: str, digest: str) -> Arrays:
    """Return the images and labels that ``digest`` pins: from where they were seen, or from where the dataset always lies."""
    entry = DATASETS[name]
    try:
        params = _SEEN[digest] if digest in _SEEN else entry.params()
    except ValidationError as error:
        raise JobError(f"the content {digest[:12]} of dataset {name!r} was not named in this process: where is it?") from error
    if entry.digest(params) != digest:
        raise JobError(f"dataset {name!r} has digest {entry.digest(params)[:12]}, the job was named with {digest[:12]}")
    return entry.load(params)
