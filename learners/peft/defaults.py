"""The PEFT methods: what each is, which options belong to it with their defaults, and its tuned learning rate. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mecsim.errors import JobError
from mecsim.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to choose what is trained and sent.

    ``learning_rates`` by optimizer: for SGD the winner of ``benchmarks/grid_learning_rates.py`` (public split, tiny-vit-s), of
    "peft" that of its default type LORA; for AdamW customary starting points, not tuned.
    ``kinds`` are the kinds of network (see ``Family.kind``) that it works on.
    """

    description: str
    learning_rates: Mapping[str, float]
    options: Mapping[str, Any]
    kinds: tuple[str, ...] = ("image", "encoder", "causal")


METHODS: Registry[Method] = Registry("method")

METHODS.put("full", Method(description="every parameter", learning_rates={"sgd": 0.001, "adamw": 0.0003}, options={}))
METHODS.put("head", Method(description="the new linear head only", learning_rates={"sgd": 0.03, "adamw": 0.01}, options={}))
METHODS.put("bias", Method(description="every bias, and the head", learning_rates={"sgd": 0.003, "adamw": 0.003}, options={}))
METHODS.put(
    "lora",
    Method(
        description="low-rank updates of chosen projections (query and value unless told), and the head",
        learning_rates={"sgd": 0.003, "adamw": 0.003},
        options={"rank": 8, "alpha": 16.0, "targets": "qv"},
    ),
)
METHODS.put(
    "adapter",
    Method(
        description="a bottleneck after each block's FFN, one for all blocks or one each, and the head",
        learning_rates={"sgd": 0.003, "adamw": 0.003},
        options={"reduction": 8, "shared": True},
    ),
)
METHODS.put(
    "prompt",
    Method(
        description="learnt tokens at the end of every block's sequence (VPT-deep), and the head",
        learning_rates={"sgd": 0.03, "adamw": 0.01},
        options={"n_tokens": 10, "dropout": 0.0},
        kinds=("image",),
    ),
)
METHODS.put(
    "peft",
    Method(
        description="any method of Hugging Face peft that fits the model, and the head",
        learning_rates={"sgd": 0.003, "adamw": 0.003},
        options={"peft_type": "LORA", "peft_options": {}},
    ),
)


def check_fit(name: str, kind: str) -> None:
    """Raise a JobError if the method cannot work on a network of ``kind`` (see ``Family.kind``) at all."""
    if kind not in METHODS[name].kinds:
        fitting = ", ".join(other for other, method in METHODS.items() if kind in method.kinds)
        raise JobError(
            f"method {name!r} works on networks of kind {', '.join(METHODS[name].kinds)}, and this is one of kind {kind}: "
            f"choose one of {fitting}"
        )
