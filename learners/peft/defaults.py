"""The PEFT methods: what each is, which options belong to it with their defaults, and its tuned learning rate. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mecsim.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to choose what is trained and sent.

    ``learning_rate`` is the winner of ``benchmarks/grid_learning_rates.py`` (public split, tiny-vit-s): SGD with momentum.
    """

    description: str
    learning_rate: float
    options: Mapping[str, Any]


METHODS: Registry[Method] = Registry("method")

METHODS.put("full", Method(description="every parameter", learning_rate=0.001, options={}))
METHODS.put("head", Method(description="the new linear head only", learning_rate=0.03, options={}))
METHODS.put("bias", Method(description="every bias, and the head", learning_rate=0.003, options={}))
METHODS.put(
    "lora",
    Method(
        description="low-rank updates of the query and value projections, and the head",
        learning_rate=0.003,
        options={"rank": 8, "alpha": 16.0},
    ),
)
METHODS.put(
    "adapter",
    Method(
        description="a bottleneck after each block's MLP, one for all blocks or one each, and the head",
        learning_rate=0.003,
        options={"reduction": 8, "shared": True},
    ),
)
METHODS.put(
    "prompt",
    Method(
        description="learnt tokens at the end of every block's sequence (VPT-deep), and the head",
        learning_rate=0.03,
        options={"n_tokens": 10, "dropout": 0.0},
    ),
)
METHODS.put(
    "peft",
    Method(
        description="any method of Hugging Face peft that fits the model, and the head",
        learning_rate=0.003,
        options={"peft_type": "LORA", "peft_options": {}},
    ),
)
