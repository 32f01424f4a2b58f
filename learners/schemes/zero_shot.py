"""No federation at all: every device uses the model as it is, and the floor of every comparison is what that is worth.

A language model stays as it was pretrained. A classifier gets a head that the server fits on public data, always and whatever
``head_start`` says: an untrained head would say nothing. Nothing travels and nothing is trained on a device; the model and its
head count as there from the beginning.
"""

from collections.abc import Container, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.parts import client_loss_job, evaluate_job, has_fitted_head, head_work, part_of, start_job
from mecsim.federation.contract import (
    NO_STEP,
    NO_WORK,
    REPLACE,
    ROUND_PROTOCOLS,
    Blend,
    ClientView,
    Knob,
    Offer,
    Payload,
    SchemeFacts,
    ServerStep,
    Update,
    refusal_of,
)
from mecsim.jobs.job import Job

_HEAD = {"name": "head"}


class ZeroShotParams(BaseModel):
    """What the model starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    pretrained: bool = Field(default=True, description="use the model's weights; false: random ones, below which nothing is")


def cost_jobs(params: ZeroShotParams, ask: CostQuestion) -> dict[str, Job]:
    """Return the sheet of the model with its head."""
    return {"device": ask.sheet(_HEAD)}


class ZeroShot:
    """The model as it is, in every round."""

    def __init__(self, params: ZeroShotParams, context: SchemeContext) -> None:
        self._context = context
        self._part = part_of(context, _HEAD, context.costs["device"], pretrained=params.pretrained)
        self._state = start_job(self._part, context, head="public")

    def prepare(self) -> ServerStep:
        """Return the fitting of the head, where there is one."""
        if not has_fitted_head(self._context, "public"):
            return NO_STEP
        return ServerStep(head_work(self._part.costs, self._context))

    def offer(self, client: ClientView) -> Offer:
        """Return a turn in which nothing happens; it asks for no samples and no memory."""
        return Offer(needs=(), work=NO_WORK, sends=None, job=None)

    def knob(self) -> Knob | None:
        """Return what may be set for each device: nothing."""
        return None

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return nothing: there is no knob, and no version of anything."""
        return ()

    def alongside(self, round_number: int) -> ServerStep:
        """Return no work."""
        return NO_STEP

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Change nothing: no device sends an update."""
        if blend != REPLACE:
            raise refusal_of("zero-shot", "nothing is trained that could be blended")
        return NO_STEP

    def branch(self) -> Self:
        """Raise a SchemeError: there is no server whose work could be shared out."""
        raise refusal_of("zero-shot", "nothing is sent, to no server")

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Raise a SchemeError: there are no branches."""
        raise refusal_of("zero-shot", "nothing is sent, to no server")

    def exchange(self) -> Payload:
        """Raise a SchemeError: there are no branches."""
        raise refusal_of("zero-shot", "nothing is sent, to no server")

    def client_loss(self, client: int) -> Job | None:
        """Return the evaluation of the model on the client's own samples."""
        return client_loss_job(self._part, self._state, self._context, client)

    def quality(self) -> Job:
        """Return the evaluation of the model: the same job in every round."""
        return evaluate_job(self._part, self._state, self._context)

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme: devices train nothing."""
        return SchemeFacts(
            account_as=self._context.account_as or "",
            trainable_parameters=0,
            inference_flop=float(self._part.costs["forward_flop_per_sample"]),
        )


ENTRY = SchemeEntry(
    description="the model as it is, with a head fitted on public data where it needs one: no training, no traffic",
    params=ZeroShotParams,
    create=ZeroShot,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
    protocols_of=lambda params: ROUND_PROTOCOLS,
)
