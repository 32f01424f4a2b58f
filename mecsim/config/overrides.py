"""Values set from outside the file: ``a.b.0.c=value``, the value in YAML."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from mecsim.config.source import Document, KeyPath, Outside, dotted, read_document
from mecsim.errors import Problem

_WHY = "given with --set"


def apply_overrides(document: Document, overrides: Sequence[str]) -> Document:
    """Return ``document`` with every override in place, the later ones winning.

    Sections that are missing on the way are made, so an unknown key is found by the same validation as one in the file.
    """
    for text in overrides:
        document = _apply(document, text)
    return document


def _apply(document: Document, text: str) -> Document:
    key, equals, value_text = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        problem = Problem(key.strip() or "--set", f"cannot read the override {text!r}", "Write KEY=VALUE, as in --set seed=2.")
        return _with(document, problem)
    value = read_document(value_text)
    if value.problems:
        problems = (Problem(key, f"{found.message} ({_WHY})", found.remedy) for found in value.problems)
        return _with(document, *problems)
    data = deepcopy(document.data) if document.data is not None else {}
    try:
        path = set_value(data, key.strip(), value.data)
    except NoSuchPlaceError as error:
        return _with(document, Problem(key, f"{error.message} ({_WHY})", error.remedy))
    return replace(document, data=data, outside=(*document.outside, Outside(path, _WHY)))


class NoSuchPlaceError(Exception):
    """A dotted key leads into something that is no section, or beyond the end of a list."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message, self.remedy = message, remedy
        super().__init__(message)


def set_value(data: Any, key: str, value: Any) -> KeyPath:
    """Put ``value`` at a dotted key of ``data``, in place, making the sections that are missing; return the key's path."""
    parts = key.split(".")
    path: KeyPath = ()
    for depth, part in enumerate(parts):
        step = _step(data, part, path)
        path = (*path, step)
        if depth == len(parts) - 1:
            data[step] = value
        elif isinstance(data, dict) and data.get(step) is None:
            data[step] = {}
        data = data[step]
    return path


def _step(data: Any, part: str, path: KeyPath) -> str | int:
    if isinstance(data, dict):
        return part
    if not isinstance(data, list):
        raise NoSuchPlaceError(f"{dotted(path)} has the value {data!r} and no keys", f"Set {dotted(path)} as a whole.")
    if not (part.isascii() and part.isdigit() and int(part) < len(data)):
        last = f"0 to {len(data) - 1}" if data else "none, it is empty"
        raise NoSuchPlaceError(f"{dotted(path)} is a list without the position {part!r}", f"Its positions: {last}.")
    return int(part)


def _with(document: Document, *problems: Problem) -> Document:
    return replace(document, problems=(*document.problems, *problems))
