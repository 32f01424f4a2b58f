"""FedOT, federated offsite tuning (after Xiao et al., 2023), a reconstruction: one emulator by layer drop, and an idle server.

FedPFT (Peng et al., 2024) compares with it and does not say how the model was split, whether the emulator was distilled, or
what trained. Here the server drops middle blocks at a uniform stride and distils the rest on public samples, as offsite-tuning
does; devices tune the first and last blocks around that emulator, which stays as it is; the server averages, and deploys those
blocks in the whole model. With the defaults a model of 12 blocks keeps 7 (1 + 5 + 1), as in FedPFT's comparison.
"""

from typing import Literal

from pydantic import Field

from learners.schemes.context import CostQuestion, SchemeContext, SchemeEntry
from learners.schemes.emulation import Emulation, EmulatorParams, emulator_sheets
from learners.schemes.emulator_tuning import EmulatorTuning
from mecsim.jobs.job import Job


class FedOtParams(EmulatorParams):
    """The split of the model, what trains in the adapter blocks, and how much of the middle is dropped."""

    method: Literal["full", "lora"] = Field(
        default="lora", description="what trains in the adapter blocks: all of them, or low-rank updates; and the head"
    )
    rho: float = Field(default=0.5, ge=0.0, lt=1.0, description="share of the middle blocks that the emulator drops")

    def emulation(self) -> Emulation:
        """Return what the shared code needs to know."""
        return Emulation(kind="drop", ladder=(self.rho,))


def cost_jobs(params: FedOtParams, ask: CostQuestion) -> dict[str, Job]:
    """Return the sheets of a device and of the whole model."""
    return emulator_sheets(params, params.emulation(), ask)


def create(params: FedOtParams, context: SchemeContext) -> EmulatorTuning:
    """Return the scheme, ready for its first round."""
    return EmulatorTuning(params, params.emulation(), context)


ENTRY = SchemeEntry(
    description="offsite tuning made federated: adapter blocks around one layer-drop emulator (after Xiao et al., 2023)",
    params=FedOtParams,
    create=create,
    cost_jobs=cost_jobs,
    reconstruction=True,
    holds_backbone=False,
)
