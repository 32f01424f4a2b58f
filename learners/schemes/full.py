"""Federated full fine-tuning: every parameter trains, travels and is averaged (FedAvg, McMahan et al., 2017).

What PEFT is measured against: the best accuracy that bytes and memory can buy, or the first scheme that they rule out.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from learners.peft.defaults import METHODS
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.parts import part_of
from mecsim.jobs.job import Job

METHOD: dict[str, Any] = {"name": "full"}


class FullParams(BaseModel):
    """Where training starts, and how fast it goes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    pretrained: bool = Field(default=True, description="start from the model's weights; false: from random ones")
    weighting: Literal["samples", "uniform"] = Field(
        default="samples", description="a client's weight in the average: its samples, or 1"
    )
    learning_rate: float | None = Field(
        default=None, gt=0.0, description="rate of a device's optimizer; left out: the one tuned for full fine-tuning"
    )


def cost_jobs(params: FullParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what a device trains, and the head that a server may fit first."""
    jobs = {"device": ask.sheet(METHOD)}
    return jobs | ask.head_sheet()


def create(params: FullParams, context: SchemeContext) -> FederatedAveraging:
    """Return the scheme: averaging, and nothing besides."""
    part = part_of(context, METHOD, context.costs["device"], pretrained=params.pretrained)
    rate = params.learning_rate or METHODS["full"].learning_rates[context.local.optimizer]
    return FederatedAveraging(part, context, learning_rate=rate, weighting=params.weighting, account_as=context.account_as)


ENTRY = SchemeEntry(
    description="federated averaging of every parameter: full fine-tuning",
    params=FullParams,
    create=create,
    cost_jobs=cost_jobs,
    reconstruction=False,
)
