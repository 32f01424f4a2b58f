"""Every key of the scenario's sections, as the models have it: for tests that leave none out."""

import types
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


@dataclass(frozen=True)
class Key:
    """A key that holds a value: ``kinds`` are those of the section that it stands in, () where that has none."""

    path: str
    kinds: tuple[str, ...]
    default: Any
    description: str = ""

    @property
    def name(self):
        return f"{self.path} ({'|'.join(self.kinds)})" if self.kinds else self.path


def models_in(annotation):
    """Return the sections that an annotation holds: one, or the kinds of one, also as the items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated, tuple):
        return [model for part in get_args(annotation) for model in models_in(part)]
    return []


def kinds_of(model):
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def keys_of(model, prefix="", kinds=()):
    """Yield the keys of a section and of those within it; ``kind`` is none of them."""
    kinds = kinds_of(model) or kinds
    for name, field in model.model_fields.items():
        inner = models_in(field.annotation)
        if name != "kind" and not inner:
            yield Key(f"{prefix}{name}", kinds, field.get_default(call_default_factory=False), field.description or "")
        for part in inner:
            yield from keys_of(part, f"{prefix}{name}.", kinds)
