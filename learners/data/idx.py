"""Local IDX files, the format of the MNIST family: grey images and labels, plain or gzipped."""

import gzip
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from learners.data.content import Content
from learners.data.digits import IMAGE_PX, upscaled
from learners.data.options import ClassificationParams
from mecsim.errors import JobError

_UNSIGNED_BYTES = 8
_GZIP_MAGIC = b"\x1f\x8b"


class IdxParams(ClassificationParams):
    """Options of IDX files."""

    images: Path = Field(description="file of grey images, n x height x width unsigned bytes; from the scenario's folder")
    labels: Path = Field(description="file of labels, n unsigned bytes; from the scenario's folder")


def digest(params: IdxParams) -> str:
    """Return the SHA-256 of both files: jobs are named by the content, not by where it lies."""
    return hashlib.sha256(params.images.read_bytes() + params.labels.read_bytes()).hexdigest()


def n_classes(params: IdxParams) -> int:
    """Return one more than the largest label."""
    return int(read(params.labels, n_dimensions=1).max()) + 1


def load(params: IdxParams) -> Content:
    """Return grey images (n, 1, 28, 28) and their labels."""
    images, labels = read(params.images, n_dimensions=3), read(params.labels, n_dimensions=1)
    if len(images) != len(labels):
        counts = f"{params.images} has {len(images)} images, {params.labels} {len(labels)} labels"
        raise JobError(f"{counts}: name the two files of one set")
    grey = images.astype(np.float32) / 255.0
    resized = grey if grey.shape[1:] == (IMAGE_PX, IMAGE_PX) else upscaled(grey, IMAGE_PX)
    return Content(labels=labels.astype(np.int64), images=resized[:, None])


def read(path: Path, *, n_dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes; a JobError says what else the file is."""
    raw = path.read_bytes()
    content = gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw
    header_bytes = 4 + 4 * n_dimensions
    if content[:4] != bytes([0, 0, _UNSIGNED_BYTES, n_dimensions]) or len(content) < header_bytes:
        raise JobError(f"{path} is no IDX file of unsigned bytes in {n_dimensions} dimensions: check which file it is")
    shape: Any = tuple(int(side) for side in np.frombuffer(content, ">u4", count=n_dimensions, offset=4))
    if len(content) - header_bytes != math.prod(shape):
        raise JobError(f"{path} should hold {shape} bytes and holds {len(content) - header_bytes}: it is cut off or damaged")
    return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape)
