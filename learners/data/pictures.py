"""Image files and image bytes to arrays, with Pillow."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import JobError

Picture = Path | bytes
"""An image's file, or the bytes of one."""

ENDINGS = (".png", ".jpg", ".jpeg")


def bytes_of(picture: Picture) -> bytes:
    """Return the encoded image; a file that is not there is a JobError."""
    if isinstance(picture, bytes):
        return picture
    try:
        return picture.read_bytes()
    except OSError as error:
        raise JobError(
            f"cannot read the image {picture}: {error.strerror}; correct the path, or leave the sample out"
        ) from error


def decoded(pictures: Sequence[Picture], *, size_px: int | None, colour: bool) -> NDArray[np.float32]:
    """Return images (n, 1 or 3, height, width) with values 0..1.

    Turned as their camera says, made grey or RGB, and resized (bilinear, with a filter as wide as the shrinkage) to a square
    of ``size_px``; without it they must have one size.
    """
    arrays = [_decode(picture, place, size_px, colour) for place, picture in enumerate(pictures)]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        (one, other), n = shapes[:2], len(shapes)
        raise JobError(
            f"images have {n} sizes, such as {one[2]}x{one[1]} and {other[2]}x{other[1]} pixels: give size_px, to resize them"
        )
    return np.stack(arrays).astype(np.float32) / 255.0


def _decode(picture: Picture, place: int, size_px: int | None, colour: bool) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    name = str(picture) if isinstance(picture, Path) else f"number {place}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(bytes_of(picture))))
            if image.mode.startswith(("I", "F")):
                raise JobError(f"image {name} has more than 8 bits a value ({image.mode}): convert it to 8 bits")
            image = image.convert("RGB" if colour else "L")
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise JobError(f"image {name} cannot be decoded ({error}): replace it, or leave it out") from error
    if size_px is not None and image.size != (size_px, size_px):
        image = image.resize((size_px, size_px), Image.Resampling.BILINEAR)
    values = np.asarray(image, dtype=np.uint8)
    return values.transpose(2, 0, 1) if colour else values[None]
