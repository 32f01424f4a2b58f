"""Datasets kept loaded between jobs."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from learners.data.datasets import Arrays, load_content
from learners.data.pixels import to_pixels

if TYPE_CHECKING:
    from torch import Tensor


def arrays(dataset: Mapping[str, Any]) -> Arrays:
    """Return grey images (n, channels, height, width) in 0..1 and labels (n,) of a dataset specification."""
    return _arrays(dataset["name"], dataset["digest"])


def tensors(dataset: Mapping[str, Any]) -> "tuple[Tensor, Tensor]":
    """Return the images in the models' range -1..1, and the labels; do not change them in place."""
    return _tensors(dataset["name"], dataset["digest"])


@lru_cache(maxsize=4)
def _arrays(name: str, digest: str) -> Arrays:
    return load_content(name, digest)


@lru_cache(maxsize=4)
def _tensors(name: str, digest: str) -> "tuple[Tensor, Tensor]":
    import torch

    images, labels = _arrays(name, digest)
    return to_pixels(torch.from_numpy(images)), torch.from_numpy(labels)
