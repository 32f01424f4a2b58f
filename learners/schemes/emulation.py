"""Adapter and emulator: the parameters, sheets, jobs and prices that schemes of offsite tuning share. No torch.

A model is its first and last blocks (the adapter, which devices tune) around a frozen middle, for which devices hold a smaller
stand-in, the emulator. One number tells how much smaller: rho in [0, 1), of each kind in its own unit (see ``compression_of``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from learners.compress.rules import MAX_BITS, MIN_BITS
from learners.schemes.context import CostQuestion, SchemeContext
from learners.schemes.method_params import MethodParams
from learners.schemes.parts import Part, forward_work, n_public_fit
from mecsim.federation.contract import PROTOCOLS, Work
from mecsim.jobs.job import Job, job

Kind = Literal["drop", "narrow", "prune", "quantise"]

_FULL_BITS = 32
#: Weights of hidden and task loss, as offsite-tuning's scripts have them.
_TOKEN_WEIGHTS = (30.0, 1.0)
_CLASS_WEIGHTS = (1.0, 0.0)


class Distillation(BaseModel):
    """How the server distils the middle into an emulator, on the fitting share of the public split.

    AdamW, the rate rising over a tenth of the steps and falling along a cosine. Offsite-tuning: 1e-4 over one epoch of a large
    corpus; the defaults here are for small models and few public samples. On the embedded models they lower the hidden loss of
    every kind of compression on held-out samples; 0.003 does better for dropped blocks, and spoils 8 bits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    steps: int = Field(default=200, ge=0, description="optimizer steps; 0: emulators are not distilled")
    learning_rate: float = Field(default=0.001, gt=0.0, description="highest rate of AdamW")
    hidden_weight: float | None = Field(
        default=None, ge=0.0, description="weight of the hidden states' loss; left out: 30 for tokens, 1 for classes"
    )
    task_weight: float | None = Field(
        default=None, ge=0.0, description="weight of the task's loss; left out: 1 for tokens, 0 for classes"
    )
    batch_size: int = Field(default=16, ge=1, description="samples a step")

    @model_validator(mode="after")
    def _has_an_objective(self) -> Self:
        if self.hidden_weight == 0.0 and not self.task_weight:
            raise ValueError("hidden_weight 0 leaves nothing to learn from: set a task_weight above 0, or steps to 0")
        return self

    def weights(self, n_classes: int | None) -> tuple[float, float]:
        """Return the weights of hidden and task loss, for a model of ``n_classes`` or of tokens (None)."""
        hidden, task = _TOKEN_WEIGHTS if n_classes is None else _CLASS_WEIGHTS
        return (
            hidden if self.hidden_weight is None else self.hidden_weight,
            task if self.task_weight is None else self.task_weight,
        )


class EmulatorParams(MethodParams):
    """The split of the model, the method inside the adapter blocks, and the distillation."""

    method: Literal["full", "bias", "lora", "adapter", "prompt", "peft"] = Field(
        default="lora", description="what trains in the adapter blocks; full: all of them. The head trains in any case"
    )
    bottom: int = Field(
        default=1, ge=0, description="adapter blocks at the input's end; with 0 no gradient enters the emulator"
    )
    top: int = Field(default=1, ge=0, description="adapter blocks at the output's end")
    distillation: Distillation = Field(default_factory=Distillation, description="of emulators, by the server")

    @model_validator(mode="after")
    def _has_an_adapter(self) -> Self:
        if self.bottom + self.top == 0:
            raise ValueError("bottom and top are both 0, so no block would be tuned: set one of them to 1 or more")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulation:
    """What sets schemes of this family apart.

    ``ladder`` are the rho of the emulators that are priced. Devices get the first; where a control policy decides, any of them.
    Every ``realign_every`` merged rounds (0: never) emulators are distilled again.
    """

    kind: Kind
    ladder: tuple[float, ...]
    server_takes_part: bool = False
    realign_every: int = 0
    proximal: float = 0.0

    @property
    def protocols(self) -> frozenset[str]:
        """What these schemes may be run under: a server that takes part does so alongside the devices, in rounds."""
        return frozenset(PROTOCOLS) - ({"buffered", "async"} if self.server_takes_part else set())


