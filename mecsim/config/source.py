"""The text of a scenario as data that remembers its lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from mecsim.errors import Problem

KeyPath = tuple[str | int, ...]
FILE = "(file)"
"""The key of problems that concern the file as a whole."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A value that does not stand at its key in the file: why, in brackets behind a message, or the line that sets it."""

    path: KeyPath
    why: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, the line of each key path, what was wrong with the text itself, and what was set from outside it."""

    data: Any
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    outside: tuple[Outside, ...] = ()

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line of ``path`` or of the nearest key around it; None for what is not in the file."""
        if (change := self._change(path)) is not None:
            return change.line
        return next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)

    def _change(self, path: KeyPath) -> Outside | None:
        """Return the last change from outside the file that decides the value at ``path``."""
        for change in reversed(self.outside):
            around = path not in self.lines and path != () and change.path[: len(path)] == path
            if path[: len(change.path)] == change.path or around:
                return change
        return None

    def placed(self, problem: Problem) -> Problem:
        """Return ``problem`` with the line of its key, or with a note that the key is not in the file."""
        path = split_key(problem.key)
        if (change := self._change(path)) is not None and change.why:
            return replace(problem, message=f"{problem.message} ({change.why})")
        return replace(problem, line=self.line_of(path))


def dotted(path: KeyPath) -> str:
    """Return a key path as people write it: a.b.0.c."""
    return ".".join(map(str, path)) or FILE


def split_key(key: str) -> KeyPath:
    """Return the key path of a dotted key; a part that is a number is a position in a list."""
    return () if key == FILE else tuple(int(part) if part.isascii() and part.isdigit() else part for part in key.split("."))


def read_document(text: str) -> Document:
    """Read one YAML document; what is wrong becomes problems, never an exception."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        reader = _Reader(loader)
        data = reader.read(node, ()) if node is not None else None
    except yaml.YAMLError as error:
        return Document(None, problems=(_syntax_problem(error, text),))
    except RecursionError:
        return Document(None, problems=(Problem(FILE, "lists or sections are nested too deeply", "Use fewer levels.", 1),))
    return Document(data, reader.lines, tuple(reader.problems))


class _Loader(yaml.SafeLoader):
    """SafeLoader that leaves dates as text: JSON, and so the scenario, has none."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Reader:
    """Turns nodes into data, and notes lines and problems on the way."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._open: list[yaml.Node] = []
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node in self._open:
            self._problem(node, path, "this alias contains itself", "Write the value out instead of using an alias.")
            return None
        self._open.append(node)
        try:
            match node:
                case yaml.MappingNode():
                    return self._mapping(node, path)
                case yaml.SequenceNode():
                    return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
                case _:
                    return self._scalar(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self._find_duplicates(node, path)
        self._loader.flatten_mapping(node)  # resolves "<<: *base"
        data = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                self._problem(key_node, path, f"a key has to be text, got {key!r}", "Put quotes around the key.")
                continue
            self.lines[*path, key] = key_node.start_mark.line + 1
            data[key] = self.read(value_node, (*path, key))
        return data

    def _find_duplicates(self, node: yaml.MappingNode, path: KeyPath) -> None:
        first_lines: dict[str, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith(":merge"):
                continue
            if key_node.value in first_lines:
                message = f"this key is given twice, first on line {first_lines[key_node.value]}"
                self._problem(key_node, (*path, key_node.value), message, "Keep one of the two.")
            first_lines.setdefault(key_node.value, line)

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            value = node
        if value is not None and not isinstance(value, str | int | float | bool):
            self._problem(
                node, path, f"cannot read {str(node.value)[:40]!r} as {node.tag}", "Write plain text, a number, true or false."
            )
            return None
        return value

    def _problem(self, node: yaml.Node, path: KeyPath, message: str, remedy: str) -> None:
        self.problems.append(Problem(dotted(path), message, remedy, node.start_mark.line + 1))


def _syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
    remedy = "Check indentation (spaces, no tabs), the colon after each key, and that brackets and quotes are closed."
    return Problem(FILE, f"not valid YAML: {what}", remedy, line)
