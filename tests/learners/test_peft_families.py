"""Every method on every family that it claims: what trains, what stays, what is refused. Tiny random networks."""

import hashlib

import pytest
from tiny_families import SMALL, TEXT

from learners.models.families import FAMILIES
from learners.peft.defaults import METHODS, check_fit
from mecsim.errors import JobError

pytestmark = [pytest.mark.learning, pytest.mark.usefixtures("one_thread")]

SHAPE = {**SMALL, "num_hidden_layers": 3, "intermediate_size": 24}
SYMBOLS = {**TEXT, "max_position_embeddings": 32}
GPT2 = {"n_embd": 16, "n_head": 2, "n_layer": 3, "n_inner": 24, "n_positions": 32}
OPT = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3, "ffn_dim": 24, "word_embed_proj_dim": 16}
CONFIGS = {
    "vit": {**SHAPE, "image_size": 8, "patch_size": 4, "num_channels": 3},
    "bert": {**SHAPE, **SYMBOLS},
    "roberta": {**SHAPE, **SYMBOLS},
    "gpt2": {**TEXT, **GPT2},
    "opt": {**SYMBOLS, **OPT},
    "llama": {**SHAPE, **SYMBOLS, "tie_word_embeddings": True},
    "qwen2": {**SHAPE, **SYMBOLS, "num_key_value_heads": 1},
    "mistral": {**SHAPE, **SYMBOLS, "num_key_value_heads": 1},
}
N_BLOCKS, N_CLASSES = 3, 3
NO_BIASES = ("llama", "mistral")
IMAGES, TEXTS, LANGUAGE = "image-classification", "text-classification", "language-modelling"
FOR_KIND = {"image": [IMAGES], "encoder": [TEXTS], "causal": [TEXTS, LANGUAGE]}
SETTINGS = [(family, task) for family in CONFIGS for task in FOR_KIND[FAMILIES[family].kind]]


def method(name, **options):
    return {"name": name, **METHODS[name].options, **options}


def peft(peft_type, **options):
    return method("peft", peft_type=peft_type, peft_options=options)


CHOSEN = [
    *(method(name) for name in METHODS if name != "peft"),
    method("lora", targets="linear"),
    method("adapter", shared=False),
    peft("IA3"),
    peft("LN_TUNING"),
    peft("VERA", r=8),
]


def plain(family, task):
    """Return the network without a method, all of its weights random, biases and norms too."""
    import torch

    from learners.models.architectures import Architecture
    from learners.models.network import network

    shape = Architecture(description="tiny", family=family, config=CONFIGS[family])
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        model = network(shape, task, None if task == LANGUAGE else N_CLASSES, attention="sdpa")
        for value in model.parameters():
            value.add_(torch.randn_like(value) * 0.2)
    return model


def built(family, task, chosen):
    import torch

    from learners.peft.apply import apply_method

    model = plain(family, task)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return apply_method(model, chosen)


def inputs_of(family):
    import torch

    generator = torch.Generator().manual_seed(0)
    if family == "vit":
        return {"pixel_values": torch.randn(6, 3, 8, 8, generator=generator)}
    tokens = torch.randint(3, 23, (6, 7), generator=generator)
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


def loss_of(model, family, task):
    import torch
    import torch.nn.functional as F

    inputs = inputs_of(family)
    logits = model(**inputs).logits
    if task == LANGUAGE:
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), inputs["input_ids"][:, 1:].flatten())
    return F.cross_entropy(logits, torch.arange(6) % N_CLASSES)


def take_steps(model, family, task, n_steps):
    import torch

    optimizer = torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=0.5)
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss_of(model, family, task).backward()
        optimizer.step()


def digest_of_frozen(model):
    hashed = hashlib.sha256()
    for name, value in model.named_parameters():
        if not value.requires_grad:
            hashed.update(name.encode() + value.detach().numpy().tobytes())
    return hashed.hexdigest()


def n_trainable(model):
    return sum(value.numel() for value in model.parameters() if value.requires_grad)


def n_head(model):
    from learners.models.anatomy import head_of

    head = head_of(model)
    return 0 if head is None else sum(value.numel() for value in head.parameters())


def claimed(name, family):
    return FAMILIES[family].kind in METHODS[name].kinds and not (name == "bias" and family in NO_BIASES)


def label(value):
    return "-".join(str(option) for option in value.values()) if isinstance(value, dict) else None


