"""What a compression does to which blocks, in counts alone: checks, kept positions, shares of a whole. No torch.

A compression is a mapping with a "kind" and that kind's options (``OPTIONS``). "bottom" and "top" are how many blocks at either
end stay as they are; those between are the middle.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from mecsim.errors import JobError, suggestion

OPTIONS: dict[str, tuple[str, ...]] = {
    "drop": ("bottom", "top", "keep"),
    "narrow": ("keep", "retained"),
    "prune": ("bottom", "top", "sparsity"),
    "quantise": ("bottom", "top", "bits"),
}
MIN_BITS, MAX_BITS = 2, 8


def checked(compression: Mapping[str, Any], n_layers: int) -> dict[str, Any]:
    """Return ``compression`` as plain values; JobError if it cannot be applied to ``n_layers`` blocks."""
    kind = compression.get("kind")
    if kind not in OPTIONS:
        raise JobError(f"no compression of kind {kind!r}. {suggestion(str(kind), OPTIONS)}")
    wanted, given = set(OPTIONS[kind]), set(compression) - {"kind"}
    if wanted != given:
        missing, unknown = sorted(wanted - given), sorted(given - wanted)
        raise JobError(f"compression {kind!r} has the options {', '.join(OPTIONS[kind])}: {missing=}, {unknown=}")
    plan = dict(compression)
    if "bottom" in wanted:
        _check_ends(plan, n_layers)
    if "keep" in wanted and not 0 < plan["keep"] <= 1:
        raise JobError(f"keep is the share that stays, in (0, 1]; got {plan['keep']} (1 keeps everything)")
    if "sparsity" in wanted and not 0 <= plan["sparsity"] < 1:
        raise JobError(f"sparsity is the share set to zero, in [0, 1); got {plan['sparsity']} (0 keeps everything)")
    if "bits" in wanted and not (isinstance(plan["bits"], int) and MIN_BITS <= plan["bits"] <= MAX_BITS):
        raise JobError(f"bits is a whole number from {MIN_BITS} to {MAX_BITS}; got {plan['bits']}")
    if "retained" in wanted:
        plan["retained"] = [int(index) for index in plan["retained"]]
        _check_retained(plan["retained"], n_layers)
    return plan


def compressed_layers(compression: Mapping[str, Any], n_layers: int) -> list[int]:
    """Return the numbers of the blocks that ``compression`` works on, ascending: the middle, or those not retained."""
    plan = checked(compression, n_layers)
    if plan["kind"] == "narrow":
        retained = {index % n_layers for index in plan["retained"]}
        return [index for index in range(n_layers) if index not in retained]
    return list(range(plan["bottom"], n_layers - plan["top"]))


def kept_blocks(compression: Mapping[str, Any], n_layers: int) -> list[int]:
    """Return the numbers of the blocks that are still there after ``compression``, ascending; all but for "drop"."""
    if compression["kind"] != "drop":
        return list(range(n_layers))
    middle = compressed_layers(compression, n_layers)
    kept = {middle[position] for position in kept_positions(len(middle), compression["keep"])}
    return [index for index in range(n_layers) if index not in middle or index in kept]


def kept_positions(n_middle: int, keep: float) -> list[int]:
    """Return which of ``n_middle`` blocks stay: round(i * (m - 1) / (n - 1)) for n = max(1, round(keep * m)), ties to even.

    The first and the last always stay; if n is 1, the middle-most one does (the lower of two). Offsite-tuning (Xiao et al.,
    2023) has this rule and no case for n = 1.
    """
    n_kept = rounded_share(n_middle, keep)
    if n_kept == 1:
        return [(n_middle - 1) // 2]
    return [round(Fraction(index * (n_middle - 1), n_kept - 1)) for index in range(n_kept)]


def rounded_share(whole: int, share: float) -> int:
    """Return round(share * whole), at least 1, ties to even; ``share`` is taken as the decimal number that it is written as."""
    return max(1, round(whole * Fraction(str(share))))


def floored_share(whole: int, share: float) -> int:
    """Return floor(share * whole); ``share`` is taken as the decimal number that it is written as, so 0.29 of 100 is 29."""
    return math.floor(whole * Fraction(str(share)))


def _check_ends(plan: Mapping[str, Any], n_layers: int) -> None:
    bottom, top = plan["bottom"], plan["top"]
    if not (isinstance(bottom, int) and isinstance(top, int) and bottom >= 0 and top >= 0):
        raise JobError(f"bottom and top are whole numbers of blocks, 0 or more; got {bottom} and {top}")
    if bottom + top >= n_layers:
        raise JobError(
            f"bottom {bottom} and top {top} leave no middle block of {n_layers} to compress: "
            f"let bottom + top be at most {n_layers - 1}"
        )


def _check_retained(retained: list[int], n_layers: int) -> None:
    outside = [index for index in retained if not -n_layers <= index < n_layers]
    if outside:
        raise JobError(f"retained names blocks {outside} of a model of {n_layers}: count from 0, or from -1 at the end")
    if len({index % n_layers for index in retained}) == n_layers:
        raise JobError(f"retained names all {n_layers} blocks: leave out those whose FFN shall be narrowed")
