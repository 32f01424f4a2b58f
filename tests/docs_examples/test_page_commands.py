"""Every command that the documentation shows is one, with the options that it shows."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from mecsim.cli.app import app

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = (
    "index.md",
    "getting_started.md",
    "faq.md",
    "control.md",
    "reference/index.md",
    *(f"extend/{name}.md" for name in ("scheme", "model", "index")),
)


def commands(text):
    """Return the command lines in blocks of code and in code marks, without remarks and what stands before 'mecsim'."""
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    marks = re.findall(r"`([^`]*\bmecsim [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [*"".join(blocks).splitlines(), *(" ".join(mark.split()) for mark in marks)]
    found = [re.search(r"(?:^|\s)mecsim (.+)", line.partition(" #")[0]) for line in lines]
    return [shlex.split(each[1]) for each in found if each]


def test_commands_are_found_in_blocks_and_marks():
    text = "Say `mecsim run a.yaml`.\n\n```\nPYTHONPATH=x mecsim cost b.yaml --classes 3   # remark\npip install .\n```\n"
    assert commands(text) == [["cost", "b.yaml", "--classes", "3"], ["run", "a.yaml"]]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist(page):
    for words in commands((DOCS / page).read_text(encoding="utf-8")):
        command, shown = typer.main.get_command(app), list(words)
        while hasattr(command, "commands") and shown:
            name = shown.pop(0)
            assert name in command.commands, f"mecsim {' '.join(words)}"
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in shown if word.startswith("--")} <= options, f"mecsim {' '.join(words)}"
