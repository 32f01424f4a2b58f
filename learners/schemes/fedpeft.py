"""FedPEFT (Sun et al., arXiv 2210.01708): a frozen backbone everywhere; only the method's parameters and the head travel.

Options of the paper's setting: the share of clients is the scenario's; ``pretrained: false`` trains from scratch; ``model``
names another (small) model as a baseline; ``momentum: carried`` lets a device go on with its momentum from its last turn,
where the published code passes one momentum from client to client; ``weighting: batches`` rounds a client's weight up to whole
batches as that code does; ``privacy`` trains privately.

``ranks`` lets a control policy give each device its own rank of LoRA, after HetLoRA (Cho et al., EMNLP 2024, arXiv 2401.06432):
a device gets the first k components of the server's factors, trains them, and they are padded with zeros for the average. All
ranks have the scale alpha / rank of the highest, so that a truncated adapter is the whole one without its last components.
Left out of HetLoRA: updates weighted by their norm (they weigh as ``weighting`` says), and ranks that devices prune themselves.
Zeros draw components that few devices train towards zero (see RBLA, arXiv 2408.08699). Those that no update of an average has
stay as they are at the server: averaged from zeros alone, A and B would be zero and without gradient ever after.
"""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from learners.schemes.averaging import FederatedAveraging
from learners.schemes.choices import check_choices, choice_for, descending
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import Part, evaluate_job, part_of, train_job
from learners.schemes.privacy_section import PrivacySection, epsilon_job
from learners.schemes.rank_jobs import method_at, padded_updates, rank_sheet_name, truncated_job
from mecsim.errors import JobError
from mecsim.federation.contract import REPLACE, Blend, ClientView, Knob, Offer, Payload, Refusal, ServerStep, Update
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
    ranks: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), strict=False, description="lora: ranks that a control policy may give devices, the highest of them rank"
    )

    @model_validator(mode="after")
    def _account_of_its_own_model(self) -> Self:
        if self.account_as is not None and self.model is None:
            raise ValueError("account_as belongs to the scheme's own model: name it, or use learning.account_as")
        return self

    @model_validator(mode="after")
    def _ranks_are_of_one_adapter(self) -> Self:
        if not self.ranks:
            return self
        if self.method != "lora" or self.rank is None:
            raise ValueError(f"ranks are those of lora, and the method is {self.method!r}: set method, or leave ranks out")
        if self.momentum == "carried":
            raise ValueError("momentum: carried has the shape of one rank: set momentum to reset, or leave ranks out")
        check_choices("ranks", self.ranks, "rank", self.rank, highest=True)
        return self


def cost_jobs(params: FedPeftParams, ask: CostQuestion) -> dict[str, Job]:
    """Return what a device trains, at each of the ranks where there are several, and the head that a server may fit first."""
    own: Mapping[str, Any] = {"model": params.model, "account_as": params.account_as}
    is_private = params.privacy is not None and params.privacy.kind == "dp-sgd"
    jobs = {"device": ask.sheet(params.method_spec(), **own, per_sample=is_private)}
    for rank in params.ranks:
        jobs[rank_sheet_name(rank)] = ask.sheet(method_at(params.method_spec(), rank), **own, per_sample=is_private)
    return jobs | ask.head_sheet(**own)


