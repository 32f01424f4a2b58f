"""FedPETuning (Zhang et al., Findings of ACL 2023): LoRA on the attention of the whole model, averaged; FedPFT's upper bound.

Every device holds the full frozen model, trains updates of query, key, value and output of every block and the head, and the
server averages them by samples. Rank and alpha are the defaults of the published configuration (8 and 8, repository
SMILELab-FL/FedPETuning); FedPFT ran this baseline with rank 8 and alpha 48. The tuned learning rate was found on queries and
values with alpha 16.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from learners.peft.defaults import METHODS
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.parts import part_of
from mecsim.jobs.job import Job


class FedPETuningParams(BaseModel):
    """Size of the update, and how fast it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rank: int = Field(default=8, ge=1, description="rank of the update")
    alpha: float = Field(default=8.0, gt=0.0, description="the update is scaled by alpha / rank")
    learning_rate: float | None = Field(
        default=None, gt=0.0, description="rate of a device's optimizer; left out: the one tuned for LoRA and the optimizer"
    )

    def method_spec(self) -> dict[str, Any]:
        """Return the method with its options, as jobs carry it."""
        return {"name": "lora", "rank": self.rank, "alpha": self.alpha, "targets": "qkvo"}


def cost_jobs(params: FedPETuningParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what a device trains, and the head that a server may fit first."""
    jobs = {"device": ask.sheet(params.method_spec())}
    return jobs | ask.head_sheet()


def create(params: FedPETuningParams, context: SchemeContext) -> FederatedAveraging:
    """Return the scheme: averaging, and nothing besides."""
    part = part_of(context, params.method_spec(), context.costs["device"])
    rate = params.learning_rate or METHODS["lora"].learning_rates[context.local.optimizer]
    return FederatedAveraging(part, context, learning_rate=rate, account_as=context.account_as)


ENTRY = SchemeEntry(
    description="federated averaging of LoRA on query, key, value and output of the full model, and the head (FedPETuning)",
    params=FedPETuningParams,
    create=create,
    cost_jobs=cost_jobs,
    reconstruction=False,
)
