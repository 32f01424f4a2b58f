import hashlib

import numpy as np
import pytest

from learners.data import digits
from learners.data.datasets import DATASETS
from learners.data.digits import load, upscaled
from learners.data.pixels import to_pixels
from mecsim.errors import JobError


def test_digits_are_what_the_catalogue_says():
    content = load()
    assert content.images.shape == (1797, 1, 28, 28)
    assert content.images.dtype == np.float32
    assert (content.images.min(), content.images.max()) == (0.0, 1.0)
    assert set(content.labels) == set(range(DATASETS["digits"].n_classes(None)))


def test_digits_are_the_same_bits_on_every_machine():
    found = hashlib.sha256(load().images.tobytes()).hexdigest()
    assert found == "019119979858dd3734dc4b876100c0d300870442773c72640bbf39aa985fc6c9"


def test_other_content_is_refused(monkeypatch):
    monkeypatch.setattr(digits, "DIGEST", "0" * 64)
    with pytest.raises(JobError, match="in place of 000000000000"):
        load()


def test_upscaling_repeats_edges_and_blends_between_centres():
    # Pixel centres 0.25, 0.75 | 1.25, 1.75 in source pixels, whose own centres are 0.5 and 1.5: shares 0, 0.25, 0.75, 1.
    image = np.array([[[0.0, 1.0], [0.0, 1.0]]], dtype=np.float32)
    assert upscaled(image, 4)[0, 0].tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.mark.learning
def test_upscaling_agrees_with_torch():
    import torch

    image = np.random.default_rng(0).random((3, 8, 8), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None], size=(28, 28), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(upscaled(image, 28), expected[0].numpy(), atol=1e-6)


def test_pixels_span_minus_one_to_one():
    assert to_pixels(np.array([0.0, 0.5, 1.0])).tolist() == [-1.0, 0.0, 1.0]
