"""The dataset ``docstrings``: what installed scientific packages say about themselves, one library or subpackage a group.

Windows of bytes of their docstrings, read without importing them, and public windows of the standard library, which the
embedded language models were pretrained on. What is installed decides what is in it: the digest pins it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from learners.data.content import Content
from learners.data.python_text import PRIVATE_FOLDERS, TEST_FOLDERS, docstrings_in, paragraphs_in, python_files, rank, source_of
from learners.data.stdlib_text import public_text
from mecsim.errors import JobError

#: Packages that come with mecsim.
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "sklearn",
    "matplotlib",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "huggingface_hub",
    "networkx",
    "sympy",
    "joblib",
    "PIL",
    "fontTools",
    "pydantic",
    "rich",
    "jinja2",
    "pyarrow",
)

# A subpackage with so many bytes of source is a group of its own; the rest of its library is another.
_SUBPACKAGE_BYTES = 400_000
# No file gives more than this share of a group's text, so that a group is more than one file.
_FILE_SHARE = 0.25
# A group with less than this share of its cap is left out.
_LEAST_SHARE = 0.25
_FEWEST_GROUPS = 2


class DocstringsParams(BaseModel):
    """Options of the docstrings."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    packages: tuple[str, ...] = Field(default=PACKAGES, min_length=1, description="whose docstrings; left out if not installed")
    window: int = Field(default=128, ge=16, le=4096, description="bytes a sample")
    groups: int = Field(default=32, ge=_FEWEST_GROUPS, description="at most this many libraries and subpackages")
    bytes_per_group: int = Field(default=32_000, ge=4096, description="at most this much text to train on from each")
    held_out: float = Field(default=0.06, gt=0.0, lt=0.9, description="share of the text kept for the test, by file")
    public_bytes: int = Field(default=128_000, ge=0, description="text of the standard library, in no group")


def n_classes(params: DocstringsParams) -> int:
    """Return the number of groups that there are."""
    return len(load(params).group_names)


@lru_cache(maxsize=8)
def digest(params: DocstringsParams) -> str:
    """Return the SHA-256 of the windows, of whose they are, and of what they are for."""
    content = load(params)
    parts = (content.windows, content.labels, content.groups, content.test, content.public)
    arrays = b"".join(part.tobytes() for part in parts if part is not None)
    return hashlib.sha256("\n".join(content.group_names).encode() + arrays).hexdigest()


@lru_cache(maxsize=4)
def load(params: DocstringsParams) -> Content:
    """Return the windows (n, window) in the order of their groups, then the public ones, which have group -1 and label 0.

    No paragraph is there twice, and test windows come of files that no other window comes of. A JobError says what to install
    where fewer than two groups are found.
    """
    texts = _texts(params)
    if len(texts) < _FEWEST_GROUPS:
        names = ", ".join(params.packages)
        raise JobError(
            f"the packages {names} have docstrings for {len(texts)} groups, {_FEWEST_GROUPS} are needed: install more of them "
            "(mecsim's own requirements are enough for the default), name others, or lower bytes_per_group"
        )
    windows: list[NDArray[np.uint8]] = []
    groups: list[NDArray[np.int64]] = []
    test: list[NDArray[np.bool_]] = []
    public = _cut(public_text(params.public_bytes), params.window)
    for group, text in enumerate(texts.values()):
        for part, held_out in ((text.train, False), (text.test, True)):
            windows.append(_cut(part, params.window))
            groups.append(np.full(len(windows[-1]), group, dtype=np.int64))
            test.append(np.full(len(windows[-1]), held_out))
    owners = np.concatenate([*groups, np.full(len(public), -1, dtype=np.int64)])
    return Content(
        windows=np.concatenate([*windows, public]),
        labels=np.maximum(owners, 0),
        groups=owners,
        group_names=tuple(texts),
        test=np.concatenate([*test, np.zeros(len(public), dtype=np.bool_)]),
        public=owners < 0,
    )


class _Text(NamedTuple):
    """The text of a group, to train on and to test on."""

    train: bytes
    test: bytes


class _Source(NamedTuple):
    """A possible group: its name, the package's folder, and the files in it."""

    name: str
    folder: Path
    files: tuple[str, ...]


def _texts(params: DocstringsParams) -> dict[str, _Text]:
    seen: set[str] = set()
    texts: dict[str, _Text] = {}
    for source in _sources(params.packages):
        if len(texts) == params.groups:
            break
        text = _read(source, params, seen)
        if len(text.train) >= _LEAST_SHARE * params.bytes_per_group and len(text.test) >= params.window:
            texts[source.name] = text
    return dict(sorted(texts.items()))


def _sources(packages: tuple[str, ...]) -> Iterator[_Source]:
    """Yield the largest group of every package, then the second largest of every package that has one, and so on."""
    ranked = [_groups_of(package, folder) for package in dict.fromkeys(packages) if (folder := _folder(package)) is not None]
    return (source for source in chain.from_iterable(zip_longest(*ranked)) if source is not None)


def _folder(package: str) -> Path | None:
    """Return where a package is installed, without importing it; None if it is not, or is no folder."""
    if not package.isidentifier() or (spec := find_spec(package)) is None:
        return None
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]) if places else None


def _groups_of(package: str, folder: Path) -> list[_Source]:
    files: defaultdict[str, list[str]] = defaultdict(list)
    sizes: defaultdict[str, int] = defaultdict(int)
    for path, size in python_files(folder, without=PRIVATE_FOLDERS | TEST_FOLDERS):
        top = path.split("/")[0] if "/" in path else ""
        files[top].append(path)
        sizes[top] += size
    for top in [top for top in files if top and sizes[top] < _SUBPACKAGE_BYTES]:
        files[""] += files.pop(top)
        sizes[""] += sizes.pop(top)
    order = sorted(files, key=lambda top: (-sizes[top], top))
    return [_Source(f"{package}.{top}" if top else package, folder, tuple(files[top])) for top in order]


def _read(source: _Source, params: DocstringsParams, seen: set[str]) -> _Text:
    """Read files in the order of their ranks until the caps are met; one goes to the test when that is behind its share."""
    cap = params.bytes_per_group
    test_cap = round(cap * params.held_out / (1.0 - params.held_out))
    train, test = bytearray(), bytearray()
    for path in sorted(source.files, key=lambda path: (rank(path), path)):
        if len(train) >= cap and len(test) >= test_cap:
            break
        paragraphs = paragraphs_in(docstrings_in(source_of(source.folder / path)), seen)
        text = "".join(f"{paragraph}\n\n" for paragraph in paragraphs).encode()[: round(_FILE_SHARE * cap)]
        behind = len(test) + len(text) / 2 <= params.held_out * (len(train) + len(test) + len(text))
        if len(test) < test_cap and (behind or len(train) >= cap):
            test += text
        else:
            train += text
    return _Text(bytes(train[:cap]), bytes(test[:test_cap]))


def _cut(text: bytes, length: int) -> NDArray[np.uint8]:
    """Return the text as rows of ``length`` bytes; the rest at its end is left out."""
    return np.frombuffer(text[: len(text) // length * length], dtype=np.uint8).reshape(-1, length)
