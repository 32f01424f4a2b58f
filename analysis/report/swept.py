"""Which keys of a scenario its sweep changes, and the scenario without them: what is said of it holds for every variant."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any


def swept_keys(scenario: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the dotted keys that the axes of ``sweep`` set, in their order; none without a sweep."""
    return tuple(dict.fromkeys(key for axis in scenario.get("sweep") or () if isinstance(axis, Mapping) for key in _keys(axis)))


def _keys(axis: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of one axis: its own, those of zipped ``values``, and those that named ``variants`` set."""
    if axis.get("key"):
        yield str(axis["key"])
    if isinstance(axis.get("values"), Mapping):
        yield from map(str, axis["values"])
    for changes in (axis.get("variants") or {}).values() if isinstance(axis.get("variants"), Mapping) else ():
        yield from map(str, changes or ())


def without_swept(scenario: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the scenario less what the sweep changes. A list of which one entry changes goes as a whole."""
    rest = deepcopy(dict(scenario))
    for key in swept_keys(scenario):
        _remove(rest, key.split("."))
    return rest


def _remove(node: Any, path: list[str]) -> None:
    head, *tail = path
    if not isinstance(node, dict) or head not in node:
        return
    if not tail or isinstance(node[head], list):
        del node[head]
    else:
        _remove(node[head], tail)
