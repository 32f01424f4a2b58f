"""What all sections of a scenario share: the strict base model, and the types that look beyond the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mecsim.errors import suggestion


class Config(BaseModel):
    """Immutable; an unknown key or a wrong type is an error, never a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What validation may know beside the file: the names of each register, and the folder that paths start from."""

    registers: Mapping[str, Mapping[str, Any]]
    folder: Path | None = None


def surroundings(info: ValidationInfo) -> Surroundings:
    """Return the surroundings given as validation context; without them no name is known and paths stay as they are."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings({})


#: What a text begins with that names a file or folder where a name of the catalog could stand.
PATH = "path:"


@dataclass(frozen=True, slots=True)
class Known:
    """Marks a text that has to be a name in a register of the catalog; not checked where there is no such register.

    What begins with one of ``prefixes`` is named elsewhere; behind "path:" there has to be a file or folder, and its full path
    takes its place.
    """

    kind: str
    register: str
    prefixes: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-catalog": self.register, **({"x-open": True} if self.prefixes else {})}

    def _check(self, name: str, info: ValidationInfo) -> str:
        names = surroundings(info).registers.get(self.register)
        prefix = next((prefix for prefix in self.prefixes if name.startswith(prefix)), None)
        if prefix == PATH:
            return PATH + str(located(Path(name.removeprefix(PATH)), surroundings(info).folder))
        if prefix is not None:
            return name
        if names is not None and name not in names:
            raise unknown_name(self.kind, name, names)
        return name


def unknown_name(kind: str, name: str, names: Mapping[str, Any]) -> PydanticCustomError:
    """Return the error of a name that is not among ``names``."""
    return PydanticCustomError(
        "unknown_name",
        "there is no {kind} called {name}",
        {"kind": kind, "name": repr(name), "remedy": suggestion(name, names)},
    )


def no_such_file(path: Path, what: str = "file") -> PydanticCustomError:
    """Return the error of a path that leads nowhere."""
    return PydanticCustomError(
        "no_such_file",
        "no such {what}: {path}",
        {"what": what, "path": str(path), "remedy": "Correct the path; it is relative to the folder of the scenario file."},
    )


def located(path: Path, folder: Path | None) -> Path:
    """Return ``path`` as it is found from ``folder``; there has to be a file or folder."""
    found = folder / path if folder is not None else path
    if not found.exists():
        raise no_such_file(found, "file or folder")
    return found


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    folder = surroundings(info).folder
    found = folder / path if folder is not None else path
    if not found.is_file():
        raise no_such_file(found)
    return found


ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
"""A path relative to the scenario's folder; there has to be a file. Its value is the full path."""


def _existing_files(paths: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
    found: list[Path] = []
    folder = surroundings(info).folder or Path()
    for path in paths:
        if not any(mark in str(path) for mark in "*?["):
            found.append(_existing_file(path, info))
            continue
        start, pattern = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (folder, path)
        files = sorted(match for match in start.glob(str(pattern)) if match.is_file())
        if not files:
            raise no_such_file(folder / path)
        found += files
    return tuple(found)


ExistingFiles = Annotated[tuple[Path, ...], AfterValidator(_existing_files)]
"""Paths as ExistingFile has them; one with * or ? stands for all files of that pattern, in the order of their names."""

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
