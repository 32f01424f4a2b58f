"""The keys by which a scheme names a PEFT method and its options."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from learners.peft.defaults import METHODS


class MethodParams(BaseModel):
    """Method and its options; an option that the method does not have is an error, one left out gets its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    method: Literal["full", "head", "bias", "lora", "adapter", "prompt", "peft"] = Field(description="what is trained")
    rank: int | None = Field(default=None, ge=1, description="lora: rank of the update")
    alpha: float | None = Field(default=None, gt=0.0, description="lora: the update is scaled by alpha / rank")
    targets: Literal["qv", "qkvo", "linear"] | None = Field(default=None, description="lora: projections that it updates")
    reduction: int | None = Field(default=None, ge=1, description="adapter: hidden width over bottleneck width")
    shared: bool | None = Field(default=None, description="adapter: one bottleneck for all blocks, or one each")
    n_tokens: int | None = Field(default=None, ge=1, description="prompt: tokens a block")
    dropout: float | None = Field(default=None, ge=0.0, lt=1.0, description="prompt: dropout of the tokens in training")
    peft_type: str | None = Field(default=None, description="peft: Hugging Face's name of the type, such as IA3")
    peft_options: dict[str, Any] | None = Field(default=None, description="peft: options of the type's configuration")
    learning_rate: float | None = Field(
        default=None,
        gt=0.0,
        description="rate of a device's optimizer; left out: the method's for the optimizer ('mecsim list methods')",
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out_defaults(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        name = data.get("method", cls.model_fields["method"].default)
        if name not in METHODS:
            return data  # the field's own rule says what is wrong
        return {**METHODS[name].options, **{k: v for k, v in data.items() if v is not None}}

    @model_validator(mode="after")
    def _options_belong_to_the_method(self) -> Self:
        own = METHODS[self.method].options
        foreign = [key for key in _ALL_OPTIONS if key not in own and getattr(self, key) is not None]
        if foreign:
            has = f"its options are {', '.join(own)}" if own else "it has no options"
            raise ValueError(f"{', '.join(foreign)}: no option of method {self.method!r}; {has}")
        return self

    def method_spec(self) -> dict[str, Any]:
        """Return the method with its options, as jobs carry it."""
        return {"name": self.method, **{key: getattr(self, key) for key in METHODS[self.method].options}}

    def rate(self, optimizer: str) -> float:
        """Return the learning rate for ``optimizer``: the given one, or the method's tuned one."""
        return self.learning_rate if self.learning_rate is not None else METHODS[self.method].learning_rates[optimizer]


_ALL_OPTIONS = tuple(dict.fromkeys(key for method in METHODS.values() for key in method.options))
