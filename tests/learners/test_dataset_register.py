"""What holds for every dataset: options that the catalog can show, and specifications that name no place."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from learners.data.content import TASKS
from learners.data.datasets import DATASETS, dataset_spec, load_content
from mecsim.errors import JobError


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_options_are_strict_frozen_and_described(name):
    params = DATASETS[name].params
    assert params.model_config["extra"] == "forbid"
    assert params.model_config["frozen"]
    assert params.model_config["strict"]
    assert all(field.description for field in params.model_fields.values())
    assert params.__doc__


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_the_task_is_known_or_the_options_know_it(name):
    entry = DATASETS[name]
    assert entry.task in TASKS or (entry.task is None and isinstance(entry.params.task, property))


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_texts_have_a_length_in_tokens_and_classes_may_be_limited(name):
    entry = DATASETS[name]
    fields = entry.params.model_fields
    assert ("max_length" in fields) == (entry.task in ("text-classification", None))
    assert ("train_per_class" in fields) == (entry.task != "language-modelling")


def test_no_place_is_in_a_specification():
    for entry in DATASETS.values():
        for key, field in entry.params.model_fields.items():
            is_path = field.annotation is Path or Path in get_args(field.annotation)
            assert is_path == (key in ("path", "test_path", "folder", "images", "labels")), key


def test_options_that_are_unknown_in_this_process_are_said_to_be():
    with pytest.raises(JobError, match="named with 000000000000, and not in this process"):
        load_content("digits", "0" * 64)


def test_a_specification_has_the_facts_that_jobs_need():
    spec = dataset_spec("digits")
    assert spec == {
        "name": "digits",
        "task": "image-classification",
        "digest": DATASETS["digits"].digest(None),
        "n_classes": 10,
        "train_per_class": None,
    }


def test_the_register_loads_nothing_heavy():
    code = (
        "import sys, learners.data.datasets, learners.data.partition\n"
        "heavy = {'torch', 'sklearn', 'pandas', 'pyarrow', 'matplotlib', 'PIL', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
