"""What is wrong with the files of a trace: every problem of every file at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mecsim.config.source import FILE
from mecsim.errors import MecsimError, Problem

#: So many problems of a file are told; one wrong unit would otherwise fill the screen.
MOST_TOLD = 20


class TraceError(MecsimError):
    """Files of a trace cannot be read; ``problems`` has, by file, each problem that was found."""

    def __init__(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        self.problems = {source: tuple(found) for source, found in problems.items()}
        super().__init__("\n".join(line for source, found in self.problems.items() for line in _told(source, found)))


def file_error(path: Path, message: str, remedy: str = "") -> TraceError:
    """Return the error of a file that has one problem as a whole."""
    return TraceError({str(path): [Problem(FILE, message, remedy)]})


def _told(source: str, problems: Sequence[Problem]) -> list[str]:
    count = f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
    lines = [f"{source}: {count}", *(f"  {problem}" for problem in problems[:MOST_TOLD])]
    if len(problems) > MOST_TOLD:
        lines.append(f"  ... and {len(problems) - MOST_TOLD} more")
    return lines
