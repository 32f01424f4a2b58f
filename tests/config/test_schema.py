"""The JSON Schema says what the loader accepts."""

import json
from collections.abc import Iterator

from mecsim.config.schema import json_schema


def objects(schema) -> Iterator[dict]:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_every_section_is_closed_and_every_key_described(catalog):
    found = list(objects(json_schema(catalog)))
    assert len(found) > 20
    for section in found:
        assert section["additionalProperties"] is False
        for key, value in section["properties"].items():
            assert value.get("description") or "$ref" in value, key


def test_schemes_and_datasets_are_a_choice_over_the_catalog(catalog):
    definitions = json_schema(catalog)["$defs"]
    schemes = {choice["title"]: choice for choice in definitions["SchemeEntry"]["oneOf"]}
    assert set(schemes) == {"fedpeft", "full"}
    fedpeft = schemes["fedpeft"]
    assert fedpeft["properties"]["name"]["const"] == "fedpeft"
    assert set(fedpeft["properties"]) == {
        "name",
        "label",
        "clients_per_round",
        "control",
        "method",
        "rank",
        "layers",
        "rounding",
    }
    assert fedpeft["required"] == ["name", "method"]
    assert fedpeft["properties"]["rank"]["minimum"] == 1
    assert {choice["title"] for choice in definitions["DatasetEntry"]["oneOf"]} == {"digits", "csv"}
    assert "label" not in definitions["DatasetEntry"]["oneOf"][0]["properties"]


def test_names_are_enumerations(catalog):
    definitions = json_schema(catalog)["$defs"]
    # Models and architectures can be files and folders too, so their names are examples.
    assert definitions["Learning"]["properties"]["model"]["examples"] == ["tiny-vit-s"]
    assert definitions["Learning"]["properties"]["account_as"]["anyOf"][0]["examples"] == ["vit-base-16"]
    assert definitions["DeviceGroup"]["properties"]["profile"]["examples"] == ["phone", "raspberry-pi-5"]
    assert definitions["Server"]["properties"]["profile"]["examples"] == ["server-a100"]


def test_all_references_lead_somewhere(catalog):
    schema = json_schema(catalog)
    text = json.dumps(schema)
    references = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert references <= set(schema["$defs"])
    assert "x-catalog" not in text
    assert schema["required"] == ["schema", "name", "seed", "learning", "network", "fleet", "server", "protocol", "schemes"]
