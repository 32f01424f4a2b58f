"""The scenario reference: pages reference/NAME.md, made from the JSON Schema at every build."""

from functools import cache

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from schema_pages import pages

from mecsim.cli.names import build_catalog
from mecsim.config.schema import json_schema

_SECTION = "Scenario reference"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages into the navigation."""
    for entry in config.nav or ():
        if isinstance(entry, dict) and _SECTION in entry:
            entry[_SECTION] = ["reference/index.md", *({_title(name): f"reference/{name}.md"} for name in _pages())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for name, text in _pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


@cache
def _pages() -> dict[str, str]:
    return pages(json_schema(build_catalog()))


def _title(name: str) -> str:
    return "Top-level keys" if name == "keys" else name
