"""Names next to their points, where they cover neither points nor each other."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

#: Directions in the order in which they are liked, as (x, y): to the right first.
_DIRECTIONS = ((1, 0), (1, 1), (-1, 1), (1, -1), (0, 1), (-1, -1), (-1, 0), (0, -1))
_DISTANCES_PT = (4.0, 9.0, 16.0, 26.0)
#: A name that stands farther off than this gets a line to its point.
_NEAR_PT = 6.0
#: How many square points of overlap one step away is worth.
_STEP_COST = 6.0
_ALIGN_X: "dict[int, Literal['left', 'center', 'right']]" = {1: "left", 0: "center", -1: "right"}
_ALIGN_Y: "dict[int, Literal['bottom', 'center', 'top']]" = {1: "bottom", 0: "center", -1: "top"}


def named(axes: "Axes", x: float, y: float, text: str, colour: str) -> "Annotation":
    """Put a name at a point, for now anywhere; it takes no part in the layout of the figure."""
    note = axes.annotate(
        text, (x, y), xytext=(_DISTANCES_PT[0], 0), textcoords="offset points", fontsize=6.5, ha="left", va="center",
        linespacing=1.0, arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": colour, "shrinkA": 0, "shrinkB": 2},
    )  # fmt: skip
    note.set_in_layout(False)
    return note


def place(axes: "Axes", notes: "Sequence[Annotation]", obstacles: "Sequence[Bbox]", marker_pt: float) -> None:
    """Move each of ``named``'s notes to where it overlaps least, those with the nearest neighbours first.

    The figure has to be laid out. ``obstacles`` are boxes in pixels that names had better not cover; the points themselves,
    ``marker_pt`` wide, are added. Ties go to the nearer place, then to the order of ``_DIRECTIONS``: the same each time.
    """
    from matplotlib.transforms import Bbox

    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes without a figure have no notes
    pixels = figure.dpi / 72
    points = [(float(x), float(y)) for x, y in (axes.transData.transform(note.xy) for note in notes)]
    half = marker_pt * pixels / 2
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in points]
    taken += obstacles
    for i in _crowded_first(points):
        found = []
        size = _size(notes[i])
        for (step, away_pt), (rank, (right, up)) in itertools.product(enumerate(_DISTANCES_PT), enumerate(_DIRECTIONS)):
            offset_pt = _offset_pt(right, up, away_pt)
            box = _box(points[i], offset_pt, size, right, up, pixels)
            spoilt = _overlap(box, taken) + 4 * _outside(box, axes.bbox)
            found.append((spoilt / pixels**2 + _STEP_COST * step + 0.1 * rank, rank, step, box, (right, up), offset_pt))
        _, _, step, box, (right, up), offset_pt = min(found, key=lambda one: one[:3])
        taken.append(box)
        note = notes[i]
        note.set_position(offset_pt)
        note.set_horizontalalignment(_ALIGN_X[right])
        note.set_verticalalignment(_ALIGN_Y[up])
        if _DISTANCES_PT[step] <= _NEAR_PT and note.arrow_patch is not None:
            note.arrow_patch.set_visible(False)


def _crowded_first(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the numbers of the points, those with the nearest neighbours first."""

    def nearest(i: int) -> float:
        gaps = [(points[i][0] - x) ** 2 + (points[i][1] - y) ** 2 for j, (x, y) in enumerate(points) if j != i]
        return min(gaps, default=0.0)

    return sorted(range(len(points)), key=lambda i: (nearest(i), i))


def _size(note: "Annotation") -> tuple[float, float]:
    """Return width and height of the text in pixels."""
    from matplotlib.text import Text

    box = Text.get_window_extent(note)
    return box.width, box.height


def _offset_pt(right: int, up: int, away_pt: float) -> tuple[float, float]:
    diagonal = 0.75 if right and up else 1.0
    return right * away_pt * diagonal, up * away_pt * diagonal


def _box(
    point: tuple[float, float], offset_pt: tuple[float, float], size: tuple[float, float], right: int, up: int, pixels: float
) -> "Bbox":
    """Return the box of a text that begins (right 1), has its middle (0) or ends (-1) at the offset from its point."""
    from matplotlib.transforms import Bbox

    x0, y0 = (
        at + by * pixels - extent * (1 - side) / 2
        for at, by, extent, side in zip(point, offset_pt, size, (right, up), strict=True)
    )
    return Bbox.from_extents(x0, y0, x0 + size[0], y0 + size[1])


def _overlap(box: "Bbox", taken: "Sequence[Bbox]") -> float:
    total = 0.0
    for other in taken:
        width = min(box.x1, other.x1) - max(box.x0, other.x0)
        height = min(box.y1, other.y1) - max(box.y0, other.y0)
        if width > 0 and height > 0:
            total += width * height
    return total


def _outside(box: "Bbox", frame: "Bbox") -> float:
    return float(box.width * box.height - _overlap(box, [frame]))
