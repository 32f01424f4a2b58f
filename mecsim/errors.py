"""Every error that mecsim raises on purpose; the command line turns them into messages, never into tracebacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


class MecsimError(Exception):
    """Root of all errors that a user can act on. They can be pickled: a worker process sends them to its parent."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with the message, but subclasses make their message of other arguments.
        return _again, (type(self), self.args, self.__dict__)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a scenario: where it is, what is there, which rule it breaks, and the way out."""

    key: str
    message: str
    remedy: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{place}{self.key}: {self.message}{remedy}"


class ScenarioError(MecsimError):
    """A scenario cannot be run; carries every problem found, not only the first."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem" + ("s" if len(self.problems) != 1 else "")
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in self.problems)]))


class UnknownNameError(MecsimError):
    """A name is not in its registry; the message offers the nearest one and lists all."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"no {kind} called {name!r}. {suggestion(name, self.known)}")


class RunFolderError(MecsimError):
    """A run folder is missing, unfinished, or of another schema version."""


class JobError(MecsimError):
    """A learning job cannot be executed as it was asked for."""


def _again(kind: type[MecsimError], args: tuple[Any, ...], state: dict[str, Any]) -> MecsimError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'? Known: ..." for a name that was not found."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(names)}."
