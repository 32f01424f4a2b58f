"""The kinds of partitions, as pure functions: from labels or groups and a generator to the positions that each client holds."""

import heapq
import itertools

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import JobError

Indices = NDArray[np.int64]

_MAX_TRIES = 10_000


def iid(n_samples: int, n_clients: int, rng: np.random.Generator) -> list[Indices]:
    """Share positions 0..n_samples-1 out at random in parts that differ by one at most."""
    if n_clients > n_samples:
        raise JobError(f"{n_clients} clients cannot share {n_samples} training samples: use fewer clients")
    return [np.sort(part) for part in np.array_split(rng.permutation(n_samples).astype(np.int64), n_clients)]


def dirichlet(
    labels: Indices, n_clients: int, *, alpha: float, min_samples: int, rng: np.random.Generator, max_tries: int = _MAX_TRIES
) -> list[Indices]:
    """Share positions out with class shares from Dirichlet(alpha), drawn anew until every client has ``min_samples``.

    A client that holds n_samples / n_clients or more gets nothing of later classes (the rule of Li et al., NIID-Bench).
    """
    _enough(len(labels), n_clients, min_samples)
    for _ in range(max_tries):
        parts = draw_classes(labels, n_clients, alpha, rng)
        if min(map(len, parts)) >= min_samples:
            return parts
    raise _gave_up(alpha, n_clients, min_samples, max_tries)


def draw_classes(labels: Indices, n_clients: int, alpha: float, rng: np.random.Generator) -> list[Indices]:
    """Return one draw of ``dirichlet``, however small its smallest part."""
    parts: list[list[Indices]] = [[] for _ in range(n_clients)]
    sizes = np.zeros(n_clients)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        is_open = sizes < len(labels) / n_clients
        shares = rng.dirichlet(np.full(n_clients, alpha)) * is_open
        # At a small alpha all the mass can lie on full clients: the open ones then share equally.
        shares = shares / shares.sum() if shares.sum() > 0.0 else is_open / is_open.sum()
        for client, part in enumerate(_cut(members, shares)):
            parts[client].append(part)
            sizes[client] += len(part)
    return [np.sort(np.concatenate(part)).astype(np.int64) for part in parts]


def quantity(
    n_samples: int, n_clients: int, *, alpha: float, min_samples: int, rng: np.random.Generator, max_tries: int = _MAX_TRIES
) -> list[Indices]:
    """Share positions out at random in parts whose sizes are Dirichlet(alpha) shares (quantity skew of NIID-Bench).

    Sizes are drawn anew until every client has ``min_samples``.
    """
    _enough(n_samples, n_clients, min_samples)
    shuffled = rng.permutation(n_samples).astype(np.int64)
    for _ in range(max_tries):
        parts = _cut(shuffled, rng.dirichlet(np.full(n_clients, alpha)))
        if min(map(len, parts)) >= min_samples:
            return [np.sort(part) for part in parts]
    raise _gave_up(alpha, n_clients, min_samples, max_tries)


def shards(labels: Indices, n_clients: int, *, shards_per_client: int, rng: np.random.Generator) -> list[Indices]:
    """Sort positions by label, cut them into equal shards, and give each client ``shards_per_client`` at random.

    McMahan et al. (2017), section 3, with 2 shards a client. The order within a class is random. Shards differ by one sample
    at most where the numbers do not divide.
    """
    n_shards = n_clients * shards_per_client
    if n_shards > len(labels):
        raise JobError(
            f"{n_clients} clients with {shards_per_client} shards each need {n_shards} samples or more, the training split has "
            f"{len(labels)}: lower shards_per_client, or use fewer clients"
        )
    shuffled = rng.permutation(len(labels)).astype(np.int64)
    pieces = np.array_split(shuffled[np.argsort(labels[shuffled], kind="stable")], n_shards)
    dealt = rng.permutation(n_shards).reshape(n_clients, shards_per_client)
    return [np.sort(np.concatenate([pieces[shard] for shard in of_client])) for of_client in dealt]


def groups(owners: Indices, n_clients: int, *, min_samples: int, split: bool, rng: np.random.Generator) -> list[Indices]:
    """Deal the groups ``owners`` (n,) out whole: the largest first, each to the client that holds least so far.

    As many groups as clients give each client one. Fewer are an error, unless ``split`` halves the largest, at random, until
    there is one for each. Which client is which, and ties of size, depend on the generator.
    """
    _enough(len(owners), n_clients, min_samples)
    pieces = [np.flatnonzero(owners == owner).astype(np.int64) for owner in np.unique(owners)]
    if len(pieces) < n_clients:
        if not split:
            raise JobError(
                f"the training split has samples of {len(pieces)} groups, and {n_clients} clients are to hold whole ones: use "
                f"{len(pieces)} clients or fewer, or write 'split: true' to halve the largest groups"
            )
        pieces = _halved(pieces, n_clients, rng)
    parts = _balanced([pieces[i] for i in rng.permutation(len(pieces))], n_clients)
    smallest = min(map(len, parts))
    if smallest < min_samples:
        raise JobError(
            f"dealing {len(pieces)} groups whole to {n_clients} clients leaves one with {smallest} samples, and min_samples is "
            f"{min_samples}: lower it, or use fewer clients"
        )
    return [parts[i] for i in rng.permutation(n_clients)]


def _halved(pieces: list[Indices], n_pieces: int, rng: np.random.Generator) -> list[Indices]:
    """Halve the largest piece until there are ``n_pieces``; of equals, the one that came first."""
    number = itertools.count()  # unique, so that arrays are never compared
    heap = [(-len(piece), next(number), rng.permutation(piece)) for piece in pieces]
    heapq.heapify(heap)
    while len(heap) < n_pieces:
        _, _, largest = heapq.heappop(heap)
        for part in np.array_split(largest, 2):
            heapq.heappush(heap, (-len(part), next(number), part))
    return [piece for _, _, piece in heap]


def _balanced(pieces: list[Indices], n_clients: int) -> list[Indices]:
    """Longest processing time first: a greedy balance whose largest load is at most 4/3 of the best one's (Graham, 1969)."""
    heap = [(0, 0, client) for client in range(n_clients)]
    held: list[list[Indices]] = [[] for _ in range(n_clients)]
    for piece in sorted(pieces, key=len, reverse=True):
        load, count, client = heapq.heappop(heap)
        held[client].append(piece)
        heapq.heappush(heap, (load + len(piece), count + 1, client))
    return [np.sort(np.concatenate(part)) for part in held]


def _cut(members: Indices, shares: NDArray[np.float64]) -> list[Indices]:
    # The small term keeps the last client's share at zero where it is: the sum of the others may end just below 1.
    cuts = np.floor(np.cumsum(shares)[:-1] * len(members) + 1e-9).astype(np.int64)
    return np.split(members, cuts)


def _enough(n_samples: int, n_clients: int, min_samples: int) -> None:
    if n_clients * min_samples > n_samples:
        raise JobError(
            f"{n_clients} clients with at least {min_samples} samples each need {n_clients * min_samples}, the training "
            f"split has {n_samples}: lower min_samples, use fewer clients, or make test and public splits smaller"
        )


def _gave_up(alpha: float, n_clients: int, min_samples: int, max_tries: int) -> JobError:
    return JobError(
        f"no Dirichlet({alpha}) draw of {max_tries} gave each of {n_clients} clients {min_samples} samples or more: "
        "raise alpha, lower min_samples, or use fewer clients"
    )
