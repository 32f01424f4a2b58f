"""The JSON Schema of scenarios, for editors and for the documentation."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mecsim.config.catalog import Catalog
from mecsim.config.entries import ControlEntry, DatasetEntry, Entry, SchemeEntry
from mecsim.config.scenario import Scenario

Schema = dict[str, Any]


def json_schema(catalog: Catalog) -> Schema:
    """Return the JSON Schema of a scenario that uses the names of ``catalog``."""
    params = {*catalog.schemes.values(), *catalog.datasets.values(), *catalog.policies.values()}
    ordered = sorted(params, key=lambda model: (model.__module__, model.__qualname__))
    everything: list[type[BaseModel]] = [Scenario, *ordered]
    places, schema = models_json_schema([(model, "validation") for model in everything], by_alias=True)
    references: dict[type[BaseModel], str] = {model: place["$ref"] for (model, _), place in places.items()}  # type: ignore[misc]
    definitions = schema["$defs"]
    for entry, models in (
        (SchemeEntry, catalog.schemes),
        (DatasetEntry, catalog.datasets),
        (ControlEntry, catalog.policies),
    ):
        definitions[entry.__name__] = _one_of(entry, models, references, definitions)
    definitions.pop(BaseModel.__name__, None)  # what the parameters of an entry are before their model is known
    for model in ordered:
        definitions.pop(_name(references[model]), None)
    top = definitions.pop(_name(references[Scenario]))
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}
    _finish(whole, catalog)
    return whole


def _one_of(
    entry: type[Entry], models: Mapping[str, type[BaseModel]], references: Mapping[Any, str], definitions: Schema
) -> Schema:
    generic = definitions[entry.__name__]
    own = {key: generic["properties"][key] for key in entry.own_keys}
    choices = []
    for name, model in models.items():
        params = definitions[_name(references[model])]
        choices.append(
            {
                "title": name,
                "description": params.get("description", ""),
                "type": "object",
                "properties": {
                    **own,
                    "name": {"const": name, "description": own["name"]["description"]},
                    **params.get("properties", {}),
                },
                "required": ["name", *params.get("required", [])],
                "additionalProperties": False,
            }
        )
    return {"title": entry.__name__, "description": generic.get("description", ""), "oneOf": choices}


def _name(reference: str) -> str:
    return reference.removeprefix("#/$defs/")


def _finish(schema: Any, catalog: Catalog) -> None:
    """Replace each mark of a register by the names that it has, and close every section to unknown keys."""
    match schema:
        case dict():
            register = schema.pop("x-catalog", None)
            if register is not None:
                schema["examples" if schema.pop("x-open", False) else "enum"] = sorted(getattr(catalog, register))
            if schema.get("type") == "object" and "properties" in schema:
                schema["additionalProperties"] = False
            for value in schema.values():
                _finish(value, catalog)
        case list():
            for value in schema:
                _finish(value, catalog)
