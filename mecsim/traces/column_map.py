"""Column maps: where the canonical columns are in somebody's files, and in which unit."""

import json
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mecsim.config.base import Config, Positive, Surroundings
from mecsim.config.problems import to_problems
from mecsim.config.source import read_document
from mecsim.errors import UnknownNameError, suggestion
from mecsim.traces.problems import TraceError, file_error
from mecsim.traces.schema import FIELDS, TEXT, UNITS, Kind, to_base

#: Columns that no file has: its name without the ending, and the number of the row, from 1.
FILE_STEM, ROW_NUMBER = "$file", "$row"


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Columns of a file; one may stand without a list."""


class Origin(Config):
    """Where a canonical column comes from: columns of the file, joined by '-' if several, or one value for all rows."""

    column: Names = Field(default=(), description="Name of the file's column, or a list of names.")
    value: float | None = Field(default=None, description="A number that holds for every row, in place of a column.")
    unit: str | None = Field(default=None, description="Unit in the file; left out, it is that of the canonical column.")
    format: str | None = Field(
        default=None, description="For stamps: their form, as strptime reads it, e.g. '%Y-%m-%d %H:%M:%S'."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> "Origin":
        if bool(self.column) == (self.value is not None):
            raise ValueError("give either column or value")
        if self.format is not None and (self.unit is not None or self.value is not None):
            raise ValueError("format is for stamps in a column; it has neither unit nor value beside it")
        return self


def _short_form(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | list | tuple) else value


Columns = dict[str, Annotated[Origin, BeforeValidator(_short_form)]]


class KindMap(Config):
    """How the rows of one kind of trace are read."""

    kind: ClassVar[Kind]
    columns: Columns = Field(description="For each canonical column, the column of the file, or {column, unit, format, value}.")

    @field_validator("columns")
    @classmethod
    def _known_and_complete(cls, columns: Columns) -> Columns:
        fields = FIELDS[cls.kind]
        for name, origin in columns.items():
            if name not in fields:
                raise _refused(f"there is no column {name!r} of {cls.kind}", suggestion(name, fields))
            quantity = fields[name].quantity
            if quantity == TEXT and (origin.unit or origin.format or origin.value is not None or not origin.column):
                raise _refused(f"{name} is text: it has neither unit nor format nor value", "Name its column alone.")
            if quantity != TEXT and len(origin.column) > 1:
                raise _refused(f"{name} is a number: it cannot be joined of several columns", "Name one column.")
            if origin.format is not None and quantity != "time":
                raise _refused(f"{name} is no time: it has no format", "Give a unit instead.")
            if origin.unit is not None and origin.unit not in UNITS[quantity]:
                raise _refused(f"{name} cannot have the unit {origin.unit!r}", suggestion(origin.unit, UNITS[quantity]))
        if absent := [name for name, field in fields.items() if field.named and name not in columns]:
            raise _refused(f"{', '.join(absent)} must be there", "Say which column of the file it is.")
        return columns


class TimedMap(KindMap):
    """Rows with a time: where it begins."""

    start: Literal["zero", "first-row"] = Field(
        default="zero", description="What t = 0 is: 0 of the file, or a device's first row."
    )


class LinkMap(TimedMap):
    """Rates over time."""

    kind: ClassVar[Kind] = "link"
    sample_s: Positive | None = Field(default=None, description="A row speaks for so long; left out: until the next row.")


class MobilityMap(TimedMap):
    """Positions over time."""

    kind: ClassVar[Kind] = "mobility"

    @field_validator("columns")
    @classmethod
    def _has_a_place(cls, columns: Columns) -> Columns:
        if not ({"x_m", "y_m"} <= columns.keys() or {"lon", "lat"} <= columns.keys()):
            raise _refused("x_m and y_m, or lon and lat, must be there", "Say which columns of the file they are.")
        return columns


class AvailabilityMap(KindMap):
    """Intervals in which a device is there."""

    kind: ClassVar[Kind] = "availability"


class DeviceMap(KindMap):
    """What devices can do, one a row."""

    kind: ClassVar[Kind] = "device"


class TraceMap(Config):
    """A column map: how the files of one source are read, for each kind of trace that they hold."""

    description: str = Field(default="", description="What the files are.")
    source: str = Field(default="", description="Where they come from, and their licence.")
    missing: tuple[str, ...] = Field(
        default=("", "-", "nan"), description="Cells that mean: not measured; case does not matter."
    )
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="What parts the cells of a line.")
    json_key: str = Field(default="key", description="Name that the keys of a JSON object of records get as a column.")
    link: LinkMap | None = None
    mobility: MobilityMap | None = None
    availability: AvailabilityMap | None = None
    device: DeviceMap | None = None


def _refused(message: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("map_rule", "{message}", {"message": message, "remedy": remedy})


def preset_names() -> tuple[str, ...]:
    """Return the names of the column maps that come with mecsim."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml")))


def load_map(preset: str | Path) -> TraceMap:
    """Return the column map of a name, or of a YAML file; a name with a slash or the ending .yaml is a file.

    ``UnknownNameError`` for a name that there is not, ``TraceError`` for a file that is no column map.
    """
    path = Path(preset)
    if isinstance(preset, str) and path.name == preset and path.suffix not in (".yaml", ".yml"):
        if preset not in preset_names():
            raise UnknownNameError("column map", preset, preset_names())
        return _parse(_folder().joinpath(f"{preset}.yaml").read_text(encoding="utf-8"), Path(f"{preset}.yaml"))
    try:
        return _parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeError) as error:
        reason = "it is not text in UTF-8" if isinstance(error, UnicodeError) else error.strerror
        known = ", ".join(preset_names())
        raise file_error(path, f"cannot read this column map: {reason}", f"Maps that come along: {known}.") from error


def kind_map(preset: str | Path, kind: Kind) -> tuple[TraceMap, KindMap]:
    """Return a column map and its part for ``kind``; ``TraceError`` where it has none."""
    found = load_map(preset)
    part: KindMap | None = getattr(found, kind)
    if part is None:
        kinds = ", ".join(other for other in FIELDS if getattr(found, other) is not None) or "none"
        raise file_error(
            Path(preset), f"this column map has no {kind}", f"It has: {kinds}. See docs/traces.md for a map of your own."
        )
    return found, part


def factor(kind: Kind, name: str, origin: Origin) -> float:
    """Return what one of the file's unit is in the unit of the code."""
    return to_base(FIELDS[kind][name].quantity, origin.unit)


def _folder() -> Any:
    return resources.files("mecsim.traces").joinpath("maps")


def _parse(text: str, path: Path) -> TraceMap:
    document = read_document(text)
    if document.problems:
        raise TraceError({str(path): document.problems})
    try:
        return TraceMap.model_validate_json(json.dumps(document.data if document.data is not None else {}))
    except ValidationError as error:
        problems = to_problems(error, TraceMap, document, Surroundings({}))
        raise TraceError({str(path): sorted(problems, key=lambda problem: problem.line or 0)}) from error
