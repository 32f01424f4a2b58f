"""A scheme from outside: FedPEFT that averages only the half of a round's updates with the most samples.

A scenario names it: ``plugins: [largest_half]`` and ``- {name: largest-half, method: lora}``.
"""

from collections.abc import Sequence

from learners.catalog import SCHEMES, SchemeContext, SchemeEntry
from learners.schemes.fedpeft import FedPeft, FedPeftParams, cost_job
from mecsim.federation.contract import ClientView, Offer, Refusal, ServerStep, Update
from mecsim.jobs.job import Job


class LargestHalf:
    """Offers what FedPEFT offers; what it leaves out of the average is never demanded, and so never trained."""

    def __init__(self, params: FedPeftParams, context: SchemeContext) -> None:
        self._inner = FedPeft(params, context)

    def prepare(self) -> ServerStep:
        return self._inner.prepare()

    def offer(self, client: ClientView) -> Offer | Refusal:
        return self._inner.offer(client)

    def merge(self, updates: Sequence[Update]) -> ServerStep:
        ranked = sorted(updates, key=lambda update: (-update.n_samples, update.client))
        return self._inner.merge(ranked[: (len(ranked) + 1) // 2])

    def quality(self) -> Job:
        return self._inner.quality()


if "largest-half" not in SCHEMES:
    SCHEMES.put(
        "largest-half",
        SchemeEntry(
            description="FedPEFT over the half of the updates with the most samples",
            params=FedPeftParams,
            create=LargestHalf,
            cost_job=cost_job,
            reconstruction=False,
        ),
    )
