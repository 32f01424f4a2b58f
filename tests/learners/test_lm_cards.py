"""The embedded language models: their cards tell the truth, and the large one reads federated text better."""

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from learners.models.spec import WEIGHTS
from learners.models.tiny_lm import BOS, TINY_LMS

pytestmark = [pytest.mark.learning, pytest.mark.usefixtures("one_thread")]


def card_of(name):
    return json.loads((WEIGHTS / f"{name}.json").read_text())


def n_parameters(shape):
    """Llama: a tied embedding; a block has four projections of attention, three of the FFN, two norms; one norm at the end."""
    width, ffn = shape["hidden_size"], shape["intermediate_size"]
    return shape["vocab_size"] * width + shape["num_hidden_layers"] * (4 * width**2 + 3 * width * ffn + 2 * width) + width


@pytest.mark.parametrize("name", TINY_LMS)
def test_a_card_names_its_weights_and_their_size(name):
    card, path = card_of(name), WEIGHTS / f"{name}.safetensors"
    weights = load_file(path)
    assert card["weights_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["parameters"] == sum(value.size for value in weights.values()) == n_parameters(TINY_LMS[name])
    assert {value.dtype for value in weights.values()} == {np.dtype("float16")}
    assert weights["model.embed_tokens.weight"].shape[0] == BOS + 1
    assert path.stat().st_size < 4_000_000


@pytest.mark.parametrize("name", TINY_LMS)
def test_a_card_says_what_it_was_made_by(name):
    card = card_of(name)
    assert (
        card["command"]
        == f"python -m learners.models.pretrain_lm {name} --steps {card['log'][-1]['step']} --seed {card['seed']}"
    )
    assert card["log"][-1]["loss"] < card["log"][0]["loss"]
    assert card["held_out_bits"].keys() == card["federated_bits"].keys() == card["federated_digest"].keys()


@pytest.fixture(scope="module")
def unseen():
    """Windows of federated text, the same number from each of many groups."""
    from learners.data.docstrings import DocstringsParams, load

    content = load(DocstringsParams(window=256))
    own = content.windows[~content.public]
    return own[np.linspace(0, len(own) - 1, 256).astype(int)]


@pytest.fixture(scope="module")
def bits(unseen):
    """Bits a byte of both models' embedded weights, in a network built by transformers alone."""
    import torch
    from safetensors.torch import load_file as load_tensors

    from learners.models.pretrain_lm import bits_per_byte, language_model

    found = {}
    for name in TINY_LMS:
        model = language_model(name)
        state = {key: value.float() for key, value in load_tensors(WEIGHTS / f"{name}.safetensors").items()}
        missing, unexpected = model.load_state_dict(state, strict=False)
        assert (missing, unexpected) == (["lm_head.weight"], [])
        assert model.lm_head.weight is model.model.embed_tokens.weight
        with torch.random.fork_rng(devices=[]):
            found[name] = bits_per_byte(model, unseen)
    return found


def test_the_large_model_reads_federated_text_better_by_enough_to_be_worth_it(bits):
    assert bits["tiny-lm-s"] - bits["tiny-lm-l"] >= 0.15


def test_the_cards_figures_are_those_of_the_weights(bits):
    for name, found in bits.items():
        # A sample of the text that the card is about; other versions of the packages have slightly other text.
        assert found == pytest.approx(card_of(name)["federated_bits"]["256"], abs=0.1)


@pytest.mark.slow
def test_next_to_nothing_of_the_federated_text_was_pretrained_on():
    """A few sentences of CPython live on in numpy; none of them is in the test windows."""
    from learners.data.docstrings import DocstringsParams, load
    from learners.data.stdlib_text import pretraining_text

    known = {paragraph for text in pretraining_text() for paragraph in text.tobytes().split(b"\n\n")}
    content = load(DocstringsParams())
    for held_out, most in ((False, 0.002), (True, 0.0)):
        own = content.windows[~content.public & (content.test == held_out)].tobytes()
        copied = [paragraph for paragraph in own.split(b"\n\n") if len(paragraph) >= 20 and paragraph in known]
        assert sum(map(len, copied)) <= most * len(own)


def test_bits_of_a_model_that_knows_nothing():
    """With output weights of zero every symbol has the same chance."""
    from learners.models.pretrain_lm import bits_per_byte, language_model

    model = language_model("tiny-lm-s")
    model.model.embed_tokens.weight.data.zero_()
    windows = np.arange(256, dtype=np.uint8).reshape(2, 128)
    assert bits_per_byte(model, windows) == pytest.approx(np.log2(257), abs=1e-4)


def test_a_few_steps_of_pretraining_teach_something_and_are_reproducible(monkeypatch):
    from learners.models import pretrain_lm

    text = np.frombuffer(b"the quick brown fox jumps over the lazy dog. " * 200, dtype=np.uint8)
    monkeypatch.setattr(pretrain_lm, "pretraining_text", lambda: (text, text[:2048]))
    (first, log), (second, _) = (pretrain_lm.pretrain("tiny-lm-s", n_steps=20, seed=3) for _ in range(2))
    assert log[-1]["held_out"] < log[0]["held_out"] - 1.0
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert (one == other).all()
