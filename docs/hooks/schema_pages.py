"""The scenario reference as Markdown, from the JSON Schema of scenarios: a page a section. Pure functions."""

import json
from collections.abc import Mapping
from typing import Any

from schema_words import Schema, branches, cell, default_of, prose, resolved, sections_in, type_of

#: Where a section is explained: formulas, sources, what is left out. A link that leads nowhere fails the build.
EXPLAINED = {
    "schemes.control": ("policies", "../control.md#the-policies"),
    "objective": ("control", "../control.md#the-objective"),
    "learning": ("learning", "../models.md#learning"),
    "learning.dataset": ("data", "../data.md"),
    "learning.partition": ("partitions", "../data.md#partitions"),
    "network.stations": ("stations and layouts", "../network.md#stations-and-layouts"),
    "network.layout": ("stations and layouts", "../network.md#stations-and-layouts"),
    "network.carrier": ("carrier", "../network.md#carrier"),
    "network.path_loss": ("path loss", "../network.md#path-loss-walls-and-shadowing"),
    "network.fading": ("fading", "../network.md#fading"),
    "network.interference": ("interference", "../network.md#interference-and-noise"),
    "network.devices": ("interference and noise", "../network.md#interference-and-noise"),
    "network.link_adaptation": ("link adaptation", "../network.md#link-adaptation"),
    "network.sharing": ("sharing a cell", "../network.md#sharing-a-cell"),
    "network.background": ("background traffic", "../network.md#background-traffic"),
    "network.handover": ("handover", "../network.md#handover"),
    "network.transport": ("transport", "../network.md#transport"),
    "network.backhaul": ("backhaul", "../network.md#backhaul"),
    "network.trace": ("measured rates", "../network.md#measured-rates"),
    "fleet": ("groups of devices", "../network.md#groups-of-devices"),
    "fleet.groups.mobility": ("movement", "../network.md#movement"),
    "fleet.groups.availability": ("availability", "../network.md#availability"),
    "fleet.groups.battery": ("batteries", "../network.md#batteries"),
    "energy": ("energy", "../network.md#energy"),
    "faults": ("faults", "../network.md#faults"),
    "protocol": ("protocols", "../network.md#protocols"),
    "selection": ("selection", "../network.md#selection"),
    "schemes": ("the schemes", "../schemes.md"),
}
#: Entries that a name chooses, and the page that has a section of that name for each.
_NAMED = ("schemes", "learning.dataset", "schemes.control")
_CATALOGUES = {"schemes": "../schemes.md", "learning.dataset": "../data.md"}
_HEAD = "| key | type | default | meaning |\n|---|---|---|---|\n"


def pages(schema: Schema) -> dict[str, str]:
    """Return the Markdown of each page by its name, in the order of the file: "keys", then a page a section.

    Datasets have a page of their own, as there are many.
    """
    definitions = schema["$defs"]
    found = {"keys": _keys_page(schema, definitions)}
    for name, part in schema["properties"].items():
        if sections_in(part, definitions):
            writer = _Writer(definitions)
            writer.section(name, part, level=1)
            found[name] = writer.text()
            found |= writer.apart
    return found


