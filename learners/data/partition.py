"""Who holds which samples: pure functions from labels and a seed to indices, and the job kind ``partition``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.data.load import arrays
from mecsim.errors import JobError
from mecsim.jobs.job import Job, Result, job
from mecsim.rng import Streams

Indices = NDArray[np.int64]

_MAX_TRIES = 10_000


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

    ``partition`` is {kind: iid} or {kind: dirichlet, alpha, min_samples}. The result's numbers: n_samples by client,
    histogram[client][class], n_test, n_public, n_classes; its tensors: train_indices (clients one after the other), offsets
    (n_clients + 1), test, public.
    """
    shares = {"public_share": public_share, "test_share": test_share}
    return job("partition", {"dataset": dataset, "partition": partition, "n_clients": n_clients, **shares, "seed": seed})


def run(params: Mapping[str, Any]) -> Result:
    """Execute a ``partition`` job."""
    _, labels = arrays(params["dataset"])
    streams = Streams(params["seed"])
    n_classes = params["dataset"]["n_classes"]
    split = split_off(labels, test_share=params["test_share"], public_share=params["public_share"], streams=streams)
    train = limited(labels, split.train, params["dataset"].get("train_per_class"))
    parts = [train[part] for part in _shared_out(labels[train], params["partition"], params["n_clients"], streams)]
    n_samples = [len(part) for part in parts]
    numbers = {
        "n_samples": n_samples,
        "histogram": [np.bincount(labels[part], minlength=n_classes).tolist() for part in parts],
        "n_test": len(split.test),
        "n_public": len(split.public),
        "n_classes": n_classes,
    }
    offsets = np.cumsum([0, *n_samples], dtype=np.int64)
    tensors = {"train_indices": np.concatenate(parts), "offsets": offsets, "test": split.test, "public": split.public}
    return Result(numbers, tensors)


def split_off(labels: Indices, *, test_share: float, public_share: float, streams: Streams) -> Split:
    """Split by class: the test split has ``test_share`` of every class, rounded, the public one ``public_share``."""
    if test_share <= 0.0 or public_share < 0.0 or test_share + public_share >= 1.0:
        raise JobError(f"test_share {test_share} and public_share {public_share} leave nothing to train on: lower them")
    test, public, train = [], [], []
    for label in np.unique(labels):
        shuffled = streams.get("partition", "split", int(label)).permutation(np.flatnonzero(labels == label))
        n_test, n_public = round(test_share * len(shuffled)), round(public_share * len(shuffled))
        test.append(shuffled[:n_test])
        public.append(shuffled[n_test : n_test + n_public])
        train.append(shuffled[n_test + n_public :])
    gathered = [np.sort(np.concatenate(part)).astype(np.int64) for part in (train, public, test)]
    return Split(train=gathered[0], public=gathered[1], test=gathered[2])


def limited(labels: Indices, train: Indices, per_class: int | None) -> Indices:
    """Keep the first ``per_class`` of each class, by index."""
    if per_class is None:
        return train
    return np.sort(np.concatenate([train[labels[train] == label][:per_class] for label in np.unique(labels[train])]))


def shard_of(partition: Result, client: int) -> Indices:
    """Return the dataset indices that ``client`` holds, from the result of a partition job."""
    offsets = partition.tensors["offsets"]
    return partition.tensors["train_indices"][offsets[client] : offsets[client + 1]]


def iid(n_samples: int, n_clients: int, rng: np.random.Generator) -> list[Indices]:
    """Share positions 0..n_samples-1 out at random in parts that differ by one at most."""
    return [np.sort(part) for part in np.array_split(rng.permutation(n_samples).astype(np.int64), n_clients)]


def dirichlet(
    labels: Indices, n_clients: int, *, alpha: float, min_samples: int, rng: np.random.Generator, max_tries: int = _MAX_TRIES
) -> list[Indices]:
    """Share positions out with class shares from Dirichlet(alpha), drawn anew until every client has ``min_samples``.

    A client that holds n_samples / n_clients or more gets nothing of later classes (the rule of Li et al., NIID-Bench).
    """
    if n_clients * min_samples > len(labels):
        raise JobError(
            f"{n_clients} clients with at least {min_samples} samples each need {n_clients * min_samples}, the training "
            f"split has {len(labels)}: lower min_samples, use fewer clients, or make test and public splits smaller"
        )
    for _ in range(max_tries):
        parts = _draw(labels, n_clients, alpha, rng)
        if min(map(len, parts)) >= min_samples:
            return parts
    raise JobError(
        f"no Dirichlet({alpha}) draw of {max_tries} gave each of {n_clients} clients {min_samples} samples or more: "
        "raise alpha, lower min_samples, or use fewer clients"
    )


def _draw(labels: Indices, n_clients: int, alpha: float, rng: np.random.Generator) -> list[Indices]:
    parts: list[list[Indices]] = [[] for _ in range(n_clients)]
    sizes = np.zeros(n_clients)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        is_open = sizes < len(labels) / n_clients
        shares = rng.dirichlet(np.full(n_clients, alpha)) * is_open
        # At a small alpha all the mass can lie on full clients: the open ones then share equally.
        shares = shares / shares.sum() if shares.sum() > 0.0 else is_open / is_open.sum()
        # The small term keeps the last client's share at zero where it is: the sum of the others may end just below 1.
        cuts = np.floor(np.cumsum(shares)[:-1] * len(members) + 1e-9).astype(np.int64)
        for client, part in enumerate(np.split(members, cuts)):
            parts[client].append(part)
            sizes[client] += len(part)
    return [np.sort(np.concatenate(part)).astype(np.int64) for part in parts]


def _shared_out(labels: Indices, partition: Mapping[str, Any], n_clients: int, streams: Streams) -> Sequence[Indices]:
    rng = streams.get("partition", "clients")
    match partition:
        case {"kind": "iid"}:
            if n_clients > len(labels):
                raise JobError(f"{n_clients} clients cannot share {len(labels)} training samples: use fewer clients")
            return iid(len(labels), n_clients, rng)
        case {"kind": "dirichlet", "alpha": alpha, "min_samples": min_samples}:
            return dirichlet(labels, n_clients, alpha=alpha, min_samples=min_samples, rng=rng)
        case _:
            raise JobError(f"no partition {dict(partition)}: kinds are iid, and dirichlet with alpha and min_samples")
