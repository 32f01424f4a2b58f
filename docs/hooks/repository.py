"""Links of the pages to files of the repository lead to pages of their own, so that a page reads alike on a forge and on the site.

A link to a Markdown file outside ``docs/`` gets that file as a page, a link to a scenario or a Python file its text, a link to a
folder a list of what is in it. A paragraph that is nothing but a link to such a text is followed by the text itself.
"""

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

#: What becomes a page though no other page may link to it.
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md", "docs/adr")
LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".toml": "toml", ".json": "json", ".csv": "text"}

_CODE = re.compile(r"(^(`{3,}|~{3,}).*?^\2\s*?$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
_ALONE = re.compile(r"(?:\A|(?<=\n\n))\[[^\]]*\]\(([^)\s#]+)\)(?=\n\n|\n?\Z)")

#: The file of the repository behind each page that is not one of docs/ itself, by the page's place. Filled anew by each build.
_SOURCES: dict[str, Path] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file or folder of the repository that a page links to, and for those that such pages link to."""
    root = Path(config.config_file_path).parent
    _SOURCES.clear()
    here = {path.resolve(): path for path in (root / name for name in ALWAYS) if path.exists()}
    pages = [(Path(config.docs_dir) / file.src_uri, file.content_string) for file in files if _is_written(file)]
    waiting = deque(target for path, text in pages for target in _outside(path, text, files, root))
    waiting.extendleft(here)
    while waiting:
        target = waiting.popleft()
        if target in _SOURCES.values():
            continue
        uri = _uri(target, root)
        text = _text(target)
        _SOURCES[uri] = target
        files.append(File.generated(config, uri, content=text))
        waiting.extend(_outside(target, text, files, root))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links to their pages."""
    root, uri = Path(config.config_file_path).parent, page.file.src_uri
    origin = _SOURCES.get(uri, root / "docs" / uri)
    folder = origin if origin.is_dir() else origin.parent
    places = {path: place for place, path in _SOURCES.items()}
    places |= {(root / "docs" / file.src_uri).resolve(): file.src_uri for file in files if file.src_uri not in _SOURCES}

    def rewritten(target: str) -> str:
        name, mark, anchor = target.partition("#")
        place = places.get((folder / name).resolve()) if name and "://" not in name else None
        return target if place is None else posixpath.relpath(place, posixpath.dirname(uri) or ".") + mark + anchor

    def with_text(found: re.Match[str]) -> str:
        path = (folder / found[1]).resolve()
        shown = path in places and path.suffix in LANGUAGES
        return f"{found[0]}\n\n{_fenced(path)}" if shown else found[0]

    return _outside_code(_ALONE.sub(with_text, markdown), lambda text: _TARGET.sub(lambda found: rewritten(found[0]), text))


def _is_written(file: File) -> bool:
    return file.is_documentation_page() and file.inclusion.is_included()


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Return ``text`` with everything but its code changed."""
    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [change(text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, change(text[end:])])


def _outside(path: Path, text: str, files: Files, root: Path) -> Iterator[Path]:
    """Yield what ``text``, which stands at ``path``, links to in the repository and is no page or picture of the site yet."""
    folder = path if path.is_dir() else path.parent
    found: list[str] = []
    _outside_code(text, lambda part: found.extend(_TARGET.findall(part)) or part)  # type: ignore[func-returns-value]
    for target in found:
        name = target.partition("#")[0]
        linked = (folder / name).resolve()
        if not name or "://" in name or not linked.is_relative_to(root) or not linked.exists():
            continue
        known = files.get_file_from_path(linked.relative_to(root / "docs").as_posix()) if _in_docs(linked, root) else None
        shown = known is not None and known.inclusion.is_included()
        if not shown and (linked.is_dir() or linked.suffix in (".md", *LANGUAGES)):
            yield linked


def _in_docs(path: Path, root: Path) -> bool:
    return path.is_relative_to(root / "docs")


def _uri(path: Path, root: Path) -> str:
    """Return the place of the page on the site: what lies in docs/ keeps its own."""
    name = path.relative_to(root / "docs").as_posix() if _in_docs(path, root) else f"repository/{path.relative_to(root).as_posix()}"
    if path.is_dir():
        return f"{name}/index.md"
    return name if path.suffix == ".md" else f"{name}.md"


def _text(path: Path) -> str:
    """Return the Markdown of the page."""
    if path.is_dir():
        return f"# {_title_of(path)}\n\n" + "".join(f"- [{title}]({name})\n" for name, title in _inside(path))
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return f"---\nsearch: {{exclude: true}}\n---\n\n# {path.name}\n\n{_fenced(path)}"


def _fenced(path: Path) -> str:
    text = path.read_text(encoding="utf-8").rstrip("\n")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f'{fence}{LANGUAGES[path.suffix]} title="{path.name}"\n{text}\n{fence}\n'


def _inside(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and title of the files of a folder that can be pages, in order."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".md":
            yield path.name, path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        elif path.suffix in LANGUAGES:
            yield path.name, path.name


def _title_of(folder: Path) -> str:
    return {"adr": "Decisions"}.get(folder.name, f"{folder.parent.name}/{folder.name}")


__all__: list[Any] = ["on_files", "on_page_markdown"]
