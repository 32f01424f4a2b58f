"""Bytes as symbols, and what a network takes as its input."""

import numpy as np
import pytest

from learners.models.spec import model_spec
from learners.models.tiny_lm import BOS
from learners.models.tokens import tokenizer_of
from mecsim.errors import JobError


def test_bytes_are_read_with_a_symbol_that_begins_and_fills():
    tokenizer = tokenizer_of({"name": "tiny-lm-s"})
    tokens, mask = tokenizer.encode(["hé", "", "abcdef"], max_length=5)
    assert tokens.tolist() == [[BOS, 104, 0xC3, 0xA9, BOS], [BOS] * 5, [BOS, 97, 98, 99, 100]]
    assert mask.sum(1).tolist() == [4, 1, 5]
    windows = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert tokenizer.encode_bytes(windows)[0].tolist() == windows.tolist()
    assert (tokenizer.begin, tokenizer.encode_bytes(windows)[1].all()) == (BOS, True)


def test_a_vision_model_reads_no_text():
    with pytest.raises(JobError, match="'tiny-vit-s' reads images, not text"):
        tokenizer_of({"name": "tiny-vit-s"})


@pytest.mark.learning
@pytest.mark.parametrize("model", ["tiny-lm-s"])
def test_a_causal_classifier_reads_each_text_s_last_symbol(model):
    import torch

    from learners.models.load import build

    chosen = model_spec(model, task="text-classification", n_classes=3, method={"name": "head"}, pretrained=False, seed=0)
    network, tokenizer = build(chosen).eval(), tokenizer_of(chosen)
    texts = ["short", "a much longer text", ""]

    def scores(some):
        tokens, mask = map(torch.from_numpy, tokenizer.encode(some, max_length=12))
        with torch.no_grad():
            return network(input_ids=tokens, attention_mask=mask).logits

    together = scores(texts)
    for index, text in enumerate(texts):
        torch.testing.assert_close(together[index], scores([text])[0])
    assert not torch.allclose(together[0], together[2])


@pytest.mark.learning
def test_images_have_the_shape_that_the_model_takes():
    from learners.models.load import input_shape

    assert input_shape({"name": "tiny-vit-s"}) == (1, 28)
    with pytest.raises(JobError, match="'tiny-lm-s' reads text, not images"):
        input_shape({"name": "tiny-lm-s"})
