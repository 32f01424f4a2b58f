"""A scheme from outside: FedPEFT that averages only the half of a round's updates with the most samples.

A scenario names it: ``plugins: [largest_half]`` and ``- {name: largest-half, method: lora}``.
"""

from collections.abc import Sequence

from learners.catalog import SCHEMES, SchemeEntry
from learners.schemes.fedpeft import FedPeft, FedPeftParams, cost_jobs
from mecsim.federation.contract import REPLACE, Blend, ServerStep, Update


class LargestHalf(FedPeft):
    """Offers what FedPEFT offers; what it leaves out of the average is never demanded, and so never trained."""

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        ranked = sorted(updates, key=lambda update: (-update.n_samples, update.client))
        return super().merge(ranked[: (len(ranked) + 1) // 2], blend)


if "largest-half" not in SCHEMES:
    SCHEMES.put(
        "largest-half",
        SchemeEntry(
            description="FedPEFT over the half of the updates with the most samples",
            params=FedPeftParams,
            create=LargestHalf,
            cost_jobs=cost_jobs,
            reconstruction=False,
        ),
    )
