"""Rows of a study chosen by the name of a variant, a label or a seed; a name that is not there says which are."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mecsim.errors import MecsimError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


def variant_of(summary: "pd.DataFrame", name: str | None) -> str:
    """Return ``name`` if the study has such a variant, and its first one for None; MecsimError otherwise."""
    variants = _met(summary["variant"])
    if name is not None and variants == [""] and name:
        raise MecsimError(f"there is no variant {name!r}: this run has no sweep. Leave the variant out.")
    return _chosen("variant", variants, name)


def label_of(summary: "pd.DataFrame", name: str | None) -> list[str]:
    """Return ``name`` alone if the study has such a label, and all labels for None; UnknownNameError otherwise."""
    labels = _met(summary["label"])
    return labels if name is None else [_chosen("label", labels, name)]


def seed_of(summary: "pd.DataFrame", seed: int | None) -> int:
    """Return ``seed`` if the study has such a replication, and its first one for None; UnknownNameError otherwise."""
    return int(_chosen("seed", _met(summary["seed"].astype(str)), None if seed is None else str(seed)))


def _met(names: "Iterable[str]") -> list[str]:
    return list(dict.fromkeys(str(name) for name in names))


def _chosen(kind: str, known: list[str], name: str | None) -> str:
    if name is None:
        return known[0]
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return name
