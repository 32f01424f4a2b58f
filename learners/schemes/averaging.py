"""What most schemes share: devices train the same part from the server's state, and the server averages what comes back."""

from collections.abc import Sequence

from learners.schemes.context import SchemeContext
from learners.schemes.parts import (
    Part,
    average_job,
    average_work,
    backbone_payload,
    evaluate_job,
    has_fitted_head,
    head_work,
    start_job,
    train_job,
    train_work,
)
from mecsim.federation.contract import (
    NO_STEP,
    ClientView,
    Offer,
    Payload,
    Refusal,
    SchemeFacts,
    ServerStep,
    Update,
)
from mecsim.jobs.job import Job


class FederatedAveraging:
    """FedAvg (McMahan et al., 2017) over the trainable part of a model. A scheme overrides what it does differently."""

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
            work=train_work(self.part.costs, client.n_samples, self.context.local),
            sends=Payload(training.name, "update", self.update_bytes(client)),
            job=training,
        )

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what the turn needs: the frozen part, unless the device has it from the factory, and the state."""
        state = Payload(self.state.name, "state", int(self.part.costs["state_bytes"]))
        has_backbone = self.context.backbone_preinstalled or self.part.costs["backbone_bytes"] == 0
        return (state,) if has_backbone else (backbone_payload(self.part), state)

    def training(self, client: ClientView) -> Job:
        """Return the training that ``client`` would do."""
        return train_job(self.part, self.state, self.context, {"client": client.client}, self.rate(client.round))

    def rate(self, round_number: int) -> float:
        """Return the learning rate of a round."""
        return self.learning_rate

    def update_bytes(self, client: ClientView) -> int:
        """Return the size of what the device sends back."""
        return int(self.part.costs["state_bytes"])

    def alongside(self, round_number: int) -> ServerStep:
        """Return no work: the server waits."""
        return NO_STEP

    def merge(self, updates: Sequence[Update]) -> ServerStep:
        """Average the updates."""
        self.state = average_job(updates, self.weighting, self.context.local.batch_size)
        return ServerStep(average_work(self.part.costs, len(updates)))

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
