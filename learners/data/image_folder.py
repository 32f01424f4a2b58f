"""A local folder of images, in which each folder is a class."""

import hashlib
from pathlib import Path

import numpy as np
from pydantic import Field

from learners.data.content import Content
from learners.data.options import ClassificationParams
from learners.data.pictures import ENDINGS, bytes_of, decoded
from mecsim.errors import JobError
from mecsim.hashing import canonical_json


class ImageFolderParams(ClassificationParams):
    """Options of a folder of images."""

    folder: Path = Field(description="folder with a folder of .png or .jpg files for each class; from the scenario's folder")
    size_px: int = Field(ge=4, le=1024, description="images are resized to this square")
    colour: bool = Field(default=False, description="images keep their three colours; if not, they become grey")


def digest(params: ImageFolderParams) -> str:
    """Return the SHA-256 of the class names, the bytes of the images in the order of their names, size and colour."""
    facts = [
        [folder.name, [hashlib.sha256(bytes_of(file)).hexdigest() for file in files]] for folder, files in _classes(params)
    ]
    return hashlib.sha256(canonical_json([params.size_px, params.colour, facts]).encode()).hexdigest()


def n_classes(params: ImageFolderParams) -> int:
    """Return the number of folders."""
    return len(_classes(params))


def load(params: ImageFolderParams) -> Content:
    """Return the images of all classes, which are numbered in the order of their names."""
    classes = _classes(params)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(files) for _, files in classes])
    pictures = [file for _, files in classes for file in files]
    return Content(labels=labels, images=decoded(pictures, size_px=params.size_px, colour=params.colour))


def _classes(params: ImageFolderParams) -> list[tuple[Path, list[Path]]]:
    if not params.folder.is_dir():
        raise JobError(f"{params.folder} is no folder: name one that holds a folder of images for each class")
    folders = sorted(path for path in params.folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = [(folder, sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)) for folder in folders]
    if len(found) < 2:
        raise JobError(f"{params.folder} holds {len(found)} folders: it needs one for each class, two or more")
    for folder, files in found:
        if not files:
            raise JobError(f"{folder} holds no image ({', '.join(ENDINGS)}): add some, or remove the folder")
    return found
