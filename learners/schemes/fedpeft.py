"""FedPEFT (Sun et al., arXiv 2210.01708): a frozen backbone everywhere; only the method's parameters and the head travel."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from learners.models.architectures import ARCHITECTURES, MODELS
from learners.models.spec import backbone_digest, model_spec
from learners.peft.defaults import METHODS
from learners.schemes.context import SchemeContext, SchemeEntry
from mecsim.federation.contract import NO_WORK, ClientView, Offer, Payload, Refusal, ServerStep, Update, Work
from mecsim.hashing import sha256_of
from mecsim.jobs.job import Job, job


class FedPeftParams(BaseModel):
    """Method and its options; an option that the method does not have is an error, one left out gets its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    method: Literal["full", "head", "bias", "lora", "adapter", "prompt", "peft"]
    rank: int | None = Field(default=None, ge=1, description="lora: rank of the update")
    alpha: float | None = Field(default=None, gt=0.0, description="lora: the update is scaled by alpha / rank")
    reduction: int | None = Field(default=None, ge=1, description="adapter: hidden width over bottleneck width")
    shared: bool | None = Field(default=None, description="adapter: one bottleneck for all blocks, or one each")
    n_tokens: int | None = Field(default=None, ge=1, description="prompt: tokens a block")
    dropout: float | None = Field(default=None, ge=0.0, lt=1.0, description="prompt: dropout of the tokens in training")
    peft_type: str | None = Field(default=None, description="peft: Hugging Face's name of the type, such as IA3")
    peft_options: dict[str, Any] | None = Field(default=None, description="peft: options of the type's configuration")
    pretrained: bool = Field(default=True, description="start from the embedded weights; false: from random ones")
    learning_rate: float | None = Field(default=None, gt=0.0, description="SGD rate; left out: tuned for the method")

    @model_validator(mode="before")
    @classmethod
    def _spell_out_defaults(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("method") not in METHODS:
            return data  # the field's own rule says what is wrong
        method = METHODS[data["method"]]
        return {"learning_rate": method.learning_rate, **method.options, **{k: v for k, v in data.items() if v is not None}}

    @model_validator(mode="after")
    def _options_belong_to_the_method(self) -> Self:
        own = METHODS[self.method].options
        foreign = [key for key in _ALL_OPTIONS if key not in own and getattr(self, key) is not None]
        if foreign:
            has = f"its options are {', '.join(own)}" if own else "it has no options"
            raise ValueError(f"{', '.join(foreign)}: no option of method {self.method!r}; {has}")
        return self

    def method_spec(self) -> dict[str, Any]:
        """Return the method with its options, as jobs carry it."""
        return {"name": self.method, **{key: getattr(self, key) for key in METHODS[self.method].options}}


_ALL_OPTIONS = tuple(dict.fromkeys(key for method in METHODS.values() for key in method.options))


def cost_job(params: FedPeftParams, *, model: str, account_as: str | None, n_classes: int, batch_size: int) -> Job:
    """Return the job that counts bytes, parameters and FLOPs on the accounted architecture (see ``learners.costs``)."""
    architecture = account_as or MODELS[model].architecture
    ARCHITECTURES[architecture]  # raises with suggestions
    sheet = {"architecture": architecture, "n_classes": n_classes, "method": params.method_spec(), "batch_size": batch_size}
    return job("cost", sheet)


class FedPeft:
    """Federated averaging, weighted by samples, of what the method trains.

    The published code rounds a client's weight up to whole batches and carries momentum from client to client; here the
    weight is the exact count, and momentum starts from zero each turn.
    """

    def __init__(self, params: FedPeftParams, context: SchemeContext) -> None:
        self._params = params
        self._context = context
        self._spec = model_spec(
            context.model,
            n_classes=context.n_classes,
            method=params.method_spec(),
            pretrained=params.pretrained,
            seed=context.learning_seed,
        )
        self._state = job("init", {"model": self._spec})

    @property
    def state(self) -> Job:
        """Return the job that gives the server's current state."""
        return self._state

    def prepare(self) -> ServerStep:
        """Return no work: the backbone is used as it is."""
        return ServerStep(NO_WORK)

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what ``client`` would download, compute and upload from the current state."""
        if client.n_samples < 1:
            return Refusal(reason="samples", needed=1.0, available=float(client.n_samples))
        training = self._training(client.client)
        size_bytes = int(self._context.costs["state_bytes"])
        needs = (*self._backbone(), Payload(self._state.name, "state", size_bytes))
        return Offer(
            needs=needs, work=self._work(client.n_samples), sends=Payload(training.name, "update", size_bytes), job=training
        )

    def merge(self, updates: Sequence[Update]) -> ServerStep:
        """Average the updates by their samples; their order does not matter."""
        ordered = sorted(updates, key=lambda update: (update.client, update.job.name))
        weights = [update.n_samples for update in ordered]
        self._state = job("average", {"weights": weights}, [update.job for update in ordered])
        n, size_bytes = len(ordered), float(self._context.costs["state_bytes"])
        flop = 2.0 * self._context.costs["trainable_parameters"] * n
        return ServerStep(Work(flop=flop, traffic_bytes=(n + 1) * size_bytes, peak_bytes=(n + 1) * size_bytes, n_steps=1))

    def quality(self) -> Job:
        """Return the evaluation of the current state on the test split."""
        return self.evaluation("test")

    def evaluation(self, split: Literal["test", "public"]) -> Job:
        """Return the evaluation of the current state on ``split``."""
        params = {"model": self._spec, "dataset": dict(self._context.dataset), "split": split}
        return job("evaluate", params, [self._state, self._context.partition])

    def _training(self, client: int) -> Job:
        params = {
            "model": self._spec,
            "dataset": dict(self._context.dataset),
            "client": client,
            "learning_rate": self._params.learning_rate,
            **asdict(self._context.local),
        }
        return job("train", params, [self._state, self._context.partition])

    def _work(self, n_samples: int) -> Work:
        costs, local = self._context.costs, self._context.local
        n_steps = local.n_steps(n_samples)
        return Work(
            flop=float(costs["train_flop_per_sample"]) * n_samples * local.epochs,
            traffic_bytes=float(costs["traffic_bytes_per_step"]) * n_steps,
            peak_bytes=float(costs["peak_train_bytes"]),
            n_steps=n_steps,
        )

    def _backbone(self) -> tuple[Payload, ...]:
        """Return the frozen part, unless the device has it from the factory or the state itself is everything."""
        size_bytes = int(self._context.costs["backbone_bytes"])
        if self._context.backbone_preinstalled or self._params.method == "full":
            return ()
        name = sha256_of(["backbone", backbone_digest(self._spec), self._context.account_as, size_bytes])
        return (Payload(name, "backbone", size_bytes),)


ENTRY = SchemeEntry(
    description="federated averaging of a PEFT method's parameters and the head, on a frozen backbone (arXiv 2210.01708)",
    params=FedPeftParams,
    create=FedPeft,
    cost_job=cost_job,
    reconstruction=False,
)
