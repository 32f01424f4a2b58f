"""One look for all figures: sizes, colours that all can tell apart, files that are equal from run to run."""

import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from mecsim.errors import UnknownNameError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: How wide a figure is: a column of a two-column paper, or its page.
Size = Literal["column", "page"]
#: What its texts are set in: DejaVu Sans, STIX (beside Times), or Computer Modern (beside LaTeX's own).
Font = Literal["sans", "serif", "latex"]
SIZES: tuple[Size, ...] = get_args(Size)
FONTS: tuple[Font, ...] = get_args(Font)

#: A column of a two-column paper, and a full page, in inches.
COLUMN_IN = 3.5
PAGE_IN = 7.2

#: How the note on seeds goes on where there are several.
WITH_INTERVAL = " with its 95 % t-interval"

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

# All of them come with matplotlib, so they are the same everywhere; what Computer Modern lacks is taken from STIX.
_FAMILIES: dict[Font, list[str]] = {
    "sans": ["DejaVu Sans"],
    "serif": ["STIXGeneral"],
    "latex": ["cmr10", "STIXGeneral"],
}
#: Their own line spacing is wide; with these the lines of a note are as far apart in all of them.
_LINE_SPACING: dict[Font, float] = {"sans": 1.2, "serif": 1.0, "latex": 1.0}
#: Where the file of Computer Modern has another glyph than the one of this code point, such as a "dot above" for "_".
_WRONG_IN_CMR10 = frozenset('"<>\\^_`{|}~') | {chr(code) for code in range(0xA0, 0xC5)} - {"\xa0"}

_RC = {
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
    "text.hinting": "none",  # else text is wider in the file than when it was laid out, and loses a letter at the edge
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
    size: Size = "column"
    font: Font = "sans"

    @property
    def width_in(self) -> float:
        """Return the width of the figure in inches."""
        return PAGE_IN if self.size == "page" else COLUMN_IN

    def saying(self, *notes: str) -> "Look":
        """Return this look with more sentences at the end of its note; empty ones add nothing."""
        told = [f"{note[0].upper()}{note[1:].rstrip('.')}." for note in notes if note]
        return replace(self, note=" ".join(filter(None, [self.note, *told])))

    def without_intervals(self) -> "Look":
        """Return this look for a figure of means alone: the note speaks of no interval that is not drawn."""
        return replace(self, note=self.note.replace(WITH_INTERVAL, ""))

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
def house_style(font: Font = "sans") -> Iterator[None]:
    """Draw under the house's settings, whatever the user's own matplotlibrc says; figures pass on ``look.font``."""
    from matplotlib import rc_context, rcParamsDefault

    settings: dict[Any, Any] = {key: rcParamsDefault[key] for key in rcParamsDefault if key != "backend"}
    with rc_context(settings | _RC | {"font.family": _FAMILIES[font]}), warnings.catch_warnings():
        # Its minus sign is taken from STIX, so formulas need not be parsed for it.
        warnings.filterwarnings("ignore", "cmr10 font should ideally be used with mathtext")
        yield


def new_figure(width_in: float, height_in: float) -> "Figure":
    """Return an empty figure on an Agg canvas: no window and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def wrapped(text: str, n_characters: int) -> str:
    """Break ``text`` into lines; names with hyphens stay whole, and per cents with their number."""
    whole = text.replace(" %", "\N{NO-BREAK SPACE}%")
    return "\n".join(textwrap.wrap(whole, n_characters, break_on_hyphens=False)).replace("\N{NO-BREAK SPACE}%", " %")


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


def below_in(look: Look, width_in: float, names: Sequence[str] | None = None) -> float:
    """Return the inches that legend and note take under the axes, which a figure's height has to leave for them.

    ``names`` are those in the legend: the labels of the study unless given, and no legend at all if there are none.
    """
    names = look.labels if names is None else names
    legend_in = 0.145 * _legend_shape(names, width_in)[2] + 0.05 if names else 0.0
    return legend_in + 0.05 + _note_in(look.note, width_in)


def finish(figure: "Figure", axes: "Axes", look: Look) -> None:
    """Set the legend of the curves on ``axes`` and the note below everything, where they cover no data."""
    # The curves are the first lines of the axes, in the order of the labels. Left to itself matplotlib would skip a label "_x".
    finish_with(figure, look, dict(zip(look.labels, axes.get_lines(), strict=False)))


def finish_with(figure: "Figure", look: Look, entries: "Mapping[str, Artist]") -> None:
    """Set a legend of ``entries`` (name -> what is drawn so; none, no legend) and the note below everything."""
    width_in, height_in = figure.get_size_inches()
    bottom = below_in(look, width_in, list(entries)) / height_in
    figure.get_layout_engine().set(rect=(0, bottom, 1, 1 - bottom))  # type: ignore[union-attr,call-arg]
    text = _note_lines(look.note, width_in)
    figure.text(
        0.5, 0.03 / height_in, text, ha="center", va="bottom", fontsize=6, color="#444444",
        linespacing=_LINE_SPACING[look.font],
    )  # fmt: skip
    if not entries:
        return
    names, n_columns, _ = _legend_shape(list(entries), width_in)
    figure.legend(
        list(entries.values()), names, loc="lower center", ncols=n_columns, borderaxespad=0, borderpad=0.2,
        bbox_to_anchor=(0.5, (_note_in(look.note, width_in) + 0.01) / height_in),
    )  # fmt: skip


def lay_out(figure: "Figure", font: Font = "sans") -> None:
    """Place everything once and for all, in the house's style: it is the slowest part, and formats share it."""
    from matplotlib.text import Text

    engine = figure.get_layout_engine()
    if engine is None:
        return
    with house_style(font):
        engine.execute(figure)
        if font == "latex":
            wrong: list[Any] = figure.findobj(lambda one: isinstance(one, Text) and bool(_WRONG_IN_CMR10 & set(one.get_text())))
            for text in wrong:
                text.set_fontfamily(_FAMILIES["serif"])
            if wrong:
                engine.execute(figure)
    figure.set_layout_engine("none")


#: File type -> how it is saved, such that no date and no version goes in.
FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    "png": {"metadata": {"Software": None}, "dpi": 200},
}


def save(figure: "Figure", folder: Path, name: str) -> None:
    """Write the figure in each of ``FORMATS``; equal figures give equal bytes."""
    for suffix in FORMATS:
        write(figure, folder / f"{name}.{suffix}")


def write(figure: "Figure", path: Path) -> None:
    """Write the figure as the one of ``FORMATS`` that the file's suffix says; equal figures give equal bytes.

    UnknownNameError for another suffix.
    """
    from matplotlib.backends import backend_agg, backend_pdf, backend_svg

    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise UnknownNameError("format of figures", suffix, FORMATS)
    lay_out(figure)
    settings, own_dpi = dict(FORMATS[suffix]), figure.dpi
    canvases: dict[str, Any] = {
        "svg": backend_svg.FigureCanvasSVG,
        "pdf": backend_pdf.FigureCanvasPdf,
        "png": backend_agg.FigureCanvasAgg,
    }
    figure.dpi = settings.pop("dpi", own_dpi)
    # Not ``savefig``: it draws everything once more before, for a layout that is done already.
    with house_style():
        getattr(canvases[suffix](figure), f"print_{suffix}")(path, **settings)
    figure.dpi = own_dpi
