"""What a scenario can name: schemes, methods, models, architectures, datasets. Importing it loads no torch."""

import importlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points

from learners.data.datasets import DATASETS, DatasetEntry, dataset_spec
from learners.models.architectures import ARCHITECTURES, MODELS, Architecture, ModelEntry
from learners.peft.defaults import METHODS, Method
from learners.schemes import (
    centralised,
    fedot,
    fedpeat,
    fedpeft,
    fedpetuning,
    fedpft,
    fedpt,
    full,
    local_only,
    mixture,
    small_only,
    synthetic,
    zero_shot,
)
from learners.schemes.context import CostQuestion, LocalSettings, SchemeContext, SchemeEntry
from mecsim.errors import MecsimError
from mecsim.registry import Registry

__all__ = [
    "ARCHITECTURES",
    "DATASETS",
    "ENTRY_POINT_GROUP",
    "METHODS",
    "MODELS",
    "SCHEMES",
    "Architecture",
    "CostQuestion",
    "DatasetEntry",
    "LocalSettings",
    "Method",
    "ModelEntry",
    "SchemeContext",
    "SchemeEntry",
    "dataset_spec",
    "load_plugins",
]

ENTRY_POINT_GROUP = "mecsim.schemes"

SCHEMES: Registry[SchemeEntry] = Registry("scheme")

for _name, _module in {
    "fedpeft": fedpeft,
    "fedpeat": fedpeat,
    "fedot": fedot,
    "fedpft": fedpft,
    "fedpt": fedpt,
    "mixture": mixture,
    "full": full,
    "fedpetuning": fedpetuning,
    "small-only": small_only,
    "local-only": local_only,
    "centralised": centralised,
    "zero-shot": zero_shot,
    "synthetic": synthetic,
}.items():
    SCHEMES.put(_name, _module.ENTRY)


def load_plugins(modules: Sequence[str] = ()) -> None:
    """Let third parties register: every entry point of ``mecsim.schemes``, then the ``modules`` that a scenario names.

    An entry point gives a SchemeEntry, registered under the entry point's name, or a module that registers on import. Called
    again, it changes nothing.
    """
    _load_entry_points()
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MecsimError(
                f"plugins: cannot import {module!r}: {error}; install it, or put its folder on PYTHONPATH"
            ) from error


@cache
def _load_entry_points() -> None:
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        loaded = point.load()
        if isinstance(loaded, SchemeEntry) and point.name not in SCHEMES:
            SCHEMES.put(point.name, loaded)
