"""FedPFT (Peng et al., IJCAI 2024, arXiv 2404.11536): devices tune a proxy with narrower FFNs, the server keeps the full model.

1. The server narrows the FFNs of all blocks but the ``retained`` ones: those neurons with the largest weights stay.
2. Before the first round it matches the narrowed blocks to the full model's on public samples without labels (arms full, B).
3. Devices train LoRA on every block's query, key, value and output, and the head. As attention is the same in proxy and full
   model, so are names and shapes, and the average is put into the full model: that is what is deployed and evaluated.
4. Every ``align_every`` rounds devices also count how often each narrowed neuron's activation is zero. The server matches the
   share ``proportion`` that is idle most often to the full model with the aggregate in it, and sends what changed (full, D).

Choices. As in the published code: rounds t, 2t, ..., R are aligned if t < R (R too, although nobody trains on it); the output
biases move whole, and so does BERT's norm behind the FFN. Not as in it, with the code's way as an option: the weight term has
gradients (``reference_weight_term``: none); the student of an alignment holds the aggregate (``align_student``: the state of
the client that trained last, here the one of the highest number); clients weigh by samples, as in the paper's figure 2
(``weighting``: all alike). The linear rate is lr_0 * (R - r) / R for r rounds done. LoRA has no dropout.

On the wire (reconstruction: the published code shares memory and counts no bytes). A device without a proxy fetches the present
one whole. An alignment's delta is, for each narrowed block, an index (4 bytes) a moved neuron, its weights and biases, the
output bias and that norm. A device that missed alignments fetches the deltas that it lacks in their order, as a server that
keeps its deltas would send them, or the present proxy whole where that is less; merged deltas would be less still. The server
knows what a device has from its last update. ``fleet.backbone_preinstalled`` puts the first proxy on every device. Counts
travel as an int32 a neuron and an int64 a block; counting itself is not priced (no matrix product).

Server. A step of either matching is priced as a forward pass of the full model and three of the proxy (forward, and backward at
twice that, as no sheet counts the gradients of FFNs alone); the traffic of a step is the sheets', whatever the batch.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from learners.compress.rules import compressed_layers, floored_share, rounded_share
from learners.compress.scale import scaled
from learners.models.architectures import Architecture, architecture_of
from learners.models.families import FAMILIES
from learners.models.sources import architecture_of_model
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.fedpft_params import Alignment, Distillation, FedPftParams
from learners.schemes.parts import Part, backbone_payload, evaluate_job, n_public_fit, part_of, start_job, train_job
from mecsim.errors import JobError
from mecsim.federation.contract import (
    NO_WORK,
    REPLACE,
    Blend,
    ClientView,
    Payload,
    SchemeFacts,
    ServerStep,
    Update,
    Work,
    refusal_of,
)
from mecsim.jobs.job import Job, job

_BYTES = 4
_TOTAL_BYTES = 8


@dataclass(frozen=True, slots=True)
class AlignmentSizes:
    """What travels for an alignment, in bytes: the counts of a device, and what the server changed."""

    counts_bytes: int
    delta_bytes: int


def alignment_sizes(architecture: Architecture, *, n_narrowed: int, keep: float, proportion: float) -> AlignmentSizes:
    """Return the sizes for ``n_narrowed`` blocks of ``architecture`` whose FFNs keep max(1, round(keep * m)) of m neurons.

    An alignment moves k - floor(k * (1 - p)) neurons of k. BERT-base, 10 blocks, keep 0.25, p 0.5: 5,925,120 numbers of 4 bytes
    and 3,840 indices.
    """
    family, hidden = FAMILIES[architecture.family], architecture.hidden
    n_kept = rounded_share(architecture.ffn, keep)
    n_moved = -floored_share(-n_kept, proportion)
    n_inputs = len(family.ffn_in)
    has_bias = n_inputs == 1 or (architecture.family == "llama" and architecture.config.get("mlp_bias", False))
    neuron = (n_inputs + 1) * hidden + (n_inputs if has_bias else 0)
    norm_is_behind = family.post_norm or not architecture.config.get("do_layer_norm_before", True)  # the latter: OPT-350m
    whole = (hidden if has_bias else 0) + (2 * hidden if norm_is_behind else 0)
    return AlignmentSizes(
        counts_bytes=n_narrowed * (_BYTES * n_kept + _TOTAL_BYTES),
        delta_bytes=n_narrowed * _BYTES * (n_moved * neuron + whole + n_moved),
    )


def cost_jobs(params: FedPftParams, ask: CostQuestion) -> dict[str, Job]:
    """Return the sheets of the proxy ("device"), of the full model, and of the head that a server may fit first."""
    method = params.method_spec()
    jobs = {"device": ask.sheet(method, compression=params.compression()), "full": ask.sheet(method)}
    return jobs | ask.head_sheet()


class FedPft(FederatedAveraging):
    """Federated averaging on a proxy, for the full model."""

    def __init__(self, params: FedPftParams, context: SchemeContext) -> None:
        self.params = params
        n_layers = architecture_of_model(context.model).n_layers
        self._narrowed = compressed_layers(params.compression(), n_layers)
        self._sizes = _sizes(params, context, n_layers)
        self._n_fit = n_public_fit(context)
        if (params.aligns_before or params.aligns_during) and self._n_fit < 1:
            raise JobError(
                "fedpft aligns its proxy on public samples, and there are none: set learning.public_share above 0, or arm: N"
            )
        proxy = part_of(context, params.method_spec(), context.costs["device"], compression=params.compression())
        if params.aligns_before:
            proxy = replace(proxy, frozen=self._narrowed_job(proxy, context))
        super().__init__(
            proxy,
            context,
            learning_rate=params.rate(1, context.n_rounds, context.local.optimizer),
            weighting=params.weighting,
            account_as=context.account_as,
        )
        self.full = part_of(context, params.method_spec(), context.costs["full"])
        self.state = start_job(self.full, context)  # the head is fitted on the model that is deployed
        self._frozen: list[Job | None] = [proxy.frozen]
        self._held: dict[int, tuple[int, tuple[Payload, ...]]] = {}

    def prepare(self) -> ServerStep:
        """Return the fitting of the head where the scenario wants that, and the distillation of the proxy."""
        work = super().prepare().work
        return ServerStep(work + self._matching_work(self.params.distillation) if self.params.aligns_before else work)

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what gives the device the present proxy, and the state."""
        return (*self._proxy(client.client, len(self._frozen) - 1), self.exchange())

    def training(self, client: ClientView) -> Job:
        """Return the training of the proxy; before an alignment it counts zeros too."""
        counting = {"layers": self._narrowed, "threshold": self.params.zero_threshold}
        options: dict[str, Any] = {"count_zeros": counting} if self._is_aligned(client.round) else {}
        return train_job(self.part, self.state, self.context, {"client": client.client}, self.rate(client.round), **options)

    def rate(self, round_number: int) -> float:
        """Return the learning rate of a round."""
        return self.params.rate(round_number, self.context.n_rounds, self.context.local.optimizer)

    def update_bytes(self, client: ClientView) -> int:
        """Return the size of the state, and of the counts before an alignment."""
        return super().update_bytes(client) + (self._sizes.counts_bytes if self._is_aligned(client.round) else 0)

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Take the updates into the state, and align the proxy where they come with counts."""
        if blend != REPLACE:
            self._check_no_alignment()
        return super().merge(updates, blend)

    def branch(self) -> Self:
        """Return a branch, if no device counts for an alignment."""
        self._check_no_alignment()
        return super().branch()

    def note(self, updates: Sequence[Update]) -> None:
        """Note which proxy each device holds."""
        for update in updates:
            version = next((number for number, frozen in enumerate(self._frozen) if frozen in update.job.inputs), 0)
            if version >= self._held.get(update.client, (0, ()))[0]:
                self._held[update.client] = (version, self._proxy(update.client, version))

    def behind(self, updates: Sequence[Update]) -> Work:
        """Align the proxy where updates come with counts."""
        ordered = sorted(updates, key=lambda update: (update.client, update.job.name))
        counted = [update.job for update in ordered if "count_zeros" in json.loads(update.job.params)]
        if not counted:
            return NO_WORK
        self.part = replace(self.part, frozen=self._align_job(counted))
        self._frozen.append(self.part.frozen)
        return self._matching_work(self.params.align)

    def quality(self) -> Job:
        """Return the evaluation of the full model with the average in it; the proxy's as diagnostics."""
        evaluations = [evaluate_job(part, self.state, self.context) for part in (self.full, self.part)]
        return job("collect", {"prefixes": ["", "proxy_"], "differences": {"gap": ["accuracy", "proxy_accuracy"]}}, evaluations)

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme; queries go to the full model."""
        return replace(super().facts(), inference_flop=float(self.full.costs["forward_flop_per_sample"]))

    def _check_no_alignment(self) -> None:
        if self.params.aligns_during:
            reason = f"arm {self.params.arm} aligns the proxy between rounds, on what all devices count: choose arm B or N"
            raise refusal_of("fedpft", reason, self.params.protocols())

    def _is_aligned(self, round_number: int) -> bool:
        every = self.params.align_every
        due = round_number >= 1 and round_number % every == 0
        return self.params.aligns_during and due and every < self.context.n_rounds

    def _proxy(self, client: int, version: int) -> tuple[Payload, ...]:
        """Return what gives ``client`` the proxy after ``version`` alignments: deltas on top of what it has, or it whole."""
        whole = backbone_payload(replace(self.part, frozen=self._frozen[version]))
        if client not in self._held and not self.context.backbone_preinstalled:
            return (whole,)
        since, held = self._held.get(client, (0, ()))
        made = [frozen for frozen in self._frozen[since + 1 : version + 1] if frozen is not None]
        deltas = [Payload(frozen.name, "delta", self._sizes.delta_bytes) for frozen in made]
        return (*held, *deltas) if sum(delta.size_bytes for delta in deltas) <= whole.size_bytes else (whole,)

    def _narrowed_job(self, proxy: Part, context: SchemeContext) -> Job:
        settings = self.params.distillation.model_dump()
        if settings.pop("reference_weight_term"):
            settings["weight_alpha"] = 0.0  # a term without gradients trains nothing
        spec = {**proxy.spec, "method": {"name": "head"}}
        return job("narrowed", {"model": spec, "dataset": dict(context.dataset), **settings}, [context.partition])

    def _align_job(self, counted: Sequence[Job]) -> Job:
        params = {
            "model": self.part.spec,
            "dataset": dict(self.context.dataset),
            "proportion": self.params.proportion,
            "student": self.params.align_student,
            **self.params.align.model_dump(),
            **self.part.extra,
        }
        return job("align", params, [self.state, self.context.partition, *self.part.inputs, *counted])

    def _matching_work(self, settings: Distillation | Alignment) -> Work:
        """Return the server's work of matching the proxy to the full model, both held at once."""
        full, proxy = self.full.costs, self.part.costs
        n_samples = settings.steps * min(settings.batch_size, self._n_fit)
        return Work(
            flop=n_samples * (float(full["forward_flop_per_sample"]) + 3.0 * proxy["forward_flop_per_sample"]),
            traffic_bytes=settings.steps * float(full["forward_traffic_bytes_per_step"] + proxy["traffic_bytes_per_step"]),
            peak_bytes=float(full["state_bytes"] + full["backbone_bytes"] + proxy["peak_train_bytes"]),
            n_steps=settings.steps,
            n_samples=n_samples,
        )


def _sizes(params: FedPftParams, context: SchemeContext, n_layers: int) -> AlignmentSizes:
    counted = architecture_of(context.account_as) if context.account_as else architecture_of_model(context.model)
    n_narrowed = len(compressed_layers(scaled(params.compression(), n_layers, counted.n_layers), counted.n_layers))
    return alignment_sizes(counted, n_narrowed=n_narrowed, keep=params.keep, proportion=params.proportion)


ENTRY = SchemeEntry(
    description="federated LoRA on a proxy with narrower FFNs, for a full model that stays on the server (arXiv 2404.11536)",
    params=FedPftParams,
    create=FedPft,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
    protocols_of=FedPftParams.protocols,
)
