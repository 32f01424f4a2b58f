"""The section ``sweep``: axes whose points are values of keys; several axes make a grid."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from mecsim.config.base import Config, Positive

#: Keys that are of the study as a whole, so that no variant has its own.
WHOLE = ("schema", "name", "plugins", "sweep", "replications")

Key = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.\w+)*$")]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^=,/\\\x00-\x1f]+$")]

#: Ends of keys, and how a figure writes the unit.
_UNITS = {
    "mhz": "MHz", "ghz": "GHz", "khz": "kHz", "gb": "GB", "mb": "MB", "gbps": "Gbit/s", "mbps": "Mbit/s", "dbm": "dBm",
    "db": "dB", "mps": "m/s", "ms": "ms", "s": "s", "h": "h", "m": "m", "wh": "Wh", "w": "W",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """A place on an axis: its name, the number behind it if there is one, and the keys that it sets."""

    name: str
    value: float | None
    changes: Mapping[str, Any]


class Axis(Config, ABC):
    """What all axes have."""

    name: Name | None = Field(
        default=None, description="Name of the axis, in the names of variants; null: the last word of the key."
    )
    title: str | None = Field(default=None, description="What figures write along the axis; null: the name with its unit.")

    @property
    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """The keys that the axis sets."""

    @abstractmethod
    def points(self) -> tuple[Point, ...]:
        """Return the points in their order."""

    @property
    def label(self) -> str:
        """The name, given or made from the key."""
        return self.name or next((part for part in reversed(self.keys[0].split(".")) if not part.isdigit()), self.keys[0])

    @property
    def heading(self) -> str:
        """The title, given or made from the name: "bandwidth_mhz" is "Bandwidth (MHz)"."""
        if self.title is not None:
            return self.title
        words = self.label.split("_")
        unit = _UNITS.get(words[-1]) if len(words) > 1 else None
        plain = " ".join(words[:-1] if unit else words)
        return f"{plain[:1].upper()}{plain[1:]}" + (f" ({unit})" if unit else "")

    @model_validator(mode="after")
    def _points_with_names(self) -> Self:
        names = [point.name for point in self.points()]
        if again := next((name for i, name in enumerate(names) if name in names[:i]), None):
            raise ValueError(f"two points of this axis are called {again!r}: every point needs a value, and a name, of its own")
        if whole := next((key for key in self.keys if key.split(".")[0] in WHOLE), None):
            raise ValueError(f"{whole} is the same for the whole study and cannot be swept")
        return self


class OneKey(Axis):
    """An axis over the values of one key."""

    key: Key = Field(description="The key that is set: dotted, a number is a position in a list, as in fleet.groups.0.count.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The one key."""
        return (self.key,)

    def points(self) -> tuple[Point, ...]:
        """Return a point a value."""
        return tuple(Point(words_of(value), number_of(value), {self.key: value}) for value in self.along())

    @abstractmethod
    def along(self) -> tuple[JsonValue, ...]:
        """Return the values in their order."""


class ListAxis(OneKey):
    """The values as they are listed."""

    kind: Literal["list"] = Field(default="list", description="The values as they are listed.")
    values: tuple[JsonValue, ...] = Field(min_length=1, description="Values of the key.")

    def along(self) -> tuple[JsonValue, ...]:
        """Return the list."""
        return self.values


class RangeAxis(OneKey):
    """Values at equal distances."""

    kind: Literal["range"] = Field(description="Values at equal distances, both ends included.")
    start: float = Field(alias="from", description="First value.")
    stop: float = Field(alias="to", description="Last value.")
    n: int = Field(ge=2, description="Number of values.")

    def along(self) -> tuple[JsonValue, ...]:
        """Return the values to ten digits, whole ones as whole numbers."""
        step = (self.stop - self.start) / (self.n - 1)
        return tuple(_plain(float(f"{self.start + i * step:.10g}")) for i in range(self.n))


