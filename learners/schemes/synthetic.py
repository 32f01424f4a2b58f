"""No scheme: sizes and work as they are given, and a curve in the place of learning. For studies of the network. No torch.

What a device downloads, computes and uploads are the parameters; the defaults are those of LoRA on ViT-B/16 with 100 classes,
as ``fedpeft`` counts them. Accuracy is a curve over the progress, which counts passes over the samples of all devices as they
enter the state: a merge of updates i, with n_i of N samples and s_i merges behind, adds

    progress_rate * rate * epochs * (sum n_i / N) * e

where rate is the blend's, and e the mean of (1 + s_i) ** -staleness_exponent: weighted by samples times the updates' weights
where states are averaged; the plain mean of weight times worth where differences are. Branches add up what each of them gained.
There is no drift, no diminishing return of many devices at once, and no noise: a stand-in, and no statement about any scheme.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from learners.schemes.blending import n_terms
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from mecsim.errors import JobError
from mecsim.federation.contract import (
    NO_STEP,
    REPLACE,
    Blend,
    ClientView,
    Offer,
    Payload,
    Refusal,
    SchemeError,
    SchemeFacts,
    ServerStep,
    Update,
    Work,
)
from mecsim.hashing import sha256_of
from mecsim.jobs.job import Job, job
from mecsim.jobs.synthetic import loss_job, quality_job

_MB, _GB = 1e6, 1e9
_NOT_ALONE = "synthetic: it stands in for learning and trains nothing; write learning: {kind: synthetic}"


class SyntheticParams(BaseModel):
    """What the world has to carry and to compute, and how fast the curve is followed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    backbone_mb: float = Field(default=343.2, ge=0.0, description="MB that a device downloads once")
    download_mb: float = Field(default=1.487, gt=0.0, description="MB of the state that a device downloads in every turn")
    update_mb: float = Field(default=1.487, gt=0.0, description="MB that a device uploads in every turn")
    flop_per_sample: float = Field(default=7.104e10, ge=0.0, description="FLOP of training on a sample")
    traffic_bytes_per_sample: float = Field(
        default=2.339e8, ge=0.0, description="memory traffic of a sample: a step's by its samples, in batches of 16"
    )
    peak_memory_gb: float = Field(default=1.947, ge=0.0, description="GB that training takes at its highest")
    trainable_parameters: int = Field(
        default=371_812, ge=0, description="numbers that train; the server averages two FLOP a number and update"
    )
    inference_flop: float = Field(default=3.524e10, ge=0.0, description="FLOP of a query to what is deployed")
    progress_rate: float = Field(default=1.0, gt=0.0, description="progress that a pass over all samples is worth")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticContext:
    """What the scheme may depend on beside its parameters: ``learning`` of the scenario, and the samples of all devices."""

    n_samples: int
    curve: Mapping[str, float]
    epochs: int
    batch_size: int
    staleness_exponent: float
    loss_spread: float
    seed: int
    backbone_preinstalled: bool


