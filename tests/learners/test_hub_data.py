"""Datasets of the hub: without the package a refusal; with it, a local folder in the hub's format stands for a repository."""

import importlib.util
import json
import sys

import pytest
from pydantic import ValidationError

from learners.data.datasets import dataset_spec, load_content
from learners.data.hub_data import HubParams
from mecsim.errors import JobError

HAS_PACKAGE = importlib.util.find_spec("datasets") is not None


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)  # what the import statement finds where it is not installed
    with pytest.raises(JobError, match=r"not installed: install the extra 'hub' .*pip install 'datasets>=5'"):
        dataset_spec("hub", HubParams(repository="owner/name", text="text"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repository": "owner/name"}, "name the column of the texts"),
        ({"repository": "owner/name", "text": "a", "image": "b"}, "name the column of the texts"),
        ({"repository": "../name", "text": "a"}, "match pattern"),
        ({"repository": "/owner/name", "text": "a"}, "match pattern"),
        ({"repository": "owner/name/more", "text": "a"}, "match pattern"),
        ({"repository": "owner/name", "text": "a", "trust_remote_code": True}, "Extra inputs"),
        ({"text": "a"}, "Field required"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        HubParams.model_validate_json(json.dumps(options))


@pytest.mark.skipif(not HAS_PACKAGE, reason="the extra 'hub' is not installed")
def test_rows_of_a_repository_become_content(tmp_path, monkeypatch):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    for split, count in (("train", 6), ("test", 2)):
        rows = [{"sentence": f"{split} {i}", "label": i % 2, "who": "ab"[i // 3]} for i in range(count)]
        (tmp_path / "owner" / "name" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    params = HubParams(repository="owner/name", text="sentence", group="who", test_split="test")
    spec = dataset_spec("hub", params)
    content = load_content("hub", spec["digest"])
    assert (spec["task"], spec["n_classes"]) == ("text-classification", 2)
    assert content.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    assert content.test.tolist() == [False] * 6 + [True] * 2
    assert content.group_names == ("a", "b")
    with pytest.raises(JobError, match=r"no column 'txt': its columns are 'sentence', 'label', 'who'"):
        dataset_spec("hub", params.model_copy(update={"text": "txt"}))
    with pytest.raises(JobError, match=r"cannot load owner/name .none. from the hub"):
        dataset_spec("hub", params.model_copy(update={"split": "none"}))
