"""A dataset from outside: images of stripes, made on the spot. The class is the direction, the group is the camera's noise.

A scenario names it: ``plugins: [stripes]`` and ``dataset: {name: stripes, directions: 4}``.
"""

import hashlib
from functools import lru_cache

import numpy as np
from pydantic import Field

from learners.catalog import DATASETS, DatasetEntry
from learners.data.content import Content
from learners.data.options import ClassificationParams

SIZE_PX = 28
CAMERAS = ("clean", "grainy", "poor")
NOISE = (0.05, 0.2, 0.4)


class StripesParams(ClassificationParams):
    """Options of the stripes."""

    directions: int = Field(default=4, ge=2, le=12, description="directions to tell apart: the classes")
    per_camera: int = Field(default=200, ge=20, description="images of each camera")
    drawing_seed: int = Field(default=0, ge=0, description="seed of phases, widths and noise")


def load(params: StripesParams) -> Content:
    """Return grey images (n, 1, 28, 28) from 0 to 1, camera by camera."""
    images, labels, cameras = _drawn(params.directions, params.per_camera, params.drawing_seed)
    return Content(images=images, labels=labels, groups=cameras, group_names=CAMERAS)


def digest(params: StripesParams) -> str:
    """Return the SHA-256 of what ``load`` gives: other options that draw the same images are the same data."""
    images, labels, cameras = _drawn(params.directions, params.per_camera, params.drawing_seed)
    return hashlib.sha256(images.tobytes() + labels.tobytes() + cameras.tobytes()).hexdigest()


@lru_cache(maxsize=4)
def _drawn(directions: int, per_camera: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    n = len(CAMERAS) * per_camera
    labels = generator.integers(directions, size=n)
    cameras = np.repeat(np.arange(len(CAMERAS)), per_camera)
    angle = (np.pi * labels / directions)[:, None, None]
    width_px = generator.uniform(5.0, 9.0, n)[:, None, None]
    phase = generator.uniform(0.0, 2.0 * np.pi, n)[:, None, None]
    row, column = np.mgrid[:SIZE_PX, :SIZE_PX]
    waves = np.sin(2.0 * np.pi * (column * np.cos(angle) + row * np.sin(angle)) / width_px + phase)
    noise = generator.normal(0.0, 1.0, waves.shape) * np.array(NOISE)[cameras][:, None, None]
    images = np.clip(0.5 + 0.5 * waves + noise, 0.0, 1.0).astype(np.float32)
    return images[:, None], labels.astype(np.int64), cameras.astype(np.int64)


if "stripes" not in DATASETS:
    DATASETS.put(
        "stripes",
        DatasetEntry(
            description="stripes in a few directions, 28x28, seen by three cameras",
            params=StripesParams,
            task="image-classification",
            n_classes=lambda params: params.directions,
            digest=digest,
            load=load,
        ),
    )
