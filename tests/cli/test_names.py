"""Checks of a scenario that need the learning room's names, and no torch."""

from pathlib import Path

import pytest

from mecsim.cli.names import load
from mecsim.errors import ScenarioError

QUICKSTART = Path(__file__).parent.parent.parent / "scenarios" / "quickstart.yaml"


def problems(*overrides):
    try:
        load(QUICKSTART, overrides)
    except ScenarioError as error:
        return [(problem.key, problem.message) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("scheme", "key", "words"),
    [
        ("{name: small-only, small: tiny-vit-x}", "schemes.0.small", "tiny-vit-x"),
        ("{name: small-only, small: tiny-vit-s, small_account_as: vit-bas-16}", "schemes.0.small_account_as", "vit-bas-16"),
        ("{name: fedpeft, method: lora, model: nonsense}", "schemes.0.model", "nonsense"),
        ("{name: small-only, small: 'folder:0123456789abcdef'}", "schemes.0.small", "use path:FOLDER"),
        ("{name: small-only, small: tiny-lm-s}", "schemes.0.small", "'digits' is for image-classification"),
    ],
)
def test_a_model_that_a_scheme_names_has_to_be_there_and_do_the_task(scheme, key, words):
    found = problems(f"schemes=[{scheme}]")
    assert [each[0] for each in found] == [key]
    assert words in found[0][1]


def test_a_model_and_costs_of_another_task_are_told_at_once():
    found = problems("learning.model=tiny-lm-s", "learning.account_as=bert-base")
    assert {"learning.model", "learning.account_as"} <= {key for key, _ in found}


TOO_SMALL = "fleet.groups=[{profile: raspberry-pi-5, count: 24, memory_gb: 0.25}]"


@pytest.mark.parametrize(
    ("schemes", "is_refused"),
    [
        ("[{name: fedpeft, method: head}, {name: full}]", True),
        ("[{name: fedpeft, method: head}, {name: fedpt, small: tiny-vit-s}]", False),
        ("[{name: fedpft}]", False),
        ("[{name: zero-shot}, {name: centralised}]", False),
    ],
)
def test_too_little_memory_is_a_mistake_only_where_every_scheme_needs_the_whole_model(schemes, is_refused):
    found = problems(TOO_SMALL, f"schemes={schemes}")
    assert [key for key, _ in found] == (["fleet.groups.0"] if is_refused else [])


def test_nothing_of_this_loads_torch():
    import subprocess
    import sys

    code = "import sys; from mecsim.cli.names import load; from pathlib import Path; load(Path(sys.argv[1]), ())\n"
    code += "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, str(QUICKSTART)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
