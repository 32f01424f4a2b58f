"""Where an error is: from the location that pydantic gives to the key path in the file and the model at that place."""

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mecsim.config.base import Surroundings
from mecsim.config.entries import Entry
from mecsim.config.source import KeyPath


@dataclass(frozen=True, slots=True)
class Place:
    """A key path; the model whose keys stand beside its last key; and the field that this key is, if it is one."""

    path: KeyPath
    known_keys: tuple[str, ...] = ()
    field: FieldInfo | None = None
    inner_keys: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What the key means, or "" for a key that is not known."""
        return (self.field.description or "") if self.field is not None else ""


def find_place(root: type[BaseModel], data: Any, location: KeyPath, around: Surroundings) -> Place:
    """Follow ``location`` from ``root``; it differs from the key path in that it names the chosen kind of each union."""
    models: tuple[Any, ...] = (root,)
    path: list[str | int] = []
    known: dict[str, FieldInfo | None] = {}
    field: FieldInfo | None = None
    for depth, part in enumerate(location):
        last = depth == len(location) - 1
        a_key = isinstance(data, dict) and part in data
        if not (last and a_key) and len(models) > 1 and isinstance(data, dict) and part == _kind_in(data, models):
            models = tuple(model for model in models if part in _kinds(model))
            continue  # the kind chosen in a union, not a key
        path.append(part)
        if isinstance(part, int):
            models, data = _item_models(models), _child(data, part)
            continue
        known = known_fields(models, data, around)
        field, data = known.get(part), _child(data, part)
        models = _choices(field.annotation) if field is not None else ()
    return Place(tuple(path), tuple(known), field, tuple(known_fields(models, data, around)))


def chosen_model(annotation: Any, data: Any) -> type[BaseModel] | None:
    """Return the model of ``annotation``, a model or a union of some, that ``data`` is meant for."""
    models = [model for model in _choices(annotation) if isinstance(model, type) and issubclass(model, BaseModel)]
    kind = _kind_in(data, tuple(models))
    return next((model for model in models if len(models) == 1 or kind in _kinds(model)), None)


def known_fields(models: tuple[Any, ...], data: Any, around: Surroundings) -> dict[str, FieldInfo | None]:
    """Return the fields, by their keys in the file, of the one among ``models`` that ``data`` is meant for."""
    candidates = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
    kind = _kind_in(data, models)
    model = next((model for model in candidates if len(candidates) == 1 or kind in _kinds(model)), None)
    if model is None:
        return {"kind": None} if candidates else {}
    fields: dict[str, FieldInfo | None] = {field.alias or name: field for name, field in model.model_fields.items()}
    if not issubclass(model, Entry):
        return fields
    own = {key: fields[key] for key in model.own_keys}
    params = model.params_model(data, around)
    return own | ({field.alias or name: field for name, field in params.model_fields.items()} if params is not None else {})


def _kind_in(data: Any, models: tuple[Any, ...]) -> Any:
    """Return the kind that ``data`` names, or the one of ``models`` that need not be named."""
    if isinstance(data, dict) and "kind" in data:
        return data["kind"]
    kinds = (model.model_fields.get("kind") for model in models if isinstance(model, type) and issubclass(model, BaseModel))
    return next((field.default for field in kinds if field is not None and isinstance(field.default, str)), None)


def _kinds(model: Any) -> tuple[Any, ...]:
    fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    field = fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def _choices(annotation: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, without None; of any other annotation, itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(choice for part in get_args(annotation) if part is not NoneType for choice in _choices(part))
    return (annotation,)


def _item_models(models: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(choice for model in models for part in get_args(model) if part is not Ellipsis for choice in _choices(part))


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
