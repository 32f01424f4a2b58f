"""The command line without training: help, validation, lists, schema, store; none of it loads torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from mecsim.cli.app import app

ROOT = Path(__file__).parent.parent.parent
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
COMMANDS = (
    *("run", "validate", "cost", "report", "table", "plot", "compare", "trace"),
    *("list", "schema", "fetch", "calibrate", "import-trace"),
    *("policy train", "policy eval"),
    *("store info", "store prune", "store clear"),
)

BROKEN = """\
schema: 1
name: broken
seed: 1
learning:
  model: tiny-vit-s
  account_as: vit-base-16
  dataset: {name: idx, images: no-such-images.gz, labels: no-such-images.gz}
  partition: {kind: iid}
  locals: {epochs: 1}
network:
  stations:
    - {name: north, position_m: [250, 250], height_m: 10, tx_power_dbm: 33}
  carrier: {frequency_ghz: 3.5, bandwidth_mhz: -20, downlink_share: 0.75}
  path_loss: {kind: umi}
fleet:
  area_m: [500, 500]
  groups:
    - {profile: raspberry-pi-5, count: 4, memory_gb: 0.25}
server: {profile: server-a100}
protocol: {kind: sync, rounds: 2, clients_per_round: 2}
schemes:
  - {name: fedpef, method: lora}
"""


def mecsim(*args, cwd=ROOT):
    return subprocess.run([sys.executable, "-m", "mecsim.cli.app", *args], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    shown = CliRunner().invoke(app, [*command.split(), "--help"], terminal_width=120)
    assert shown.exit_code == 0
    assert f"Example: mecsim {command}" in shown.output


def test_help_and_validation_load_no_torch_and_no_plotting():
    code = (
        "import sys; from mecsim.cli.app import app; from typer.testing import CliRunner\n"
        f"assert CliRunner().invoke(app, ['validate', {str(QUICKSTART)!r}]).exit_code == 0\n"
        "heavy = {'torch', 'transformers', 'peft', 'sklearn', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_validate_prints_the_scenario_with_its_defaults():
    shown = CliRunner().invoke(app, ["validate", str(QUICKSTART), "--set", "protocol.rounds=3"])
    resolved = yaml.safe_load(shown.output)
    assert resolved["protocol"]["rounds"] == 3
    assert resolved["network"]["transport"]["radio_overhead"] == 1.05


def test_five_mistakes_are_answered_at_once_with_line_and_remedy_and_no_traceback(tmp_path):
    (tmp_path / "broken.yaml").write_text(BROKEN)
    done = mecsim("run", "broken.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    expected = {
        "line 9: learning.locals": "Did you mean 'local'?",
        "line 22: schemes.0.name": "Did you mean 'fedpeft'?",
        "line 13: network.carrier.bandwidth_mhz": "-20",
        "line 18: fleet.groups.0": "every scheme would refuse it",
        "line 7: learning.dataset.images": "no-such-images.gz",
    }
    for place, words in expected.items():
        (block,) = [part for part in done.stderr.split("\n  line ") if f"line {part}".startswith(place)]
        assert words in block, done.stderr
        assert "\n    " in block, f"no remedy for {place}: {block}"
    assert not (tmp_path / "runs").exists()


def test_a_missing_scenario_is_one_line_and_exit_code_2(tmp_path):
    done = mecsim("validate", "nothing.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("schemes", "fedpeft"),
        ("methods", "lora"),
        ("models", "tiny-vit-l"),
        ("datasets", "digits"),
        ("devices", "raspberry-pi-5"),
        ("path-loss", "umi"),
        ("protocols", "sync"),
        ("selection", "power-of-choice"),
        ("sharing", "min-max"),
        ("stations", "macro"),
        ("radios", "nr-low-band"),
        ("traces", "ucc5g"),
        ("policies", "greedy-finish"),
    ],
)
def test_list_names_what_there_is(kind, name):
    shown = CliRunner().invoke(app, ["list", kind])
    assert shown.exit_code == 0
    assert name in shown.output


def test_devices_are_listed_with_their_figures_a_line_each_where_they_fit():
    lines = CliRunner().invoke(app, ["list", "devices"]).output.splitlines()
    assert lines[0].split() == [*["name", "TFLOP/s", "reached", "%", "GB/s", "GB", "idle", "W", "active", "W", "Wh", "source"]]
    (board,) = (line.split() for line in lines if line.startswith("raspberry-pi-5 "))
    assert board[1:8] == ["0.154", "40", "17.1", "8", "3", "12.7", "-"]
    assert all(len(line) <= 160 for line in lines)


def test_every_command_is_known_to_the_tests_and_to_the_readme():
    from typer.main import get_command

    found = set()
    for name, command in get_command(app).commands.items():
        found |= {f"{name} {inner}" for inner in getattr(command, "commands", {})} or {name}
    assert found == set(COMMANDS)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"`mecsim {name.split()[0]}" in readme for name in COMMANDS)


def test_schema_knows_the_keys_of_the_quickstart():
    shown = CliRunner().invoke(app, ["schema"])
    properties = json.loads(shown.output)["properties"]
    assert set(yaml.safe_load(QUICKSTART.read_text())) <= set(properties)


def test_every_shipped_scenario_is_valid_and_says_how_long_it_takes():
    shipped = sorted((ROOT / "scenarios").rglob("*.yaml"))
    assert len(shipped) >= 1
    for path in shipped:
        checked = CliRunner().invoke(app, ["validate", str(path)])
        if "text" in path.parts or "trace" in path.stem:  # these read files of the user; nothing else may be wrong with them
            problems = str(checked.exception or "").split("\n  line ")[1:]
            assert all("no such file" in problem or "mecsim fetch" in problem for problem in problems), checked.exception
        else:
            assert checked.exit_code == 0, (path, checked.exception)
        header = [line for line in path.read_text().splitlines() if line.startswith("# mecsim run ")]
        assert header[0].startswith(f"# mecsim run {path.relative_to(ROOT)}"), path
        assert "about" in header[0], path


def test_the_store_can_be_looked_at_and_cleared(tmp_path):
    store = str(tmp_path / "store")
    assert "is empty" in CliRunner().invoke(app, ["store", "info", "--store", store]).output
    assert "0 results removed" in CliRunner().invoke(app, ["store", "clear", "--yes", "--store", store]).output
    assert "0 results removed" in CliRunner().invoke(app, ["store", "prune", "--store", store]).output


def test_a_folder_that_is_not_a_run_is_said_to_be_none(tmp_path):
    done = mecsim("report", str(tmp_path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
