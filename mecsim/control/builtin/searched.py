"""The policy that knows the future: it plays every script of a tiny trial beforehand, and then the best one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from mecsim.control.builtin.common import Bandwidth, PolicyParams
from mecsim.control.observation import Observation
from mecsim.control.oracle import best_script, check_number_of_scripts, joint_decisions, n_joint_decisions
from mecsim.control.policy import Decision, PolicyContext, PolicyEntry, Script
from mecsim.knobs import Settings


class OracleParams(PolicyParams):
    """What is searched, and what foretells the accuracy."""

    surrogate: Path = Field(description="file of the surrogate that foretells the accuracy after each round")
    max_scripts: int = Field(default=20_000, ge=1, description="as many scripts are rehearsed at most; more are refused")
    renew: Literal["always", "never", "either"] = Field(
        default="always", description="whether devices fetch what the server has made anew; either: both are tried"
    )
    bandwidths: list[Bandwidth] = Field(
        default_factory=list, description="weights that a device may have when the cell is divided; []: all alike"
    )


@dataclass(slots=True)
class Oracle:
    """Searches at its first decision; the trial's whole world is rehearsed once for each script.

    A bound on what policies can reach, as far as the surrogate is right: it sees what comes. The decisions are those of
    ``joint_decisions``, feasible or not, as what is feasible later depends on what is decided before; a device that cannot be
    asked in its round is left out of it.
    """

    decisions: Sequence[Decision]
    context: PolicyContext
    surrogate: Path
    script: Script = field(default=(), init=False)

    chooses_devices = True
    asks_quality = False

    def decide(self, observation: Observation) -> Decision:
        """Return what the best script does in this round."""
        if not self.script:
            rehearse = self.context.rehearse
            self.script, _ = best_script(self.decisions, self.context.n_rounds, lambda script: rehearse(script, self.surrogate))
        return possible(self.script[observation.round_number - 1], observation)


def possible(decision: Decision, observation: Observation) -> Decision:
    """Return ``decision`` without the devices that cannot be asked now."""
    there = set(observation.devices[observation.available].tolist())
    return Decision(tuple(each for each in decision.assignments if each.device in there))


def _create(params: OracleParams, context: PolicyContext) -> Oracle:
    settings = _settings(params, context)
    bandwidths = params.bandwidths or [1.0]
    n_decisions = n_joint_decisions(context.n_devices, context.n_asked, len(settings) * len(bandwidths))
    check_number_of_scripts(n_decisions, context.n_rounds, params.max_scripts)
    decisions = list(joint_decisions(context.n_devices, context.n_asked, settings, bandwidths))
    return Oracle(decisions, context, params.surrogate)


def _settings(params: OracleParams, context: PolicyContext) -> list[Settings]:
    choices = context.choices if len(context.choices) > 1 else (None,)
    renewals = {"always": (True,), "never": (False,), "either": (True, False)}[params.renew]
    return [Settings(choice=choice, renew=renew) for choice in choices for renew in renewals]


ENTRY = PolicyEntry(
    description="exhaustive search with hindsight: the best of all that could be decided, on tiny cases",
    params=OracleParams,
    create=_create,
    divides=lambda params: bool(params.bandwidths),
    surrogate_of=lambda params: params.surrogate,
)
