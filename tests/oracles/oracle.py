"""A number that somebody else published or that has a closed form, beside what mecsim computes."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Oracle:
    """``compute()`` has to be within ``tolerance`` of ``expected``; ``source`` says where the number comes from.

    ``tolerance`` is absolute and in the number's unit. 0 means equal to the last bit, and a simulation states
    three standard errors.
    """

    group: str
    name: str
    source: str
    expected: float
    tolerance: float
    compute: Callable[[], float]
    unit: str = ""

    def holds(self, found: float) -> bool:
        return abs(found - self.expected) <= self.tolerance


def all_oracles() -> list[Oracle]:
    """Return the oracles of every module beside this one that lists some, in the order of the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [importlib.import_module(f"oracles.{name}") for name in names if name not in ("oracle", "produce")]
    return [oracle for module in modules for oracle in module.ORACLES]
