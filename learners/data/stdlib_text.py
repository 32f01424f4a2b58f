"""The text that the tiny language models are pretrained on: CPython's own documentation topics, docstrings and comments."""

import hashlib
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learners.data.python_text import (
    PRIVATE_FOLDERS,
    TEST_FOLDERS,
    comments_in,
    docstrings_in,
    paragraphs_in,
    python_files,
    rank,
    source_of,
)

#: Share of the files that pretraining does not see; tests are never held out, being repetitive.
HELD_OUT_SHARE = 0.05

# Distributions of Python leave these out, or ship them apart.
_OPTIONAL_FOLDERS = frozenset({"distutils", "ensurepip", "idlelib", "lib2to3", "tkinter", "turtledemo"})
_TOPICS = "pydoc_data/topics.py"


@lru_cache(maxsize=1)
def pretraining_text() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the bytes to train on and those held out by file: some 4.5 MB and 0.1 MB, in seconds. Tests are in it as well."""
    seen: set[str] = set()
    parts: tuple[list[str], list[str]] = ([], [])
    for path in _files(PRIVATE_FOLDERS):
        parts[_is_held_out(path)].extend(paragraphs_in(_texts(path), seen))
    train, held = (np.frombuffer("\n\n".join(part).encode(), dtype=np.uint8) for part in parts)
    return train, held


def pretraining_digest() -> str:
    """Return the SHA-256 of the pretraining text, which differs between versions of Python."""
    train, held_out = pretraining_text()
    return hashlib.sha256(train.tobytes() + held_out.tobytes()).hexdigest()


def public_text(n_bytes: int) -> bytes:
    """Return up to ``n_bytes`` of the pretraining text, from as few files as it takes; without tests and optional packages."""
    seen: set[str] = set()
    found: list[str] = []
    size = 0
    for path in _files(PRIVATE_FOLDERS | TEST_FOLDERS | _OPTIONAL_FOLDERS):
        if size >= n_bytes:
            break
        if path != _TOPICS and not _is_held_out(path):
            new = list(paragraphs_in(_texts(path), seen))
            found += new
            size += sum(len(paragraph.encode()) + 2 for paragraph in new)
    return "\n\n".join(found).encode()[:n_bytes]


def _files(without: frozenset[str]) -> list[str]:
    return sorted((path for path, _ in python_files(_folder(), without=without)), key=lambda path: (rank(path), path))


def _is_held_out(path: str) -> bool:
    return path != _TOPICS and rank(path) < HELD_OUT_SHARE and TEST_FOLDERS.isdisjoint(path.split("/"))


def _folder() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _texts(path: str) -> Iterator[str]:
    if path == _TOPICS:
        from pydoc_data import topics

        yield from topics.topics.values()
        return
    source = source_of(_folder() / path)
    yield from docstrings_in(source)
    yield from comments_in(source)
