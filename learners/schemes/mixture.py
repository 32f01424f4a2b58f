"""The baseline of every study of FedPT: devices tune a small model, and it answers in a mixture with a large one.

The devices do what FedPT's devices do without distillation, so the trainings are the same jobs; deployed is
weight * p_large + (1 - weight) * p_small, a row a sample or a token. No paper: a plain 50/50 mixture beat proxy-tuning in our
own measurements of a tiny pair of language models. ``proxy_`` numbers beside it are those of FedPT at alpha 1.
"""

from pydantic import Field

from learners.schemes.context import SchemeContext, SchemeEntry
from learners.schemes.small_federation import SmallFederation, SmallModelParams, cost_jobs
from mecsim.federation.contract import SchemeFacts
from mecsim.jobs.job import Job


class MixtureParams(SmallModelParams):
    """The small model and its method, and the weight of the large model's probabilities."""

    weight: float = Field(default=0.5, ge=0.0, le=1.0, description="share of the large model in the probabilities")


class Mixture(SmallFederation):
    """Federated averaging of a small model; a query is answered by both."""

    def __init__(self, params: MixtureParams, context: SchemeContext) -> None:
        super().__init__(params, context)
        self.weight = params.weight

    def quality(self) -> Job:
        """Return the evaluation of the mixture, beside what it is made of."""
        return self.together_job("proxy_evaluate", "test", deployed="mixture", alpha=1.0, weight=self.weight)

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme: a query goes through both models."""
        return self.facts_with(n_small=1)


ENTRY = SchemeEntry(
    description="a federated small model that answers in a mixture with a large one at the server (FedPT's baseline)",
    params=MixtureParams,
    create=Mixture,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
)
