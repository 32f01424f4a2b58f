"""Text in the source files of Python packages: docstrings and comments, as cleaned paragraphs. Nothing is imported."""

import ast
import hashlib
import os
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Folders that some installations lack, that hold other libraries, or that no reader reads.
PRIVATE_FOLDERS = frozenset({"__pycache__", "_vendor", "externals", "node_modules", "site-packages"})
TEST_FOLDERS = frozenset({"idle_test", "test", "testing", "tests"})

# Tables of numbers and ASCII drawings say nothing about language.
_LETTERS_SHARE = 0.6
_SHORTEST = 20

_STATEMENT_FIELDS = ("body", "cases", "handlers", "orelse", "finalbody")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def python_files(folder: Path, *, without: frozenset[str] = PRIVATE_FOLDERS) -> list[tuple[str, int]]:
    """Return relative path and size in bytes of every Python file in a folder, sorted; folders ``without`` are left out."""
    found: list[tuple[str, int]] = []
    for here, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if name not in without]
        paths = (Path(here) / name for name in names if name.endswith(".py"))
        found.extend((path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths)
    return sorted(found)


def rank(path: str) -> float:
    """Return the file's place 0..1 in an order that has nothing to do with its name, the same in every installation."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") / 2.0**64


def source_of(path: Path) -> str:
    """Return the file's text; an empty one for files in other encodings, such as the standard library's tests of them."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def docstrings_in(source: str) -> Iterator[str]:
    """Yield the docstrings of the module, its classes and its functions, without their indentation; none if it is no Python."""
    if not source:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    yield from (text for node in _documented(tree) if (text := ast.get_docstring(node)))


def comments_in(source: str) -> Iterator[str]:
    """Yield each run of comment lines; comments behind code are left out."""
    run: list[str] = []
    for line in [*source.splitlines(), ""]:
        bare = line.strip()
        if bare.startswith("#"):
            run.append(bare.lstrip("#").removeprefix(" "))
        elif run:
            yield textwrap.dedent("\n".join(run))
            run = []


def paragraphs_in(texts: Iterable[str], seen: set[str]) -> Iterator[str]:
    """Yield the paragraphs of the texts that read like language and are not in ``seen``, and put them there."""
    for text in texts:
        lines = "\n".join(line.expandtabs().rstrip() for line in text.splitlines())
        for paragraph in lines.split("\n\n"):
            bare = paragraph.strip("\n")
            if bare not in seen and _reads_like_language(bare):
                seen.add(bare)
                yield bare


def _documented(tree: ast.Module) -> Iterator[_Documented]:
    """Yield what can have a docstring in the order of the source; looks at statements alone, which ``ast.walk`` does not."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, _Documented):
            yield node
        for field in reversed(_STATEMENT_FIELDS):
            stack.extend(reversed(getattr(node, field, ())))


def _reads_like_language(paragraph: str) -> bool:
    dense = "".join(paragraph.split())
    return len(paragraph) >= _SHORTEST and sum(map(str.isalpha, dense)) >= _LETTERS_SHARE * len(dense)
