"""Datasets of the Hugging Face hub, by the package ``datasets`` (extra ``hub``): data files only, no code is run."""

import importlib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from learners.data.content import Content, Task
from learners.data.options import SampleParams
from learners.data.pictures import Picture
from learners.data.rows import Rows, Samples, samples
from mecsim.errors import JobError

_OLDEST_MAJOR = 4  # since then no dataset can bring code of its own
_NAME = r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$"


class HubParams(SampleParams):
    """Options of a dataset of the hub."""

    repository: str = Field(pattern=_NAME, description="name on the hub, as in 'stanfordnlp/sst2'")
    subset: str | None = Field(default=None, description="name of a subset, where the dataset has several")
    split: str = Field(default="train", min_length=1, description="split whose rows are used")
    test_split: str | None = Field(
        default=None, min_length=1, description="a second split, whose rows are the test split: test_share is unused"
    )
    text: str | None = Field(default=None, description="column of the texts")
    image: str | None = Field(default=None, description="column of the images, in place of texts")
    label: str = Field(default="label", description="column of the labels")
    group: str | None = Field(default=None, description="column that says who owns a sample, for the partition 'groups'")
    revision: str | None = Field(default=None, description="commit, tag or branch; a commit keeps a study repeatable")

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        if (self.text is None) == (self.image is None):
            raise ValueError("text: name the column of the texts, or with 'image' that of the images, and not both")
        return self

    @property
    def task(self) -> Task:
        """Return what the columns are for."""
        return "text-classification" if self.text is not None else "image-classification"


def digest(params: HubParams) -> str:
    """Return the SHA-256 of the samples that are used; downloads them if need be."""
    return _samples(params).digest(params)


def n_classes(params: HubParams) -> int:
    """Return the number of different labels."""
    return len(_samples(params).classes)


def load(params: HubParams) -> Content:
    """Return the samples in the order of the rows, those of ``test_split`` last."""
    return _samples(params).content(params)


def _samples(params: HubParams) -> Samples:
    train = _rows(params, params.split).at_most(params.max_samples)
    test = _rows(params, params.test_split) if params.test_split is not None else None
    return samples(train, test, None if params.image is None else _picture)


def _rows(params: HubParams, split: str) -> Rows:
    package = _package()
    source = f"{params.repository} ({split})"
    try:
        found = package.load_dataset(params.repository, params.subset, split=split, revision=params.revision)
    except Exception as error:  # the hub's client has many kinds, and none of them helps more than its text
        raise JobError(
            f"cannot load {source} from the hub: {type(error).__name__}: {error}; check repository, subset, split, revision "
            "and the connection, or save the data as a file and use the dataset 'table'"
        ) from error
    value = params.text if params.text is not None else params.image
    wanted = [column for column in (value, params.label, params.group) if column is not None]
    missing = [column for column in wanted if column not in found.column_names]
    if missing:
        raise JobError(f"{source} has no column {missing[0]!r}: its columns are {', '.join(map(repr, found.column_names))}")
    if params.image is not None:
        found = found.cast_column(params.image, package.Image(decode=False))
    values, labels, *groups = (list(found[column]) for column in wanted)
    return Rows(source, values, labels, groups[0] if groups else None)


def _picture(cell: Any) -> Picture:
    if isinstance(cell, dict) and isinstance(cell.get("bytes"), bytes):
        return cell["bytes"]
    if isinstance(cell, dict) and isinstance(cell.get("path"), str):
        return Path(cell["path"])
    raise JobError(f"the column of images holds {type(cell).__name__}: name the column of the images")


def _package() -> Any:
    """Return the package ``datasets``, or say how to get it."""
    way_out = (
        "install the extra 'hub' (python -m pip install 'datasets>=5'), or save the data as a file and use the dataset 'table'"
    )
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise JobError(f"the dataset 'hub' needs the package datasets, which is not installed: {way_out}") from error
    if int(datasets.__version__.split(".")[0]) < _OLDEST_MAJOR:
        raise JobError(f"the dataset 'hub' needs a newer package datasets than {datasets.__version__}: {way_out}")
    return datasets
