"""Entries whose keys are defined elsewhere: a name from the catalog, and beside it the keys of what has that name."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, ValidationInfo, model_serializer, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mecsim.config.base import PATH, Config, Surroundings, no_such_file, surroundings, unknown_name

Label = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\\\x00-\x1f]+$", strict=True)]


class Entry(Config):
    """A name and the validated parameters of what it names; in the file the parameters stand beside the name."""

    kind: ClassVar[str]
    register: ClassVar[str]
    own_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: str = Field(description="Name in the catalog.")
    params: BaseModel = Field(description="The keys beside the name, as the named thing defines them.")

    @classmethod
    def params_model(cls, data: Any, around: Surroundings) -> type[BaseModel] | None:
        """Return the model of the parameters of the entry ``data``, or None where its name is not known."""
        name = data.get("name") if isinstance(data, Mapping) else None
        known: Mapping[str, type[BaseModel]] = around.registers.get(cls.register, {})
        return known.get(name) if isinstance(name, str) else None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict) or isinstance(data.get("params"), BaseModel):
            return data
        around = surroundings(info)
        model = cls.params_model(data, around)
        if model is None:
            raise ValidationError.from_exception_data(cls.__name__, [_name_error(cls, data, around)])
        own = {key: data[key] for key in cls.own_keys if data.get(key) is not None}
        written = {key: value for key, value in data.items() if key not in cls.own_keys}
        params, errors = _read_params(model, written, around)
        errors += _label_errors(own)
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return cls.defaults(own, written) | {"params": params}

    @classmethod
    def defaults(cls, own: dict[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
        """Return the entry's own keys, completed from the parameters as they were written."""
        return own

    @model_serializer(mode="plain")
    def _write(self) -> dict[str, Any]:
        values = {key: getattr(self, key) for key in self.own_keys}
        own = {
            key: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for key, value in values.items()
            if value is not None
        }
        return own | self.params.model_dump(mode="json", by_alias=True, exclude_none=True)


class DatasetEntry(Entry):
    """A dataset and its own parameters."""

    kind = "dataset"
    register = "datasets"


class ControlEntry(Entry):
    """A control policy and its own parameters."""

    kind = "policy"
    register = "policies"


class SchemeEntry(Entry):
    """A scheme to compare, its label in tables and figures, and its own parameters."""

    kind = "scheme"
    register = "schemes"
    own_keys = ("name", "label", "clients_per_round", "control")

    label: Label = Field(description="Unique label in tables and figures; not given, it is the name and the values beside it.")
    clients_per_round: int | None = Field(
        default=None, ge=1, description="Devices that this scheme asks in a round; null: as many as the protocol says."
    )
    control: ControlEntry | None = Field(
        default=None,
        description="The policy that decides who takes part and how, round by round: its name, and the keys that the policy "
        "defines; null: the section selection says who, and all take part in the scheme's own way.",
    )

    @classmethod
    def defaults(cls, own: dict[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
        """Return name and label; the label is made of the name and the written values if it is not given."""
        return {"label": "-".join([own["name"], *_words(written), *_words(own.get("control"))])[:80], **own}

    @classmethod
    def of(cls, name: str, params: BaseModel, label: str | None = None) -> Self:
        """Return an entry made in code, not read from a file."""
        return cls(name=name, params=params, label=label if label is not None else name)


def _words(value: Any) -> Iterator[str]:
    match value:
        case None:
            return
        case dict():
            for item in value.values():
                yield from _words(item)
        case list():
            for item in value:
                yield from _words(item)
        case bool():
            yield str(value).lower()
        case _:
            yield Path(str(value)).name  # of a path, only its last part


def _name_error(cls: type[Entry], data: dict[str, Any], around: Surroundings) -> InitErrorDetails:
    name = data.get("name")
    if name is None:
        return {"type": "missing", "loc": ("name",), "input": data}
    if not isinstance(name, str):
        return {"type": "string_type", "loc": ("name",), "input": name}
    return {"type": unknown_name(cls.kind, name, around.registers.get(cls.register, {})), "loc": ("name",), "input": name}


def _read_params(
    model: type[BaseModel], written: Mapping[str, Any], around: Surroundings
) -> tuple[BaseModel | None, list[InitErrorDetails]]:
    located, errors = _locate_files(model, written, around.folder)
    try:
        params = model.model_validate_json(json.dumps(located), strict=True, extra="forbid", context=around)
    except ValidationError as error:
        return None, [*errors, *_details(error)]
    return params, errors


def _locate_files(
    model: type[BaseModel], written: Mapping[str, Any], folder: Path | None
) -> tuple[dict[str, Any], list[InitErrorDetails]]:
    """Make the paths among ``written`` start from ``folder``; "path:..." and a plain ``Path`` have to exist.

    Other types of paths check themselves.
    """
    result, errors = dict(written), list[InitErrorDetails]()
    for name, field in model.model_fields.items():
        key = field.alias or name
        value = written.get(key)
        if not isinstance(value, str):
            continue
        prefix = PATH if value.startswith(PATH) else ""
        if not prefix and not (field.annotation is Path or Path in get_args(field.annotation)):
            continue
        rest = value.removeprefix(prefix)
        path = folder / rest if folder is not None else Path(rest)
        result[key] = f"{prefix}{path}"
        if (prefix or not field.metadata) and not path.exists():
            errors.append({"type": no_such_file(path, "file or folder"), "loc": (key,), "input": value})
    return result, errors


def _label_errors(own: Mapping[str, Any]) -> list[InitErrorDetails]:
    if "label" not in own:
        return []
    try:
        TypeAdapter(Label).validate_python(own["label"])
    except ValidationError as error:
        return [{**detail, "loc": ("label",)} for detail in _details(error)]
    return []


def _details(error: ValidationError) -> list[InitErrorDetails]:
    # Custom errors of the same type: pydantic has no other way to raise errors a second time.
    return [
        {
            "type": PydanticCustomError(item["type"], "{text}", {**item.get("ctx", {}), "text": item["msg"]}),
            "loc": item["loc"],
            "input": item["input"],
        }
        for item in error.errors(include_url=False)
    ]
