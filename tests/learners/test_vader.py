"""The sentence ratings, as files of the same form with texts made up here."""

import json

import pytest
from pydantic import ValidationError

from learners.data.datasets import DATASETS, dataset_spec, load_content
from learners.data.vader import FILES, VaderParams, digest, load
from mecsim.errors import JobError

LINES = {
    "movies": ["1\t2.26\tGreat.", '2\t-3.5\tBad "film.', "3\t0\tHm."],
    "tweets": ["1\t-0.2\tSo so &amp; late", "2\t1.5\tyay"],
    "nyt": ["1_1\t0.4\tIt\u2019s fine.", "1_2\t-1.2\tWorse.", "3_1\t0.1\tWell."],
    "amazon": ["7_1\t-2.5\tbroken\tin two ", "9_1\t2.0\tworks"],
}


@pytest.fixture
def folder(tmp_path):
    for domain, name in FILES.items():
        (tmp_path / name).write_text("\r\n".join(LINES[domain]), encoding="utf-8", newline="")
    return tmp_path


def test_labels_are_signs_and_groups_are_domains(folder):
    spec = dataset_spec("vader", VaderParams(folder=folder))
    content = load_content("vader", spec["digest"])
    expected = [
        "Great.",
        'Bad "film.',
        "So so &amp; late",
        "yay",
        "It\u2019s fine.",
        "Worse.",
        "Well.",
        "broken\tin two",
        "works",
    ]
    assert list(content.texts) == expected
    assert content.labels.tolist() == [1, 0, 0, 1, 1, 0, 1, 0, 1]
    assert content.groups.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3]
    assert content.group_names == ("movies", "tweets", "nyt", "amazon")
    assert (spec["n_classes"], spec["task"]) == (2, "text-classification")
    assert "folder" not in spec


def test_documents_are_groups_of_the_domains_that_have_some(folder):
    content = load(VaderParams(folder=folder, domain="nyt", groups="document"))
    assert content.group_names == ("nyt 1", "nyt 3")
    assert content.groups.tolist() == [0, 0, 1]
    with pytest.raises(ValidationError, match="groups: tweets has no documents, only nyt and amazon have"):
        VaderParams(folder=folder, domain="tweets", groups="document")


def test_near_neutral_texts_can_be_left_out(folder):
    content = load(VaderParams(folder=folder, neutral=0.4))
    assert content.labels.tolist() == [1, 0, 1, 0, 0, 1]
    with pytest.raises(JobError, match="neutral 3 leaves 1 texts, and not of both classes"):
        load(VaderParams(folder=folder, neutral=3.0))


def test_some_of_the_texts_can_be_drawn(folder):
    everything, some = load(VaderParams(folder=folder)), load(VaderParams(folder=folder, max_samples=6))
    assert len(some.texts) == 6
    owner = dict(zip(everything.texts, (everything.group_names[group] for group in everything.groups), strict=True))
    assert [owner[text] for text in some.texts] == [some.group_names[group] for group in some.groups]
    assert [text for text in everything.texts if text in some.texts] == list(some.texts)
    assert load(VaderParams(folder=folder, max_samples=99)).texts == everything.texts
    with pytest.raises(JobError, match="max_samples 1 leaves no texts of one class: raise it"):
        load(VaderParams(folder=folder, max_samples=1))


def test_the_digest_pins_what_is_read_alone(folder):
    changes = ({}, {"domain": "nyt"}, {"domain": "nyt", "groups": "document"}, {"neutral": 0.1}, {"max_samples": 6})
    assert len({digest(VaderParams(folder=folder, **change)) for change in changes}) == 5
    movies = digest(VaderParams(folder=folder, domain="movies"))
    (folder / FILES["tweets"]).write_text("1\t2.0\tother", encoding="utf-8")
    assert digest(VaderParams(folder=folder, domain="movies")) == movies


def test_texts_that_were_not_fetched_are_asked_for(tmp_path):
    with pytest.raises(ValidationError, match=r"no movieReview\w*.txt in .*: get the texts with 'mecsim fetch vader --into"):
        DATASETS["vader"].params.model_validate_json(json.dumps({"folder": str(tmp_path)}))


@pytest.mark.parametrize("line", ["no tabs", "1\tgood\ttext", "1\t2.0"])
def test_a_damaged_file_is_refused_with_its_line(folder, line):
    (folder / FILES["amazon"]).write_text(f"1_1\t2.0\tgood\n{line}\n", encoding="utf-8")
    with pytest.raises(JobError, match=r"amazon\w*.txt, line 2, is not id, rating and text"):
        load(VaderParams(folder=folder))
