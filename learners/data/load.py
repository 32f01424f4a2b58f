"""Datasets kept loaded between jobs."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from learners.data.content import Content
from learners.data.datasets import load_content


def content(dataset: Mapping[str, Any]) -> Content:
    """Return the content of a dataset specification."""
    return _content(dataset["name"], dataset["digest"])


@lru_cache(maxsize=4)
def _content(name: str, digest: str) -> Content:
    return load_content(name, digest)