CASES = [(family, task, chosen) for family, task in SETTINGS for chosen in CHOSEN if claimed(chosen["name"], family)]


@pytest.mark.parametrize(("family", "task", "chosen"), CASES, ids=label)
def test_two_steps_move_all_that_travels_and_nothing_else(family, task, chosen):
    from learners.peft.state import load_trainable_state, trainable_state

    model = built(family, task, chosen)
    before, frozen = trainable_state(model), digest_of_frozen(model)
    take_steps(model, family, task, n_steps=2)
    after = trainable_state(model)
    assert digest_of_frozen(model) == frozen
    # A key's bias shifts all scores of a query alike, which softmax does not see: its gradient is zero up to rounding.
    seen = {name for name in after if not name.endswith(("k_proj.bias", "key.bias"))}
    assert {name for name in seen if after[name].equal(before[name])} == set()
    again = built(family, task, chosen)
    load_trainable_state(again, after)
    assert loss_of(again, family, task).equal(loss_of(model, family, task))


@pytest.mark.parametrize(
    "chosen", [method("lora"), method("lora", targets="linear"), method("adapter"), peft("VERA", r=8)], ids=label
)
@pytest.mark.parametrize(("family", "task"), SETTINGS)
def test_what_is_inserted_changes_nothing_before_it_has_learnt(family, task, chosen):
    import torch

    torch.testing.assert_close(loss_of(built(family, task, chosen), family, task), loss_of(plain(family, task), family, task))


# Trainable parameters of a block beside the head: hidden 16, FFN 24, rank 8, reduction 8; key and value of qwen2 and mistral
# are 8 wide. GPT-2's query, key and value are one matrix of 48 outputs. LLaMA's FFN has three matrices.
ADAPTER = 16 * 2 + 2 + 2 * 16 + 16
LORA_COUNTS = {
    "vit": {"qv": 2 * 8 * 32, "qkvo": 4 * 8 * 32, "linear": 4 * 8 * 32 + 2 * 8 * 40},
    "bert": {"qv": 2 * 8 * 32, "qkvo": 4 * 8 * 32, "linear": 4 * 8 * 32 + 2 * 8 * 40},
    "roberta": {"qv": 2 * 8 * 32, "qkvo": 4 * 8 * 32, "linear": 4 * 8 * 32 + 2 * 8 * 40},
    "gpt2": {"qv": 8 * 64, "qkvo": 8 * 64 + 8 * 32, "linear": 8 * 64 + 8 * 32 + 2 * 8 * 40},
    "opt": {"qv": 2 * 8 * 32, "qkvo": 4 * 8 * 32, "linear": 4 * 8 * 32 + 2 * 8 * 40},
    "llama": {"qv": 2 * 8 * 32, "qkvo": 4 * 8 * 32, "linear": 4 * 8 * 32 + 3 * 8 * 40},
    "qwen2": {"qv": 8 * (32 + 24), "qkvo": 8 * (2 * 32 + 2 * 24), "linear": 8 * (2 * 32 + 2 * 24) + 3 * 8 * 40},
    "mistral": {"qv": 8 * (32 + 24), "qkvo": 8 * (2 * 32 + 2 * 24), "linear": 8 * (2 * 32 + 2 * 24) + 3 * 8 * 40},
}


@pytest.mark.parametrize("family", CONFIGS)
def test_parameter_counts(family):
    task = FOR_KIND[FAMILIES[family].kind][0]
    head = n_head(plain(family, task))
    for targets, count in LORA_COUNTS[family].items():
        assert n_trainable(built(family, task, method("lora", targets=targets))) == N_BLOCKS * count + head
    assert n_trainable(built(family, task, method("adapter"))) == ADAPTER + head
    assert n_trainable(built(family, task, method("adapter", shared=False))) == N_BLOCKS * ADAPTER + head
    n_norm_values = 16 if family in ("llama", "qwen2", "mistral") else 32
    n_norms = N_BLOCKS * 2 + (FAMILIES[family].final_norm is not None)
    assert n_trainable(built(family, task, peft("LN_TUNING"))) == n_norms * n_norm_values + head


# FedPFT's networks: LoRA with r = 8 on query, key, value and output of 12 layers, and a head for 2 classes.
@pytest.mark.parametrize(("name", "head"), [("bert-base", 1_538), ("roberta-base", 592_130)])
def test_counts_of_the_networks_that_papers_use(name, head):
    from learners.models.architectures import ARCHITECTURES, as_params
    from learners.models.load import build_meta

    model = build_meta(as_params(ARCHITECTURES[name]), task=TEXTS, n_classes=2, method=method("lora", targets="qkvo"))
    assert n_trainable(model) == 589_824 + head
    assert n_head(model) == head


