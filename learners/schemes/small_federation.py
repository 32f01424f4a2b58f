"""What the schemes with a small model on the devices and a large one at the server share. No scheme, and no torch."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from learners.models.architectures import MODELS
from learners.models.sources import architecture_of_model
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import by_class, head_work, part_of, start_job
from mecsim.errors import JobError, suggestion
from mecsim.federation.contract import NO_STEP, SchemeFacts, ServerStep
from mecsim.jobs.job import Job, job

_HEAD = {"name": "head"}


class SmallModelParams(MethodParams):
    """The small model that the devices tune, and how they do it; the scenario's ``learning.model`` is the large one."""

    small: str = Field(description="model on the devices: a name, path:FOLDER or hub:OWNER/NAME")
    small_account_as: str | None = Field(
        default=None, description="architecture whose costs are counted for the small model; null: its own"
    )
    method: Literal["full", "head", "bias", "lora", "adapter", "prompt", "peft"] = Field(
        default="lora", description="what is trained of the model"
    )

    @model_validator(mode="after")
    def _small_is_known(self) -> Self:
        if not self.small.startswith(("path:", "hub:", "folder:")) and self.small not in MODELS:
            raise ValueError(f"small: no model called {self.small!r}. {suggestion(self.small, MODELS)}")
        return self


def cost_jobs(params: SmallModelParams, ask: CostQuestion) -> dict[str, Job]:
    """Return the sheets of the small model ("device"), of its head, and of the large one with its head ("large").

    A JobError says so where the two predict different tokens.
    """
    if ask.n_classes is None:
        _check_same_tokens(ask.model, params.small)
    of_small: dict[str, Any] = {"model": params.small, "account_as": params.small_account_as}
    return {
        "device": ask.sheet(params.method_spec(), **of_small),
        "head": ask.sheet(_HEAD, **of_small),
        "large": ask.sheet(_HEAD),
    }


class SmallFederation(FederatedAveraging):
    """Federated averaging of a small model beside a large one that stays at the server and is never trained.

    Both get a head fitted on public data, whatever ``head_start`` says: scores of an untuned head are noise. ``start`` is the
    small model at the exact start of the federation, ``state`` what the devices get next. Nothing of the large model is ever
    sent.
    """

    def __init__(self, params: SmallModelParams, context: SchemeContext, *, needs_public: bool = False) -> None:
        self.has_heads = context.n_classes is not None
        if (self.has_heads or needs_public) and context.n_public < 2:
            raise JobError(f"the server has {context.n_public} public samples and needs some: raise learning.public_share")
        small = part_of(context, params.method_spec(), context.costs["device"], model=params.small)
        rate = params.rate(context.local.optimizer)
        super().__init__(small, context, learning_rate=rate, account_as=params.small_account_as)
        self.large = part_of(context, _HEAD, context.costs["large"])
        self.large_state = start_job(self.large, context, head="public")
        self.start = start_job(small, context, head="public")
        self.state = self.start

    def prepare(self) -> ServerStep:
        """Return the fitting of both heads; a language model has its own."""
        if not self.has_heads:
            return NO_STEP
        return ServerStep(head_work(self.context.costs["head"], self.context) + head_work(self.large.costs, self.context))

    @property
    def tuned(self) -> Job:
        """The small model as the last merge left it: what is deployed beside the large one."""
        return self.state

    def together_job(self, kind: str, split: str, *, tuned_alpha: Job | None = None, **options: Any) -> Job:
        """Return a job over the large, the tuned and the start model (see ``learners.proxy_tuning``)."""
        params = {
            "large": self.large.spec,
            "small": self.part.spec,
            "dataset": dict(self.context.dataset),
            "split": split,
            **by_class(self.context, split),
            **options,
        }
        inputs = [self.large_state, self.tuned, self.start, self.context.partition]
        return job(kind, params, [*inputs, *([tuned_alpha] if tuned_alpha else [])])

    def facts_with(self, n_small: int) -> SchemeFacts:
        """Return the summary's facts where a query goes through the large model and ``n_small`` small ones."""
        named = [self.context.account_as, f"small: {self.account_as}" if self.account_as else None]
        forward = "forward_flop_per_sample"
        return SchemeFacts(
            account_as=", ".join(name for name in named if name),
            trainable_parameters=int(self.part.costs["trainable_parameters"]),
            inference_flop=float(self.large.costs[forward]) + n_small * float(self.part.costs[forward]),
        )


def _check_same_tokens(large: str, small: str) -> None:
    n_large, n_small = architecture_of_model(large).vocab, architecture_of_model(small).vocab
    if n_large != n_small:
        raise JobError(
            f"{large!r} predicts {n_large} tokens and {small!r} {n_small}: scores of different vocabularies cannot be put "
            "together; choose two models with the same tokenizer"
        )