class FedPeft(FederatedAveraging):
    """Federated averaging of what the method trains, under a control policy with ``ranks`` at each device's own rank of LoRA.

    Truncating and padding are no matrix products and not priced.
    """

    def __init__(self, params: FedPeftParams, context: SchemeContext) -> None:
        _check(params, context)
        spec = params.method_spec()
        part = part_of(context, spec, context.costs["device"], model=params.model, pretrained=params.pretrained)
        account_as = params.account_as if params.model else context.account_as
        rate = params.rate(context.local.optimizer)
        super().__init__(part, context, learning_rate=rate, weighting=params.weighting, account_as=account_as)
        self._params = params
        self._knob: Knob | None = None
        self._parts: dict[float, Part] = {}
        if context.controlled and params.ranks:
            ranks = descending(params.ranks)
            self._knob = Knob(name="rank", choices=ranks, default=ranks[0])
            self._parts = {rank: _at_rank(part, int(rank), context) for rank in ranks[1:]}
        self._last_training: dict[int, Job] = {}
        self._n_steps: dict[int, int] = {}

    def knob(self) -> Knob | None:
        """Return the rank, where a control policy decides and there are several."""
        return self._knob

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return None for each rank: nothing that a device could keep stands for one."""
        return () if self._knob is None else (None,) * len(self._knob.choices)

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what ``client`` would do at its rank."""
        offered = super().offer(client)
        if self._knob is None or isinstance(offered, Refusal):
            return offered
        return replace(offered, base=self._state_for(client), choice=choice_for(self._knob, client))

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return the frozen part, unless the device has it from the factory, and the state at the device's rank."""
        needed, state = super().needs(client), self._state_for(client)
        if state == self.state:
            return needed
        return (*needed[:-1], Payload(state.name, "state", int(self.costs_of(client)["state_bytes"])))

    def costs_of(self, client: ClientView) -> Mapping[str, Any]:
        """Return the sheet of the device's rank."""
        return self._part_for(client).costs

    def update_bytes(self, client: ClientView) -> int:
        """Return the size of the state at the device's rank."""
        return int(self.costs_of(client)["state_bytes"])

    def training(self, client: ClientView) -> Job:
        """Return the training that ``client`` would do, private or with its own momentum where that is asked for."""
        options: dict[str, Any] = {}
        kept = None
        local = self.local_of(client)
        if self._params.momentum == "carried":
            options["momentum_kept"] = True
            kept = self._last_training.get(client.client)
        if (privacy := self._params.privacy) is not None:
            if privacy.target_epsilon is not None and local.epochs != self.context.local.epochs:
                raise JobError(
                    f"the noise for target_epsilon is planned for turns of {self.context.local.epochs} epochs, and device "
                    f"{client.client} was given {local.epochs}: leave epochs to the scenario, or set noise_multiplier"
                )
            options["privacy"] = privacy.spec(self.context.n_rounds)
        part, state, on = self._part_for(client), self._state_for(client), {"client": client.client}
        return train_job(part, state, self.context, on, self.rate(client.round), kept=kept, local=local, **options)

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Note the devices' last turns, and take their updates into the state, padded where their rank is lower."""
        for update in updates:
            self._last_training[update.client] = update.job
            self._n_steps[update.client] = self._n_steps.get(update.client, 0) + self._steps_of(update)
        if self._parts:
            updates = padded_updates(updates, self.state, self._full_rank(), blend)
        return super().merge(updates, blend)

    def quality(self) -> Job:
        """Return the evaluation of the current state on the test split, with the most privacy that a client has spent."""
        evaluation = evaluate_job(self.part, self.state, self.context)
        if self._params.privacy is None or self._params.privacy.kind != "dp-sgd" or not self._n_steps:
            return evaluation
        return job("collect", {"prefixes": ["", ""]}, [evaluation, self._spent(self._params.privacy)])

    def evaluation(self, split: str) -> Job:
        """Return the evaluation of the current state on ``split``."""
        return evaluate_job(self.part, self.state, self.context, split)

    def _spent(self, privacy: PrivacySection) -> Job:
        """Return the job of the most that a client has spent: it depends on its steps and on its samples."""
        local, spec = self.context.local, privacy.spec(self.context.n_rounds)
        kinds = {(self.context.client_samples[client], n_steps) for client, n_steps in self._n_steps.items()}
        spent = [
            epsilon_job(spec, n_samples=n_samples, batch_size=local.batch_size, n_steps=n_steps, epochs=local.epochs)
            for n_samples, n_steps in sorted(kinds)
        ]
        return job("collect", {"maxima": True}, spent)

    def _steps_of(self, update: Update) -> int:
        """Return the optimizer steps of a turn, which depend on the epochs that were decided for it."""
        epochs = json.loads(update.job.params)["epochs"]
        return replace(self.context.local, epochs=epochs).n_steps(self.context.client_samples[update.client])

    def _part_for(self, client: ClientView) -> Part:
        return self.part if self._knob is None else self._parts.get(choice_for(self._knob, client), self.part)

    def _state_for(self, client: ClientView) -> Job:
        if self._knob is None:
            return self.state
        return truncated_job(self.state, int(choice_for(self._knob, client)), self._full_rank())

    def _full_rank(self) -> int:
        return int(self.part.spec["method"]["rank"])


def _at_rank(part: Part, rank: int, context: SchemeContext) -> Part:
    spec = {**part.spec, "method": method_at(part.spec["method"], rank)}
    return replace(part, spec=spec, costs=context.costs[rank_sheet_name(rank)])


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
    choices_of=lambda params: params.ranks,
)
