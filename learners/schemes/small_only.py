"""The small model alone: what a federation reaches that never touches the large one.

Schemes in which devices train a small model on behalf of a large one (FedPT, FedPEAT's ladder) have to beat this, at the same
bytes and memory. Costs are the small model's own, or those of ``small_account_as``: the scenario's account_as is for the large
one.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import part_of
from mecsim.jobs.job import Job


class SmallOnlyParams(MethodParams):
    """Which small model, and what of it trains."""

    small: str = Field(description="the model that takes the place of the scenario's: a name, path:FOLDER or hub:OWNER/NAME")
    small_account_as: str | None = Field(
        default=None, description="architecture whose costs are counted for it: a name, or the path of a config.json"
    )
    pretrained: bool = Field(default=True, description="start from the model's weights; false: from random ones")
    method: Literal["full", "head", "bias", "lora", "adapter", "prompt", "peft"] = Field(
        default="lora", description="what trains and travels"
    )


def cost_jobs(params: SmallOnlyParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what a device trains, and the head that a server may fit first, both of the small model."""
    own: Mapping[str, Any] = {"model": params.small, "account_as": params.small_account_as}
    jobs = {"device": ask.sheet(params.method_spec(), **own)}
    return jobs | ask.head_sheet(**own)


def create(params: SmallOnlyParams, context: SchemeContext) -> FederatedAveraging:
    """Return the scheme: averaging, over another model."""
    part = part_of(context, params.method_spec(), context.costs["device"], model=params.small, pretrained=params.pretrained)
    rate = params.rate(context.local.optimizer)
    return FederatedAveraging(part, context, learning_rate=rate, account_as=params.small_account_as)


ENTRY = SchemeEntry(
    description="federated averaging of a small model alone: what the large one has to add to",
    params=SmallOnlyParams,
    create=create,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
)
