"""Letters of many fonts as a dataset with natural owners: the font. Made on the spot, nothing is downloaded."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from learners.data import glyphs
from learners.data.content import Content
from learners.data.digits import IMAGE_PX
from learners.data.options import ClassificationParams
from mecsim.errors import JobError
from mecsim.hashing import canonical_json


class GlyphsParams(ClassificationParams):
    """Options of the letters."""

    classes: int = Field(default=20, ge=2, description="letters to tell apart: those that most fonts have")
    variants: int = Field(default=8, ge=1, le=100, description="distorted images of each letter of each font")
    distortion_seed: int = Field(default=0, ge=0, description="seed of the distortions")


@dataclass(frozen=True, slots=True)
class _Letters:
    """Images (n, 64, 64) of white ink on black, with the class and the font of each."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    fonts: NDArray[np.int64]
    font_names: tuple[str, ...]


def digest(params: GlyphsParams) -> str:
    """Return the SHA-256 of the letters as they are before the distortions, and of the options of these."""
    found = _letters(params)
    pixels = hashlib.sha256(found.images.tobytes() + found.labels.tobytes() + found.fonts.tobytes()).hexdigest()
    facts = [pixels, list(found.font_names), params.variants, params.distortion_seed]
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def load(params: GlyphsParams) -> Content:
    """Return grey images (n, 1, 28, 28) of the letters, distorted, first one variant of all, then the next one.

    The variants of a letter may fall on both sides of a split by class: a test on them asks for other distortions, not for
    other fonts.
    """
    import torch

    from learners.data.augment import distort

    found = _letters(params)
    ink = torch.from_numpy(found.images.astype(np.float32) / 255.0)
    generator = torch.Generator().manual_seed(params.distortion_seed)
    variants = [distort(ink, size_px=IMAGE_PX, generator=generator).numpy() for _ in range(params.variants)]
    return Content(
        labels=np.tile(found.labels, params.variants),
        images=np.concatenate(variants),
        groups=np.tile(found.fonts, params.variants),
        group_names=found.font_names,
    )


def _letters(params: GlyphsParams) -> _Letters:
    images, labels, characters = glyphs.load_glyphs()
    if params.classes > len(characters):
        raise JobError(f"glyphs has {len(characters)} letters, and {params.classes} classes are asked for: ask for fewer")
    counts = np.bincount(labels, minlength=len(characters))
    chosen = np.sort(np.argsort(-counts, kind="stable")[: params.classes])
    kept = np.isin(labels, chosen)
    fonts = _fonts()[kept]
    used = np.unique(fonts)
    return _Letters(
        images=images[kept],
        labels=np.searchsorted(chosen, labels[kept]),
        fonts=np.searchsorted(used, fonts),
        font_names=tuple(glyphs.font_files()[font].stem for font in used),
    )


@lru_cache(maxsize=1)
def _fonts() -> NDArray[np.int64]:
    """Return the font of each image of ``load_glyphs``, which go font by font, as an index into ``font_files``."""
    counts = [sum(1 for _ in glyphs._render_font(path)) for path in glyphs.font_files()]
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)