def check_rho(kind: Kind, rho: float) -> None:
    """Raise a ValueError if emulators of ``kind`` cannot be compressed by ``rho``; 0 is the middle itself for every kind."""
    if kind == "quantise" and rho and _bits(rho) not in range(MIN_BITS, MAX_BITS + 1):
        choices = ", ".join(f"{1 - bits / _FULL_BITS:g} ({bits} bits)" for bits in range(MAX_BITS, MIN_BITS - 1, -1))
        raise ValueError(
            f"quantise has rho = 1 - bits / {_FULL_BITS}, which {rho:g} is not for a whole number of bits: {choices}"
        )


def compression_of(kind: Kind, rho: float, adapter: Mapping[str, int], blocks: list[int]) -> dict[str, Any] | None:
    """Return the compression of the middle by ``rho``; None for 0, as the middle then stays as it is.

    ``rho`` is the share of middle blocks dropped, of FFN neurons removed, of each matrix's numbers set to zero, or of the bits
    saved (1 - bits / 32). ``adapter`` counts the blocks at either end (bottom, top), ``blocks`` numbers them.
    """
    left = float(1 - Fraction(str(rho)))  # 1 - 0.9 is not 0.1 in floating point
    if rho == 0:
        return None
    match kind:
        case "drop":
            return {"kind": kind, **adapter, "keep": left}
        case "narrow":
            return {"kind": kind, "keep": left, "retained": blocks}
        case "prune":
            return {"kind": kind, **adapter, "sparsity": rho}
        case "quantise":
            return {"kind": kind, **adapter, "bits": int(_bits(rho))}


def sheet_name(rho: float) -> str:
    """Return what a scheme calls the sheet of a device with the emulator of ``rho``."""
    return f"device:{rho}"


def emulator_sheets(params: EmulatorParams, emulation: Emulation, ask: CostQuestion) -> dict[str, Job]:
    """Return the sheets of devices with each emulator ("device": the first), of the whole model, and of a fitted head."""
    method, ends = params.method_spec(), (params.bottom, params.top)
    adapter = {"bottom": params.bottom, "top": params.top}
    whole = ask.sheet(method, ends=ends)
    sheets = {}
    for rho in emulation.ladder:
        if emulation.kind == "narrow" and rho:
            # Which blocks stay whole grows with the depth as the adapter does; retained blocks alone would keep their number.
            counted = json.loads(whole.params)
            compression = compression_of("narrow", rho, adapter, counted["method"]["blocks"])
            sheets[sheet_name(rho)] = job(whole.kind, {**counted, "compression": compression})
        else:
            compression = compression_of(emulation.kind, rho, adapter, [])
            sheets[sheet_name(rho)] = ask.sheet(method, compression=compression, ends=ends)
    head = ask.head_sheet()
    return {"device": sheets[sheet_name(emulation.ladder[0])], **sheets, "server": whole, **head}


def emulator_job(whole: Part, emulator: Part, state: Job, context: SchemeContext, distillation: Distillation) -> Job:
    """Return the distillation of ``whole`` into ``emulator``, both with the adapter of ``state``; from its last version on."""
    hidden_weight, task_weight = distillation.weights(context.n_classes)
    params = {
        "model": emulator.spec,
        "teacher": whole.spec,
        "dataset": dict(context.dataset),
        "on": {"split": "public_fit"},
        "n_steps": distillation.steps,
        "batch_size": distillation.batch_size,
        "learning_rate": distillation.learning_rate,
        "hidden_weight": hidden_weight,
        "task_weight": task_weight,
        **emulator.extra,
    }
    return job("emulator", params, [state, context.partition, *emulator.inputs])


def emulator_work(whole: Part, emulator: Part, context: SchemeContext, distillation: Distillation) -> Work:
    """Return the server's work of ``emulator_job``.

    A step runs the full model forward, and the emulator forward and backward, which counts as two forward passes: no sheet has
    the middle as what trains. Memory: both models, and gradients and AdamW's two moments for the second. That hidden states
    alone need no top blocks is left out.
    """
    batch_size = min(distillation.batch_size, n_public_fit(context))
    teacher, student = (forward_work(part.costs, distillation.steps * batch_size, batch_size) for part in (whole, emulator))
    return Work(
        flop=teacher.flop + 3.0 * student.flop,
        traffic_bytes=teacher.traffic_bytes + 3.0 * student.traffic_bytes,
        peak_bytes=teacher.peak_bytes + 4.0 * student.peak_bytes,
        n_steps=distillation.steps,
        n_samples=distillation.steps * batch_size,
    )


def _bits(rho: float) -> Fraction:
    return _FULL_BITS * (1 - Fraction(str(rho)))
