"""Text out of Python files: what is taken, what is left, and that federated text is held out by file."""

import numpy as np
import pytest
from pydantic import ValidationError

from learners.data.docstrings import DocstringsParams, digest, load, n_classes
from learners.data.python_text import comments_in, docstrings_in, paragraphs_in, python_files, rank
from learners.data.stdlib_text import public_text
from mecsim.errors import JobError

SOURCE = '''"""A module that says something."""
x = "not a docstring"  # nor a comment line

# A comment
#   of two lines

if x:
    def inside():
        """A function in a branch.

            1 2 3 4 5 6 7 8 9 10 11 12 13
        """
        try:
            class Deep:
                """A class, further in, too."""
        except ValueError:
            """No docstring at all."""
'''


def test_docstrings_are_found_at_any_depth_in_the_order_of_the_source():
    first, second, third = docstrings_in(SOURCE)
    assert (first, third) == ("A module that says something.", "A class, further in, too.")
    assert second.startswith("A function in a branch.")


def test_a_file_that_is_no_python_has_none():
    assert list(docstrings_in("def (")) == []
    assert list(docstrings_in("a\0b")) == []


def test_comments_keep_their_indentation_and_leave_code_out():
    assert list(comments_in(SOURCE)) == ["A comment\n  of two lines"]


def test_paragraphs_are_there_once_and_read_like_language():
    seen: set[str] = set()
    found = list(paragraphs_in([*docstrings_in(SOURCE), "A module that says something.   "], seen))
    assert found == ["A module that says something.", "A function in a branch.", "A class, further in, too."]
    assert list(paragraphs_in(["A function in a branch."], seen)) == []


def test_files_are_sorted_and_folders_can_be_left_out(tmp_path):
    for name in ("b.py", "a/c.py", "tests/d.py", "a/e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("pass")
    assert python_files(tmp_path, without=frozenset({"tests"})) == [("a/c.py", 4), ("b.py", 4)]


def test_ranks_are_spread_evenly():
    ranks = np.array([rank(f"file{i}.py") for i in range(2000)])
    assert 0.0 <= ranks.min() <= ranks.max() < 1.0
    assert abs(ranks.mean() - 0.5) < 0.03


@pytest.fixture(scope="module")
def small():
    return DocstringsParams(packages=("numpy", "pandas", "rich"), groups=4, bytes_per_group=8192, public_bytes=4096)


def test_windows_belong_to_groups_or_are_public(small):
    content = load(small)
    assert content.task == "language-modelling"
    assert content.windows.shape == (len(content), 128)
    assert content.windows.dtype == np.uint8
    assert len(content.group_names) == n_classes(small) == 4
    assert {name.split(".")[0] for name in content.group_names} == {"numpy", "pandas", "rich"}
    assert ((content.groups < 0) == content.public).all()
    assert not (content.test & content.public).any()
    assert (content.labels[~content.public] == content.groups[~content.public]).all()
    assert content.public.sum() == 4096 // 128
    for group in range(4):
        mine = content.groups == group
        assert 0 < (mine & content.test).sum() < (mine & ~content.test).sum() <= 8192 // 128


def test_public_windows_are_the_standard_library_s(small):
    content = load(small)
    assert content.windows[content.public].tobytes() == public_text(4096)


def test_no_paragraph_is_there_twice_so_that_none_leaks_into_the_test():
    content = load(DocstringsParams())
    paragraphs = [
        paragraph
        for group in range(len(content.group_names))
        for held_out in (False, True)
        for paragraph in content.windows[(content.groups == group) & (content.test == held_out)].tobytes().split(b"\n\n")[:-1]
        if len(paragraph) >= 20
    ]
    assert len(paragraphs) > 2000
    assert len(set(paragraphs)) == len(paragraphs)


def test_the_digest_pins_the_content(small):
    again = DocstringsParams(**small.model_dump())
    load.cache_clear()
    digest.cache_clear()
    first = digest(small)
    load.cache_clear()
    digest.cache_clear()
    assert digest(again) == first
    assert digest(small.model_copy(update={"held_out": 0.3})) != first
    assert digest(small.model_copy(update={"window": 64})) != first


def test_a_package_that_is_not_installed_is_left_out_and_said_if_none_remains(small):
    more = small.model_copy(update={"packages": ("numpy", "no_such_package", "pandas", "rich")})
    assert digest(more) == digest(small)
    alone = small.model_copy(update={"packages": ("no_such_package", "os", "numpy.linalg")})
    with pytest.raises(JobError, match=r"no_such_package.* 0 groups.* install"):
        load(alone)


def test_options_are_checked():
    assert DocstringsParams.model_validate_json('{"packages": ["numpy"], "window": 64}').packages == ("numpy",)
    for wrong in ('{"packages": []}', '{"groups": 1}', '{"held_out": 1.0}', '{"window": "64"}', '{"windows": 64}'):
        with pytest.raises(ValidationError):
            DocstringsParams.model_validate_json(wrong)
