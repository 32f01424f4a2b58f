"""Notebooks of docs/notebooks/ as pages: their words, their code, and what the code gave when it was last executed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook."""
    for path in sorted((Path(config.docs_dir) / "notebooks").glob("*.ipynb")):
        uri = f"notebooks/{path.stem}.md"
        text = page_of(json.loads(path.read_text(encoding="utf-8")))
        files.append(File.generated(config, uri, content=text, inclusion=InclusionLevel.INCLUDED))
    return files


def page_of(notebook: dict[str, Any]) -> str:
    """Return a notebook as Markdown."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _parts(cell)) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell.get("outputs", ()):
        yield from _output(output.get("data", {}))


def _output(data: dict[str, Any]) -> Iterator[str]:
    """Yield what a reader of the notebook would see: the picture, else the page, else the text."""
    if "image/png" in data:
        words = "".join(data["text/plain"]).strip("<>")
        yield f'<img alt="{words}" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    elif "text/html" in data:
        # The page has a style of its own; blank lines would end the block.
        plain = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
        yield f"<div>{''.join(line.strip() for line in plain.splitlines())}</div>"
    elif "text/plain" in data:
        yield f"```text\n{''.join(data['text/plain'])}\n```"
