"""The cards of the embedded models tell the truth about the files beside them."""

import hashlib
import json

import pytest

from learners.data.glyphs import load_glyphs
from learners.models.architectures import ARCHITECTURES
from learners.models.spec import WEIGHTS
from learners.models.tiny_vit import TINY_VITS


@pytest.mark.parametrize("name", TINY_VITS)
def test_a_card_names_its_weights_and_their_size(name):
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    assert card["weights_sha256"] == hashlib.sha256((WEIGHTS / f"{name}.safetensors").read_bytes()).hexdigest()
    assert card["parameters"] == ARCHITECTURES[name].backbone_parameters
    assert card["held_out_accuracy"] == card["log"][-1]["held_out"]


def test_the_large_model_has_at_least_five_times_the_parameters():
    assert ARCHITECTURES["tiny-vit-l"].backbone_parameters >= 5 * ARCHITECTURES["tiny-vit-s"].backbone_parameters


def test_glyphs_hold_no_digit_and_every_class_has_images():
    images, labels, classes = load_glyphs()
    assert not any(character.isdigit() for character in classes)
    assert sorted(set(labels.tolist())) == list(range(len(classes)))
    assert images.shape == (len(labels), 64, 64)
    assert (images.reshape(len(images), -1).max(axis=1) > 128).all(), "an empty glyph"
