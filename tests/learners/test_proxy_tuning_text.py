"""Proxy-tuning over text: language models, padding, and models that read in different ways."""

import json

import numpy as np
import pytest
import torch
from small_federations import after, distances_to_teacher, same, text

from learners import evaluate, proxy_tuning
from learners.data.datasets import dataset_spec
from learners.data.table import TableParams
from learners.inline import InlineRunner
from learners.proxy_scores import Trio, teacher_scores
from learners.samples import samples_of
from learners.schemes import fedpt
from learners.schemes.parts import evaluate_job
from learners.task import logits_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result

pytestmark = pytest.mark.learning


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


MERGES = [("t", "h"), ("i", "n"), ("e", "r"), ("th", "e"), ("Ġ", "a"), ("o", "r"), ("r", "e"), ("Ġ", "the")]
OTHERS = [("a", "t"), ("o", "n"), ("e", "s"), ("at", "i"), ("Ġ", "i"), ("a", "l"), ("d", "e"), ("Ġ", "al")]


def save_lm(folder, *, merges, seed, **shape):
    """Write a random Llama of 264 tokens and its tokenizer: a byte, or a merge of some, is a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    symbols = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in merges)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LlamaConfig(vocab_size=264, max_position_embeddings=64, initializer_range=0.3, bos_token_id=0, **shape)
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.BPE(vocab={symbol: index for index, symbol in enumerate(symbols)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=symbols[0], eos_token=symbols[0]).save_pretrained(folder)
    return f"path:{folder}"


@pytest.fixture(scope="module")
def language_models(tmp_path_factory):
    """A large and a small language model with the same tokenizer, and a small one with another."""
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    large = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, **heads}
    small = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, **heads}
    at = tmp_path_factory.mktemp
    return {
        "large": save_lm(at("large"), merges=MERGES, seed=0, **large),
        "small": save_lm(at("small"), merges=MERGES, seed=1, **small),
        "other": save_lm(at("other"), merges=OTHERS, seed=2, **small),
    }


def of_text(runner, models, params=None, entry=fedpt.ENTRY, **options):
    params = {"small": models["small"], **(params or {})}
    return after(runner, entry, params, model=models["large"], dataset=text(), **options)


def test_language_models_need_no_head(runner, language_models):
    params = {"proxy_alpha": "tuned", "distillation": {"kind": "bounded", "steps": 6, "max_drift": 4.0}}
    scheme, context, numbers = of_text(runner, language_models, params, n_rounds=2)
    assert scheme.prepare().work.flop == 0.0
    assert scheme.start.inputs == scheme.large_state.inputs == ()
    large = runner.demand(evaluate_job(scheme.large, scheme.large_state, context)).numbers
    names = ("accuracy", "loss", "bits_per_byte", "perplexity")
    assert same(numbers, large, names, prefix="large_")
    assert {f"{part}{name}" for part in ("", "mixture_", "small_", "alpha_1_") for name in names} <= numbers.keys()
    assert runner.demand(scheme.state).tensors.keys() == runner.demand(scheme.tuned).tensors.keys()
    # Random models learn what text looks like: the small one gets better, and the proxy better than the large one.
    start = runner.demand(evaluate_job(scheme.part, scheme.start, context)).numbers
    assert numbers["small_loss"] < start["loss"]
    assert numbers["loss"] < large["loss"]


def test_language_models_learn_from_the_proxy(runner, language_models):
    params = {"method": "full", "distillation": {"kind": "full", "epochs": 4, "learning_rate": 0.003}}
    scheme, _, _ = of_text(runner, language_models, params)
    before, now = distances_to_teacher(runner, scheme)
    assert now < 0.8 * before


def test_language_models_before_the_first_round_are_the_large_one(runner, language_models):
    scheme, context, numbers = of_text(runner, language_models, n_rounds=0)
    assert same(numbers, runner.demand(evaluate_job(scheme.large, scheme.large_state, context)).numbers)


def test_padding_does_not_matter(runner, language_models, monkeypatch):
    scheme, _, whole = of_text(runner, language_models)
    trio = Trio(*_asked(runner, scheme.quality()))
    assert trio.samples.inputs["attention_mask"].min() == 0  # windows of as many bytes have other numbers of tokens
    monkeypatch.setattr(evaluate, "BATCH_SIZE", 1)
    alone = InlineRunner().demand(scheme.quality()).numbers
    assert alone == pytest.approx(whole, rel=1e-4)


def test_the_teacher_gives_each_sample_its_own_rows(runner, language_models):
    scheme, _, _ = of_text(runner, language_models)
    params, inputs = _asked(runner, scheme.state)
    trio = Trio(params, inputs)
    chosen = torch.from_numpy(samples_of(inputs[3], {"split": "public_fit"}))
    batches = [torch.tensor([7, 3, 11]), torch.tensor([0, 7])]
    taught = proxy_tuning._taught(trio, chosen, batches, 0.8, 0.25)
    assert sorted(taught) == [0, 3, 7, 11]
    for place, rows in taught.items():
        answers, batch = trio(chosen[[place]])
        assert len(rows) == len(logits_of(trio.tuned, batch)) == int(batch.inputs["attention_mask"].sum())
        assert rows.allclose(teacher_scores(answers, 0.8, 0.25), atol=1e-4)


def test_models_that_read_text_differently_are_refused(runner, language_models):
    models = {**language_models, "small": language_models["other"]}
    with pytest.raises(JobError, match=r"264 and 264 things, or not the same tokens.* same tokenizer"):
        of_text(runner, models, n_rounds=0)


def test_classes_may_be_read_in_two_ways(runner, language_models, tmp_path):
    # Two words decide; large and small model have different tokenizers, so other tokens and other padding.
    table, numbers = tmp_path / "texts.csv", np.random.default_rng(0)
    lines = [f"{'other ' * numbers.integers(0, 5)}{word} there,{word}" for word in ("that", "deal") for _ in range(80)]
    table.write_text("\n".join(["text,label", *lines]))
    dataset = dataset_spec("table", TableParams(path=table, text="text"))
    params = {"small": language_models["other"], "method": "full", "learning_rate": 0.01}
    options = {"model": language_models["large"], "dataset": dataset, "public_share": 0.2}
    scheme, context, found = after(runner, fedpt.ENTRY, params, **options, n_rounds=3)
    trio = Trio(*_asked(runner, scheme.quality()))
    read_by_large, read_by_small = trio._read_by_large.inputs["input_ids"], trio.samples.inputs["input_ids"]
    assert read_by_large.shape != read_by_small.shape
    large = runner.demand(evaluate_job(scheme.large, scheme.large_state, context)).numbers
    assert same(found, large, prefix="large_")
    assert found["small_accuracy"] > 0.9
    assert found["accuracy"] > 0.9


def _asked(runner, wanted) -> tuple[dict, list[Result]]:
    return json.loads(wanted.params), [runner.demand(needed) for needed in wanted.inputs]
