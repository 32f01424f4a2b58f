"""Every kind of partition: nothing lost, nothing twice, seeds that matter, and small cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.data.dealing import dirichlet, draw_classes, groups, iid, quantity, shards
from mecsim.errors import JobError

LABELS = np.repeat(np.arange(10), 60)


def rng(seed=0):
    return np.random.default_rng(seed)


@given(n_clients=st.integers(1, 50), more=st.integers(0, 250), seed=st.integers(0, 100))
def test_iid_parts_cover_everything_and_differ_by_one_at_most(n_clients, more, seed):
    parts = iid(n_clients + more, n_clients, rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(n_clients + more))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_fewer_samples_than_clients_are_refused():
    with pytest.raises(JobError, match="50 clients cannot share 49 training samples"):
        iid(49, 50, rng())


@given(alpha=st.floats(0.3, 100.0), n_clients=st.integers(1, 10), seed=st.integers(0, 1000))
def test_dirichlet_parts_cover_everything_and_are_large_enough(alpha, n_clients, seed):
    parts = dirichlet(LABELS, n_clients, alpha=alpha, min_samples=5, rng=rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(len(LABELS)))
    assert min(map(len, parts)) >= 5


@given(alpha=st.floats(0.001, 5.0), n_clients=st.integers(2, 10), seed=st.integers(0, 1000))
def test_a_client_with_its_fair_share_gets_nothing_of_later_classes(alpha, n_clients, seed):
    for part in draw_classes(LABELS, n_clients, alpha, rng(seed)):
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


@given(alpha=st.floats(0.5, 100.0), n_clients=st.integers(1, 10), seed=st.integers(0, 1000))
def test_quantity_parts_cover_everything_and_are_large_enough(alpha, n_clients, seed):
    parts = quantity(600, n_clients, alpha=alpha, min_samples=3, rng=rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(600))
    assert min(map(len, parts)) >= 3


def test_quantity_skews_sizes_and_not_classes():
    def spread(alpha):
        sizes = [len(part) for seed in range(20) for part in quantity(6000, 10, alpha=alpha, min_samples=1, rng=rng(seed))]
        return np.std(sizes) / np.mean(sizes)

    # The standard deviation of a Dirichlet share over its mean is sqrt((K - 1) / (K alpha + 1)): 1.22 and 0.095.
    assert spread(0.5) == pytest.approx(np.sqrt(9 / 6), rel=0.2)
    assert spread(100.0) == pytest.approx(np.sqrt(9 / 1001), rel=0.2)
    largest = max(quantity(6000, 10, alpha=0.5, min_samples=1, rng=rng()), key=len)
    shares = np.bincount(np.repeat(np.arange(10), 600)[largest], minlength=10) / len(largest)
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.03)


def test_quantity_says_what_cannot_be():
    with pytest.raises(JobError, match="10 clients with at least 61 samples each need 610, the training split has 600"):
        quantity(600, 10, alpha=1.0, min_samples=61, rng=rng())
    with pytest.raises(JobError, match="of 5 gave each of 50 clients 11 samples or more: raise alpha"):
        quantity(600, 50, alpha=0.01, min_samples=11, rng=rng(), max_tries=5)


@given(n_clients=st.integers(1, 40), per_client=st.integers(1, 5), seed=st.integers(0, 100))
def test_shards_are_equal_and_hold_neighbouring_classes(n_clients, per_client, seed):
    parts = shards(LABELS, n_clients, shards_per_client=per_client, rng=rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(600))
    sizes = list(map(len, parts))
    assert max(sizes) - min(sizes) <= per_client
    # A shard of at most 60 samples meets two classes, a larger one as many as it is longer.
    classes_a_shard = int(np.ceil(np.ceil(600 / (n_clients * per_client)) / 60)) + 1
    assert max(len(np.unique(LABELS[part])) for part in parts) <= per_client * classes_a_shard


def test_shards_by_hand():
    # Three classes of four in six shards of two: no shard has two classes, so no client has more than two.
    labels = np.array([2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1])
    for part in shards(labels, 3, shards_per_client=2, rng=rng()):
        assert sorted(np.bincount(labels[part], minlength=3)) in ([0, 2, 2], [0, 0, 4])


def test_more_shards_than_samples_are_refused():
    with pytest.raises(JobError, match="20 clients with 31 shards each need 620 samples or more, the training split has 600"):
        shards(LABELS, 20, shards_per_client=31, rng=rng())


OWNERS = np.repeat(np.arange(6), [50, 10, 20, 30, 40, 5])


def sizes_of(parts):
    return sorted(map(len, parts))


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=20),
    n_clients=st.integers(1, 20),
    split=st.booleans(),
    data=st.data(),
)
def test_groups_are_dealt_whole_unless_there_are_too_few(sizes, n_clients, split, data):
    owners = np.repeat(np.arange(len(sizes)), sizes)
    owners = owners[data.draw(st.permutations(range(len(owners))))]
    seed = data.draw(st.integers(0, 100))
    enough = n_clients <= len(sizes) or (split and n_clients <= len(owners))
    if not enough:
        with pytest.raises(JobError, match=f"{n_clients} clients"):
            groups(owners, n_clients, min_samples=1, split=split, rng=rng(seed))
        return
    parts = groups(owners, n_clients, min_samples=1, split=split, rng=rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(len(owners)))
    assert len(parts) == n_clients
    assert min(map(len, parts)) >= 1
    if n_clients <= len(sizes):
        assert sum(len(np.unique(owners[part])) for part in parts) == len(sizes)
    else:
        assert all(len(np.unique(owners[part])) == 1 for part in parts)


def test_a_group_each_where_there_are_as_many():
    parts = groups(OWNERS, 6, min_samples=5, split=False, rng=rng())
    assert sizes_of(parts) == [5, 10, 20, 30, 40, 50]


def test_groups_are_balanced_by_hand():
    # 50 | 40 | 30, then 20 to the 30, then 10 to the 40, then 5 to one of three that hold 50.
    assert sizes_of(groups(OWNERS, 3, min_samples=1, split=False, rng=rng())) == [50, 50, 55]


def test_the_largest_groups_are_halved_by_hand():
    # 8 and 3 for four clients: 8 -> 4 + 4, then a 4 -> 2 + 2.
    owners = np.repeat([0, 1], [8, 3])
    assert sizes_of(groups(owners, 4, min_samples=1, split=True, rng=rng())) == [2, 2, 3, 4]
    assert sizes_of(groups(owners, 2, min_samples=1, split=True, rng=rng())) == [3, 8]


def test_too_few_groups_are_refused_with_figures_and_the_way_out():
    with pytest.raises(JobError, match=r"samples of 6 groups, and 7 clients are to hold whole ones: .* 'split: true'"):
        groups(OWNERS, 7, min_samples=1, split=False, rng=rng())
    with pytest.raises(JobError, match="leaves one with 5 samples, and min_samples is 6"):
        groups(OWNERS, 6, min_samples=6, split=False, rng=rng())
    with pytest.raises(JobError, match="156 clients with at least 1 samples each need 156, the training split has 155"):
        groups(OWNERS, 156, min_samples=1, split=True, rng=rng())


@pytest.mark.parametrize(
    "deal",
    [
        lambda rng: iid(600, 5, rng),
        lambda rng: dirichlet(LABELS, 5, alpha=1.0, min_samples=5, rng=rng),
        lambda rng: quantity(600, 5, alpha=1.0, min_samples=5, rng=rng),
        lambda rng: shards(LABELS, 5, shards_per_client=2, rng=rng),
        lambda rng: groups(LABELS, 5, min_samples=5, split=False, rng=rng),
        lambda rng: groups(LABELS, 15, min_samples=5, split=True, rng=rng),
    ],
    ids=["iid", "dirichlet", "quantity", "shards", "groups", "groups-split"],
)
def test_a_seed_decides_and_another_decides_otherwise(deal):
    one, again, other = ([part.tolist() for part in deal(rng(seed))] for seed in (1, 1, 2))
    assert one == again
    assert one != other
