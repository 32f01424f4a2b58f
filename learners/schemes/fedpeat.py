"""FedPEAT (arXiv 2310.17491), a reconstruction: devices tune an adapter around emulators, and the server tunes it as well.

What is public of the paper says: adapters and emulators generalise offsite-tuning to any architecture and compression; a PEFT
method works inside the adapter; many devices do so under federated averaging; the server takes part. The rest is our reading of
it, after offsite-tuning (Xiao et al., 2023) and codes that federate it:

1. First and last blocks are the adapter. The server compresses the middle between them and distils it on public samples towards
   the middle's output (rms-normalised); adapter, embeddings and head are frozen then.
2. A device gets the emulator once a version and the trained state each round. That state is what the method trains in the
   adapter blocks, and the head.
3. Alongside, the server trains the same in the whole model on the same public samples; it enters the average by their number.
4. Every ``realign_every`` rounds the emulators are distilled again around the new adapter, from their last version on.
5. What is deployed, and evaluated, is the adapter in the whole model.

Under a control policy (``control`` of the scheme's entry) each device has a rho of its own, one of the ladder, and need not
fetch what was distilled again: it then goes on around the newest version that it holds. The paper's policy is learnt.

Choices of ours: one rho for every kind of compression; LoRA's factors are averaged as they are; the head trains at the
adapter's rate (offsite-tuning: at ten times it); quantised emulators are distilled with the rounding in every step. The copy of
the round's start that ``proximal`` needs is not counted in a device's memory.
"""

from typing import Self

from pydantic import Field, model_validator

from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.emulation import Emulation, EmulatorParams, Kind, check_rho, emulator_sheets
from learners.schemes.emulator_tuning import EmulatorTuning
from mecsim.jobs.job import Job


class FedPeatParams(EmulatorParams):
    """How emulators are made, who gets which, and who else tunes."""

    compression: Kind = Field(default="drop", description="how the middle becomes an emulator")
    ladder: list[float] = Field(
        default=[0.5],
        min_length=1,
        description="rho of each emulator: share of blocks dropped, neurons removed, numbers zeroed, or 1 - bits / 32; "
        "without control all devices get the first",
    )
    server_takes_part: bool = Field(
        default=True, description="the server tunes the adapter in the whole model, on public samples"
    )
    realign_every: int = Field(
        default=0, ge=0, description="merged rounds between distillations around the new adapter; 0: never"
    )
    proximal: float = Field(default=0.0, ge=0.0, description="mu of a penalty on the distance from the round's start")

    @model_validator(mode="after")
    def _ladder_fits(self) -> Self:
        if outside := [rho for rho in self.ladder if not 0.0 <= rho < 1.0]:
            raise ValueError(f"ladder has {outside[0]:g}: rho is in [0, 1), from the middle itself to next to nothing of it")
        if len(set(self.ladder)) < len(self.ladder):
            raise ValueError("ladder names a rho twice: leave one out")
        for rho in self.ladder:
            check_rho(self.compression, rho)
        return self

    @model_validator(mode="after")
    def _realigns_by_distilling(self) -> Self:
        if self.realign_every and not self.distillation.steps:
            raise ValueError("realign_every distils emulators again: set distillation.steps above 0, or realign_every to 0")
        return self

    def emulation(self) -> Emulation:
        """Return what the shared code needs to know."""
        return Emulation(
            kind=self.compression,
            ladder=tuple(self.ladder),
            server_takes_part=self.server_takes_part,
            realign_every=self.realign_every,
            proximal=self.proximal,
        )


def cost_jobs(params: FedPeatParams, ask: CostQuestion) -> dict[str, Job]:
    """Return a sheet for each emulator of the ladder, and the server's."""
    return emulator_sheets(params, params.emulation(), ask)


def create(params: FedPeatParams, context: SchemeContext) -> EmulatorTuning:
    """Return the scheme, ready for its first round."""
    return EmulatorTuning(params, params.emulation(), context)


ENTRY = SchemeEntry(
    description="a PEFT method in adapter blocks around emulators, tuned by devices and server (arXiv 2310.17491)",
    params=FedPeatParams,
    create=create,
    cost_jobs=cost_jobs,
    reconstruction=True,
    holds_backbone=False,
    protocols_of=lambda params: params.emulation().protocols,
    choices_of=lambda params: params.ladder,
)