def _keys_page(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    rows = "".join(
        _row(name, schema, definitions, f"{name}.md" if sections_in(part, definitions) else None)
        for name, part in schema["properties"].items()
    )
    return f"# Keys of a scenario\n\n{schema['description']} These keys stand at the left margin.\n\n{_table(rows)}"


class _Writer:
    """Collects the text of one page."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._parts: list[str] = []
        #: Pages that were split off, by name.
        self.apart: dict[str, str] = {}

    def text(self) -> str:
        return "\n".join(self._parts)

    def section(self, path: str, part: Schema, level: int, title: str = "") -> None:
        """Write what may stand at ``path``: one section, or kinds of it, and then the sections inside."""
        found = sections_in(part, self._definitions)
        self._parts.append(f"{'#' * level} {title or f'`{path}`'} {{#{_anchor(path)}}}\n")
        self._parts.append(f"{prose(part.get('description') or found[0].get('description', ''))}\n")
        if any(branch.get("type") == "array" for branch in branches(part, self._definitions)):
            self._parts.append(
                "A list; an entry is one of these.\n" if len(found) > 1 else "A list; an entry has these keys.\n"
            )
        if path in EXPLAINED:
            page, target = EXPLAINED[path]
            self._parts.append(f"What it computes, with sources: [{page}]({target}).\n")
        inner = _Inner(path, found, self._definitions)
        for section in found:
            if len(found) > 1:
                self._kind(path, section, level + 1, _meant(found))
            rows = "".join(
                _row(key, section, self._definitions, inner.target(key, value))
                for key, value in section["properties"].items()
                if not _is_choice(key, value)
            )
            self._parts.append(_table(rows) if rows else "It has no other key.\n")
        for place, (value, words) in inner.places.items():
            if place in _CATALOGUES:
                writer = _Writer(self._definitions)
                writer.section(place, value, level=1)
                self.apart[place] = writer.text()
            else:
                self.section(place, value, 2, words)

    def _kind(self, path: str, section: Schema, level: int, meant: Schema | None) -> None:
        names = _kinds(section)
        label = f"{'name' if path in _NAMED else 'kind'}: {' | '.join(names)}"
        self._parts.append(f"{'#' * level} `{label}` {{#{_anchor(path)}-kind-{names[0]}}}\n")
        unnamed = " Meant where no kind is named." if section is meant else ""
        self._parts.append(f"{prose(section.get('description', ''))}{unnamed}\n")
        if path in _CATALOGUES:
            self._parts.append(f"What it does: [{names[0]}]({_CATALOGUES[path]}#{names[0]}).\n")


class _Inner:
    """The sections inside those at ``path``. Kinds may have different ones under one key: each then has a place of its own."""

    def __init__(self, path: str, owners: list[Schema], definitions: Mapping[str, Schema]) -> None:
        self._definitions, self._path = definitions, path
        #: Place: the part, and the words of its heading.
        self.places: dict[str, tuple[Schema, str]] = {}
        self._known: dict[tuple[str, str], str] = {}
        for owner in owners:
            for key, part in owner["properties"].items():
                self._add(key, part, _kinds(owner)[0])

    def _add(self, key: str, part: Schema, kind: str) -> None:
        mark = (key, self._mark(part))
        if not sections_in(part, self._definitions) or mark in self._known:
            return
        place, words = f"{self._path}.{key}", f"`{self._path}.{key}`"
        if any(known == key for known, _ in self._known):
            place, words = f"{place}.{kind}", f"{words} of `{kind}`"
        self._known[mark] = place
        self.places[place] = (part, words)

    def target(self, key: str, part: Schema) -> str | None:
        """Return where the section under ``key`` is described, if it is one."""
        place = self._known.get((key, self._mark(part)))
        return None if place is None else f"{place}.md" if place in _CATALOGUES else f"#{_anchor(place)}"

    def _mark(self, part: Schema) -> str:
        return json.dumps([section.get("properties") for section in sections_in(part, self._definitions)], sort_keys=True)


def _table(rows: str) -> str:
    """Return the table; the class lets a phone show a row as a block."""
    return f'<div class="keys" markdown>\n\n{_HEAD}{rows}\n</div>\n'


def _row(key: str, owner: Schema, definitions: Mapping[str, Schema], target: str | None) -> str:
    part = owner["properties"][key]
    name = f"[`{key}`]({target})" if target else f"`{key}`"
    kind = type_of(key, part, definitions)
    if target:
        kind = "list of sections" if kind.startswith("list") else "section or `null`" if "`null`" in kind else "section"
    meaning = part.get("description") or resolved(part, definitions).get("description", "")
    names = [str(name) for branch in branches(part, definitions) for name in branch.get("examples", ())]
    known = f" Names: {', '.join(f'`{each}`' for each in names)}." if names else ""
    return f"| {name} | {cell(kind)} | {cell(default_of(key, owner))} | {cell(meaning)}{known} |\n"


def _is_choice(key: str, part: Mapping[str, Any]) -> bool:
    """Return whether a key says which kind a section is: its heading names it."""
    return key in ("kind", "name") and ("const" in part or (key == "kind" and "enum" in part))


def _meant(kinds: list[Schema]) -> Schema | None:
    """Return the kind that a section without a ``kind`` is, where there is one."""
    found = [section for section in kinds if "default" in section["properties"].get("kind", {})]
    return found[0] if len(found) == 1 else None


def _kinds(section: Schema) -> list[str]:
    for key in ("kind", "name"):
        part = section["properties"].get(key, {})
        if _is_choice(key, part):
            return [str(part["const"])] if "const" in part else [str(name) for name in part["enum"]]
    return [str(section.get("title", "other"))]


def _anchor(path: str) -> str:
    return path.replace(".", "-").replace("_", "-")
