"""Federated tuning of an adapter around emulators: devices see stand-ins of the middle, the server deploys the whole model."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from learners.models.sources import architecture_of_model
from learners.models.spec import backbone_digest
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import SchemeContext, blocks_at_ends
from learners.schemes.emulation import (
    Emulation,
    EmulatorParams,
    compression_of,
    emulator_job,
    emulator_work,
    sheet_name,
)
from learners.schemes.parts import (
    Part,
    backbone_payload,
    client_loss_job,
    evaluate_job,
    n_public_fit,
    part_of,
    train_job,
    train_work,
)
from mecsim.errors import JobError
from mecsim.federation.contract import (
    NO_STEP,
    NO_WORK,
    REPLACE,
    Blend,
    ClientView,
    Offer,
    Payload,
    Refusal,
    ServerStep,
    Update,
    Work,
    refusal_of,
)
from mecsim.hashing import canonical_json, sha256_of
from mecsim.jobs.job import Job, job

#: The server's place among the clients of an average.
_SERVER = -1


class EmulatorTuning(FederatedAveraging):
    """Averaging of an adapter that devices tune around an emulator, and the server, where it takes part, around the middle.

    The inherited part is the whole model: its state has the names and shapes of any device's. A server's tuning in a round from
    which no device came back is lost with it, as nothing is merged then.
    """

    def __init__(self, params: EmulatorParams, emulation: Emulation, context: SchemeContext) -> None:
        n_layers = architecture_of_model(context.model).n_layers
        adapter = blocks_at_ends((params.bottom, params.top), n_layers, n_layers)
        method = {**params.method_spec(), **adapter}
        whole = part_of(context, method, context.costs["server"])
        rate = params.rate(context.local.optimizer)
        super().__init__(whole, context, learning_rate=rate, account_as=context.account_as)
        self.emulation = emulation
        self.distillation = params.distillation
        self.emulators: dict[float, Part] = {}
        for rho in emulation.in_use:
            ends = {"bottom": params.bottom, "top": params.top}
            compression = compression_of(emulation.kind, rho, ends, adapter["blocks"])
            costs = context.costs[sheet_name(rho)]
            self.emulators[rho] = part_of(context, method, costs, compression=compression)
        self._check_public_samples()
        self._distil()
        self._own: list[Update] = []
        self._last_used = emulation.in_use
        self._n_merged = 0

    def prepare(self) -> ServerStep:
        """Return the fitting of the head where the scenario wants that, and the first distillation."""
        return ServerStep(super().prepare().work + self._distillation_work())

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what ``client`` would do with the emulator that it gets."""
        offered = super().offer(client)
        if isinstance(offered, Refusal):
            return offered
        costs = self.emulators[self.rho_for(client)].costs
        return replace(offered, work=train_work(costs, client.n_samples, self.context.local))

    def rho_for(self, client: ClientView) -> float:
        """Return the least compression whose training fits the device's memory; the most where none does."""
        peaks = {rho: emulator.costs["peak_train_bytes"] for rho, emulator in self.emulators.items()}
        fitting = [rho for rho, peak_bytes in peaks.items() if peak_bytes <= client.memory_budget_bytes]
        return min(fitting) if fitting else max(peaks)

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what is frozen around the emulator, the emulator's current version, and the state.

        A device that has the backbone from the factory needs nothing around it, and makes an emulator of whole blocks itself.
        """
        emulator = self.emulators[self.rho_for(client)]
        state = Payload(self.state.name, "state", int(emulator.costs["state_bytes"]))
        preinstalled = self.context.backbone_preinstalled
        made_of_whole_blocks = emulator.spec["compression"] is None or self.emulation.kind == "drop"
        if preinstalled and made_of_whole_blocks and emulator.frozen is None:
            return (state,)
        whole = replace(backbone_payload(emulator), kind="emulator")
        if emulator.spec["compression"] is None:
            return whole, state
        middle = replace(whole, size_bytes=int(emulator.costs["compressed_bytes"]))
        n_around = whole.size_bytes - middle.size_bytes
        around = Payload(sha256_of(["around the middle", backbone_digest(emulator.spec), n_around]), "backbone", n_around)
        return (middle, state) if preinstalled else (around, middle, state)

    def training(self, client: ClientView) -> Job:
        """Return the training that ``client`` would do around its emulator."""
        rho = self.rho_for(client)
        return self._training(self.emulators[rho], {"client": client.client}, client.round)

    def alongside(self, round_number: int) -> ServerStep:
        """Return the server's tuning of the adapter in the whole model, on public samples; it enters the average."""
        if not self.emulation.server_takes_part or self.is_branch:
            return NO_STEP
        n_samples = n_public_fit(self.context)
        training = self._training(self.part, {"split": "public_fit"}, round_number)
        self._own = [Update(client=_SERVER, n_samples=n_samples, job=training, base=self.state)]
        return ServerStep(train_work(self.part.costs, n_samples, self.context.local))

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Take the updates and the server's own into the state; distil the emulators again where that is due."""
        if blend != REPLACE and self.emulation.server_takes_part:
            reason = "a server that takes part does so alongside a round: set server_takes_part to false"
            raise refusal_of("fedpeat", reason, self.emulation.protocols)
        return super().merge(updates, blend)

    def note(self, updates: Sequence[Update]) -> None:
        """Note which emulators the updates were trained around."""
        models = {canonical_json(json.loads(update.job.params).get("model")) for update in updates}
        used = [rho for rho, emulator in self.emulators.items() if canonical_json(emulator.spec) in models]
        self._last_used = tuple(used) or self._last_used

    def own_updates(self) -> list[Update]:
        """Return the server's tuning alongside; a branch has none."""
        return [] if self.is_branch else self._own

    def behind(self, updates: Sequence[Update]) -> Work:
        """Distil the emulators again where that is due."""
        self._own = []
        self._n_merged += 1
        if not self.emulation.realign_every or self._n_merged % self.emulation.realign_every:
            return NO_WORK
        self._distil()
        return self._distillation_work()

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Average the branches and the server's own; emulators in use are those of any branch."""
        used = {rho for branch, weight in branches if weight for rho in branch._last_used}
        self._last_used = tuple(rho for rho in self.emulators if rho in used) or self._last_used
        return super().join(branches)

    def client_loss(self, client: int) -> Job | None:
        """Return the loss around the most compressed emulator in use: every device can hold that one."""
        return client_loss_job(self.emulators[max(self.emulators)], self.state, self.context, client)

    def quality(self) -> Job:
        """Return the evaluation of the adapter in the whole model, with those around the emulators and what is between them.

        ``emulator_`` is the mean over the emulators that the last merged round used; each one's own numbers have its rho in
        their names where there are several.
        """
        plugged = evaluate_job(self.part, self.state, self.context)
        around = {rho: evaluate_job(emulator, self.state, self.context) for rho, emulator in self.emulators.items()}
        named = {"": plugged, "emulator_": _mean([around[rho] for rho in self._last_used])}
        differences = {"gap": ["accuracy", "emulator_accuracy"]}
        several = len(around) > 1
        for rho, evaluation in around.items():
            prefix = f"emulator_{rho}_" if several else "emulator_"
            if several:
                named[prefix] = evaluation
                differences[f"gap_{rho}"] = ["accuracy", f"{prefix}accuracy"]
            if (distilled := self.emulators[rho].frozen) is not None:
                named[f"{prefix}distilled_"] = distilled
        return job("collect", {"prefixes": list(named), "differences": differences}, list(named.values()))

    def _training(self, part: Part, on: dict[str, int | str], round_number: int) -> Job:
        options: dict[str, Any] = {"proximal": self.emulation.proximal} if self.emulation.proximal else {}
        return train_job(part, self.state, self.context, on, self.rate(round_number), **options)

    def _distil(self) -> None:
        """Give every emulator that is none of the middle itself its next version, around the adapter of the current state."""
        new = {
            rho: replace(emulator, frozen=emulator_job(self.part, emulator, self.state, self.context, self.distillation))
            for rho, emulator in self.emulators.items()
            if rho in self._distilled()
        }
        self.emulators = self.emulators | new  # a new mapping: branches go on with the one that they have

    def _distilled(self) -> list[float]:
        return [rho for rho in self.emulators if rho > 0] if self.distillation.steps else []

    def _distillation_work(self) -> Work:
        works = (emulator_work(self.part, self.emulators[rho], self.context, self.distillation) for rho in self._distilled())
        return sum(works, NO_WORK)

    def _check_public_samples(self) -> None:
        """Raise a JobError if the server has nothing to distil on, or to tune on."""
        if n_public_fit(self.context) > 0:
            return
        ways_out = "raise learning.public_share"
        if self._distilled():
            raise JobError(
                f"emulators are distilled on public samples, and there are none: {ways_out}, or set distillation.steps to 0"
            )
        if self.emulation.server_takes_part:
            raise JobError(
                f"the server tunes on public samples, and there are none: {ways_out}, or set server_takes_part to false"
            )


def _mean(evaluations: list[Job]) -> Job:
    return evaluations[0] if len(evaluations) == 1 else job("collect", {"means": True}, evaluations)
