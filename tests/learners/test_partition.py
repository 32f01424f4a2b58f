import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.data.content import Content
from learners.data.datasets import DigitsParams, dataset_spec
from learners.data.partition import _owners, limited, partition_job, run, shard_of, split_off
from learners.data.table import TableParams
from mecsim.errors import JobError
from mecsim.rng import Streams

LABELS = np.repeat(np.arange(10), 60)


@given(test_share=st.floats(0.05, 0.45), public_share=st.floats(0.0, 0.45), seed=st.integers(0, 1000))
def test_splits_are_disjoint_complete_and_stratified(test_share, public_share, seed):
    split = split_off(LABELS, test_share=test_share, public_share=public_share, streams=Streams(seed))
    together = np.concatenate([split.train, split.public, split.test])
    assert sorted(together) == list(range(len(LABELS)))
    assert np.bincount(LABELS[split.test], minlength=10).tolist() == [round(test_share * 60)] * 10
    assert np.bincount(LABELS[split.public], minlength=10).tolist() == [round(public_share * 60)] * 10


def test_the_test_split_does_not_depend_on_the_public_share():
    one = split_off(LABELS, test_share=0.2, public_share=0.0, streams=Streams(1))
    other = split_off(LABELS, test_share=0.2, public_share=0.3, streams=Streams(1))
    assert np.array_equal(one.test, other.test)


def test_marks_of_the_dataset_are_the_splits_and_their_shares_are_not_looked_at():
    test, public = np.arange(600) % 60 < 5, np.arange(600) % 60 == 7
    split = split_off(LABELS, test_share=0.9, public_share=0.9, streams=Streams(1), test=test, public=public)
    assert split.test.tolist() == np.flatnonzero(test).tolist()
    assert split.public.tolist() == np.flatnonzero(public).tolist()
    assert split.train.tolist() == np.flatnonzero(~test & ~public).tolist()


@given(public_share=st.floats(0.0, 0.9), seed=st.integers(0, 100))
def test_a_share_beside_marks_is_one_of_the_samples_without(public_share, seed):
    test = np.arange(600) % 60 < 10
    split = split_off(LABELS, test_share=0.2, public_share=public_share, streams=Streams(seed), test=test)
    assert np.bincount(LABELS[split.public], minlength=10).tolist() == [round(public_share * 50)] * 10
    assert sorted(np.concatenate([split.train, split.public, split.test])) == list(range(600))
    assert split.test.tolist() == np.flatnonzero(test).tolist()


def test_a_sample_in_two_splits_is_refused_with_figures():
    test, public = np.arange(600) < 5, np.arange(600) < 3
    with pytest.raises(JobError, match="3 samples as both test and public"):
        split_off(LABELS, test_share=0.2, public_share=0.1, streams=Streams(1), test=test, public=public)


@pytest.mark.parametrize(("test_share", "public_share"), [(0.0, 0.1), (0.5, 0.5), (0.2, -0.1)])
def test_shares_that_leave_nothing_are_refused(test_share, public_share):
    with pytest.raises(JobError, match="together they have to stay below 1"):
        split_off(LABELS, test_share=test_share, public_share=public_share, streams=Streams(1))


def test_an_empty_split_is_refused_with_figures():
    with pytest.raises(JobError, match=r"test split is empty \(test 0, public 0, train 4 samples\)"):
        split_off(np.array([0, 0, 1, 1]), test_share=0.2, public_share=0.1, streams=Streams(1))
    with pytest.raises(JobError, match=r"train split is empty \(test 600"):
        split_off(LABELS, test_share=0.2, public_share=0.0, streams=Streams(1), test=LABELS >= 0)


def test_limited_keeps_the_first_of_each_class():
    assert limited(LABELS, np.arange(600), 2)[:4].tolist() == [0, 1, 60, 61]


def params_of(job):
    return json.loads(job.params)


def digits_job(seed=1, **partition):
    dataset = dataset_spec("digits", DigitsParams(train_per_class=50))
    return partition_job(dataset, partition or {"kind": "iid"}, n_clients=4, public_share=0.1, test_share=0.2, seed=seed)


