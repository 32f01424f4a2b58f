"""Who holds which samples: the splits by class, and the job kind ``partition``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.data import dealing
from learners.data.content import Content
from learners.data.load import content
from mecsim.errors import JobError
from mecsim.jobs.job import Job, Result, job
from mecsim.rng import Streams

Indices = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Split:
    """Disjoint index sets: what clients share out, what the server may see, what quality is measured on."""

    train: Indices
    public: Indices
    test: Indices


def partition_job(
    dataset: Mapping[str, Any],
    partition: Mapping[str, Any],
    *,
    n_clients: int,
    public_share: float,
    test_share: float,
    seed: int,
) -> Job:
    """Return the job that shares ``dataset`` (see ``dataset_spec``) out.

    ``partition`` is one of {kind: iid}, {kind: dirichlet, alpha, min_samples}, {kind: groups, min_samples, split},
    {kind: shards, shards_per_client}, {kind: quantity, alpha, min_samples}. A dataset that sets test or public samples apart
    itself has these splits, and ``test_share`` or ``public_share`` is not looked at. The result's numbers: n_samples by
    client, histogram[client][class], n_test, n_public, n_classes; its tensors: train_indices (clients one after the other),
    offsets (n_clients + 1), test, public.
    """
    shares = {"public_share": public_share, "test_share": test_share}
    return job("partition", {"dataset": dataset, "partition": partition, "n_clients": n_clients, **shares, "seed": seed})


def run(params: Mapping[str, Any], inputs: Sequence[Result] = (), name: str = "") -> Result:
    """Execute a ``partition`` job."""
    data = content(params["dataset"])
    streams = Streams(params["seed"])
    n_classes = params["dataset"]["n_classes"]
    shares = {"test_share": params["test_share"], "public_share": params["public_share"]}
    split = split_off(data.labels, **shares, streams=streams, test=data.test, public=data.public)
    train = limited(data.labels, split.train, params["dataset"].get("train_per_class"))
    parts = [train[part] for part in _shared_out(data, train, params["partition"], params["n_clients"], streams)]
    n_samples = [len(part) for part in parts]
    numbers = {
        "n_samples": n_samples,
        "histogram": [np.bincount(data.labels[part], minlength=n_classes).tolist() for part in parts],
        "n_test": len(split.test),
        "n_public": len(split.public),
        "n_classes": n_classes,
    }
    offsets = np.cumsum([0, *n_samples], dtype=np.int64)
    tensors = {"train_indices": np.concatenate(parts), "offsets": offsets, "test": split.test, "public": split.public}
    return Result(numbers, tensors)


def split_off(
    labels: Indices,
    *,
    test_share: float,
    public_share: float,
    streams: Streams,
    test: Marks | None = None,
    public: Marks | None = None,
) -> Split:
    """Split by class: the test split has ``test_share`` of every class, rounded, the public one ``public_share``.

    Marks ``test`` or ``public`` (n,), where given, are that split, its share is not looked at, and the other share is one of
    the samples without a mark.
    """
    marked = {name: np.flatnonzero(marks) for name, marks in (("test", test), ("public", public)) if marks is not None}
    test_share, public_share = (0.0 if "test" in marked else test_share), (0.0 if "public" in marked else public_share)
    _check_shares(test_share, public_share, marked)
    unmarked = np.ones(len(labels), dtype=np.bool_)
    for indices in marked.values():
        unmarked[indices] = False
    drawn: dict[str, list[Indices]] = {"test": [], "public": [], "train": []}
    for label in np.unique(labels[unmarked]):
        shuffled = streams.get("partition", "split", int(label)).permutation(np.flatnonzero(unmarked & (labels == label)))
        n_test, n_public = round(test_share * len(shuffled)), round(public_share * len(shuffled))
        drawn["test"].append(shuffled[:n_test])
        drawn["public"].append(shuffled[n_test : n_test + n_public])
        drawn["train"].append(shuffled[n_test + n_public :])
    splits = {
        name: np.sort(np.concatenate([np.empty(0, np.int64), *parts, marked.get(name, [])])).astype(np.int64)
        for name, parts in drawn.items()
    }
    _check_sizes(splits)
    return Split(**splits)


def limited(labels: Indices, train: Indices, per_class: int | None) -> Indices:
    """Keep the first ``per_class`` of each class, by index."""
    if per_class is None:
        return train
    return np.sort(np.concatenate([train[labels[train] == label][:per_class] for label in np.unique(labels[train])]))


def shard_of(partition: Result, client: int) -> Indices:
    """Return the dataset indices that ``client`` holds, from the result of a partition job."""
    offsets = partition.tensors["offsets"]
    return partition.tensors["train_indices"][offsets[client] : offsets[client + 1]]


def _check_shares(test_share: float, public_share: float, marked: Mapping[str, Indices]) -> None:
    if (test_share <= 0.0 and "test" not in marked) or public_share < 0.0 or test_share + public_share >= 1.0:
        raise JobError(
            f"test_share {test_share:g} and public_share {public_share:g} leave nothing to train on or to test on: test_share "
            "has to be above 0, and together they have to stay below 1"
        )
    both = np.intersect1d(marked.get("test", []), marked.get("public", []))
    if len(both):
        raise JobError(f"the dataset marks {len(both)} samples as both test and public: each may be in one split only")


def _check_sizes(splits: Mapping[str, Indices]) -> None:
    for name in ("train", "test"):
        if not len(splits[name]):
            sizes = ", ".join(f"{key} {len(indices)}" for key, indices in splits.items())
            raise JobError(f"the {name} split is empty ({sizes} samples): give the dataset more samples, or change the shares")


def _shared_out(data: Content, train: Indices, partition: Mapping[str, Any], n_clients: int, streams: Streams) -> list[Indices]:
    rng, labels = streams.get("partition", "clients"), data.labels[train]
    match partition:
        case {"kind": "iid"}:
            return dealing.iid(len(train), n_clients, rng)
        case {"kind": "dirichlet", "alpha": alpha, "min_samples": least}:
            return dealing.dirichlet(labels, n_clients, alpha=alpha, min_samples=least, rng=rng)
        case {"kind": "groups", "min_samples": least, "split": split}:
            return dealing.groups(_owners(data, train), n_clients, min_samples=least, split=split, rng=rng)
        case {"kind": "shards", "shards_per_client": count}:
            return dealing.shards(labels, n_clients, shards_per_client=count, rng=rng)
        case {"kind": "quantity", "alpha": alpha, "min_samples": least}:
            return dealing.quantity(len(train), n_clients, alpha=alpha, min_samples=least, rng=rng)
        case _:
            raise JobError(
                f"no partition {dict(partition)}: kinds are iid, dirichlet, groups, shards and quantity, with their options"
            )


def _owners(data: Content, train: Indices) -> Indices:
    if data.groups is None:
        raise JobError("the dataset has no groups: choose another kind of partition, or a dataset that says who owns a sample")
    owners = data.groups[train]
    if (owners < 0).any():
        raise JobError(f"{int((owners < 0).sum())} of {len(train)} training samples belong to no group: give each a group")
    return owners
