"""Every scheme on text classification: tiny random networks from Hugging Face folders, sentences in which one word decides."""

import json
import math

import numpy as np
import pytest

from learners.catalog import DATASETS, SCHEMES, LocalSettings, dataset_spec
from learners.inline import InlineRunner, inline_scheme, take_round, view
from learners.states import sent_bytes, state_of
from mecsim.rng import Streams

pytestmark = pytest.mark.learning

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
FILLERS = ("the", "film", "was", "a", "plot", "and", "music", "of", "an", "evening", "with", "friends")
DECIDING = ("dull", "fine")
WORDS = (*SPECIAL, *FILLERS, *DECIDING)
N_CLIENTS, N_ROWS, MAX_LENGTH = 3, 90, 12
LOCAL = LocalSettings(epochs=1, batch_size=8, optimizer="adamw")

BERT = {"num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 16, "pad_token_id": 0}
CAUSAL = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
LLAMA = {"num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 24, "max_position_embeddings": 16}
#: Configuration class, class of the saved network, arguments of the first.
NETWORKS = {
    "bert": ("BertConfig", "BertForSequenceClassification", {**BERT, "hidden_size": 16, "num_hidden_layers": 4}),
    "small": ("BertConfig", "BertForSequenceClassification", {**BERT, "hidden_size": 8, "num_hidden_layers": 1}),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", {**CAUSAL, "n_positions": 16, "n_embd": 16, "n_layer": 4, "n_head": 2}),
    "llama": ("LlamaConfig", "LlamaForCausalLM", {**CAUSAL, **LLAMA, "hidden_size": 16, "num_hidden_layers": 4}),
}

QUICK = {"distillation": {"steps": 5}}
#: What a scheme needs to be told, or variants of it that meet text in other ways; a scheme without a row has none.
VARIANTS = {
    "fedpeft": [
        *({"method": name} for name in ("lora", "bias", "adapter", "head", "full")),
        {"method": "lora", "privacy": {"kind": "dp-sgd", "noise_multiplier": 1.0}},
    ],
    "fedpeat": [
        QUICK,
        {**QUICK, "compression": "narrow", "ladder": [0.5], "realign_every": 1},
        {**QUICK, "compression": "prune"},
        {**QUICK, "compression": "quantise", "ladder": [0.75]},
    ],
    "fedot": [QUICK],
    "fedpft": [{"distillation": {"steps": 5}, "align_every": 1, "align": {"steps": 2}}],
    "fedpt": [
        {"small": "small"},
        {"small": "small", "proxy_alpha": "tuned", "distillation": {"kind": "full", "epochs": 1}},
    ],
    "mixture": [{"small": "small"}],
    "small-only": [{"small": "small"}],
}
CASES = [("bert", name, params) for name, entry in SCHEMES.items() if entry.learns for params in VARIANTS.get(name, [{}])]
CASES += [
    (network, name, VARIANTS[name][0]) for network in ("gpt2", "llama") for name in ("fedpeft", "fedpeat", "fedpft", "fedpt")
]


def save_network(folder, name):
    """Write a random network and a tokenizer of whole words, as save_pretrained does."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    config_class, model_class, arguments = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = getattr(transformers, config_class)(vocab_size=len(WORDS), initializer_range=0.2, **arguments)
        getattr(transformers, model_class)(config).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token=SPECIAL[1]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", WORDS.index("[CLS]")), ("[SEP]", WORDS.index("[SEP]"))]
    words.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, **names).save_pretrained(folder)
    return f"path:{folder}"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {name: save_network(tmp_path_factory.mktemp(name), name) for name in NETWORKS}


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """A table of sentences of 3 to 8 words, one of them the word that decides, at any place."""
    rng = Streams(3).get("sentences")
    lines = ["sentence\tlabel"]
    for row in range(N_ROWS):
        words = rng.choice(FILLERS, size=rng.integers(2, 8)).tolist()
        words.insert(int(rng.integers(len(words) + 1)), DECIDING[row % 2])
        lines.append(f"{' '.join(words)}\t{row % 2}")
    path = tmp_path_factory.mktemp("table") / "sentences.tsv"
    path.write_text("\n".join(lines) + "\n")
    return dataset_spec("table", DATASETS["table"].params(path=path, text="sentence", max_length=MAX_LENGTH))


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def federated(runner, models, sentences, name, params, *, model="bert", local=LOCAL, **options):
    """Return a scheme over three devices, with its context; ``small`` in the parameters is the name of a network above."""
    named = {**params, "small": models[params["small"]]} if "small" in params else params
    return inline_scheme(
        runner,
        name,
        named,
        model=models[model],
        dataset=sentences,
        partition={"kind": "dirichlet", "alpha": 5.0, "min_samples": 8},
        n_clients=N_CLIENTS,
        public_share=0.2,
        test_share=0.2,
        local=local,
        **options,
    )


def check_updates(runner, scheme, context, number):
    """Every device's update has the announced size, and finite numbers."""
    import numpy as np

    for client in range(N_CLIENTS):
        offer = scheme.offer(view(context, client, number))
        if offer.sends is None or offer.sends.kind != "update":
            continue
        trained = runner.demand(offer.job)
        assert sent_bytes(trained) == offer.sends.size_bytes
        assert offer.sends.size_bytes < offer.work.peak_bytes
        assert all(np.isfinite(value).all() for value in state_of(trained).values())


def spoilt_by(runner, jobs):
    """Return the trained models whose frozen parameters are not those of a fresh build; the cache has lent them all."""
    import torch

    from learners.models.load import build
    from learners.models.resident import MODEL_CACHE

    found = []
    for job in jobs:
        if job.kind != "train":
            continue
        params = json.loads(job.params)
        extra = dict(zip(params.get("extra", ()), job.inputs[2:], strict=True))
        given = state_of(runner.results[extra["frozen"]]) if "frozen" in extra else {}
        frozen = {key: torch.from_numpy(value) for key, value in given.items()}
        lent = MODEL_CACHE.loaded(params["model"], state_of(runner.results[job]), frozen=frozen)
        own = dict(lent.named_parameters())
        fresh = build(params["model"], frozen).named_parameters()
        if not all(torch.equal(own[key], value) for key, value in fresh if not value.requires_grad):
            found.append(params["model"])
    return found


def described(case):
    model, name, params = case
    return "-".join(map(str, [model, name, *params.values()]))


@pytest.mark.parametrize(("model", "name", "params"), CASES, ids=map(described, CASES))
def test_two_rounds_of_text(runner, models, sentences, model, name, params):
    before = set(runner.results)
    scheme, context = federated(runner, models, sentences, name, params, model=model)
    scheme.prepare()
    for number in (1, 2):
        check_updates(runner, scheme, context, number)
        take_round(scheme, context, number, range(N_CLIENTS))
    numbers = runner.demand(scheme.quality()).numbers
    assert 0.0 <= numbers["accuracy"] <= 1.0
    assert numbers["loss"] > 0.0
    assert all(math.isfinite(value) for value in numbers.values() if not isinstance(value, list))
    assert np.all(np.sum(numbers["class_n"], axis=-1) == context.n_test)
    assert np.mean(np.sum(numbers["class_right"], axis=-1)) / context.n_test == pytest.approx(numbers["accuracy"])
    assert numbers["n_samples"] == context.n_test
    assert spoilt_by(runner, runner.results.keys() - before) == []


def test_a_head_from_the_public_split_starts_every_scheme_s_text_as_well(runner, models, sentences):
    scheme, context = federated(runner, models, sentences, "fedpeft", {"method": "lora"}, head_start="public")
    assert scheme.prepare().work.flop > 0.0
    take_round(scheme, context, 1, range(N_CLIENTS))
    assert math.isfinite(runner.demand(scheme.quality()).numbers["loss"])


@pytest.mark.parametrize("model", ["bert", "gpt2", "llama"])
def test_a_federation_learns_which_word_decides(runner, models, sentences, model):
    local = LocalSettings(epochs=4, batch_size=8, optimizer="adamw")
    scheme, context = federated(
        runner, models, sentences, "fedpeft", {"method": "full", "learning_rate": 0.01}, model=model, local=local
    )
    for number in range(1, 7):
        take_round(scheme, context, number, range(N_CLIENTS))
    assert runner.demand(scheme.quality()).numbers["accuracy"] >= 0.9
