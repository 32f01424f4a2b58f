"""Letters of many fonts as a dataset."""

import numpy as np
import pytest

from learners.data.datasets import DATASETS, dataset_spec, load_content
from learners.data.digits import upscaled
from learners.data.glyph_set import GlyphsParams, _letters, digest
from learners.data.glyphs import font_files, load_glyphs
from mecsim.errors import JobError

FEW = GlyphsParams(classes=5, variants=2)


def test_letters_are_those_of_most_fonts_with_the_font_of_each():
    letters = _letters(FEW)
    counts = np.bincount(load_glyphs()[1])
    assert sorted(np.bincount(letters.labels)) == sorted(counts)[-5:]
    assert len(letters.font_names) == len(np.unique(letters.fonts)) >= 20
    assert set(letters.font_names) <= {path.stem for path in font_files()}


def test_the_font_is_the_one_that_the_letter_was_drawn_in():
    from PIL import ImageFont

    from learners.data.glyphs import _render_font

    letters = _letters(FEW)
    for name in ("DejaVuSans", "cmtt10"):
        path = next(path for path in font_files() if path.stem == name)
        assert ImageFont.truetype(str(path)).getname()
        drawn = {image.tobytes() for _, image in _render_font(path)}
        own = letters.images[letters.fonts == letters.font_names.index(name)]
        assert len(own) >= 4
        assert all(image.tobytes() in drawn for image in own)


def test_options_are_in_the_digest():
    digests = {
        digest(FEW.model_copy(update=change)) for change in ({}, {"variants": 3}, {"distortion_seed": 1}, {"classes": 6})
    }
    assert len(digests) == 4


def test_more_classes_than_letters_are_refused_with_the_number():
    count = len(load_glyphs()[2])
    with pytest.raises(JobError, match=f"glyphs has {count} letters, and 5000 classes"):
        dataset_spec("glyphs", GlyphsParams(classes=5000))


@pytest.mark.learning
def test_images_are_distorted_letters_the_same_for_the_same_seed():
    spec = dataset_spec("glyphs", FEW)
    content = load_content("glyphs", spec["digest"])
    letters = _letters(FEW)
    n = len(letters.labels)
    assert content.images.shape == (2 * n, 1, 28, 28)
    assert content.images.dtype == np.float32
    assert (content.images.min(), content.images.max()) == (0.0, 1.0)
    assert content.labels.tolist() == letters.labels.tolist() * 2
    assert content.groups.tolist() == letters.fonts.tolist() * 2
    assert spec["n_classes"] == 5
    again = DATASETS["glyphs"].load(FEW)
    np.testing.assert_array_equal(content.images, again.images)
    other = DATASETS["glyphs"].load(FEW.model_copy(update={"distortion_seed": 1}))
    assert not np.array_equal(content.images, other.images)
    assert not np.array_equal(content.images[:n], content.images[n:])


@pytest.mark.learning
def test_a_distorted_letter_still_looks_like_itself():
    letters, content = _letters(FEW), DATASETS["glyphs"].load(FEW)
    plain = upscaled(letters.images.astype(np.float32) / 255.0, 28).reshape(len(letters.labels), -1)
    shown = content.images[: len(plain)].reshape(len(plain), -1)
    likeness = np.corrcoef(plain, shown)[: len(plain), len(plain) :]
    own, others = np.diag(likeness).mean(), likeness[letters.labels[:, None] != letters.labels].mean()
    assert own > others + 0.2
