"""The scenario reference says of every key of the schema its type, default and meaning, each kind of a section apart."""

import re
import sys
from pathlib import Path

import pytest

HOOKS = Path(__file__).parent.parent.parent / "docs" / "hooks"


@pytest.fixture(scope="module")
def hooks():
    sys.path.insert(0, str(HOOKS))
    try:
        import schema_pages
        import schema_words
    finally:
        sys.path.remove(str(HOOKS))
    return schema_pages, schema_words


@pytest.fixture(scope="module")
def schema():
    from mecsim.cli.names import build_catalog
    from mecsim.config.schema import json_schema

    return json_schema(build_catalog())


def owners(part, definitions, seen):
    """Yield every section of the schema once."""
    if isinstance(part, list):
        for each in part:
            yield from owners(each, definitions, seen)
    elif isinstance(part, dict):
        name = part.get("$ref", "").removeprefix("#/$defs/")
        if name and name not in seen:
            seen.add(name)
            yield from owners(definitions[name], definitions, seen)
        if isinstance(part.get("properties"), dict):
            yield part
        for key, value in part.items():
            if key not in ("default", "$defs"):
                yield from owners(value, definitions, seen)


def test_every_key_is_in_the_reference_with_its_meaning(hooks, schema):
    pages, words = hooks
    lines = set("\n".join(pages.pages(schema).values()).splitlines())
    n_keys = 0
    for owner in owners(schema, schema["$defs"], set()):
        for key, part in owner["properties"].items():
            if key == "kind" or (key == "name" and "const" in part):
                continue
            meaning = words.cell(part.get("description") or words.resolved(part, schema["$defs"])["description"])
            default = words.cell(words.default_of(key, owner))
            rows = [line for line in lines if line.startswith((f"| `{key}` |", f"| [`{key}`]("))]
            assert any(f"| {default} | {meaning}" in row for row in rows), (owner.get("title"), key)
            n_keys += 1
    assert n_keys > 300


def test_every_kind_has_a_heading_and_every_link_a_target(hooks, schema):
    pages = hooks[0].pages(schema)
    for kind in ("sync", "hexagonal", "random-waypoint", "dirichlet", "power-of-choice", "fedpft", "log-distance"):
        assert sum(bool(re.search(rf"^#+ `(kind|name): .*\b{kind}\b", text, re.MULTILINE)) for text in pages.values()) == 1, (
            kind
        )
    for name, text in pages.items():
        anchors = re.findall(r"\{#([\w-]+)\}", text)
        assert len(anchors) == len(set(anchors)), name
        assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= set(anchors), name
        assert set(re.findall(r"\]\(([\w.]+)\.md\)", text)) <= pages.keys(), name


def section(title, **properties):
    return {"type": "object", "title": title, "description": f"{title}.", "properties": properties}


def choice(name):
    return {"const": name, "type": "string", "default": name, "description": "The kind."}


def test_kinds_with_different_sections_under_one_key_get_both(hooks):
    inner = {n: section(f"Inner {n}", depth={"type": "integer", "default": n, "description": f"Depth {n}."}) for n in (1, 2)}
    first = section("A", kind=choice("a"), inside={**inner[1], "description": "Of a."})
    second = section("B", kind=choice("b"), inside={**inner[2], "description": "Of b."})
    schema = {**section("Top", thing={"oneOf": [first, second], "description": "It."}), "$defs": {}}
    text = hooks[0].pages(schema)["thing"]
    assert "## `thing.inside` {#thing-inside}" in text
    assert "## `thing.inside` of `b` {#thing-inside-b}" in text
    assert "| `depth` | whole number | `1` | Depth 1. |" in text
    assert "| `depth` | whole number | `2` | Depth 2. |" in text


def test_the_kind_that_is_meant_without_a_name_is_said_once(hooks, schema):
    pages = hooks[0].pages(schema)
    said = {name: text.count("Meant where no kind is named.") for name, text in pages.items()}
    assert {name: n for name, n in said.items() if n} == {"learning": 1, "sweep": 1}
    assert "Meant where" in pages["learning"].split("`kind: trained`")[1].split("|")[0]


@pytest.mark.parametrize(
    ("key", "part", "words"),
    [
        ("rate_gbps", {"type": "number", "exclusiveMinimum": 0.0}, "number > 0, in Gbit/s"),
        ("share", {"type": "number", "minimum": 0.0, "exclusiveMaximum": 1.0}, "number ≥ 0 and < 1"),
        ("rank", {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, "whole number ≥ 1 or `null`"),
        ("sectors", {"enum": [1, 3], "type": "integer"}, "`1`, `3`"),
        ("at_m", {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]}, "[number, number], in m"),
        ("files", {"type": "array", "items": {"type": "string"}, "minItems": 1}, "list of text, 1 or more"),
        ("thing", {"$ref": "#/$defs/Name"}, "text"),
        ("names_s", {"type": "string"}, "text"),
    ],
)
def test_types_in_words(hooks, key, part, words):
    assert hooks[1].type_of(key, part, {"Name": {"type": "string"}}) == words


@pytest.mark.parametrize(
    ("default", "words"),
    [
        (None, "`null`"),
        (True, "`true`"),
        (5.0, "`5`"),
        ([1.0, 0.5], "`[1, 0.5]`"),
        ("micro", "`micro`"),
        ({"kind": "a"}, "`{kind: a}`"),
    ],
)
def test_defaults_in_words(hooks, default, words):
    assert hooks[1].default_of("x", {"properties": {"x": {"default": default}}}) == words


def test_a_key_without_a_default_is_required_or_follows(hooks):
    owner = {"properties": {"x": {}, "y": {}}, "required": ["x"]}
    assert (hooks[1].default_of("x", owner), hooks[1].default_of("y", owner)) == ("required", "-")


def test_descriptions_are_no_markup(hooks):
    assert hooks[1].cell("a | b <c> ``d < e`` (1 + s) ** -x") == r"a \| b &lt;c> `d < e` (1 + s) \*\* -x"
