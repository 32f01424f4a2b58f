"""Tables of the page: cells that carry the number behind their text, so that a reader can sort by it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Mark = Literal["", "best", "tied"]

#: A cell with more characters than this gets a wide column.
_LONG = 80
#: Tables with more rows than this have a filter.
_FILTERED = 8
#: Tables with more rows than this scroll in a box of their own height.
_TALL = 16


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, the number that it is sorted by (None: by its text), and how it stands in its column.

    ``mark`` is "best" for the best of a column, "tied" for what is not told apart from it.
    """

    text: str
    value: float | None = None
    mark: Mark = ""

    @property
    def is_long(self) -> bool:
        """Whether the text needs a wide column."""
        return len(self.text) > _LONG

    @property
    def data_value(self) -> str:
        """Return the number as the page carries it; "" where there is none."""
        return "" if self.value is None or math.isnan(self.value) else repr(float(self.value))


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table: its caption, its heads, its rows, and how many first columns are names; the others are numbers."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_names: int

    @property
    def is_filtered(self) -> bool:
        """Whether there are enough rows for a filter."""
        return len(self.rows) > _FILTERED

    @property
    def is_tall(self) -> bool:
        """Whether it scrolls in a box of its own."""
        return len(self.rows) > _TALL


@dataclass(frozen=True, slots=True)
class Names:
    """The first cells of a row: the variant, where there is a sweep, and the label, both sorted as in the study."""

    variants: Sequence[str]
    labels: Sequence[str]

    @property
    def is_swept(self) -> bool:
        """Whether there is a column for the variant."""
        return len(self.variants) > 1

    @property
    def heads(self) -> tuple[str, ...]:
        """Return the heads of these columns."""
        return ("variant", "scheme") if self.is_swept else ("scheme",)

    def cells(self, variant: str, label: str) -> tuple[Cell, ...]:
        """Return the cells of one row."""
        return (*self.variant(variant), Cell(label))

    def variant(self, variant: str) -> tuple[Cell, ...]:
        """Return the cell of the variant; none without a sweep."""
        return (Cell(variant, float(list(self.variants).index(variant))),) if self.is_swept else ()


def texts(cells: Sequence[str]) -> tuple[Cell, ...]:
    """Return cells that are sorted by their text."""
    return tuple(Cell(text) for text in cells)
