"""Centralised training: devices upload their raw samples once, and the server trains on all that it has. The upper bound.

A device that is asked for the first time sends its samples and computes nothing; later turns of it ask for nothing. From then
on the server makes one pass (learning.local.epochs) a round over the union of what it has received: alongside the devices'
turns, or, in the round of the first uploads, after them. There is no privacy in it: that is its point.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field

from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import part_of, train_job, train_work
from mecsim.federation.contract import (
    NO_STEP,
    NO_WORK,
    REPLACE,
    ROUND_PROTOCOLS,
    Blend,
    ClientView,
    Offer,
    Payload,
    Refusal,
    SchemeFacts,
    ServerStep,
    Update,
    refusal_of,
)
from mecsim.hashing import sha256_of
from mecsim.jobs.job import Job


class CentralisedParams(MethodParams):
    """What of the model the server trains."""

    method: Literal["full", "head", "bias", "lora", "adapter", "prompt", "peft"] = Field(
        default="lora", description="what the server trains"
    )


def cost_jobs(params: CentralisedParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what the server trains, which also says how large a sample is, and the head that it may fit first."""
    jobs = {"server": ask.sheet(params.method_spec())}
    return jobs | ask.head_sheet()


class Centralised(FederatedAveraging):
    """One model on the server, and the devices whose samples it holds."""

    def __init__(self, params: CentralisedParams, context: SchemeContext) -> None:
        part = part_of(context, params.method_spec(), context.costs["server"])
        rate = params.rate(context.local.optimizer)
        super().__init__(part, context, learning_rate=rate, account_as=context.account_as)
        self._received: dict[int, int] = {}
        self._passed = False

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return the upload of the device's samples, once; a device that has sent them has nothing to do.

        The job that the upload stands for is the partition: the samples were there before anything was learned.
        """
        if client.client in self._received:
            return Offer(needs=(), work=NO_WORK, sends=None, job=None)
        if client.n_samples < 1:
            return Refusal(reason="samples", needed=1.0, available=float(client.n_samples))
        partition = self.context.partition
        name = sha256_of(["samples", partition.name, client.client, self.account_as])
        size_bytes = int(self.part.costs["sample_bytes"]) * client.n_samples
        return Offer(needs=(), work=NO_WORK, sends=Payload(name, "samples", size_bytes), job=partition)

    def alongside(self, round_number: int) -> ServerStep:
        """Make a pass over what the server has held since the last round."""
        self._passed = bool(self._received)
        return self._pass() if self._received else NO_STEP

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Take in the samples of those who sent some; make this round's pass, if there was nothing to make it on before."""
        if blend != REPLACE:
            raise refusal_of("centralised", "devices send samples, once, and no states that could be blended")
        self._received |= {update.client: update.n_samples for update in updates}
        return NO_STEP if self._passed else self._pass()

    def branch(self) -> Self:
        """Raise a SchemeError: samples of several servers would have to be moved again."""
        raise refusal_of("centralised", "one server holds all samples, and nothing is trained elsewhere")

    def client_loss(self, client: int) -> Job | None:
        """Return None: devices have no model."""
        return None

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme: devices train nothing."""
        return replace(super().facts(), trainable_parameters=0)

    def _pass(self) -> ServerStep:
        clients = sorted(self._received)
        self.state = train_job(self.part, self.state, self.context, {"clients": clients}, self.learning_rate)
        return ServerStep(train_work(self.part.costs, sum(self._received.values()), self.context.local))


ENTRY = SchemeEntry(
    description="devices upload their raw samples once and the server trains on them: the upper bound",
    params=CentralisedParams,
    create=Centralised,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
    protocols_of=lambda params: ROUND_PROTOCOLS,
)
