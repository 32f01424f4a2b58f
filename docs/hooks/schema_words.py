"""What a part of a JSON Schema says, in the words of the scenario reference: types, bounds, units, defaults. Pure functions."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

#: Ends of keys that are units, the longest first where one ends in another.
UNITS = {
    "_kwh_per_gb": "kWh/GB",
    "_g_per_kwh": "g/kWh",
    "_per_hour": "1/h",
    "_per_s": "1/s",
    "_gbps": "Gbit/s",
    "_mbps": "Mbit/s",
    "_mps": "m/s",
    "_ghz": "GHz",
    "_mhz": "MHz",
    "_khz": "kHz",
    "_dbm": "dBm",
    "_dbi": "dBi",
    "_db": "dB",
    "_deg": "degrees",
    "_bytes": "bytes",
    "_gb": "GB",
    "_mb": "MB",
    "_wh": "Wh",
    "_px": "pixels",
    "_rtts": "round trips",
    "_ms": "ms",
    "_m": "m",
    "_s": "s",
    "_h": "h",
    "_w": "W",
}
_NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "mapping"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def resolved(part: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return what a ``$ref`` refers to, with what stands beside it; another part as it is."""
    if "$ref" not in part:
        return part
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return {**definitions[part["$ref"].removeprefix("#/$defs/")], **beside}


def branches(part: Schema, definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield the alternatives of a part, with references followed; one that has none is its own."""
    whole = resolved(part, definitions)
    alternatives = whole.get("anyOf") or whole.get("oneOf")
    if alternatives is None:
        yield whole
    else:
        for alternative in alternatives:
            yield from branches(alternative, definitions)


def sections_in(part: Schema, definitions: Mapping[str, Schema]) -> list[Schema]:
    """Return the sections that a part may hold: itself, its alternatives, or the items of its lists."""
    found = []
    for branch in branches(part, definitions):
        if branch.get("type") == "object" and "properties" in branch:
            found.append(branch)
        elif branch.get("type") == "array":
            found += sections_in(branch.get("items") or {}, definitions)
    return found


def type_of(key: str, part: Schema, definitions: Mapping[str, Schema]) -> str:
    """Return the type of a key's values, with bounds and unit."""
    words: list[str] = []
    for branch in branches(part, definitions):
        word = _type(branch, definitions)
        if word not in words:
            words.append(word)
    unit = unit_of(key)
    text = " or ".join(words)
    is_measured = unit is not None and "number" in text
    return f"{text}, in {unit}" if is_measured else text


def unit_of(key: str) -> str | None:
    """Return the unit that the end of a key names."""
    return next((unit for end, unit in UNITS.items() if key.endswith(end)), None)


def default_of(key: str, owner: Schema) -> str:
    """Return the default of a key of the section ``owner``: code, "required", or a dash where it follows from other keys."""
    if key in owner.get("required", ()):
        return "required"
    part = owner["properties"][key]
    if "default" not in part:
        return "-"
    default = part["default"]
    if isinstance(default, dict):
        kind = default.get("kind")
        return f"`{{kind: {kind}}}`" if kind else "its own defaults"
    return f"`{_yaml(default)}`"


def cell(text: str) -> str:
    """Return ``text`` as it may stand in a cell of a table."""
    return prose(" ".join(text.split())).replace("|", "\\|")


def prose(text: str) -> str:
    """Return a description as Markdown: code as it is, paragraphs in one line each, no other marks."""
    flat = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n")).replace("``", "`")
    parts = re.split(r"(`[^`]*`)", flat)
    return "".join(part if index % 2 else part.replace("<", "&lt;").replace("*", r"\*") for index, part in enumerate(parts))


def _type(part: Schema, definitions: Mapping[str, Schema]) -> str:
    if "const" in part:
        return f"`{_yaml(part['const'])}`"
    if "enum" in part:
        return _listed(part["enum"])
    if part.get("type") == "array":
        return _array(part, definitions)
    if part.get("type") == "null":
        return "`null`"
    bounds = [f"{sign} {part[bound]:g}" for bound, sign in _BOUNDS.items() if bound in part]
    return " ".join([_NAMES.get(part.get("type", ""), "any value"), " and ".join(bounds)]).strip()


def _array(part: Schema, definitions: Mapping[str, Schema]) -> str:
    if "prefixItems" in part:
        items = (branches(item, definitions) for item in part["prefixItems"])
        return "[" + ", ".join(" or ".join(_type(each, definitions) for each in item) for item in items) + "]"
    inner = list(dict.fromkeys(_type(each, definitions) for each in branches(part.get("items") or {}, definitions)))
    least = f", {part['minItems']} or more" if part.get("minItems") else ""
    words = " or ".join(inner).replace("any value", "any values")
    return f"list of {words}{least}"


def _listed(names: list[Any]) -> str:
    return ", ".join(f"`{_yaml(name)}`" for name in names)


def _yaml(value: Any) -> str:
    """Return a plain value as YAML writes it in flow style."""
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            return value
        case float() | int():
            return f"{value:g}" if abs(value) < 1e6 else str(value)
        case list():
            return "[" + ", ".join(_yaml(each) for each in value) + "]"
        case _:
            return json.dumps(value)
