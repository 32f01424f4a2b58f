"""A table of ``analysis.exports`` as Markdown and as LaTeX."""

import re
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from analysis.formats import NOTHING

if TYPE_CHECKING:
    from analysis.exports import Cell, Row, Table

DAGGER = "\N{DAGGER}"
_BOLD = ("best", "apart")

# What LaTeX reads as commands, or sets as something else in its oldest font encoding, and signs that only formulas have.
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': "''", "[": "{[}", "*": "{*}", "\N{PLUS-MINUS SIGN}": r"$\pm$", "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MINUS SIGN}": "$-$",
    "\N{MICRO SIGN}": r"$\mu$", "\N{DAGGER}": r"$^{\dagger}$", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$", "\N{GREEK SMALL LETTER BETA}": r"$\beta$",
    "\N{GREEK SMALL LETTER GAMMA}": r"$\gamma$", "\N{GREEK SMALL LETTER DELTA}": r"$\delta$",
    "\N{GREEK SMALL LETTER EPSILON}": r"$\varepsilon$", "\N{GREEK SMALL LETTER ETA}": r"$\eta$",
    "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$", "\N{GREEK SMALL LETTER MU}": r"$\mu$",
    "\N{GREEK SMALL LETTER RHO}": r"$\rho$", "\N{GREEK SMALL LETTER SIGMA}": r"$\sigma$",
    "\N{GREEK SMALL LETTER TAU}": r"$\tau$",
}  # fmt: skip
_LATEX_TABLE = str.maketrans(_LATEX)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<|~$#&])")
#: A longer head of a column is broken.
_HEAD_CHARACTERS = 16


def markdown(table: "Table") -> str:
    """Return the table as GitHub writes it, with its marks (bold, or a dagger) and its notes below."""
    heads = [*(["Variant"] if table.is_swept else []), "Scheme", *map(_in_markdown, table.heads)]
    n_names = len(heads) - len(table.heads)
    lines = [_line(heads), _line(["---"] * n_names + ["---:"] * len(table.heads))]
    for row in table.rows:
        names = [*([row.variant] if table.is_swept else []), row.label]
        lines.append(_line([*map(_in_markdown, names), *(_markdown_cell(cell) for cell in row.cells)]))
    return "\n".join([*lines, "", _in_markdown(" ".join(table.notes)), ""])


def latex(table: "Table") -> str:
    r"""Return the table as a LaTeX ``table`` that needs the package booktabs alone; its caption has the notes.

    It is plain ASCII where the names are, so any engine and font encoding will do.
    """
    heads = [*(["Variant"] if table.is_swept else []), "Scheme", *table.heads]
    n_names = len(heads) - len(table.heads)
    columns = "l" * n_names + "r" * len(table.heads)
    caption = f"{_in_latex(table.name)}: {_in_latex(' '.join(table.notes))}"
    lines = [
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{caption}}}",
        rf"  \label{{tab:{_slug(table.name)}}}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {' & '.join(_latex_head(head, 'l' if i < n_names else 'r') for i, head in enumerate(heads))} \\\\",
    ]
    for variant, rows in groupby(table.rows, key=lambda row: row.variant):
        lines.append(r"    \midrule")
        for index, row in enumerate(rows):
            names = [_in_latex(variant) if index == 0 else ""] if table.is_swept else []
            lines.append(f"    {' & '.join([*names, *_latex_cells(row)])} \\\\")
    return "\n".join([*lines, r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _markdown_cell(cell: "Cell") -> str:
    text = _in_markdown(cell.text)
    if cell.mark in _BOLD:
        return f"**{text}**"
    return f"{text} {DAGGER}" if cell.mark == "near" else text


def _in_latex(text: str) -> str:
    # Two hyphens would be joined to a dash.
    return re.sub(r"-(?=-)", "-{}", text.translate(_LATEX_TABLE))


def _latex_cells(row: "Row") -> list[str]:
    return [_in_latex(row.label), *(_latex_cell(cell) for cell in row.cells)]


def _latex_cell(cell: "Cell") -> str:
    if cell.text == NOTHING:
        return "--"
    text = _in_latex(cell.text)
    if cell.mark in _BOLD:
        return rf"\textbf{{{text}}}"
    return rf"{text}$^{{\dagger}}$" if cell.mark == "near" else text


def _latex_head(head: str, side: str) -> str:
    """Return a head, in several lines if it is long."""
    n_lines = -(-len(head) // _HEAD_CHARACTERS)
    # Lines of about the same length: whatever word stands at the break may be on either.
    lines = [_in_latex(line) for line in wrap(head, len(head) // n_lines + 3)]
    broken = r" \\ ".join(lines)
    return broken if len(lines) == 1 else rf"\shortstack[{side}]{{{broken}}}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