class LogRangeAxis(OneKey):
    """Values at equal ratios."""

    kind: Literal["log-range"] = Field(description="Values at equal ratios, both ends included, to three digits.")
    start: Positive = Field(alias="from", description="First value.")
    stop: Positive = Field(alias="to", description="Last value.")
    n: int = Field(ge=2, description="Number of values.")

    def along(self) -> tuple[JsonValue, ...]:
        """Return the values: the ends as they are, those between to three digits, whole ones as whole numbers."""
        ratio = (self.stop / self.start) ** (1 / (self.n - 1))
        between = [float(f"{self.start * ratio**i:.3g}") for i in range(1, self.n - 1)]
        return tuple(_plain(value) for value in (self.start, *between, self.stop))


class ZipAxis(Axis):
    """Several keys that change together."""

    kind: Literal["zip"] = Field(description="Several keys that change together: the first values of all, then the second.")
    name: Name = Field(description="Name of the axis, in the names of variants.")
    values: dict[Key, tuple[JsonValue, ...]] = Field(min_length=1, description="For each key its values, all as many.")
    at: tuple[JsonValue, ...] | None = Field(
        default=None, alias="points", description="What the points are called, numbers or words; null: the values of all keys."
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys in their order."""
        return tuple(self.values)

    def points(self) -> tuple[Point, ...]:
        """Return a point a position of the lists."""
        rows = list(zip(*self.values.values(), strict=False))
        calls: list[JsonValue] = list(self.at) if self.at is not None else ["/".join(map(words_of, row)) for row in rows]
        return tuple(
            Point(words_of(call), number_of(call), dict(zip(self.values, row, strict=True)))
            for call, row in zip(calls, rows, strict=False)
        )

    @model_validator(mode="after")
    def _of_equal_length(self) -> Self:
        lengths = {key: len(values) for key, values in self.values.items()} | ({"points": len(self.at)} if self.at else {})
        if len(set(lengths.values())) > 1 or 0 in lengths.values():
            told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            raise ValueError(f"lists that change together need equal lengths, of at least 1: {told}")
        return self


class VariantsAxis(Axis):
    """Points with names of their own, each with the keys that it changes."""

    kind: Literal["variants"] = Field(description="Points with names of their own, each with the keys that it changes.")
    name: Name = Field(description="Name of the axis, in the names of variants.")
    variants: dict[Name, dict[Key, JsonValue]] = Field(min_length=1, description="The changes of each point, by its name.")

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that some point sets."""
        return tuple(dict.fromkeys(key for changes in self.variants.values() for key in changes))

    def points(self) -> tuple[Point, ...]:
        """Return a point a name."""
        return tuple(Point(name, None, changes) for name, changes in self.variants.items())


def _kind_of(value: Any) -> str:
    """Return which axis is meant: without a word, a list."""
    kind = value.get("kind", "list") if isinstance(value, dict) else getattr(value, "kind", "list")
    return kind if isinstance(kind, str) else ""


AnyAxis = Annotated[
    Annotated[ListAxis, Tag("list")]
    | Annotated[RangeAxis, Tag("range")]
    | Annotated[LogRangeAxis, Tag("log-range")]
    | Annotated[ZipAxis, Tag("zip")]
    | Annotated[VariantsAxis, Tag("variants")],
    Discriminator(_kind_of),
]


def number_of(value: Any) -> float | None:
    """Return the number that a value is, or None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def words_of(value: Any) -> str:
    """Return what a point is called after its value: 20, iid, uma-0.5."""
    return "-".join(_words(value)).replace("=", "-").replace(",", "-") or "none"


def _words(value: Any) -> Iterator[str]:
    match value:
        case None:
            yield "none"
        case dict():
            for item in value.values():
                yield from _words(item)
        case list() | tuple():
            for item in value:
                yield from _words(item)
        case bool():
            yield str(value).lower()
        case float():
            yield f"{value:.10g}"
        case _:
            yield str(value)


def _plain(value: float) -> JsonValue:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