class Synthetic:
    """A state that is a name, and the progress that it has made."""

    def __init__(self, params: SyntheticParams, context: SyntheticContext) -> None:
        self.params = params
        self.context = context
        self.state = job("synthetic-state", {"params": params.model_dump(), "seed": context.seed})
        self.progress = 0.0
        self._begun_at = 0.0

    def prepare(self) -> ServerStep:
        """Return no work."""
        return NO_STEP

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return a turn of the given sizes; its training is a name."""
        if client.n_samples < 1:
            return Refusal(reason="samples", needed=1.0, available=float(client.n_samples))
        training = job("synthetic-training", {"client": client.client, "state": self.state.name})
        return Offer(
            needs=self._needs(),
            work=self._turn_work(client.n_samples),
            sends=Payload(training.name, "update", _bytes(self.params.update_mb)),
            job=training,
            base=self.state,
        )

    def alongside(self, round_number: int) -> ServerStep:
        """Return no work."""
        return NO_STEP

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Go on along the curve."""
        self.progress += self.params.progress_rate * self._gain(updates, blend)
        self._become([update.job.name for update in updates])
        return self._average_step(n_terms(len(updates), blend))

    def branch(self) -> Self:
        """Return a branch that begins with the progress made so far."""
        branch = copy(self)
        branch._begun_at = self.progress
        return branch

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Add up what the branches have gained, those of weight 0 left out."""
        joined = [branch for branch, weight in branches if weight > 0.0]
        self.progress += sum(branch.progress - branch._begun_at for branch in joined)
        self._become([branch.state.name for branch in joined])
        return self._average_step(len(joined))

    def exchange(self) -> Payload:
        """Return the state as it travels."""
        return Payload(self.state.name, "state", _bytes(self.params.download_mb))

    def client_loss(self, client: int) -> Job:
        """Return the loss of the curve times the client's own factor."""
        context = self.context
        return loss_job(self.progress, context.curve, client=client, spread=context.loss_spread, seed=context.seed)

    def quality(self) -> Job:
        """Return the point on the curve."""
        return quality_job(self.progress, self.context.curve)

    def facts(self) -> SchemeFacts:
        """Return what the parameters say."""
        return SchemeFacts(
            account_as="",
            trainable_parameters=self.params.trainable_parameters,
            inference_flop=self.params.inference_flop,
        )

    def _needs(self) -> tuple[Payload, ...]:
        size_bytes = _bytes(self.params.backbone_mb)
        if size_bytes == 0 or self.context.backbone_preinstalled:
            return (self.exchange(),)
        return Payload(sha256_of(["synthetic backbone", size_bytes]), "backbone", size_bytes), self.exchange()

    def _turn_work(self, n_samples: int) -> Work:
        n_met = n_samples * self.context.epochs
        return Work(
            flop=self.params.flop_per_sample * n_met,
            traffic_bytes=self.params.traffic_bytes_per_sample * n_met,
            peak_bytes=_GB * self.params.peak_memory_gb,
            n_steps=self.context.epochs * -(-n_samples // self.context.batch_size),
            n_samples=n_met,
        )

    def _gain(self, updates: Sequence[Update], blend: Blend) -> float:
        """Return the passes over all samples that a merge is worth."""
        worth = [(1.0 + update.staleness) ** -self.context.staleness_exponent for update in updates]
        of_difference = blend.kind == "deltas"
        weights = [update.weight * (1.0 if of_difference else update.n_samples) for update in updates]
        total = float(len(updates)) if of_difference else sum(weights)
        if total <= 0.0:
            raise JobError(f"updates with weights {weights} have no mean: one of them has to be above 0, and none below")
        mean = sum(weight * value for weight, value in zip(weights, worth, strict=True)) / total
        n_samples = sum(update.n_samples for update in updates)
        return blend.rate * self.context.epochs * n_samples / self.context.n_samples * mean

    def _become(self, names: Sequence[str]) -> None:
        # The name alone, without inputs: a chain of all merges would have to be kept.
        self.state = job("synthetic-state", {"before": self.state.name, "of": sorted(names), "progress": self.progress})

    def _average_step(self, n_states: int) -> ServerStep:
        size_bytes = (n_states + 1) * _MB * self.params.download_mb
        flop = 2.0 * self.params.trainable_parameters * n_states
        return ServerStep(Work(flop=flop, traffic_bytes=size_bytes, peak_bytes=size_bytes, n_steps=1))


def _bytes(megabytes: float) -> int:
    return round(_MB * megabytes)


def cost_jobs(params: SyntheticParams, ask: CostQuestion) -> dict[str, Job]:
    """Raise a SchemeError, as ``create``: there is no model to count for."""
    raise SchemeError(_NOT_ALONE)


def create(params: SyntheticParams, context: SchemeContext) -> Synthetic:
    """Raise a SchemeError: real learning has no place for it. Its own room makes it, from another context."""
    raise SchemeError(_NOT_ALONE)


ENTRY = SchemeEntry(
    description="no training: sizes and work as given, and a curve in the place of accuracy (learning.kind: synthetic)",
    params=SyntheticParams,
    create=create,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
    learns=False,
)
