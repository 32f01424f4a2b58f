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

``keeps`` lets a control policy give each device a proxy of its own width: an extension, not in the paper. The server has a
proxy for each keep, distils each before the first round, and aligns each with the counts of those devices that trained on it.
States are the same whatever the keep, and averaged as ever. A device that changes its keep fetches that proxy whole, although
attention and retained blocks are the same in all. ``proxy_`` numbers are then means over the proxies of the last merged round.

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
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from learners.compress.rules import compressed_layers
from learners.compress.scale import scaled
from learners.models.architectures import architecture_of
from learners.models.sources import architecture_of_model
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.choices import choice_for, descending
from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.fedpft_params import Alignment, Distillation, FedPftParams
from learners.schemes.fedpft_proxy import AlignmentSizes, Proxy, alignment_sizes
from learners.schemes.parts import Part, evaluate_job, n_public_fit, part_of, start_job, train_job
from mecsim.errors import JobError
from mecsim.federation.contract import (
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
    refusal_of,
)
from mecsim.jobs.job import Job, job


def sheet_name(keep: float) -> str:
    """Return what the scheme calls the sheet of a device with the proxy of ``keep``."""
    return f"device:{keep}"


def cost_jobs(params: FedPftParams, ask: CostQuestion) -> dict[str, Job]:
    """Return the sheets of the proxy ("device"), each of ``keeps``, the full model, and a head that a server may fit first."""
    method = params.method_spec()
    jobs = {"device": ask.sheet(method, compression=params.compression()), "full": ask.sheet(method)}
    for keep in params.keeps:
        jobs[sheet_name(keep)] = ask.sheet(method, compression=params.compression(keep))
    return jobs | ask.head_sheet()


