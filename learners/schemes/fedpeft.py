"""FedPEFT (Sun et al., arXiv 2210.01708): a frozen backbone everywhere; only the method's parameters and the head travel.

Options of the paper's setting: the share of clients is the scenario's; ``pretrained: false`` trains from scratch; ``model``
names another (small) model as a baseline; ``momentum: carried`` lets a device go on with its momentum from its last turn,
where the published code passes one momentum from client to client; ``weighting: batches`` rounds a client's weight up to whole
batches as that code does; ``privacy`` trains privately.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import evaluate_job, part_of, train_job
from learners.schemes.privacy_section import PrivacySection, epsilon_job
from mecsim.errors import JobError
from mecsim.federation.contract import ClientView, Update
from mecsim.jobs.job import Job, job


class FedPeftParams(MethodParams):
    """What trains, from which model, and how updates are weighted."""

    model: str | None = Field(default=None, description="model to train in place of the scenario's: a small one as a baseline")
    account_as: str | None = Field(default=None, description="architecture whose costs are counted for that model")
    pretrained: bool = Field(default=True, description="start from the model's weights; false: from random ones")
    momentum: Literal["reset", "carried"] = Field(
        default="reset", description="momentum at a turn's start: zero, or that of the device's own last turn (sgd alone)"
    )
    weighting: Literal["samples", "batches", "uniform"] = Field(
        default="samples", description="a client's weight in the average: its samples, these in whole batches, or 1"
    )
    privacy: PrivacySection | None = Field(default=None, description="differentially private training; left out: none")

    @model_validator(mode="after")
    def _account_of_its_own_model(self) -> Self:
        if self.account_as is not None and self.model is None:
            raise ValueError("account_as belongs to the scheme's own model: name it, or use learning.account_as")
        return self


def cost_jobs(params: FedPeftParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what a device trains, and the head that a server may fit first."""
    own: Mapping[str, Any] = {"model": params.model, "account_as": params.account_as}
    is_private = params.privacy is not None and params.privacy.kind == "dp-sgd"
    jobs = {"device": ask.sheet(params.method_spec(), **own, per_sample=is_private)}
    return jobs | ask.head_sheet(**own)


class FedPeft(FederatedAveraging):
    """Federated averaging of what the method trains."""

    def __init__(self, params: FedPeftParams, context: SchemeContext) -> None:
        _check(params, context)
        part = part_of(context, params.method_spec(), context.costs["device"], model=params.model, pretrained=params.pretrained)
        account_as = params.account_as if params.model else context.account_as
        rate = params.rate(context.local.optimizer)
        super().__init__(part, context, learning_rate=rate, weighting=params.weighting, account_as=account_as)
        self._params = params
        self._last_training: dict[int, Job] = {}
        self._n_turns: dict[int, int] = {}

    def training(self, client: ClientView) -> Job:
        """Return the training that ``client`` would do, private or with its own momentum where that is asked for."""
        options: dict[str, Any] = {}
        kept = None
        if self._params.momentum == "carried":
            options["momentum_kept"] = True
            kept = self._last_training.get(client.client)
        if self._params.privacy is not None:
            options["privacy"] = self._params.privacy.spec(self.context.n_rounds)
        on = {"client": client.client}
        return train_job(self.part, self.state, self.context, on, self.rate(client.round), kept=kept, **options)

    def note(self, updates: Sequence[Update]) -> None:
        """Note the devices' last turns, and how many they had."""
        for update in updates:
            self._last_training[update.client] = update.job
            self._n_turns[update.client] = self._n_turns.get(update.client, 0) + 1

    def quality(self) -> Job:
        """Return the evaluation of the current state on the test split, with the most privacy that a client has spent."""
        evaluation = evaluate_job(self.part, self.state, self.context)
        if self._params.privacy is None or self._params.privacy.kind != "dp-sgd" or not self._n_turns:
            return evaluation
        return job("collect", {"prefixes": ["", ""]}, [evaluation, self._spent(self._params.privacy)])

    def evaluation(self, split: str) -> Job:
        """Return the evaluation of the current state on ``split``."""
        return evaluate_job(self.part, self.state, self.context, split)

    def _spent(self, privacy: PrivacySection) -> Job:
        """Return the job of the most that a client has spent: it depends on its turns and on its samples."""
        local, spec = self.context.local, privacy.spec(self.context.n_rounds)
        kinds = {(self.context.client_samples[client], n_turns) for client, n_turns in self._n_turns.items()}
        spent = [
            epsilon_job(
                spec,
                n_samples=n_samples,
                batch_size=local.batch_size,
                n_steps=n_turns * local.n_steps(n_samples),
                epochs=local.epochs,
            )
            for n_samples, n_turns in sorted(kinds)
        ]
        return job("collect", {"maxima": True}, spent)


def _check(params: FedPeftParams, context: SchemeContext) -> None:
    """Raise a JobError for what the scenario's local training does not go together with."""
    if params.momentum == "carried" and context.local.optimizer != "sgd":
        raise JobError(
            f"momentum: carried is SGD's, and devices train with {context.local.optimizer}: use sgd, or momentum: reset"
        )
    if params.privacy is not None and context.local.clip_norm is not None:
        raise JobError("private training clips each sample by max_grad_norm: leave learning.local.clip_norm out")


ENTRY = SchemeEntry(
    description="federated averaging of a PEFT method's parameters and the head, on a frozen backbone (arXiv 2210.01708)",
    params=FedPeftParams,
    create=FedPeft,
    cost_jobs=cost_jobs,
    reconstruction=False,
)
