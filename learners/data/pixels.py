"""The value range that the embedded models expect."""

from typing import Any


def to_pixels(images: Any) -> Any:
    """Map grey values 0..1 (array or tensor of any shape) to the range -1..1."""
    return images * 2.0 - 1.0
