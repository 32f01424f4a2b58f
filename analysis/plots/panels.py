"""What figures of the world share: fills that differ in grey print, stacked bars, named rows, grids of panels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis.findings import account_note
from analysis.plots.style import COLUMN_IN, PAGE_IN, Look, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

    from analysis.amounts import Amounts
    from analysis.material import Material

#: Names of schemes beside bars are broken into lines of so many characters.
NAME_CHARACTERS = 24
#: Ink of texts and marks that belong to no scheme.
INK = "#222222"


@dataclass(frozen=True, slots=True)
class Fill:
    """How an area is filled: hatches tell it apart where colours are lost. None of the colours is that of a scheme."""

    colour: str
    hatch: str = ""

    def settings(self) -> dict[str, Any]:
        """Return the settings of a patch."""
        return {"facecolor": self.colour, "hatch": self.hatch, "hatch_linewidth": 0.5, "edgecolor": INK, "linewidth": 0.3}

    def patch(self) -> "Patch":
        """Return a patch for a legend."""
        from matplotlib.patches import Patch

        return Patch(**self.settings())


# Paul Tol's "muted" scheme (personal.sron.nl/~pault, "Colour schemes"): safe for the colour-blind.
INDIGO, CYAN, TEAL, GREEN = "#332288", "#88CCEE", "#44AA99", "#117733"
OLIVE, SAND, ROSE, WINE, PURPLE, PALE = "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#DDDDDD"
#: For parts that have no fill of their own.
_SPARE = (Fill(PURPLE, "|||||"), Fill(OLIVE, "-----"), Fill(ROSE, "\\\\\\\\\\"), Fill(GREEN, "xxxxx"))


def fills_of(names: Iterable[str], known: Mapping[str, Fill]) -> dict[str, Fill]:
    """Return the fill of each name: the known ones, and spare ones in turn for the others."""
    fills: dict[str, Fill] = {}
    for name in names:
        n_spare = sum(other not in known for other in fills)
        fills[name] = known.get(name, _SPARE[n_spare % len(_SPARE)])
    return fills


def is_narrow(width_in: float) -> bool:
    """Tell whether panels stand below each other, as there is a column's width only."""
    return width_in < (COLUMN_IN + PAGE_IN) / 2


def telling(material: "Material", look: Look, *sentences: str) -> Look:
    """Return a look whose note has ``sentences`` where that of ``look`` says what means and bands are: here are none."""
    # A variant's name stands as it is written, with no capital made of its first letter.
    named = f"{material.variant}." if material.variant else ""
    return replace(look, note=named).saying(*sentences, account_note(material.labels))


def first_seed_note(material: "Material") -> str:
    """Return which replication a figure shows that shows the first one alone."""
    seeds = _seeds(material)
    return f"one seed ({seeds[0]})" if len(seeds) == 1 else f"seed {seeds[0]} alone, of {len(seeds)} seeds"


def together_note(material: "Material") -> str:
    """Return how many replications a figure counts together."""
    n_seeds = len(_seeds(material))
    return "one seed, so no interval is given" if n_seeds == 1 else f"{n_seeds} seeds counted together, without intervals"


def first_seed(material: "Material") -> int:
    """Return the study's first seed."""
    return _seeds(material)[0]


def _seeds(material: "Material") -> list[int]:
    return [int(seed) for seed in dict.fromkeys(material.frame("summary")["seed"])]


def shortened(text: str, n_characters: int) -> str:
    """Cut ``text`` to so many characters, the last of them then an ellipsis."""
    return text if len(text) <= n_characters else f"{text[: n_characters - 1]}\N{HORIZONTAL ELLIPSIS}"


def name_rows(axes: "Axes", names: Sequence[str]) -> None:
    """Name the rows of horizontal bars, the first on top."""
    axes.set_yticks(range(len(names)), [wrapped(name, NAME_CHARACTERS) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def rows_in(names: Sequence[str], row_in: float = 0.22) -> float:
    """Return the inches that named rows take, axis included."""
    n_lines = max((wrapped(name, NAME_CHARACTERS).count("\n") + 1 for name in names), default=1)
    return 0.5 + len(names) * max(row_in, 0.13 * n_lines)


def stack(axes: "Axes", parts: Mapping[str, Sequence[float]], fills: Mapping[str, Fill], *, height: float = 0.66) -> None:
    """Draw a stacked bar a row: ``parts`` holds one width a row for each name."""
    left: list[float] = []
    for name, widths in parts.items():
        left = left or [0.0] * len(widths)
        axes.barh(range(len(widths)), widths, left=left, height=height, **fills[name].settings())
        left = [a + b for a, b in zip(left, widths, strict=True)]


def panel_grid(n_panels: int, width_in: float, n_widest: int) -> tuple[int, int]:
    """Return rows and columns for so many panels, with ``n_widest`` columns on a page and one in a column."""
    n_columns = 1 if is_narrow(width_in) else min(n_panels, n_widest)
    return -(-n_panels // n_columns), n_columns


def share_panel(
    axes: "Axes", shown: "Amounts", names: Sequence[str], fills: Mapping[str, Fill], title: str,
    texts: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Stack the parts of each label as shares of its total, of 100 %; ``texts`` stand at the ends of the bars."""
    totals = shown.parts.sum(axis=1)
    shares = (100 * shown.parts).div(totals.where(totals > 0), axis=0).fillna(0.0)
    stack(axes, {part: shares[part].tolist() for part in shares}, fills)
    for row, name in enumerate(names):
        axes.text(101.5 if totals[name] > 0 else 0, row, (texts or {}).get(name, ""), va="center", fontsize=6.5)
    name_rows(axes, names)
    longest = max(map(len, (texts or {}).values()), default=0)
    axes.set_xlim(0, 102 + 2.6 * longest)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(title)
