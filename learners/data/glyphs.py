"""Glyphs rendered from the fonts that matplotlib bundles: images that every installation can make.

The ten digits are left out, so that the digits task stays unseen by a model pretrained here.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

SIZE_PX = 64
_MARGIN_PX = 8
_FONT_SIZE_PT = 48
# Merging threshold: mean absolute difference of two glyphs of one font, on a 0..1 scale.
_SAME_GLYPH = 0.004

# Fonts of drawing pieces, private symbols, or one placeholder a script.
_NOT_LETTERS = ("STIXSiz", "STIXNonUni", "cmex", "cmsy", "LastResort")

#: Unicode ranges of letters (first, last), both included, of Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic, Georgian, Lao
#: and Tifinagh.
SCRIPTS: tuple[tuple[int, int], ...] = (
    (0x0041, 0x005A),
    (0x0061, 0x007A),
    (0x00C0, 0x017F),
    (0x0391, 0x03C9),
    (0x0410, 0x044F),
    (0x0531, 0x0587),
    (0x05D0, 0x05EA),
    (0x0621, 0x064A),
    (0x10D0, 0x10F0),
    (0x0E81, 0x0EB9),
    (0x2D30, 0x2D65),
)


def font_files() -> list[Path]:
    """Return matplotlib's bundled TrueType text fonts, sorted by name."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return sorted(path for path in folder.glob("*.ttf") if not path.name.startswith(_NOT_LETTERS))


@lru_cache(maxsize=1)
def load_glyphs() -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """Render the letters of ``SCRIPTS`` in every font that has them.

    Returns images (n, 64, 64) with white ink on black, labels (n,), and the character of each class. Characters that look the
    same in every font that both are in (Latin A, Greek capital alpha) are one class.
    """
    rendered = [(path, character, image) for path in font_files() for character, image in _render_font(path)]
    characters = sorted({character for _, character, _ in rendered})
    groups = _merge_lookalikes(rendered, characters)
    classes = sorted(set(groups.values()))
    images = np.stack([image for _, _, image in rendered])
    labels = np.array([classes.index(groups[character]) for _, character, _ in rendered], dtype=np.int64)
    return images, labels, classes


def glyphs_digest() -> str:
    """Return the SHA-256 of the rendered images and labels, to tell whether two installations render alike."""
    images, labels, _ = load_glyphs()
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def _render_font(path: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    from fontTools.ttLib import TTFont
    from PIL import Image, ImageDraw, ImageFont

    with TTFont(path, lazy=True) as table:
        known = set(table.getBestCmap() or ())
    font = ImageFont.truetype(str(path), _FONT_SIZE_PT)
    for first, last in SCRIPTS:
        for code in range(first, last + 1):
            if code not in known or not chr(code).isalpha():
                continue
            left, top, right, bottom = font.getbbox(chr(code))
            width, height = int(right - left), int(bottom - top)
            if width < 2 or height < 2:
                continue
            ink = Image.new("L", (width, height), 0)
            ImageDraw.Draw(ink).text((-left, -top), chr(code), fill=255, font=font)
            yield chr(code), _centred(ink)


def _centred(ink: "Image.Image") -> NDArray[np.uint8]:
    """Scale the ink to the frame's inner square, keeping its proportions, and centre it."""
    from PIL import Image

    scale = (SIZE_PX - 2 * _MARGIN_PX) / max(ink.size)
    width, height = (max(1, round(side * scale)) for side in ink.size)
    frame = Image.new("L", (SIZE_PX, SIZE_PX), 0)
    frame.paste(ink.resize((width, height), Image.Resampling.BILINEAR), ((SIZE_PX - width) // 2, (SIZE_PX - height) // 2))
    return np.asarray(frame, dtype=np.uint8)


def _merge_lookalikes(rendered: list[tuple[Path, str, NDArray[np.uint8]]], characters: list[str]) -> dict[str, str]:
    """Map each character to the first one that it cannot be told from in any font that both are in."""
    by_character: dict[str, dict[Path, NDArray[np.float32]]] = {character: {} for character in characters}
    for path, character, image in rendered:
        by_character[character][path] = image.astype(np.float32).reshape(-1) / 255.0
    groups: dict[str, str] = {}
    for character in characters:
        own = by_character[character]
        for leader in dict.fromkeys(groups.values()):
            shared = [path for path in own if path in by_character[leader]]
            if shared and all(np.abs(own[path] - by_character[leader][path]).mean() < _SAME_GLYPH for path in shared):
                groups[character] = leader
                break
        else:
            groups[character] = character
    return groups
