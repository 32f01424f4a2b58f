"""LoRA's rank by device: the parts, sheets and jobs of a federation in which adapters of several ranks meet. No torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mecsim.federation.contract import Blend, Update
from mecsim.jobs.job import Job, job


def method_at(method: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Return ``method`` (LoRA) at another rank, with the scale alpha / rank that it has at its own."""
    return {**method, "rank": rank, "alpha": method["alpha"] * (rank / method["rank"])}


def rank_sheet_name(rank: int) -> str:
    """Return what a scheme calls the sheet of a device with an adapter of ``rank``."""
    return f"device:{rank}"


def truncated_job(state: Job, rank: int, full_rank: int) -> Job:
    """Return the first ``rank`` components of a state that has ``full_rank``: the state itself where that is all of them."""
    return state if rank == full_rank else job("truncate", {"rank": rank}, [state])


def padded_updates(updates: Sequence[Update], state: Job, full_rank: int, blend: Blend) -> list[Update]:
    """Return ``updates`` of any ranks with ``full_rank`` components each, ready to enter ``state``.

    A component that an update lacks is zero in it, and one that all of them lack is that of ``state``, so that their mean
    leaves it alone. Of differences from a base both are zero beyond the update's rank, and the difference with them.
    """
    ranks = [rank_of(update.job) for update in updates]
    highest = full_rank if blend.kind == "deltas" else max(ranks, default=full_rank)
    return [
        update
        if rank == full_rank
        else replace(
            update,
            job=_padded_job(update.job, full_rank, highest, state),
            base=None if update.base is None else job("pad", {"rank": full_rank}, [update.base]),
        )
        for update, rank in zip(updates, ranks, strict=True)
    ]


def rank_of(training: Job) -> int:
    """Return the rank of the adapter that a training job gives."""
    return int(json.loads(training.params)["model"]["method"]["rank"])


def _padded_job(trained: Job, full_rank: int, highest: int, state: Job) -> Job:
    if highest == full_rank:
        return job("pad", {"rank": full_rank}, [trained])
    return job("pad", {"rank": full_rank, "kept_from": highest}, [trained, state])
