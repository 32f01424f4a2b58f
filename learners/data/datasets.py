"""The datasets: their options, task, number of classes, content and loader. No torch, and nothing is loaded on import."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from learners.data import digits, docstrings, glyph_set, hub_data, idx, image_folder, table, vader
from learners.data.content import Content, Task
from learners.data.options import ClassificationParams
from mecsim.errors import JobError
from mecsim.registry import Registry


class DigitsParams(ClassificationParams):
    """Options of the digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """A dataset: functions of its options ``params``.

    ``digest`` pins the content, and ``load`` must give what it pins: two options that give other samples, labels or groups have
    other digests. ``task`` is None where the options decide; they then have a property of that name.
    """

    description: str
    params: type[BaseModel]
    task: Task | None
    n_classes: Callable[[Any], int]
    digest: Callable[[Any], str]
    load: Callable[[Any], Content]

    def task_of(self, params: BaseModel) -> Task:
        """Return what the dataset with these options is for."""
        return self.task if self.task is not None else params.task  # type: ignore[attr-defined]


DATASETS: Registry[DatasetEntry] = Registry("dataset")

DATASETS.put(
    "digits",
    DatasetEntry(
        description="1,797 handwritten digits of scikit-learn, 8x8 scaled to 28x28",
        params=DigitsParams,
        task="image-classification",
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
        task="image-classification",
        n_classes=idx.n_classes,
        digest=idx.digest,
        load=idx.load,
    ),
)
DATASETS.put(
    "glyphs",
    DatasetEntry(
        description="letters drawn in matplotlib's fonts and distorted, 28x28; groups are the fonts",
        params=glyph_set.GlyphsParams,
        task="image-classification",
        n_classes=lambda params: params.classes,
        digest=glyph_set.digest,
        load=glyph_set.load,
    ),
)
DATASETS.put(
    "image-folder",
    DatasetEntry(
        description="a local folder with a folder of .png or .jpg images for each class",
        params=image_folder.ImageFolderParams,
        task="image-classification",
        n_classes=image_folder.n_classes,
        digest=image_folder.digest,
        load=image_folder.load,
    ),
)
DATASETS.put(
    "table",
    DatasetEntry(
        description="texts or image files with labels in a local .csv, .tsv, .jsonl or .parquet file; groups are a column",
        params=table.TableParams,
        task=None,
        n_classes=table.n_classes,
        digest=table.digest,
        load=table.load,
    ),
)
DATASETS.put(
    "vader",
    DatasetEntry(
        description="sentiment of film reviews, tweets, editorials and product reviews, after 'mecsim fetch vader'",
        params=vader.VaderParams,
        task="text-classification",
        n_classes=lambda params: vader.N_CLASSES,
        digest=vader.digest,
        load=vader.load,
    ),
)
DATASETS.put(
    "hub",
    DatasetEntry(
        description="texts or images with labels of a dataset on the Hugging Face hub; needs the extra 'hub' and the network",
        params=hub_data.HubParams,
        task=None,
        n_classes=hub_data.n_classes,
        digest=hub_data.digest,
        load=hub_data.load,
    ),
)
DATASETS.put(
    "docstrings",
    DatasetEntry(
        description="text of the documentation in installed packages, to model its language; groups are the packages",
        params=docstrings.DocstringsParams,
        task="language-modelling",
        n_classes=docstrings.n_classes,
        digest=docstrings.digest,
        load=docstrings.load,
    ),
)

# Where content was last seen: jobs name the content alone, so that a store does not care where the files lie.
_SEEN: dict[str, BaseModel] = {}


def dataset_spec(name: str, params: BaseModel | None = None) -> dict[str, Any]:
    """Return the dataset's part of a job's parameters.

    Name, task, digest and number of classes (of groups, where a language model is trained), and its options without paths.
    """
    entry = DATASETS[name]
    given = params if params is not None else entry.params()
    digest = entry.digest(given)
    _SEEN[digest] = given
    fields = type(given).model_fields
    paths = {key for key, field in fields.items() if field.annotation is Path or Path in get_args(field.annotation)}
    facts = {"name": name, "task": entry.task_of(given), "digest": digest, "n_classes": entry.n_classes(given)}
    return {**facts, **given.model_dump(mode="json", exclude=paths)}


def load_content(name: str, digest: str) -> Content:
    """Return the content that ``digest`` pins: from where it was seen, or from where the dataset always lies."""
    entry = DATASETS[name]
    try:
        params = _SEEN[digest] if digest in _SEEN else entry.params()
    except ValidationError as error:
        raise JobError(f"the content {digest[:12]} of dataset {name!r} was not named in this process: where is it?") from error
    found = entry.digest(params)
    if found != digest:
        known = "" if digest in _SEEN else ", and not in this process: other options, files or packages?"
        raise JobError(f"dataset {name!r} has digest {found[:12]}, the job was named with {digest[:12]}{known}")
    return entry.load(params)
