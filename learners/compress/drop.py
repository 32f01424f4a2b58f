"""Layer drop (offsite-tuning, Xiao et al., 2023): some of the middle blocks stay, at a uniform stride."""

from collections.abc import Mapping
from typing import Any

from learners.compress.rules import kept_blocks
from learners.models.anatomy import PassThrough, blocks


def compress(model: Any, plan: Mapping[str, Any]) -> None:
    """Put a ``PassThrough`` where a middle block does not stay; the others keep their numbers and so their names."""
    layers = blocks(model)
    kept = kept_blocks(plan, len(layers))
    for index in set(range(len(layers))).difference(kept):
        layers[index] = PassThrough()
    if 0 not in kept:
        # transformers reads the length of a key-value cache from block 0, which would never fill.
        model.config.use_cache = False
