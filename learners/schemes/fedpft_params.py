"""What a scenario may say of FedPFT: the proxy, what trains on it, and when the server aligns it. No torch."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from learners.peft.defaults import METHODS
from learners.schemes.choices import check_choices
from mecsim.federation.contract import PROTOCOLS, ROUND_PROTOCOLS

_DECAY = 0.95


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Distillation(_Section):
    """Matching of all narrowed blocks before the first round: AdamW, rate falling linearly to zero, gradients clipped at 1."""

    steps: int = Field(default=200, ge=1, description="optimizer steps")
    batch_size: int = Field(default=32, ge=1, description="public samples a step")
    learning_rate: float = Field(default=6e-4, gt=0.0, description="highest rate")
    warmup_share: float = Field(default=0.048, ge=0.0, le=1.0, description="share of the steps over which the rate rises")
    weight_decay: float = Field(default=0.01, ge=0.0, description="AdamW's weight decay")
    weight_alpha: float = Field(default=0.01, ge=0.0, description="weight of the distance between the linearised FFNs")
    reference_weight_term: bool = Field(
        default=False, description="that distance without gradients, so without effect, as in the published code"
    )


class Alignment(_Section):
    """Matching of the idle neurons between rounds: AdamW without weight decay, else as before the first round."""

    steps: int = Field(default=20, ge=1, description="optimizer steps")
    batch_size: int = Field(default=16, ge=1, description="public samples a step")
    learning_rate: float = Field(default=6e-4, gt=0.0, description="highest rate (the published code: 1e-3 for images)")
    warmup_share: float = Field(default=0.048, ge=0.0, le=1.0, description="share of the steps over which the rate rises")


class FedPftParams(_Section):
    """The proxy, what trains on it, and when the server aligns it."""

    arm: Literal["full", "B", "D", "N"] = Field(
        default="full", description="alignment before and during the rounds (full), only before (B), only during (D), none (N)"
    )
    keep: float = Field(
        default=0.25, gt=0.0, le=1.0, description="share of a narrowed FFN's neurons; 1: the proxy is the full model"
    )
    keeps: tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...] = Field(
        default=(),
        strict=False,
        description="shares that a control policy may give devices, keep among them; none: all devices have keep",
    )
    retained: tuple[int, ...] = Field(
        default=(0, -1), strict=False, description="blocks whose FFN stays whole, from 0, or from -1 at the end"
    )
    rank: int = Field(default=8, ge=1, description="rank of LoRA's updates")
    alpha: float = Field(default=16.0, gt=0.0, description="LoRA's updates are scaled by alpha / rank")
    learning_rate: float | None = Field(
        default=None, gt=0.0, description="rate of a device's optimizer in round 1; left out: the one tuned for LoRA"
    )
    rate_schedule: Literal["linear", "exponential", "constant"] = Field(
        default="linear", description="rate by rounds done: towards zero behind the last, times 0.95 each, or the same"
    )
    weighting: Literal["samples", "uniform"] = Field(default="samples", description="a client's weight in the average")
    distillation: Distillation = Field(default=Distillation(), description="alignment before the first round (arms full, B)")
    align_every: int = Field(default=10, ge=1, description="rounds from one alignment to the next (arms full, D)")
    proportion: float = Field(
        default=0.5, gt=0.0, le=1.0, description="share of a narrowed FFN's neurons that an alignment moves"
    )
    zero_threshold: float = Field(default=0.0, ge=0.0, description="activations of at most this size count as zero")
    align: Alignment = Field(default=Alignment(), description="how an alignment between rounds trains")
    align_student: Literal["aggregate", "last-client"] = Field(
        default="aggregate", description="state of the proxy while it is aligned; last-client: as in the published code"
    )

    @model_validator(mode="after")
    def _keep_is_one_of_keeps(self) -> Self:
        check_choices("keeps", self.keeps, "keep", self.keep)
        return self

    def protocols(self) -> frozenset[str]:
        """Return what the scheme may be run under: an alignment needs rounds, and one server that sees all counts."""
        return ROUND_PROTOCOLS if self.aligns_during else frozenset(PROTOCOLS)

    @property
    def aligns_during(self) -> bool:
        """Tell whether idle neurons of any proxy are moved between rounds."""
        return any(map(self.aligns, (self.keep, *self.keeps)))

    def distils(self, keep: float) -> bool:
        """Tell whether the proxy of ``keep`` is distilled before the first round; the full model has nothing to match."""
        return self.arm in ("full", "B") and keep < 1.0

    def aligns(self, keep: float) -> bool:
        """Tell whether idle neurons of the proxy of ``keep`` are moved between rounds."""
        return self.arm in ("full", "D") and keep < 1.0

    def method_spec(self) -> dict[str, Any]:
        """Return what trains, as jobs carry it."""
        return {"name": "lora", "rank": self.rank, "alpha": self.alpha, "targets": "qkvo"}

    def compression(self, keep: float | None = None) -> dict[str, Any]:
        """Return how the proxy of ``keep`` is made, as jobs carry it; None: that of the scheme's own."""
        return {"kind": "narrow", "keep": self.keep if keep is None else keep, "retained": list(self.retained)}

    def rate(self, round_number: int, n_rounds: int, optimizer: str) -> float:
        """Return the learning rate of a round, counted from 1."""
        first = METHODS["lora"].learning_rates[optimizer] if self.learning_rate is None else self.learning_rate
        done = min(max(round_number - 1, 0), n_rounds - 1)
        return (
            first * {"linear": (n_rounds - done) / n_rounds, "exponential": _DECAY**done, "constant": 1.0}[self.rate_schedule]
        )