class FedPft(FederatedAveraging):
    """Federated averaging on a proxy, for the full model; under a control policy on one by device, if ``keeps`` are given.

    The inherited part is the proxy of the scheme's own ``keep``.
    """

    def __init__(self, params: FedPftParams, context: SchemeContext) -> None:
        self.params = params
        self._knob: Knob | None = None
        if context.controlled and params.keeps:
            self._knob = Knob(name="keep", choices=descending(params.keeps), default=params.keep)
        self._n_fit = n_public_fit(context)
        keeps = self._knob.choices if self._knob else (params.keep,)
        if self._n_fit < 1 and any(params.distils(keep) or params.aligns(keep) for keep in keeps):
            raise JobError(
                "fedpft aligns its proxy on public samples, and there are none: set learning.public_share above 0, or arm: N"
            )
        n_layers = architecture_of_model(context.model).n_layers
        self._narrowed = compressed_layers(params.compression(), n_layers)
        #: By keep.
        self.proxies = {keep: self._new_proxy(keep, context, n_layers) for keep in keeps}
        super().__init__(
            self.proxies[params.keep].part,
            context,
            learning_rate=params.rate(1, context.n_rounds, context.local.optimizer),
            weighting=params.weighting,
            account_as=context.account_as,
        )
        self.full = part_of(context, params.method_spec(), context.costs["full"])
        self.state = start_job(self.full, context)  # the head is fitted on the model that is deployed
        self._last_used: tuple[float, ...] = (params.keep,)

    def prepare(self) -> ServerStep:
        """Return the fitting of the head where the scenario wants that, and the distillation of the proxies."""
        distilled = [proxy.part for keep, proxy in self.proxies.items() if self.params.distils(keep)]
        works = (self._matching_work(part, self.params.distillation) for part in distilled)
        return ServerStep(sum(works, super().prepare().work))

    def knob(self) -> Knob | None:
        """Return the share of neurons that a device's proxy keeps, where a control policy decides and there are several."""
        return self._knob

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return, for each keep, by how many alignments the proxy that a device holds is behind; None where it holds none."""
        return () if self._knob is None else tuple(self.proxies[keep].age(held) for keep in self._knob.choices)

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what ``client`` would do on its proxy, which is the newest of its keep."""
        offered = super().offer(client)
        if self._knob is None or isinstance(offered, Refusal):
            return offered
        return replace(offered, choice=self.keep_for(client))

    def keep_for(self, client: ClientView) -> float:
        """Return the share of neurons that the device's proxy keeps."""
        return self.params.keep if self._knob is None else choice_for(self._knob, client)

    def costs_of(self, client: ClientView) -> Mapping[str, Any]:
        """Return the sheet of the device's proxy."""
        return self.proxies[self.keep_for(client)].part.costs

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what gives the device its present proxy, and the state."""
        return (*self.proxies[self.keep_for(client)].payloads(client.client), self.exchange())

    def training(self, client: ClientView) -> Job:
        """Return the training of the proxy; before an alignment it counts zeros too."""
        counting = {"layers": self._narrowed, "threshold": self.params.zero_threshold}
        options: dict[str, Any] = {"count_zeros": counting} if self._counts(client) else {}
        part, on, rate = self.proxies[self.keep_for(client)].part, {"client": client.client}, self.rate(client.round)
        return train_job(part, self.state, self.context, on, rate, local=self.local_of(client), **options)

    def rate(self, round_number: int) -> float:
        """Return the learning rate of a round."""
        return self.params.rate(round_number, self.context.n_rounds, self.context.local.optimizer)

    def update_bytes(self, client: ClientView) -> int:
        """Return the size of the state, and of the counts before an alignment."""
        counts_bytes = self.proxies[self.keep_for(client)].sizes.counts_bytes
        return super().update_bytes(client) + (counts_bytes if self._counts(client) else 0)

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Take the updates into the state, and align the proxies whose updates come with counts."""
        if blend != REPLACE:
            self._check_no_alignment()
        return super().merge(updates, blend)

    def branch(self) -> Self:
        """Return a branch, if no device counts for an alignment."""
        self._check_no_alignment()
        return super().branch()

    def note(self, updates: Sequence[Update]) -> None:
        """Note which proxy each device holds, and which ones were in use."""
        for update in updates:
            self.proxies[_keep_of(update.job)].note(update)
        used = {_keep_of(update.job) for update in updates}
        self._last_used = tuple(keep for keep in self.proxies if keep in used) or self._last_used

    def behind(self, updates: Sequence[Update]) -> Work:
        """Align each proxy of which updates come with counts, by these."""
        ordered = sorted(updates, key=lambda update: (update.client, update.job.name))
        counted = [update.job for update in ordered if "count_zeros" in json.loads(update.job.params)]
        work = NO_WORK
        for keep, proxy in self.proxies.items():
            if own := [training for training in counted if _keep_of(training) == keep]:
                proxy.align(self._align_job(proxy.part, own))
                work += self._matching_work(proxy.part, self.params.align)
        self.part = self.proxies[self.params.keep].part
        return work

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Average the branches; the proxies in use are those of any branch."""
        used = {keep for branch, weight in branches if weight for keep in branch._last_used}
        self._last_used = tuple(keep for keep in self.proxies if keep in used) or self._last_used
        return super().join(branches)

    def quality(self) -> Job:
        """Return the evaluation of the full model with the average in it; the proxies' as diagnostics.

        Where the last merged round used several, each one's own numbers have its keep in their names.
        """
        full = evaluate_job(self.full, self.state, self.context)
        around = {keep: evaluate_job(self.proxies[keep].part, self.state, self.context) for keep in self._last_used}
        evaluations = list(around.values())
        mean = evaluations[0] if len(evaluations) == 1 else job("collect", {"means": True}, evaluations)
        named, differences = {"": full, "proxy_": mean}, {"gap": ["accuracy", "proxy_accuracy"]}
        if len(around) > 1:
            named |= {f"proxy_{keep}_": evaluation for keep, evaluation in around.items()}
            differences |= {f"gap_{keep}": ["accuracy", f"proxy_{keep}_accuracy"] for keep in around}
        return job("collect", {"prefixes": list(named), "differences": differences}, list(named.values()))

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme; queries go to the full model."""
        return replace(super().facts(), inference_flop=float(self.full.costs["forward_flop_per_sample"]))

    def _check_no_alignment(self) -> None:
        if self.params.aligns_during:
            reason = f"arm {self.params.arm} aligns the proxy between rounds, on what all devices count: choose arm B or N"
            raise refusal_of("fedpft", reason, self.params.protocols())

    def _counts(self, client: ClientView) -> bool:
        """Tell whether the device counts zeros in this round, as its proxy is aligned behind it."""
        every = self.params.align_every
        due = client.round >= 1 and client.round % every == 0 and every < self.context.n_rounds
        return due and self.params.aligns(self.keep_for(client))

    def _new_proxy(self, keep: float, context: SchemeContext, n_layers: int) -> Proxy:
        costs = context.costs[sheet_name(keep) if self._knob else "device"]
        part = part_of(context, self.params.method_spec(), costs, compression=self.params.compression(keep))
        if self.params.distils(keep):
            part = replace(part, frozen=self._narrowed_job(part, context))
        return Proxy(part, _sizes(self.params, keep, context, n_layers), is_preinstalled=context.backbone_preinstalled)

    def _narrowed_job(self, proxy: Part, context: SchemeContext) -> Job:
        settings = self.params.distillation.model_dump()
        if settings.pop("reference_weight_term"):
            settings["weight_alpha"] = 0.0  # a term without gradients trains nothing
        spec = {**proxy.spec, "method": {"name": "head"}}
        return job("narrowed", {"model": spec, "dataset": dict(context.dataset), **settings}, [context.partition])

    def _align_job(self, proxy: Part, counted: Sequence[Job]) -> Job:
        params = {
            "model": proxy.spec,
            "dataset": dict(self.context.dataset),
            "proportion": self.params.proportion,
            "student": self.params.align_student,
            **self.params.align.model_dump(),
            **proxy.extra,
        }
        return job("align", params, [self.state, self.context.partition, *proxy.inputs, *counted])

    def _matching_work(self, part: Part, settings: Distillation | Alignment) -> Work:
        """Return the server's work of matching a proxy to the full model, both held at once."""
        full, proxy = self.full.costs, part.costs
        n_samples = settings.steps * min(settings.batch_size, self._n_fit)
        return Work(
            flop=n_samples * (float(full["forward_flop_per_sample"]) + 3.0 * proxy["forward_flop_per_sample"]),
            traffic_bytes=settings.steps * float(full["forward_traffic_bytes_per_step"] + proxy["traffic_bytes_per_step"]),
            peak_bytes=float(full["state_bytes"] + full["backbone_bytes"] + proxy["peak_train_bytes"]),
            n_steps=settings.steps,
            n_samples=n_samples,
        )


def _keep_of(training: Job) -> float:
    """Return the keep of the proxy that a job trains."""
    return float(json.loads(training.params)["model"]["compression"]["keep"])


def _sizes(params: FedPftParams, keep: float, context: SchemeContext, n_layers: int) -> AlignmentSizes:
    counted = architecture_of(context.account_as) if context.account_as else architecture_of_model(context.model)
    n_narrowed = len(compressed_layers(scaled(params.compression(keep), n_layers, counted.n_layers), counted.n_layers))
    return alignment_sizes(counted, n_narrowed=n_narrowed, keep=keep, proportion=params.proportion)


ENTRY = SchemeEntry(
    description="federated LoRA on a proxy with narrower FFNs, for a full model that stays on the server (arXiv 2404.11536)",
    params=FedPftParams,
    create=FedPft,
    cost_jobs=cost_jobs,
    reconstruction=False,
    holds_backbone=False,
    protocols_of=FedPftParams.protocols,
    choices_of=lambda params: params.keeps,
)
