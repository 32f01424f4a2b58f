"""The policy that was trained before: its network is read from a file."""

from pathlib import Path

from pydantic import Field

from mecsim.control.builtin.common import PolicyParams
from mecsim.control.policy import SURROGATE_FILE, Policy, PolicyContext, PolicyEntry


class LearnedParams(PolicyParams):
    """Where the policy is."""

    policy: Path = Field(description="folder of a trained policy, with policy.json and policy.safetensors; or its policy.json")


def _create(params: LearnedParams, context: PolicyContext) -> Policy:
    from mecsim.control.learned import load

    return load(params.policy, context)


def _divides(params: LearnedParams) -> bool:
    from mecsim.control.learned import facts

    return len(facts(params.policy).get("bandwidths", ())) > 1


def _asks_quality(params: LearnedParams) -> bool:
    from mecsim.control.learned import facts

    return bool(facts(params.policy).get("asks_quality", True))


def _surrogate(params: LearnedParams) -> Path | None:
    folder = params.policy if params.policy.is_dir() else params.policy.parent
    file = folder / SURROGATE_FILE
    return file if file.exists() else None


ENTRY = PolicyEntry(
    description="a policy that reinforcement learning has trained, from a file",
    params=LearnedParams,
    create=_create,
    divides=_divides,
    asks_quality=_asks_quality,
    surrogate_of=_surrogate,
)
