"""One look for all figures: sizes, colours that all can tell apart, files that are equal from run to run."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A column of a two-column paper, and a full page, in inches.
COLUMN_IN = 3.5
PAGE_IN = 7.2

# Okabe and Ito's palette without its yellow, which is lost on white paper.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES: tuple[Any, ...] = (
    "-",
    (0, (6, 1.6)),
    (0, (5, 1.2, 1, 1.2)),
    (0, (1.2, 1.2)),
    (0, (8, 1.5, 1, 1.5, 1, 1.5)),
    (0, (2.2, 1.3)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")

_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 7,
    "axes.labelsize": 7.5,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "legend.labelspacing": 0.35,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "text.parse_math": False,  # a "$" in a label is a "$"
    "svg.fonttype": "path",
    "svg.hashsalt": "mecsim",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, slots=True)
class Style:
    """How one label is drawn, in every figure."""

    colour: str
    line: Any
    marker: str


@dataclass(frozen=True, slots=True)
class Look:
    """What all figures of a study share: the labels in their order, the target, and what has to be said below.

    ``quality`` is what the curves are of: "accuracy", or "bits_per_byte" where texts are modelled.
    """

    labels: tuple[str, ...]
    note: str = ""
    target_accuracy: float | None = None
    quality: str = "accuracy"

    @property
    def quality_axis(self) -> tuple[float, str]:
        """Return the factor and the name with which the quality stands on an axis."""
        return (100.0, "Accuracy (%)") if self.quality == "accuracy" else (1.0, "Bits a byte")

    def styles(self) -> Mapping[str, Style]:
        """Return the style of each label: it depends on the label's place in the study, and on nothing else."""
        return {
            label: Style(
                colour=_COLOURS[i % len(_COLOURS)],
                line=_LINES[(i + i // len(_COLOURS)) % len(_LINES)],
                marker=_MARKERS[i % len(_MARKERS)],
            )
            for i, label in enumerate(self.labels)
        }


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save under the house's settings, whatever the user's own matplotlibrc says."""
    from matplotlib import rc_context, rcParamsDefault

    settings: dict[Any, Any] = {key: rcParamsDefault[key] for key in rcParamsDefault if key != "backend"}
    with rc_context(settings | _RC):
        yield


def new_figure(width_in: float, height_in: float) -> "Figure":
    """Return an empty figure on an Agg canvas: no window and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def wrapped(text: str, n_characters: int) -> str:
    """Break ``text`` into lines; names with hyphens stay whole."""
    return "\n".join(textwrap.wrap(text, n_characters, break_on_hyphens=False))


def _legend_shape(labels: Sequence[str], width_in: float) -> tuple[list[str], int, int]:
    """Return the labels as the legend has them, its columns, and its height in lines of text."""
    n_characters = int(width_in * 72 / 4.0)
    names = [wrapped(label, n_characters - 12) for label in labels]
    longest = max(len(line) for name in names for line in name.split("\n"))
    n_columns = max(1, min(len(names), n_characters // (longest + 9)))
    heights = [name.count("\n") + 1 for name in names]
    return names, n_columns, sum(heights) if n_columns == 1 else -(-len(names) // n_columns) * max(heights)


def _note_lines(note: str, width_in: float) -> str:
    return wrapped(note, int(width_in * 21))


def _note_in(note: str, width_in: float) -> float:
    return 0.11 * (_note_lines(note, width_in).count("\n") + 1) + 0.05


def below_in(look: Look, width_in: float) -> float:
    """Return the inches that legend and note take under the axes, which a figure's height has to leave for them."""
    n_lines = _legend_shape(look.labels, width_in)[2]
    return 0.145 * n_lines + 0.1 + _note_in(look.note, width_in)


def finish(figure: "Figure", axes: "Axes", look: Look) -> None:
    """Set the legend of the curves on ``axes`` and the note below everything, where they cover no data."""
    width_in, height_in = figure.get_size_inches()
    bottom = below_in(look, width_in) / height_in
    figure.get_layout_engine().set(rect=(0, bottom, 1, 1 - bottom))  # type: ignore[union-attr,call-arg]
    text = _note_lines(look.note, width_in)
    figure.text(0.5, 0.03 / height_in, text, ha="center", va="bottom", fontsize=6, color="#444444")
    names, n_columns, _ = _legend_shape(look.labels, width_in)
    # The curves are the first lines of the axes, in the order of the labels. Left to itself matplotlib would skip a label "_x".
    figure.legend(
        axes.get_lines()[: len(names)], names, loc="lower center", ncols=n_columns, borderaxespad=0, borderpad=0.2,
        bbox_to_anchor=(0.5, (_note_in(look.note, width_in) + 0.01) / height_in),
    )  # fmt: skip


#: File type -> how it is saved, such that no date and no version goes in.
FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    "png": {"metadata": {"Software": None}, "dpi": 200},
}


def save(figure: "Figure", folder: Path, name: str) -> None:
    """Write the figure in each of ``FORMATS``; equal figures give equal bytes."""
    with house_style():
        # Laid out once for all formats: it is the slowest part.
        figure.get_layout_engine().execute(figure)  # type: ignore[union-attr]
        figure.set_layout_engine("none")
        for suffix, settings in FORMATS.items():
            figure.savefig(folder / f"{name}.{suffix}", **settings)