def test_lora_without_targets_is_on_query_and_value():
    chosen = {"name": "lora", "rank": 8, "alpha": 16.0}
    names = [
        name for name, value in built("bert", TEXTS, chosen).named_parameters() if "lora_A" in name and value.requires_grad
    ]
    assert [name.split(".")[3] + "." + name.split(".")[6] for name in names] == [
        f"{block}.{part}" for block in range(N_BLOCKS) for part in ("query", "value")
    ]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_head_of_a_language_model_is_its_output_matrix(family):
    model = built(family, LANGUAGE, method("head"))
    assert [id(value) for value in model.parameters() if value.requires_grad] == [id(model.get_output_embeddings().weight)]


THREE = [("vit", IMAGES), ("bert", TEXTS), ("gpt2", LANGUAGE)]


@pytest.mark.parametrize(
    ("family", "task", "name"),
    [(family, task, name) for family, task in THREE for name in METHODS if name != "head" and claimed(name, family)],
)
def test_blocks_restrict_a_method_to_some_blocks_and_the_head(family, task, name):
    from learners.models.anatomy import family_of

    chosen = {**method(name), **({"shared": False} if name == "adapter" else {})}
    every = {key for key, value in built(family, task, chosen).named_parameters() if value.requires_grad}
    model = built(family, task, {**chosen, "blocks": [0, 2]})
    trained = {key for key, value in model.named_parameters() if value.requires_grad}
    inside = tuple(f"{family_of(model).blocks}.{block}." for block in (0, 2))
    assert trained == {key for key in every if key.startswith((*inside, "classifier."))}
    assert sum(key.startswith(inside) for key in trained) > 0


@pytest.mark.parametrize(
    ("family", "task", "chosen"),
    [(family, task, chosen) for family, task in THREE for chosen in CHOSEN if claimed(chosen["name"], family)],
    ids=label,
)
def test_dropped_blocks_are_skipped(family, task, chosen):
    from learners.models.anatomy import PassThrough, blocks
    from learners.peft.apply import apply_method

    model = plain(family, task)
    blocks(model)[1] = PassThrough()
    apply_method(model, chosen)
    assert isinstance(blocks(model)[1], PassThrough)
    take_steps(model, family, task, n_steps=1)


def test_targets_that_a_user_names_stay_inside_the_blocks():
    chosen = {**peft("LORA", r=2, target_modules=["query", "key"]), "blocks": [1]}
    names = [name for name, value in built("bert", TEXTS, chosen).named_parameters() if "lora_A" in name]
    assert [name.split(".")[3:7] for name in names] == [["1", "attention", "self", part] for part in ("query", "key")]


def test_with_all_blocks_dropped_only_the_head_trains():
    from learners.models.anatomy import PassThrough, blocks
    from learners.peft.apply import apply_method

    model = plain("vit", IMAGES)
    for index in range(N_BLOCKS):
        blocks(model)[index] = PassThrough()
    assert n_trainable(apply_method(model, method("lora"))) == n_head(model)


@pytest.mark.parametrize(
    ("family", "task", "chosen", "reason"),
    [
        ("llama", TEXTS, method("bias"), "finds no biases in this llama network: choose lora or adapter"),
        ("bert", TEXTS, method("prompt"), "'prompt' works on networks of kind image.*kind encoder: choose one of .*lora"),
        ("bert", TEXTS, peft("PREFIX_TUNING", num_virtual_tokens=4), "does not fit this model.*text models lora"),
        ("vit", IMAGES, method("lora", targets="qkv"), "no targets 'qkv'. Did you mean 'qkvo'"),
        ("vit", IMAGES, {**method("lora"), "blocks": [0, 3]}, "no block 3: the model has 3, counted from 0"),
        ("vit", IMAGES, {**method("adapter"), "blocks": [-1]}, "no block -1"),
    ],
)
def test_what_does_not_fit_says_the_way_out(family, task, chosen, reason):
    with pytest.raises(JobError, match=reason):
        built(family, task, chosen)


def test_what_fits_can_be_asked_without_a_model():
    check_fit("lora", "causal")
    with pytest.raises(JobError, match="'prompt' works on networks of kind image"):
        check_fit("prompt", "causal")
