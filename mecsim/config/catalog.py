"""The names that a scenario may use; whoever loads a scenario hands them in, as they live in higher layers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from mecsim.config.base import Surroundings
from mecsim.config.scenario import PartialScenario
from mecsim.errors import Problem

Check = Callable[[PartialScenario], Iterable[Problem]]
"""A check over several sections. Its problems carry the key; the loader adds the line."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All names by kind: with the model of their own keys, or with a description in one line."""

    schemes: Mapping[str, type[BaseModel]]
    models: Mapping[str, str]
    architectures: Mapping[str, str]
    datasets: Mapping[str, type[BaseModel]]
    profiles: Mapping[str, str]
    servers: Mapping[str, str]
    policies: Mapping[str, type[BaseModel]]
    extra_checks: tuple[Check, ...] = ()

    def surroundings(self, folder: Path | None = None) -> Surroundings:
        """Return what validation needs to know: these names, and the folder that paths start from."""
        registers = ("schemes", "models", "architectures", "datasets", "profiles", "servers", "policies")
        return Surroundings({register: getattr(self, register) for register in registers}, folder)
