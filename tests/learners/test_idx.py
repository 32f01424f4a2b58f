"""IDX files written byte by byte, read back; and what is no IDX file."""

import gzip
import struct

import numpy as np
import pytest

from learners.data.datasets import DATASETS, dataset_spec, load_content
from learners.data.idx import IdxParams, read
from learners.data.load import content
from mecsim.errors import JobError


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def files(tmp_path):
    images, labels = np.arange(4 * 14 * 14).reshape(4, 14, 14) % 256, np.array([2, 0, 1, 2])
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx_bytes(images), mtime=0))
    (tmp_path / "labels").write_bytes(idx_bytes(labels))
    return IdxParams(images=tmp_path / "images.gz", labels=tmp_path / "labels"), images, labels


def test_plain_and_gzipped_files_are_read(files):
    params, images, labels = files
    np.testing.assert_array_equal(read(params.images, n_dimensions=3), images)
    np.testing.assert_array_equal(read(params.labels, n_dimensions=1), labels)


def test_images_are_scaled_to_the_models_size_in_grey_0_to_1(files):
    params, _, labels = files
    spec = dataset_spec("idx", params)
    found = content(spec)
    assert found.images.shape == (4, 1, 28, 28)
    assert found.images.max() <= 1.0
    assert found.labels.tolist() == labels.tolist()
    assert (spec["n_classes"], spec["task"]) == (3, "image-classification")


def test_a_job_names_the_content_and_not_the_place(files, tmp_path):
    params, _, _ = files
    copy = IdxParams(images=tmp_path / "other.gz", labels=tmp_path / "other")
    copy.images.write_bytes(params.images.read_bytes())
    copy.labels.write_bytes(params.labels.read_bytes())
    assert dataset_spec("idx", copy) == dataset_spec("idx", params)
    copy.labels.write_bytes(idx_bytes(np.array([0, 0, 1, 2])))
    assert dataset_spec("idx", copy)["digest"] != dataset_spec("idx", params)["digest"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not an idx file", "is no IDX file"), (idx_bytes(np.zeros((2, 3)))[:-1], "is no IDX file"), (b"", "is no IDX file")],
)
def test_another_file_is_refused(tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(JobError, match=message):
        read(tmp_path / "file", n_dimensions=1)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(idx_bytes(np.zeros(9))[:-1])
    with pytest.raises(JobError, match="holds 8"):
        read(tmp_path / "file", n_dimensions=1)


def test_another_file_of_the_same_name_is_read_anew(files):
    params, _, _ = files
    assert dataset_spec("idx", params)["n_classes"] == 3
    params.labels.write_bytes(idx_bytes(np.array([5, 0, 1, 2])))
    spec = dataset_spec("idx", params)
    assert spec["n_classes"] == 6
    assert content(spec).labels.tolist() == [5, 0, 1, 2]


def test_images_and_labels_must_be_of_one_set(files, tmp_path):
    params, _, _ = files
    (tmp_path / "labels").write_bytes(idx_bytes(np.zeros(5)))
    with pytest.raises(JobError, match="4 images"):
        DATASETS["idx"].load(params)


def test_content_that_changed_after_it_was_named_is_refused(files):
    params, _, _ = files
    digest = dataset_spec("idx", params)["digest"]
    params.labels.write_bytes(idx_bytes(np.array([0, 0, 0, 0])))
    with pytest.raises(JobError, match=f"named with {digest[:12]}"):
        load_content("idx", digest)


def test_content_that_was_never_named_here_is_refused():
    with pytest.raises(JobError, match="was not named in this process"):
        load_content("idx", "0" * 64)


def test_a_dataset_without_files_needs_no_naming():
    with pytest.raises(JobError, match="named with 000000000000"):
        load_content("digits", "0" * 64)
    assert len(load_content("digits", DATASETS["digits"].digest(None))) == 1797
