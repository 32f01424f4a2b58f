"""The valid parts of a scenario that is not valid as a whole, so that checks can run on them."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from mecsim.config.base import Config, Surroundings
from mecsim.config.entries import SchemeEntry
from mecsim.config.places import chosen_model
from mecsim.config.scenario import PartialScenario, Scenario


def salvage(data: Any, around: Surroundings) -> PartialScenario:
    """Validate each section by itself, and each key of a section that fails; unknown keys are left aside."""
    if not isinstance(data, dict):
        return PartialScenario({}, {})
    parts = dict(_valid_parts(Scenario, data, around))
    for name, field in Scenario.model_fields.items():
        section = field.alias or name
        model = chosen_model(field.annotation, data.get(section))
        if section not in parts and model is not None:
            parts |= {f"{section}.{key}": value for key, value in _valid_parts(model, data.get(section), around)}
    return PartialScenario(parts, dict(_valid_schemes(data.get("schemes"), around)))


def _valid_parts(model: type[BaseModel], data: Any, around: Surroundings) -> Iterator[tuple[str, Any]]:
    if not isinstance(data, dict):
        return
    for name, field in model.model_fields.items():
        key = field.alias or name
        text = json.dumps({key: data[key]} if key in data else {})
        try:
            part = _model_of_one(model, name).model_validate_json(text, context=around, extra="ignore")
        except ValidationError:
            continue
        yield key, getattr(part, name)


@lru_cache(maxsize=256)
def _model_of_one(model: type[BaseModel], name: str) -> type[BaseModel]:
    field = model.model_fields[name]
    return create_model(f"{model.__name__}_{name}", __base__=Config, **{name: (field.annotation, field)})  # type: ignore[call-overload,no-any-return]


def _valid_schemes(data: Any, around: Surroundings) -> Iterator[tuple[int, SchemeEntry]]:
    entry = TypeAdapter(SchemeEntry)
    for i, item in enumerate(data if isinstance(data, list) else []):
        try:
            yield i, entry.validate_json(json.dumps(item), context=around)
        except ValidationError:
            continue
