"""What most schemes share: devices train the same part from the server's state, and the server averages what comes back."""

from collections.abc import Container, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

from learners.schemes.blending import blended_job, joined_job, n_terms
from learners.schemes.context import LocalSettings, SchemeContext
from learners.schemes.parts import (
    Part,
    average_work,
    backbone_payload,
    client_loss_job,
    evaluate_job,
    has_fitted_head,
    head_work,
    start_job,
    train_job,
    train_work,
)
from mecsim.federation.contract import (
    NO_STEP,
    NO_WORK,
    REPLACE,
    Blend,
    ClientView,
    Knob,
    Offer,
    Payload,
    Refusal,
    SchemeFacts,
    ServerStep,
    Update,
    Work,
)
from mecsim.jobs.job import Job


class FederatedAveraging:
    """FedAvg (McMahan et al., 2017) over the trainable part of a model. A scheme overrides what it does differently.

    ``state`` is what a device gets next. What a scheme notes of single devices is shared with its branches: it is the same
    device, whichever server it talks to.
    """

    def __init__(
        self,
        part: Part,
        context: SchemeContext,
        *,
        learning_rate: float,
        weighting: str = "samples",
        account_as: str | None = None,
    ) -> None:
        self.part = part
        self.context = context
        self.learning_rate = learning_rate
        self.weighting = weighting
        self.account_as = account_as
        self.state = start_job(part, context)
        self.is_branch = False

    def prepare(self) -> ServerStep:
        """Return the fitting of the head where the scenario wants that; the backbone is used as it is."""
        if not has_fitted_head(self.context):
            return NO_STEP
        return ServerStep(head_work(self.context.costs["head"], self.context))

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what ``client`` would download, compute and upload from the current state."""
        if client.n_samples < 1:
            return Refusal(reason="samples", needed=1.0, available=float(client.n_samples))
        training = self.training(client)
        return Offer(
            needs=self.needs(client),
            work=train_work(self.costs_of(client), client.n_samples, self.local_of(client)),
            sends=Payload(training.name, "update", self.update_bytes(client)),
            job=training,
            base=self.state,
        )

    def knob(self) -> Knob | None:
        """Return what may be set for each device: nothing."""
        return None

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return by how many versions what a device holds is behind, for each choice of the knob: there are none."""
        return ()

    def costs_of(self, client: ClientView) -> Mapping[str, Any]:
        """Return the sheet of what ``client`` trains."""
        return self.part.costs

    def local_of(self, client: ClientView) -> LocalSettings:
        """Return how ``client`` trains: as the scenario says, for as many epochs as were decided for it."""
        local, epochs = self.context.local, client.settings.epochs
        return local if epochs is None else replace(local, epochs=epochs)

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what the turn needs: the frozen part, unless the device has it from the factory, and the state."""
        has_backbone = self.context.backbone_preinstalled or self.part.costs["backbone_bytes"] == 0
        return (self.exchange(),) if has_backbone else (backbone_payload(self.part), self.exchange())

    def training(self, client: ClientView) -> Job:
        """Return the training that ``client`` would do."""
        on, rate = {"client": client.client}, self.rate(client.round)
        return train_job(self.part, self.state, self.context, on, rate, local=self.local_of(client))

    def rate(self, round_number: int) -> float:
        """Return the learning rate of a round."""
        return self.learning_rate

    def update_bytes(self, client: ClientView) -> int:
        """Return the size of what the device sends back."""
        return int(self.part.costs["state_bytes"])

    def alongside(self, round_number: int) -> ServerStep:
        """Return no work: the server waits."""
        return NO_STEP

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Take the updates into the state; go on with what the scheme does behind it, if this is no branch."""
        self.note(updates)
        entering = [*self.own_updates(), *updates]
        self.state = blended_job(
            self.state, entering, blend, weighting=self.weighting, batch_size=self.context.local.batch_size
        )
        work = average_work(self.part.costs, n_terms(len(entering), blend))
        return ServerStep(work if self.is_branch else work + self.behind(updates))

    def note(self, updates: Sequence[Update]) -> None:
        """Note what the updates tell of single devices: nothing."""

    def own_updates(self) -> list[Update]:
        """Return what the server itself has trained since the last merge: nothing."""
        return []

    def behind(self, updates: Sequence[Update]) -> Work:
        """Do what the server does behind an average (of ``updates``, or of branches: none) and return its work: nothing."""
        return NO_WORK

    def branch(self) -> Self:
        """Return a copy that averages on its own, and does nothing behind that."""
        branch = copy(self)
        branch.is_branch = True
        return branch

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Average the branches' states, and what the server itself has trained; go on with what is behind an average."""
        states = [(branch.state, weight) for branch, weight in branches]
        states += [(own.job, float(own.n_samples)) for own in self.own_updates()]
        self.state = joined_job(states)
        return ServerStep(average_work(self.part.costs, len(states)) + self.behind(()))

    def exchange(self) -> Payload:
        """Return the state as it travels."""
        return Payload(self.state.name, "state", int(self.part.costs["state_bytes"]))

    def client_loss(self, client: int) -> Job | None:
        """Return the evaluation on the client's own samples of the state that it would get, in what it holds."""
        return client_loss_job(self.part, self.state, self.context, client)

    def quality(self) -> Job:
        """Return the evaluation of the current state on the test split."""
        return evaluate_job(self.part, self.state, self.context)

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme."""
        costs = self.part.costs
        return SchemeFacts(
            account_as=self.account_as or "",
            trainable_parameters=int(costs["trainable_parameters"]),
            inference_flop=float(costs["forward_flop_per_sample"]),
        )
