"""Federated tuning of an adapter around emulators: devices see stand-ins of the middle, the server deploys the whole model."""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from learners.models.sources import architecture_of_model
from learners.schemes.averaging import FederatedAveraging
from learners.schemes.context import LocalSettings, SchemeContext, blocks_at_ends
from learners.schemes.emulation import (
    Emulation,
    EmulatorParams,
    compression_of,
    emulator_job,
    emulator_work,
    sheet_name,
)
from learners.schemes.emulator_versions import Version, Versions, newest_held, version_of
from learners.schemes.parts import (
    Part,
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
    Knob,
    Offer,
    Payload,
    Refusal,
    SchemeError,
    ServerStep,
    Update,
    Work,
    refusal_of,
)
from mecsim.hashing import canonical_json
from mecsim.jobs.job import Job, job

#: The server's place among the clients of an average.
_SERVER = -1


class EmulatorTuning(FederatedAveraging):
    """Averaging of an adapter that devices tune around an emulator, and the server, where it takes part, around the middle.

    The inherited part is the whole model: its state has the names and shapes of any device's. A server's tuning in a round from
    which no device came back is lost with it, as nothing is merged then. Under control there is an emulator for each rho of the
    ladder, otherwise for its first alone. Older versions stay known, as a device may go on with the one that it holds.
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
        self.versions: dict[float, Versions] = {}
        self._rho_of: dict[str, float] = {}
        ends = {"bottom": params.bottom, "top": params.top}
        for rho in sorted(emulation.ladder) if context.controlled else emulation.ladder[:1]:
            compression = compression_of(emulation.kind, rho, ends, adapter["blocks"])
            emulator = part_of(context, method, context.costs[sheet_name(rho)], compression=compression)
            self.versions[rho] = (self._version(emulator),)
            self._rho_of[canonical_json(emulator.spec)] = rho
        self._check_public_samples()
        self._distil(first=True)
        self._own: list[Update] = []
        self._last_used = emulation.ladder[:1]
        self._n_merged = 0

    @property
    def emulators(self) -> dict[float, Part]:
        """The newest version of each emulator, by its rho."""
        return {rho: versions[-1].part for rho, versions in self.versions.items()}

    def knob(self) -> Knob | None:
        """Return the ladder, the least compressed first, where a policy decides; the default is the first that it names."""
        if not self.context.controlled:
            return None
        emulation = self.emulation
        return Knob(name="rho", choices=tuple(self.versions), default=emulation.ladder[0], renews=emulation.realign_every > 0)

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return by how many versions the newest one that a device holds is behind, for each rho; None where it holds none."""
        return tuple(newest_held(versions, held) for versions in self.versions.values()) if self.context.controlled else ()

    def prepare(self) -> ServerStep:
        """Return the fitting of the head where the scenario wants that, and the first distillation."""
        return ServerStep(super().prepare().work + self._distillation_work())

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what ``client`` would do with the emulator that it gets; it is named where a policy decides."""
        offered = super().offer(client)
        if isinstance(offered, Refusal) or not self.context.controlled:
            return offered
        return replace(offered, choice=self.rho_for(client), age=self._version_for(client)[1])

    def rho_for(self, client: ClientView) -> float:
        """Return the compression that was decided for the device; the ladder's first where nothing was."""
        choice = client.settings.choice
        if choice is None:
            return self.emulation.ladder[0]
        if choice not in self.versions:
            there_is = ", ".join(f"{rho:g}" for rho in self.versions)
            raise SchemeError(f"device {client.client} is to have an emulator of rho {choice:g}: choose one of {there_is}")
        return choice

    def costs_of(self, client: ClientView) -> Mapping[str, Any]:
        """Return the sheet of a device with the emulator of ``client``."""
        return self._version_for(client)[0].part.costs

    def needs(self, client: ClientView) -> tuple[Payload, ...]:
        """Return what is frozen around the emulator, the emulator's version, and the state."""
        version, _ = self._version_for(client)
        return (*version.needs, Payload(self.state.name, "state", int(version.part.costs["state_bytes"])))

    def training(self, client: ClientView) -> Job:
        """Return the training that ``client`` would do around its emulator."""
        version, _ = self._version_for(client)
        return self._training(version.part, {"client": client.client}, client.round, self.local_of(client))

    def alongside(self, round_number: int) -> ServerStep:
        """Return the server's tuning of the adapter in the whole model, on public samples; it enters the average."""
        if not self.emulation.server_takes_part or self.is_branch:
            return NO_STEP
        n_samples = n_public_fit(self.context)
        training = self._training(self.part, {"split": "public_fit"}, round_number, self.context.local)
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
        self._last_used = tuple(rho for model, rho in self._rho_of.items() if model in models) or self._last_used

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
        self._last_used = tuple(rho for rho in self.versions if rho in used) or self._last_used
        return super().join(branches)

    def client_loss(self, client: int) -> Job | None:
        """Return the loss around the most compressed emulator: every device can hold that one."""
        return client_loss_job(self.versions[max(self.versions)][-1].part, self.state, self.context, client)

    def quality(self) -> Job:
        """Return the evaluation of the adapter in the whole model, with those around emulators and what is between them.

        Emulators are those that the last merged round used (the default before the first), in their newest versions:
        ``emulator_`` is the mean over them, and each one's own numbers have its rho in their names where there are several.
        """
        plugged = evaluate_job(self.part, self.state, self.context)
        emulators = self.emulators
        around = {rho: evaluate_job(emulators[rho], self.state, self.context) for rho in self._last_used}
        named = {"": plugged, "emulator_": _mean(list(around.values()))}
        differences = {"gap": ["accuracy", "emulator_accuracy"]}
        several = len(emulators) > 1
        for rho, evaluation in around.items():
            prefix = f"emulator_{rho}_" if several else "emulator_"
            if several:
                named[prefix] = evaluation
                differences[f"gap_{rho}"] = ["accuracy", f"{prefix}accuracy"]
            if (distilled := emulators[rho].frozen) is not None:
                named[f"{prefix}distilled_"] = distilled
        return job("collect", {"prefixes": list(named), "differences": differences}, list(named.values()))

    def _version_for(self, client: ClientView) -> tuple[Version, int]:
        """Return what ``client`` trains around, and by how many versions that is behind the newest."""
        versions = self.versions[self.rho_for(client)]
        age = 0 if client.settings.renew else newest_held(versions, client.held) or 0
        return versions[-1 - age], age

    def _version(self, emulator: Part) -> Version:
        return version_of(emulator, self.emulation.kind, preinstalled=self.context.backbone_preinstalled)

    def _training(self, part: Part, on: dict[str, int | str], round_number: int, local: LocalSettings) -> Job:
        options: dict[str, Any] = {"proximal": self.emulation.proximal} if self.emulation.proximal else {}
        return train_job(part, self.state, self.context, on, self.rate(round_number), local=local, **options)

    def _distil(self, *, first: bool = False) -> None:
        """Give every emulator that is none of the middle itself its next version, around the adapter of the current state.

        What there was before the first distillation was never sent, and is no version.
        """
        versions = dict(self.versions)  # a new mapping: branches go on with the one that they have
        for rho in self._distilled():
            emulator = versions[rho][-1].part
            distilled = emulator_job(self.part, emulator, self.state, self.context, self.distillation)
            older = () if first else versions[rho]
            versions[rho] = (*older, self._version(replace(emulator, frozen=distilled)))
        self.versions = versions

    def _distilled(self) -> list[float]:
        return [rho for rho in self.versions if rho > 0] if self.distillation.steps else []

    def _distillation_work(self) -> Work:
        emulators = self.emulators
        works = (emulator_work(self.part, emulators[rho], self.context, self.distillation) for rho in self._distilled())
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
