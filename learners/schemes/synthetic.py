"""No scheme: sizes and work as they are given, and a curve in the place of learning. For studies of the network. No torch.

What a device downloads, computes and uploads are the parameters; the defaults are those of LoRA on ViT-B/16 with 100 classes,
as ``fedpeft`` counts them. Accuracy is a curve over the progress, which counts passes over the samples of all devices as they
enter the state: a merge of updates i, with n_i of N samples and s_i merges behind, adds

    progress_rate * rate * epochs * (sum n_i / N) * e

where rate is the blend's, and e the mean of (1 + s_i) ** -staleness_exponent: weighted by samples times the updates' weights
where states are averaged; the plain mean of weight times worth where differences are. Branches add up what each of them gained.

With ``choices``, a number c is set for each device: backbone, work and memory of its turns are those of the parameters times c,
and so is what its update is worth. Every ``renew_every`` merges there is a new version of the backbone; an update that was
trained on one that is a versions behind is worth (1 + a) ** -staleness_exponent of one that was not. A device's own number of
epochs takes the place of ``epochs``.

There is no drift, no diminishing return of many devices at once, and no noise: a stand-in, and no statement about any scheme.
"""

import json
from collections.abc import Container, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from learners.schemes.blending import n_terms
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from mecsim.errors import JobError
from mecsim.federation.contract import (
    NO_STEP,
    REPLACE,
    Blend,
    ClientView,
    Knob,
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
    choices: list[float] = Field(
        default=[],
        description="factors above 0 and up to 1 of a turn's backbone, work, memory and worth, one of which a control policy "
        "chooses for each device; without control all get the highest",
    )
    renew_every: int = Field(default=0, ge=0, description="merges between new versions of the backbone; 0: never")

    @field_validator("choices")
    @classmethod
    def _from_the_highest(cls, choices: list[float]) -> list[float]:
        if outside := [choice for choice in choices if not 0.0 < choice <= 1.0]:
            raise ValueError(f"choices has {outside[0]:g}: each is above 0 and at most 1")
        if len(set(choices)) < len(choices):
            raise ValueError("choices names a number twice: leave one out")
        return sorted(choices, reverse=True)


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
        unset = {name for name in ("choices", "renew_every") if not getattr(params, name)}  # names stay what they were
        self.state = job("synthetic-state", {"params": params.model_dump(exclude=unset), "seed": context.seed})
        self._backbones: dict[tuple[float, int], tuple[Payload, ...]] = {}
        self.progress = 0.0
        self._begun_at = 0.0
        self._is_branch = False
        self._n_merged = 0
        self._n_versions = 1

    def prepare(self) -> ServerStep:
        """Return no work."""
        return NO_STEP

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return a turn of the given sizes, by what was decided for the device; its training is a name."""
        if client.n_samples < 1:
            return Refusal(reason="samples", needed=1.0, available=float(client.n_samples))
        scale, age, epochs = self._scale(client), self._age(client), client.settings.epochs
        decided = {"scale": scale if self.params.choices else None, "age": age or None, "epochs": epochs}
        params = {"client": client.client, "state": self.state.name}
        training = job("synthetic-training", params | {name: each for name, each in decided.items() if each is not None})
        return Offer(
            needs=(*self._backbone(scale, self._n_versions - 1 - age), self.exchange()),
            work=self._turn_work(client.n_samples, scale, epochs or self.context.epochs),
            sends=Payload(training.name, "update", _bytes(self.params.update_mb)),
            job=training,
            base=self.state,
            choice=scale if self.params.choices else None,
            age=age,
        )

    def knob(self) -> Knob | None:
        """Return the choices, the highest first, which is the default; None where there are none."""
        choices = tuple(self.params.choices)
        return Knob(name="scale", choices=choices, default=choices[0], renews=self.params.renew_every > 0) if choices else None

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return by how many versions the newest backbone that a device holds is behind, for each choice; None: it has none."""
        return tuple(self._newest_held(choice, held) for choice in self.params.choices)

    def alongside(self, round_number: int) -> ServerStep:
        """Return no work."""
        return NO_STEP

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Go on along the curve."""
        self.progress += self.params.progress_rate * self._gain(updates, blend)
        self._become([update.job.name for update in updates])
        self._count_merge()
        return self._average_step(n_terms(len(updates), blend))

    def branch(self) -> Self:
        """Return a branch that begins with the progress made so far; it makes no new versions of the backbone."""
        branch = copy(self)
        branch._begun_at = self.progress
        branch._is_branch = True
        return branch

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Add up what the branches have gained, those of weight 0 left out."""
        joined = [branch for branch, weight in branches if weight > 0.0]
        self.progress += sum(branch.progress - branch._begun_at for branch in joined)
        self._become([branch.state.name for branch in joined])
        self._count_merge()
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

    def _scale(self, client: ClientView) -> float:
        choices, choice = self.params.choices, client.settings.choice
        if not choices or choice is None:
            return choices[0] if choices else 1.0
        if choice not in choices:
            there_is = ", ".join(f"{each:g}" for each in choices)
            raise SchemeError(f"device {client.client} is to take its turn at scale {choice:g}: choose one of {there_is}")
        return choice

    def _age(self, client: ClientView) -> int:
        """Return by how many versions what ``client`` trains on is behind the newest."""
        return 0 if client.settings.renew else self._newest_held(self._scale(client), client.held) or 0

    def _newest_held(self, scale: float, held: Container[str]) -> int | None:
        for age in range(self._n_versions):
            payloads = self._backbone(scale, self._n_versions - 1 - age)
            if not payloads or payloads[0].name in held:
                return age
        return None

    def _backbone(self, scale: float, version: int) -> tuple[Payload, ...]:
        """Return what a device has to hold, versions from 0 on; nothing where it has that from the factory."""
        if (scale, version) not in self._backbones:
            size_bytes = _bytes(scale * self.params.backbone_mb)
            is_there = size_bytes == 0 or (self.context.backbone_preinstalled and version == 0)
            which = [scale, version] if self.params.choices or version else []
            payload = Payload(sha256_of(["synthetic backbone", size_bytes, *which]), "backbone", size_bytes)
            self._backbones[scale, version] = () if is_there else (payload,)
        return self._backbones[scale, version]

    def _turn_work(self, n_samples: int, scale: float, epochs: int) -> Work:
        n_met = n_samples * epochs
        return Work(
            flop=self.params.flop_per_sample * n_met * scale,
            traffic_bytes=self.params.traffic_bytes_per_sample * n_met * scale,
            peak_bytes=_GB * self.params.peak_memory_gb * scale,
            n_steps=epochs * -(-n_samples // self.context.batch_size),
            n_samples=n_met,
        )

    def _count_merge(self) -> None:
        """Make a new version of the backbone where one is due."""
        self._n_merged += 1
        if self.params.renew_every and not self._is_branch and self._n_merged % self.params.renew_every == 0:
            self._n_versions += 1

    def _worth(self, update: Update) -> float:
        """Return what an update is worth, beside its samples: 1 if it is fresh and nothing was decided."""
        decided = json.loads(update.job.params)
        exponent = self.context.staleness_exponent
        fresh = (1.0 + update.staleness) ** -exponent * (1.0 + decided.get("age", 0)) ** -exponent
        return float(fresh * decided.get("scale", 1.0) * (decided.get("epochs", self.context.epochs) / self.context.epochs))

    def _gain(self, updates: Sequence[Update], blend: Blend) -> float:
        """Return the passes over all samples that a merge is worth."""
        worth = [self._worth(update) for update in updates]
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
    choices_of=lambda params: params.choices,
)