def test_the_job_states_what_every_client_holds():
    result = run(params_of(digits_job()))
    assert result.numbers["n_samples"] == [125, 125, 125, 125]
    assert result.numbers["n_classes"] == 10
    assert (result.numbers["n_test"], result.numbers["n_public"]) == (359, 179)
    assert [sum(row) for row in result.numbers["histogram"]] == result.numbers["n_samples"]
    shards = [set(shard_of(result, client)) for client in range(4)]
    assert len(set.union(*shards, set(result.tensors["test"]), set(result.tensors["public"]))) == 500 + 359 + 179


def test_another_seed_is_another_partition():
    one, other = (run(params_of(digits_job(seed))) for seed in (1, 2))
    assert not np.array_equal(one.tensors["test"], other.tensors["test"])
    assert not np.array_equal(shard_of(one, 0), shard_of(other, 0))


KINDS = (
    {"kind": "iid"},
    {"kind": "dirichlet", "alpha": 0.5, "min_samples": 2},
    {"kind": "groups", "min_samples": 1, "split": False},
    {"kind": "shards", "shards_per_client": 3},
    {"kind": "quantity", "alpha": 0.5, "min_samples": 2},
)


@pytest.fixture
def owned_job(tmp_path):
    """Jobs over a table whose rows have owners, and whose test rows are another file."""
    lines = [f"text {i}\t{i % 2}\towner {i % 7}" for i in range(70)]
    (tmp_path / "train.tsv").write_text("\n".join(["text\tlabel\towner", *lines]))
    (tmp_path / "test.tsv").write_text("\n".join(["text\tlabel\towner", *lines[:9]]))
    table = TableParams(path=tmp_path / "train.tsv", test_path=tmp_path / "test.tsv", text="text", group="owner")

    def make(partition, n_clients=5, **options):
        dataset = dataset_spec("table", table.model_copy(update=options))
        return partition_job(dataset, partition, n_clients=n_clients, public_share=0.1, test_share=0.2, seed=3)

    return make


@pytest.mark.parametrize("partition", KINDS, ids=lambda partition: partition["kind"])
def test_no_kind_deals_a_sample_twice_or_deals_out_test_and_public_samples(owned_job, partition):
    result = run(params_of(owned_job(partition)))
    dealt, kept = result.tensors["train_indices"], (result.tensors["test"], result.tensors["public"])
    assert result.tensors["test"].tolist() == list(range(70, 79))
    assert sorted(np.concatenate([dealt, *kept])) == list(range(79))
    assert sum(result.numbers["n_samples"]) == len(dealt) == 70 - result.numbers["n_public"]


def test_natural_clients_hold_whole_owners(owned_job):
    result = run(params_of(owned_job({"kind": "groups", "min_samples": 1, "split": False})))
    owners = [owner for client in range(5) for owner in set(shard_of(result, client) % 7)]
    assert sorted(owners) == list(range(7))


def test_limited_classes_stay_limited(owned_job):
    result = run(params_of(owned_job({"kind": "iid"}, train_per_class=10)))
    assert np.sum(result.numbers["histogram"], axis=0).tolist() == [10, 10]


def test_groups_need_a_dataset_that_has_some():
    with pytest.raises(JobError, match="has no groups: choose another kind"):
        run(params_of(digits_job(kind="groups", min_samples=1, split=False)))


def test_samples_of_nobody_cannot_be_dealt_by_owner():
    data = Content(labels=LABELS, texts=("x",) * 600, groups=np.where(LABELS == 3, -1, LABELS))
    with pytest.raises(JobError, match="60 of 600 training samples belong to no group"):
        _owners(data, np.arange(600))


@pytest.mark.parametrize("partition", [{"kind": "sorted"}, {"kind": "dirichlet"}])
def test_an_unknown_or_incomplete_kind_lists_the_known(partition):
    with pytest.raises(JobError, match="kinds are iid, dirichlet, groups, shards and quantity"):
        run(params_of(digits_job(**partition)))
