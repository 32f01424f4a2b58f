"""A dataset as a model takes it: pixels, or tokens with their mask, and what is to be predicted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.data.content import Content
from learners.data.digits import upscaled
from learners.data.load import content
from learners.data.pixels import to_pixels
from learners.models.load import input_shape
from learners.models.tokens import tokenizer_of
from mecsim.errors import JobError
from mecsim.hashing import canonical_json

#: What of a model's specification decides how it takes its inputs.
_INPUT_KEYS = ("name", "weights", "family")
#: A target that does not count: padding.
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Examples:
    """Samples ready for a model.

    ``inputs`` are its keyword arguments, each with one row a sample. ``targets`` are classes (n,), or the next tokens
    (n, tokens), with IGNORED where nothing is predicted. ``n_bytes`` (n,) is the text behind the targets, for bits a byte.
    """

    inputs: Mapping[str, Tensor]
    targets: Tensor
    n_bytes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def pick(self, index: Tensor) -> "Examples":
        """Return the samples at ``index``, their padding cut to the longest of them."""
        inputs = {name: value[index] for name, value in self.inputs.items()}
        targets = self.targets[index]
        n_bytes = None if self.n_bytes is None else self.n_bytes[index]
        mask = inputs.get("attention_mask")
        if mask is not None:
            length = int(mask.sum(1).max())
            inputs = {name: value[:, :length] for name, value in inputs.items()}
            targets = targets[:, :length] if targets.ndim == 2 else targets
        return Examples(inputs, targets, n_bytes)


def examples(dataset: Mapping[str, Any], model: Mapping[str, Any]) -> Examples:
    """Return ``dataset`` as the model of the specification ``model`` takes it; do not change it in place."""
    return _examples(canonical_json(dict(dataset)), canonical_json({key: model[key] for key in _INPUT_KEYS}))


@lru_cache(maxsize=4)
def _examples(dataset_json: str, model_json: str) -> Examples:
    dataset, model = json.loads(dataset_json), json.loads(model_json)
    found = content(dataset)
    if found.images is not None:
        return _images(found.images, found, model)
    if found.texts is not None:
        return _texts(found.texts, found, model, max_length=dataset["max_length"])
    if found.windows is not None:
        return _windows(found.windows, model)
    raise JobError(f"dataset {dataset['name']!r} is empty")


def _images(images: NDArray[np.float32], found: Content, model: Mapping[str, Any]) -> Examples:
    n_channels, size_px = input_shape(model)
    if images.shape[-2:] != (size_px, size_px):
        images = np.stack([upscaled(images[:, channel], size_px) for channel in range(images.shape[1])], axis=1)
    if images.shape[1] != n_channels:
        images = np.broadcast_to(images.mean(1, keepdims=True), (len(images), n_channels, size_px, size_px))
    pixels = to_pixels(torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)))
    return Examples({"pixel_values": pixels}, torch.from_numpy(found.labels))


def _texts(texts: tuple[str, ...], found: Content, model: Mapping[str, Any], *, max_length: int) -> Examples:
    tokens, mask = tokenizer_of(model).encode(texts, max_length=max_length)
    inputs = {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}
    return Examples(inputs, torch.from_numpy(found.labels))


def _windows(windows: NDArray[np.uint8], model: Mapping[str, Any]) -> Examples:
    """Predict every token of a window from those before it; the first one from the token that begins a text."""
    tokenizer = tokenizer_of(model)
    tokens, mask = tokenizer.encode_bytes(windows)
    targets = np.where(mask == 1, tokens, IGNORED)
    begun = np.concatenate([np.full((len(tokens), 1), tokenizer.begin, dtype=tokens.dtype), tokens[:, :-1]], axis=1)
    inputs = {"input_ids": torch.from_numpy(begun)}
    if not mask.all():
        inputs["attention_mask"] = torch.from_numpy(mask)
    return Examples(inputs, torch.from_numpy(targets), torch.full((len(windows),), windows.shape[1]))
