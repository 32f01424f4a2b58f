"""The handwritten digits that scikit-learn ships (UCI ML, E. Alpaydin and C. Kaynak, 1998), scaled up to 28x28."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from learners.data.content import Content
from mecsim.errors import JobError

DIGEST = "65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5"
#: Pixels a side of digits and of IDX images, whatever their files hold: the size of the MNIST family.
IMAGE_PX = 28
_FULL_INK = 16


def load() -> Content:
    """Return grey images (1797, 1, 28, 28) and their labels; other content is a JobError."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    images, labels = raw.images.astype(np.uint8), raw.target.astype(np.int64)
    found = hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()
    if found != DIGEST:
        raise JobError(
            f"scikit-learn's digits have digest {found[:12]} in place of {DIGEST[:12]}: install a scikit-learn with those"
        )
    return Content(labels=labels, images=upscaled(images.astype(np.float32) / _FULL_INK, IMAGE_PX)[:, None])


def upscaled(images: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """Resize (n, h, w) to (n, size, size) bilinearly, pixel centres aligned as areas, edges repeated.

    Sums of four products in a fixed order: the same bits on every machine.
    """
    rows, columns = _neighbours(images.shape[1], size_px), _neighbours(images.shape[2], size_px)
    low, high, share = rows
    tall = images[:, low] * (1 - share)[:, None] + images[:, high] * share[:, None]
    low, high, share = columns
    wide = tall[:, :, low] * (1 - share) + tall[:, :, high] * share
    return wide.astype(np.float32, copy=False)


def _neighbours(n_source: int, n_target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return for each target pixel its two source pixels and the share of the second."""
    centre = np.clip((np.arange(n_target) + 0.5) * (n_source / n_target) - 0.5, 0.0, n_source - 1.0)
    low = np.floor(centre).astype(np.int64)
    return low, np.minimum(low + 1, n_source - 1), (centre - low).astype(np.float32)
