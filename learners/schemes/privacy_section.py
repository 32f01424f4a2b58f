"""The section ``privacy`` of a scheme: differentially private training on the devices, and what it has cost. No torch."""

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mecsim.jobs.job import Job, job

#: Largest target that the accountant "prv" is asked to search for: a quarter of a minute and a gigabyte.
PRV_TARGET_LIMIT = 40.0
#: What is left out, by kind.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "dp-sgd": {"delta": 1e-5, "max_grad_norm": 1.0, "accountant": "rdp"},
    "reference-noise": {"epsilon": 5.0, "delta": 1e-3, "max_grad_norm": 1.0},
}
_OWN: dict[str, tuple[str, ...]] = {
    "dp-sgd": ("noise_multiplier", "target_epsilon", "delta", "max_grad_norm", "accountant"),
    "reference-noise": ("epsilon", "delta", "max_grad_norm"),
}


class PrivacySection(BaseModel):
    """How a device hides its single samples from those who see its updates.

    ``dp-sgd`` (Abadi et al., 2016) draws each batch by Poisson sampling at the rate batch_size / n_samples, clips the gradient
    of every sample and adds Gaussian noise; an accountant adds up what all turns of a device have cost. It holds for a sample
    of a device against everybody who sees the device's updates, the server included. Sample counts and losses are not hidden.

    ``reference-noise`` is what FedPEFT's published code does (arXiv 2210.01708): its clipping has no effect, so nothing is
    clipped; noise is added to each coordinate of the batch-mean gradient; epsilon stands inside the root; nothing is added up
    over steps or rounds. It gives no valid guarantee, and is here to repeat the published setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["dp-sgd", "reference-noise"] = Field(
        description="dp-sgd: a guarantee that an accountant keeps; reference-noise: FedPEFT's published formula, no guarantee"
    )
    noise_multiplier: float | None = Field(
        default=None, gt=0.0, description="dp-sgd: noise of a batch's summed gradient, in units of max_grad_norm"
    )
    target_epsilon: float | None = Field(
        default=None,
        gt=0.0,
        description="dp-sgd, in place of noise_multiplier: noise is chosen so that a device that takes every turn ends here",
    )
    epsilon: float | None = Field(
        default=None, gt=0.0, description="reference-noise: epsilon of its formula, for one step alone"
    )
    delta: float | None = Field(default=None, gt=0.0, lt=1.0, description="probability with which the guarantee may fail")
    max_grad_norm: float | None = Field(
        default=None, gt=0.0, description="dp-sgd: largest norm of a sample's gradient; reference-noise: scales the noise alone"
    )
    accountant: Literal["rdp", "prv"] | None = Field(
        default=None,
        description="dp-sgd: how steps are added up: Renyi divergences, or privacy loss distributions (tighter, slow)",
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out_defaults(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("kind") not in _DEFAULTS:
            return data  # the field's own rule says what is wrong
        return {**_DEFAULTS[data["kind"]], **{key: value for key, value in data.items() if value is not None}}

    @model_validator(mode="after")
    def _keys_belong_to_the_kind(self) -> Self:
        foreign = [
            key
            for key in type(self).model_fields
            if key != "kind" and key not in _OWN[self.kind] and getattr(self, key) is not None
        ]
        if foreign:
            raise ValueError(f"{', '.join(foreign)}: no key of kind {self.kind!r}; its keys are {', '.join(_OWN[self.kind])}")
        if self.kind == "dp-sgd" and (self.noise_multiplier is None) == (self.target_epsilon is None):
            raise ValueError("dp-sgd needs noise_multiplier or target_epsilon, and not both")
        if self.accountant == "prv" and (self.target_epsilon or 0.0) > PRV_TARGET_LIMIT:
            raise ValueError(
                f"a target_epsilon above {PRV_TARGET_LIMIT:g} needs accountant 'rdp': the search by 'prv' takes too long"
            )
        return self

    def spec(self, planned_turns: int) -> dict[str, Any]:
        """Return how a train job's ``privacy`` says it.

        ``planned_turns``, the most turns that a device can take, is there only where the noise is chosen for it.
        """
        own = {key: getattr(self, key) for key in _OWN[self.kind]}
        spec = {"kind": self.kind, **{key: value for key, value in own.items() if value is not None}}
        if self.target_epsilon is not None:
            if planned_turns < 1:
                raise ValueError(f"planned_turns must be at least 1, got {planned_turns}")
            spec["planned_turns"] = planned_turns
        return spec


def reference_noise_std(*, epsilon: float, delta: float, max_grad_norm: float) -> float:
    """Return the noise of FedPEFT's published code, 2 C sqrt(2 ln(1.25 / delta) / epsilon).

    The Gaussian mechanism (Dwork and Roth, 2014, theorem A.1) has epsilon outside the root.
    """
    return 2.0 * max_grad_norm * math.sqrt(2.0 * math.log(1.25 / delta) / epsilon)


def epsilon_job(spec: Mapping[str, Any], n_samples: int, batch_size: int, n_steps: int, *, epochs: int | None = None) -> Job:
    """Return the job of what a client of ``n_samples`` has spent after ``n_steps`` steps; its number is ``epsilon``.

    ``epochs``, the passes of a turn, is needed where the noise was chosen for a target: it was chosen for all planned steps.
    """
    if spec["kind"] != "dp-sgd":
        raise ValueError(f"{spec['kind']} gives no guarantee, so no epsilon is spent; choose kind 'dp-sgd'")
    params: dict[str, Any] = {"privacy": dict(spec), "n_samples": n_samples, "batch_size": batch_size, "steps": n_steps}
    if "target_epsilon" in spec:
        if epochs is None:
            raise ValueError("the noise for a target_epsilon depends on the epochs of a turn: give epochs")
        params["epochs"] = epochs
    return job("epsilon", params)
