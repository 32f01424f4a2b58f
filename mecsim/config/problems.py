"""From pydantic's errors to problems: the key, the line, the value that is there, the rule, and the way out."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

from mecsim.config.base import Surroundings
from mecsim.config.places import Place, find_place
from mecsim.config.source import Document, KeyPath, dotted
from mecsim.errors import Problem, suggestion

Words = tuple[str, str]
"""Message and remedy."""

_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d{1,2}")
_NUMBER_TYPES = ("float_type", "int_type", "float_parsing", "int_parsing", "int_from_float")
_SECTION_TYPES = ("model_type", "model_attributes_type", "dict_type", "dict_attributes_type")
_LIST_TYPES = ("tuple_type", "list_type")


def to_problems(error: ValidationError, root: type[BaseModel], document: Document, around: Surroundings) -> list[Problem]:
    """Return one problem for each error that ``error`` holds."""
    problems = []
    details = error.errors(include_url=False)
    for detail in details:
        if _follows_from_another(detail["type"], detail["loc"], [other["loc"] for other in details]):
            continue
        location = (*detail["loc"], "kind") if detail["type"].startswith("union_tag") else detail["loc"]
        place = find_place(root, document.data, location, around)
        message, remedy = _words(dict(detail), place)
        problems.append(document.placed(Problem(dotted(place.path), message, remedy)))
    return problems


def _follows_from_another(kind: str, location: KeyPath, all_locations: Sequence[KeyPath]) -> bool:
    if kind == "default_factory_not_called":  # it waits for another field, which has its own error
        return True
    # pydantic does not count items that have errors of their own
    return kind == "too_short" and any(other[:-1][: len(location)] == location for other in all_locations)


def _words(detail: dict[str, Any], place: Place) -> Words:
    kind: str = detail["type"]
    if kind in _NUMBER_TYPES:
        return _number(detail, place)
    if kind in _SECTION_TYPES:
        return _section(detail, place)
    if kind in _LIST_TYPES:
        return f"must be a list, got {_shown(detail['input'])}", "Write a list: [a, b], or one line with '- ' for each item."
    return _SPECIAL.get(kind, _rule)(detail, place)


def _number(detail: dict[str, Any], place: Place) -> Words:
    value = detail["input"]
    wanted = "a whole number" if detail["type"].startswith("int") else "a number"
    message = f"must be {wanted}, got {_shown(value)}"
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        forms = _plain(value) if wanted == "a whole number" else f"{_yaml_float(value)} or {_plain(value)}"
        return f"{message}, which YAML reads as text", f"Write {forms}."
    if isinstance(value, str) and re.match(r"[-+]?[\d.]", value):
        return message, f"Write {wanted} without quotes and without a unit: the unit is in the name of the key."
    return message, f"Write {wanted}. {place.description}".strip()


def _yaml_float(text: str) -> str:
    mantissa, exponent = text.lower().split("e")
    whole, _, fraction = mantissa.partition(".")
    sign = "" if exponent[0] in "+-" else "+"
    return f"{whole or '0'}.{fraction or '0'}e{sign}{exponent}"


def _plain(text: str) -> str:
    return format(Decimal(text), "f")


def _section(detail: dict[str, Any], place: Place) -> Words:
    keys = f" Known keys: {', '.join(sorted(place.inner_keys))}." if place.inner_keys else ""
    return f"must be a section with keys of its own, got {_shown(detail['input'])}", f"Write 'key: value' lines below it.{keys}"


def _unknown_key(detail: dict[str, Any], place: Place) -> Words:
    return "there is no such key here", suggestion(str(place.path[-1]), place.known_keys)


def _missing(detail: dict[str, Any], place: Place) -> Words:
    if isinstance(place.path[-1], int):
        return f"position {place.path[-1]} of the list is missing", f"Write all its values. {place.description}".strip()
    return "this key is required and missing", f"Add '{place.path[-1]}: ...'. {place.description}".strip()


def _literal(detail: dict[str, Any], place: Place) -> Words:
    expected = detail["ctx"]["expected"]
    names = re.findall(r"'([^']*)'", expected)
    remedy = suggestion(str(detail["input"]), names) if names else f"Write {expected}. {place.description}"
    return f"must be {expected}, got {_shown(detail['input'])}", remedy


def _tag(detail: dict[str, Any], place: Place) -> Words:
    context = detail["ctx"]
    names = re.findall(r"'([^']*)'", context["expected_tags"])
    whose = place.path[-2] if isinstance(place.path[-2], str) else dotted(place.path[:-1])
    return f"there is no kind {_shown(detail['input']['kind'])} of {whose}", suggestion(str(context["tag"]), names)


def _no_tag(detail: dict[str, Any], place: Place) -> Words:
    return "this key is required and missing", "Add 'kind: ...': it decides which other keys there are."


def _text(detail: dict[str, Any], place: Place) -> Words:
    value = detail["input"]
    if isinstance(value, bool):
        remedy = "Put quotes around it: YAML reads yes, no, on and off as true and false."
    elif isinstance(value, int | float):
        remedy = "Put quotes around it."
    else:
        remedy = f"Write text. {place.description}".strip()
    return f"must be text, got {_shown(value)}", remedy


def _rule(detail: dict[str, Any], place: Place) -> Words:
    """Words for all other rules, ranges above all: pydantic states them well."""
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":  # a rule of a model over several of its keys
        return detail["msg"].removeprefix("Value error, "), "Change or remove what the message names."
    text = (
        detail["msg"]
        if "remedy" in context
        else re.sub(r"^.*? should (.*?)( after validation, not \d+)?$", r"must \1", detail["msg"])
    )
    message = text if "remedy" in context else f"{text}, got {_shown(detail['input'])}"
    return message, context.get("remedy") or f"Correct the value. {place.description}".strip()


def _shown(value: Any) -> str:
    """Return a value as it looks in the file, cut to fit in a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return f"a section with {', '.join(map(repr, list(value)[:3]))}" if value else "an empty section"
        case list():
            return f"a list of {len(value)}"
        case _:
            text = repr(value)
            return text if len(text) <= 60 else f"{text[:57]}..."


_SPECIAL: dict[str, Callable[[dict[str, Any], Place], Words]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _literal,
    "enum": _literal,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
    "string_type": _text,
}
