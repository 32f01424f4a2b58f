import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.data.datasets import DigitsParams, dataset_spec
from learners.data.partition import _draw, dirichlet, iid, limited, partition_job, run, shard_of, split_off
from mecsim.errors import JobError
from mecsim.rng import Streams

LABELS = np.repeat(np.arange(10), 60)


def rng(seed=0):
    return np.random.default_rng(seed)


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


@given(n_samples=st.integers(1, 300), n_clients=st.integers(1, 50), seed=st.integers(0, 100))
def test_iid_parts_cover_everything_and_differ_by_one_at_most(n_samples, n_clients, seed):
    parts = iid(n_samples, n_clients, rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(n_samples))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(alpha=st.floats(0.3, 100.0), n_clients=st.integers(1, 10), seed=st.integers(0, 1000))
def test_dirichlet_parts_cover_everything_and_are_large_enough(alpha, n_clients, seed):
    parts = dirichlet(LABELS, n_clients, alpha=alpha, min_samples=5, rng=rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(len(LABELS)))
    assert min(map(len, parts)) >= 5


@given(alpha=st.floats(0.001, 5.0), n_clients=st.integers(2, 10), seed=st.integers(0, 1000))
def test_a_client_with_its_fair_share_gets_nothing_of_later_classes(alpha, n_clients, seed):
    for part in _draw(LABELS, n_clients, alpha, rng(seed)):
        held = np.cumsum(np.bincount(LABELS[part], minlength=10))
        full = np.flatnonzero(held >= len(LABELS) / n_clients)
        assert full.size == 0 or held[full[0]] == held[-1]


def test_a_small_alpha_skews_more_than_a_large_one():
    def largest_class_share(alpha):
        parts = dirichlet(LABELS, 10, alpha=alpha, min_samples=5, rng=rng())
        return np.mean([np.bincount(LABELS[part]).max() / len(part) for part in parts])

    assert largest_class_share(0.1) > 2 * largest_class_share(100.0)


def test_dirichlet_that_cannot_be_says_so_at_once():
    with pytest.raises(JobError, match="70 clients with at least 10 samples each need 700, the training split has 600"):
        dirichlet(LABELS, 70, alpha=1.0, min_samples=10, rng=rng())


def test_dirichlet_gives_up_with_the_way_out():
    with pytest.raises(JobError, match="of 3 gave each of 50 clients 12 samples or more: raise alpha"):
        dirichlet(LABELS, 50, alpha=0.01, min_samples=12, rng=rng(), max_tries=3)


def test_limited_keeps_the_first_of_each_class():
    assert limited(LABELS, np.arange(600), 2)[:4].tolist() == [0, 1, 60, 61]


def digits_job(seed=1, **partition):
    dataset = dataset_spec("digits", DigitsParams(train_per_class=50))
    return partition_job(dataset, partition or {"kind": "iid"}, n_clients=4, public_share=0.1, test_share=0.2, seed=seed)


def params_of(job):
    import json

    return json.loads(job.params)


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


def test_an_unknown_kind_lists_the_known():
    with pytest.raises(JobError, match="kinds are iid, and dirichlet"):
        run(params_of(digits_job(kind="shards")))
