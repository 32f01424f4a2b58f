"""No federation: every device goes on training its own copy, and nothing is sent. What sharing has to add to.

A device downloads the backbone and the start state once. In each of its turns it trains on from where its own last turn ended.
The quality is the mean over all devices of their own models' on the common test split; a device that never trained counts with
the start state. Turns are those of the scenario's selection, so that its training budget is that of the other schemes.
"""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import client_loss_job, evaluate_job, part_of, train_job, train_work
from mecsim.federation.contract import (
    NO_STEP,
    REPLACE,
    ROUND_PROTOCOLS,
    Blend,
    ClientView,
    Offer,
    Payload,
    Refusal,
    ServerStep,
    Update,
    refusal_of,
)
from mecsim.jobs.job import Job, job


class LocalOnlyParams(MethodParams):
    """What of the model a device trains for itself."""

    method: Literal["full", "head", "bias", "lora", "adapter", "prompt", "peft"] = Field(
        default="lora", description="what trains"
    )


def cost_jobs(params: LocalOnlyParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what a device trains, and the head that a server may fit first."""
    jobs = {"device": ask.sheet(params.method_spec())}
    return jobs | ask.head_sheet()


class LocalOnly(FederatedAveraging):
    """A chain of trainings a device; ``state`` stays what they all start from."""

    def __init__(self, params: LocalOnlyParams, context: SchemeContext) -> None:
        part = part_of(context, params.method_spec(), context.costs["device"])
        rate = params.rate(context.local.optimizer)
        super().__init__(part, context, learning_rate=rate, account_as=context.account_as)
        self._own: dict[int, Job] = {}

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return the device's next training of its own model; nothing is sent."""
        if client.n_samples < 1:
            return Refusal(reason="samples", needed=1.0, available=float(client.n_samples))
        return Offer(
            needs=self.needs(client),
            work=train_work(self.part.costs, client.n_samples, self.local_of(client)),
            sends=None,
            job=self.training(client),
        )

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what the first turn needs; later ones need nothing."""
        return () if client.client in self._own else super().needs(client)

    def training(self, client: ClientView) -> Job:
        """Return the training that goes on where the device's last one ended."""
        state, on = self.own_state(client.client), {"client": client.client}
        return train_job(self.part, state, self.context, on, self.rate(client.round), local=self.local_of(client))

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Note what the devices have now; the server does nothing."""
        if blend != REPLACE:
            raise refusal_of("local-only", "nothing is sent that could be blended")
        self._own |= {update.client: update.job for update in updates}
        return NO_STEP

    def branch(self) -> Self:
        """Raise a SchemeError: there is no server whose work could be shared out."""
        raise refusal_of("local-only", "nothing is sent, to no server")

    def client_loss(self, client: int) -> Job | None:
        """Return the evaluation of the client's own model on its own samples."""
        return client_loss_job(self.part, self.own_state(client), self.context, client)

    def quality(self) -> Job:
        """Return the mean over the devices of the evaluation of each one's own model."""
        devices = range(len(self.context.client_samples))
        evaluations = [evaluate_job(self.part, self.own_state(device), self.context) for device in devices]
        return job("collect", {"means": True}, evaluations)

    def own_state(self, client: int) -> Job:
        """Return the state that ``client`` has: its last training's, or the common start."""
        return self._own.get(client, self.state)


ENTRY = SchemeEntry(
    description="no federation: every device trains its own copy, and quality is the mean over devices",
    params=LocalOnlyParams,
    create=LocalOnly,
    cost_jobs=cost_jobs,
    reconstruction=False,
    protocols_of=lambda params: ROUND_PROTOCOLS,
)
