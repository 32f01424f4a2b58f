"""Links of the pages to files of the repository lead to pages, so that a text reads alike on a forge and on the site.

A link to a Markdown file outside ``docs/`` gets that file as a page, a link to a scenario or a Python file its text, a link to
a folder a list of what is in it. A paragraph that is nothing but a link to such a text is followed by the text itself.
"""

import posixpath
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

#: What becomes a page though no other page may link to it.
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md", "docs/adr")
LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".toml": "toml", ".json": "json", ".csv": "text"}

_CODE = re.compile(r"(^(`{3,}|~{3,}).*?^\2\s*?$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
_ALONE = re.compile(r"(?:\A|(?<=\n\n))\[[^\]]*\]\(([^)\s#]+)\)(?=\n\n|\n?\Z)")

#: The file of the repository behind each page that is not one of docs/ itself, by the page's place. Filled anew by each build.
_SOURCES: dict[str, Path] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the navigation, behind their list."""
    decisions = sorted(path.name for path in (Path(config.docs_dir) / "adr").glob("*.md"))
    for section in config.nav or ():
        for entry in section.get("Project", ()) if isinstance(section, dict) else ():
            if "Decisions" in entry:
                entry["Decisions"] = ["adr/index.md", *(f"adr/{name}" for name in decisions)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file or folder of the repository that a page links to, and for those that such pages link to."""
    root = Path(config.config_file_path).resolve().parent
    _SOURCES.clear()
    pages = [(Path(config.docs_dir) / file.src_uri, file.content_string) for file in files if file.is_documentation_page()]
    waiting = deque(target for path, text in pages for target in _outside(path, text, files, root))
    waiting.extendleft((root / name).resolve() for name in ALWAYS)
    while waiting:
        target = waiting.popleft()
        if target in _SOURCES.values():
            continue
        uri, text = _uri(target, root), _text(target)
        _SOURCES[uri] = target
        files.append(File.generated(config, uri, content=text, inclusion=InclusionLevel.NOT_IN_NAV))
        waiting.extend(_outside(target, text, files, root))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links to their pages."""
    root, uri = Path(config.config_file_path).resolve().parent, page.file.src_uri
    origin = _SOURCES.get(uri, root / "docs" / uri)
    folder = origin if origin.is_dir() else origin.parent
    places = {(root / "docs" / file.src_uri).resolve(): file.src_uri for file in files if file.src_uri not in _SOURCES}
    places |= {path: place for place, path in _SOURCES.items()}
    places |= {path / "README.md": place for place, path in _SOURCES.items() if path.is_dir()}

    def rewritten(found: re.Match[str]) -> str:
        name, mark, anchor = found[0].partition("#")
        place = places.get((folder / name).resolve()) if name and "://" not in name else None
        return found[0] if place is None else posixpath.relpath(place, posixpath.dirname(uri) or ".") + mark + anchor

    def with_text(found: re.Match[str]) -> str:
        path = (folder / found[1]).resolve()
        is_text = path in places and path.suffix in LANGUAGES
        return f"{found[0]}\n\n{_fenced(path)}" if is_text else found[0]

    shown = _ALONE.sub(with_text, markdown)
    return "".join(part if is_code else _TARGET.sub(rewritten, part) for is_code, part in _parts(shown))


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of ``text`` in order, each with whether it is code."""
    end = 0
    for code in _CODE.finditer(text):
        yield False, text[end : code.start()]
        yield True, code[0]
        end = code.end()
    yield False, text[end:]


def _outside(path: Path, text: str, files: Files, root: Path) -> Iterator[Path]:
    """Yield what ``text``, which stands at ``path``, links to in the repository and is no page or picture of the site yet."""
    folder = path if path.is_dir() else path.parent
    for target in (target for is_code, part in _parts(text) if not is_code for target in _TARGET.findall(part)):
        name = target.partition("#")[0]
        linked = _page_of((folder / name).resolve(), root)
        if not name or "://" in name or not linked.is_relative_to(root) or not linked.exists():
            continue
        is_page = _in_docs(linked, root) and files.get_file_from_path(linked.relative_to(root / "docs").as_posix()) is not None
        if linked.is_dir() or linked.suffix in LANGUAGES or (linked.suffix == ".md" and not is_page):
            yield linked


def _page_of(path: Path, root: Path) -> Path:
    """Return what has a page for ``path``: itself, or the folder that a README stands for."""
    return path.parent if path.name == "README.md" and path.parent != root else path


def _in_docs(path: Path, root: Path) -> bool:
    return path.is_relative_to(root / "docs")


def _uri(path: Path, root: Path) -> str:
    """Return the place of the page on the site: what lies in docs/ keeps its own."""
    name = (
        path.relative_to(root / "docs").as_posix()
        if _in_docs(path, root)
        else f"repository/{path.relative_to(root).as_posix()}"
    )
    if path.is_dir():
        return f"{name}/index.md"
    return name if path.suffix == ".md" else f"{name}.md"


def _text(path: Path) -> str:
    """Return the Markdown of the page."""
    if (path / "README.md").is_file():
        return (path / "README.md").read_text(encoding="utf-8")
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
    """Yield name and title of what a folder has that can be a page, in order."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(_inside(path)):
            yield path.name, f"{path.name}/"
        elif path.suffix == ".md":
            yield path.name, path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        elif path.suffix in LANGUAGES:
            yield path.name, path.name


def _title_of(folder: Path) -> str:
    return "Decisions" if folder.name == "adr" else f"{folder.name}/"
