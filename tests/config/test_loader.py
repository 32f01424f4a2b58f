"""Scenarios that are right, and all that can be wrong with one."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mecsim.config.catalog import Catalog
from mecsim.config.entries import SchemeEntry
from mecsim.config.loader import load_scenario, parse_scenario, read_plugins, resolved_yaml
from mecsim.config.network import ErgodicFading
from mecsim.config.partition import DirichletPartition
from mecsim.config.scenario import TrialSeeds
from mecsim.errors import Problem, ScenarioError


def problems_of(text: str, catalog: Catalog, *overrides: str, folder: Path | None = None) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "x.yaml", catalog, overrides, folder)
    return caught.value.problems


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} has to stand once in the scenario"
    return text.replace(old, new)


def test_defaults(good, catalog):
    scenario = parse_scenario(good, "x.yaml", catalog)
    assert scenario.learning.partition == DirichletPartition(kind="dirichlet", alpha=0.5, clients=None, min_samples=10)
    assert (scenario.learning.public_share, scenario.learning.test_share) == (0.1, 0.2)
    assert scenario.network.fading == ErgodicFading(kind="ergodic", diversity=4)
    assert scenario.network.stations[0].position_m == (250.0, 250.0)
    assert [group.name for group in scenario.fleet.groups] == ["raspberry-pi-5", "phone"]
    assert scenario.fleet.n_devices == 12
    assert scenario.learning.dataset.params.model_dump() == {"size": 8}


def test_a_label_is_made_of_the_name_and_the_values_as_written(good, catalog):
    text = changed(
        good, "- {name: full}", "- {name: fedpeft, method: bias, layers: [1, 2]}\n  - {name: full, label: all of it}"
    )
    labels = [scheme.label for scheme in parse_scenario(text, "x.yaml", catalog).schemes]
    assert labels == ["fedpeft-lora-4", "fedpeft-bias-1-2", "all of it"]


def test_scheme_entries_hold_the_parameters_of_the_scheme(good, catalog):
    first, second = parse_scenario(good, "x.yaml", catalog).schemes
    assert first.params == catalog.schemes["fedpeft"](method="lora", rank=4)
    assert type(second.params) is catalog.schemes["full"]
    assert SchemeEntry.of("fedpeft", first.params, "fedpeft-lora-4") == first


def test_seeds_that_are_not_given_are_the_scenarios_and_replications_count_on(good, catalog):
    scenario = parse_scenario(changed(good, "seed: 1", "seed: 1\nseeds: {data: 7}"), "x.yaml", catalog)
    assert scenario.trial_seeds() == TrialSeeds(world=1, data=7, learning=1)
    assert scenario.trial_seeds(2) == TrialSeeds(world=3, data=9, learning=3)


def test_the_resolved_scenario_is_the_same_scenario(good, catalog, tmp_path):
    (tmp_path / "table.csv").write_text("1")
    (tmp_path / "weights").mkdir()
    text = changed(good, "{name: digits}", "{name: csv, path: table.csv}")
    text = changed(text, "{name: full}", "{name: full, start: weights}")
    (tmp_path / "x.yaml").write_text(text)
    scenario = load_scenario(tmp_path / "x.yaml", catalog, ["learning.local.weight_decay=1.0e-7", "seeds.world=5"])
    assert scenario.schemes[1].params.start == tmp_path / "weights"
    assert scenario.schemes[1].label == "full-weights"
    again = parse_scenario(resolved_yaml(scenario), "resolved", catalog)
    assert again == scenario
    assert "downlink_share: 0.75" in resolved_yaml(scenario)
    assert "ran_rtt_ms: 10.0" in resolved_yaml(scenario)


def test_five_mistakes_are_five_problems_at_once(good, catalog, tmp_path):
    text = changed(good, "seed: 1", "seed: 1\nreplicatoins: 2")
    text = changed(text, "name: fedpeft", "name: fedpfet")
    text = changed(text, "bandwidth_mhz: 20", "bandwidth_mhz: -20")
    text = changed(text, "memory_gb: 0.5", "memory_gb: 0.1")
    text = changed(text, "{name: digits}", "{name: csv, path: no.csv}")
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ScenarioError, match="5 problems") as caught:
        load_scenario(tmp_path / "x.yaml", catalog)
    lines = text.splitlines()
    found = [(lines[problem.line - 1].split()[0], problem.key) for problem in caught.value.problems]
    assert found == [
        ("replicatoins:", "replicatoins"),
        ("dataset:", "learning.dataset.path"),
        ("carrier:", "network.carrier.bandwidth_mhz"),
        ("-", "fleet.groups.1.memory_gb"),
        ("-", "schemes.0.name"),
    ]
    assert all(problem.remedy for problem in caught.value.problems)
    for words in (
        "line 4: replicatoins: there is no such key here\n    Did you mean 'replications'",
        f"no such file: {tmp_path / 'no.csv'}\n    Correct the path",
        "bandwidth_mhz: must be greater than 0, got -20\n    Correct the value. Width of the carrier",
        "no scheme fits into 0.1 GB\n    The smallest, full",
        "there is no scheme called 'fedpfet'\n    Did you mean 'fedpeft'",
    ):
        assert words in str(caught.value)


MISTAKES = [
    # what stands there, what is written instead, key, part of the message, part of the remedy
    ("schema: 1", "schema: 2", "schema", "must be 1, got 2", "Write 1"),
    ("schema: 1\n", "", "schema", "required and missing", "Add 'schema: ...'. Version of this format"),
    ("name: quickstart", "name: Quick Start", "name", "match pattern", "lower case"),
    ("name: quickstart", "name: ..", "name", "match pattern", "letter or digit first"),
    ("name: quickstart", "name: yes", "name", "must be text, got true", "quotes"),
    ("name: quickstart", "name: 12", "name", "must be text, got 12", "quotes"),
    ("seed: 1", "seed: -1", "seed", "greater than or equal to 0, got -1", "Correct the value"),
    ("seed: 1", "seed: 1.5", "seed", "whole number, got 1.5", "Write a whole number"),
    ("seed: 1", "seed: 1e3", "seed", "reads as text", "Write 1000."),
    ("seed: 1", "seed: true", "seed", "whole number, got true", "Write a whole number"),
    ("seed: 1", "seed: 1\ntarget_accuracy: 80", "target_accuracy", "less than or equal to 1, got 80", "Accuracy whose"),
    ("seed: 1", "seed: 1\nplugins: my_module", "plugins", "must be a list, got 'my_module'", "Write a list"),
    ("seed: 1", "seed: 1\nseeds: {wolrd: 3}", "seeds.wolrd", "no such key", "Did you mean 'world'"),
    ("seed: 1", "seed: 1\nfleets: 3", "fleets", "no such key", "Did you mean 'fleet'"),
    ("model: tiny-vit-s", "model: tiny-vit", "learning.model", "no model called 'tiny-vit'", "Did you mean 'tiny-vit-s'"),
    ("model: tiny-vit-s", "model: tiny-vit-s\n  account_as: vit-16", "learning.account_as", "no architecture", "'vit-base-16'"),
    ("{name: digits}", "{name: digit}", "learning.dataset.name", "no dataset called 'digit'", "Did you mean 'digits'"),
    ("{name: digits}", "{}", "learning.dataset.name", "required and missing", "Add 'name: ...'"),
    ("{name: digits}", "digits", "learning.dataset", "must be a section with keys of its own", "name"),
    ("{name: digits}", "{name: digits, siez: 8}", "learning.dataset.siez", "no such key", "Did you mean 'size'"),
    ("{name: digits}", "{name: digits, size: 4}", "learning.dataset.size", "to 8, got 4", "Pixels a side"),
    ("kind: dirichlet", "kind: dirichlett", "learning.partition.kind", "no kind 'dirichlett' of partition", "'dirichlet'?"),
    ("kind: dirichlet, ", "", "learning.partition.kind", "required and missing", "Add 'kind: ...'"),
    ("alpha: 0.5", "alpa: 0.5, alpha: 1", "learning.partition.alpa", "no such key", "Did you mean 'alpha'"),
    ("alpha: 0.5", "alpha: 0", "learning.partition.alpha", "greater than 0, got 0", "Concentration"),
    ("alpha: 0.5", "alpha: .inf", "learning.partition.alpha", "finite number", "Concentration"),
    ("alpha: 0.5", "alpha: 0.5, clients: 5", "learning.partition.clients", "5 shards, but the fleet has 12", "write 12"),
    ("frequency_ghz: 3.5", "frequency_ghz: 0.4", "network.carrier.frequency_ghz", "to 0.5, got 0.4", "0.5 to 100"),
    ("frequency_ghz: 3.5", "frequency_ghz: 101", "network.carrier.frequency_ghz", "to 100, got 101", "0.5 to 100"),
    ("frequency_ghz: 3.5", "frequency_ghz: 3.5e9", "network.carrier.frequency_ghz", "reads as text", "3.5e+9 or 3500000000"),
    ("frequency_ghz: 3.5", "frequency_ghz: 1e-4", "network.carrier.frequency_ghz", "reads as text", "1.0e-4 or 0.0001"),
    ("bandwidth_mhz: 20", "bandwidth_mhz: 20 MHz", "network.carrier.bandwidth_mhz", "got '20 MHz'", "without a unit"),
    ("bandwidth_mhz: 20, ", "", "network.carrier.bandwidth_mhz", "required and missing", "in MHz"),
    (
        "downlink_share: 0.75",
        "downlink_share: 1",
        "network.carrier.downlink_share",
        "less than 1, got 1",
        "uplink has the rest",
    ),
    ("{kind: umi}", "{kind: umm}", "network.path_loss.kind", "there is no kind 'umm' of path_loss", "Did you mean 'umi'"),
    ("{kind: umi}", "{kind: umi}\n  fading: {kind: no}", "network.fading.kind", "no kind false of fading", "none"),
    ("{kind: umi}", "{kind: umi}\n  fading: {kind: non}", "network.fading.kind", "no kind 'non' of fading", "'none'"),
    ("{kind: umi}", "{kind: umi}\n  transport: 3", "network.transport", "must be a section", "efficiency"),
    ("{kind: umi}", "{kind: umi}\n  backhaul: {rate_mbps: 1}", "network.backhaul.rate_mbps", "no such key", "'rate_gbps'"),
    ("[100, 0]", "[100, 501]", "network.stations.1.position_m", "'south' at [100.0, 501.0] is outside", "y from 0 to 500"),
    ("[100, 0]", "[100]", "network.stations.1.position_m.1", "position 1 of the list is missing", "Place [x, y]"),
    ("[100, 0]", "[100, 0, 0]", "network.stations.1.position_m", "at most 2 items", "Place [x, y]"),
    ("[100, 0]", "[100, 0], posiiton_m: 3", "network.stations.1.posiiton_m", "no such key", "Did you mean 'position_m'"),
    ("name: south", "name: north", "network.stations.1.name", "a station 'north' already, at network.stations.0", "of its own"),
    ("profile: phone", "profile: phon", "fleet.groups.1.profile", "no device profile called 'phon'", "Did you mean 'phone'"),
    ("profile: phone", "profile: raspberry-pi-5", "fleet.groups.1.name", "a group 'raspberry-pi-5' already", "of its own"),
    ("profile: phone", "name: pi", "fleet.groups.1.profile", "required and missing", "Device profile"),
    ("count: 8", "count: 0", "fleet.groups.0.count", "to 1, got 0", "Number of devices"),
    ("count: 8}\n    - {profile: phone, count: 4, memory_gb: 0.5}", "count: no}", "fleet.groups.0.count", "got false", "whole"),
    ("server-a100", "server-a1000", "server.profile", "no server profile", "Did you mean 'server-a100'"),
    ("kind: sync", "kind: snyc", "protocol.kind", "no kind 'snyc'", "Did you mean 'sync'"),
    ("clients_per_round: 8", "clients_per_round: 13", "protocol.clients_per_round", "13 devices are asked", "Ask at most 12"),
    ("model: tiny-vit-s", "model: tiny-vit", "learning.model", "no model called 'tiny-vit'", "Did you mean 'tiny-vit-s'"),
    ("model: tiny-vit-s", "model: path:nowhere", "learning.model", "no such file or folder: nowhere", "Correct the path"),
    ("model: tiny-vit-s", "model: tiny-vit-s\n  account_as: path:no.json", "learning.account_as", "no such file", "Correct"),
    (
        "model: tiny-vit-s",
        "model: tiny-vit-s\n  head_start: publik",
        "learning.head_start",
        "'publik'",
        "Did you mean 'public'",
    ),
    ("- {name: full}", "- {name: full, clients_per_round: 13}", "schemes.1.clients_per_round", "13 devices", "at most 12"),
    ("- {name: full}", "- {name: full, clients_per_round: 0}", "schemes.1.clients_per_round", "to 1, got 0", "Devices that"),
    ("- {name: full}", "- {nam: full}", "schemes.1.name", "required and missing", "Name in the catalog"),
    ("- {name: full}", "- {name: full, label: a/b}", "schemes.1.label", "match pattern", "Unique label"),
    ("- {name: full}", "- {name: full, label: fedpeft-lora-4}", "schemes.1.label", "'fedpeft-lora-4' already", "of its own"),
    ("- {name: full}", "- {name: full, start: no}", "schemes.1.start", "must be text, got false", "quotes"),
    ("- {name: full}", "- {name: full, start: x}", "schemes.1.start", "no such file or folder: x", "Correct the path"),
    ("- {name: full}", "- full", "schemes.1", "must be a section", "Write 'key: value' lines"),
    ("rank: 4", "rnak: 4", "schemes.0.rnak", "no such key", "Did you mean 'rank'"),
    ("rank: 4", "rank: 0", "schemes.0.rank", "to 1, got 0", "Rank of LoRA"),
    ("rank: 4", "rank: 4, layers: [a]", "schemes.0.layers.0", "whole number, got 'a'", "Write a whole number"),
    ("rank: 4", "rank: 4, rounding: up", "schemes.0.rounding", "must be 'nearest' or 'random', got 'up'", "Known: nearest"),
    ("method: lora", "method: bias", "schemes.0", "rank: no option of method 'bias'", "Change or remove"),
    ("method: lora, ", "", "schemes.0.method", "required and missing", "The PEFT method"),
    ("alpha: 0.5", "alpha: 0.5, alpha: 0.6", "learning.partition.alpha", "given twice, first on line 7", "Keep one"),
    ("seed: 1", "seed: 1\n1: 2", "(file)", "a key has to be text, got 1", "quotes"),
]


@pytest.mark.parametrize(("old", "new", "key", "message", "remedy"), MISTAKES, ids=[f"{row[2]}:{row[1]}" for row in MISTAKES])
def test_one_mistake_is_one_problem(good, catalog, old, new, key, message, remedy):
    # The mistakes of this table are on the last line of what is written, save where a key is missing.
    text = changed(good, old, new)
    found = problems_of(text, catalog)
    assert [problem.key for problem in found] == [key]
    assert message in found[0].message
    assert remedy in found[0].remedy
    if new and "missing" not in message:
        assert found[0].line == text[: good.index(old) + len(new)].count("\n") + 1


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("- 1\n", 1, "a scenario is a section of keys"),
        ("schema: 1\nname: [a\nseed: 1\n", 3, "not valid YAML"),
        ("schema: 1\n\tname: a\n", 2, "not valid YAML"),
        ("schema: 1\nname: \x00\n", 2, "not valid YAML"),
        ("schema: 1\n---\nschema: 1\n", 2, "not valid YAML"),
        ("a: &a\n  - *a\n", 1, "not valid YAML|contains itself"),
        ("schema: 1\nname: !!python/object:os.system x\n", 2, "cannot read 'x'"),
        ("[" * 1500, 1, "nested too deeply"),
    ],
)
def test_a_text_that_is_no_scenario_is_a_problem_with_a_line(catalog, text, line, words):
    with pytest.raises(ScenarioError, match=words) as caught:
        parse_scenario(text, "x.yaml", catalog)
    assert caught.value.problems[0].remedy
    assert words != "not valid YAML" or caught.value.problems[0].line == line


def test_checks_run_although_other_keys_of_the_section_are_wrong(good, catalog):
    text = changed(good, "clients_per_round: 8", "clients_per_round: 99")
    text = changed(text, "rounds: 15", "rounds: 0")
    text = changed(text, "[100, 0]", "[100, 900]")
    text = changed(text, "kind: umi", "kind: um")
    text = changed(text, "area_m", "aera: 3\n  area_m")
    keys = {problem.key for problem in problems_of(text, catalog)}
    assert keys == {
        "protocol.rounds",
        "protocol.clients_per_round",
        "network.stations.1.position_m",
        "network.path_loss.kind",
        "fleet.aera",
    }


def test_shares_and_optimizer_have_to_make_sense(good, catalog):
    overrides = ["learning.public_share=0.5", "learning.test_share=0.5", "learning.local.momentum=0"]
    found = {problem.key: problem for problem in problems_of(good, catalog, *overrides)}
    assert set(found) == {"learning.public_share", "learning.local.nesterov"}
    assert "leave no samples" in found["learning.public_share"].message


def test_yaml_anchors_and_merges_are_read(good, catalog):
    text = changed(good, "    - {name: north,", "    - &north {name: north,")
    text = text.replace(text.splitlines()[10], "    - {<<: *north, name: south, position_m: [1, 2]}")
    south = parse_scenario(text, "x.yaml", catalog).network.stations[1]
    assert (south.name, south.position_m, south.tx_power_dbm) == ("south", (1.0, 2.0), 33.0)


def test_a_file_that_cannot_be_read_is_a_scenario_error(catalog, good, tmp_path):
    (tmp_path / "quickstart.yaml").write_text(good)
    with pytest.raises(ScenarioError, match=r"no such file\n.*Did you mean 'quickstart.yaml'"):
        load_scenario(tmp_path / "quikstart.yaml", catalog)
    with pytest.raises(ScenarioError, match="There are no scenarios in"):
        load_scenario(tmp_path / "none" / "x.yaml", catalog)
    with pytest.raises(ScenarioError, match="cannot read it"):
        load_scenario(tmp_path, catalog)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\xff")
    with pytest.raises(ScenarioError, match="not text in UTF-8"):
        load_scenario(tmp_path / "latin.yaml", catalog)


def test_a_name_is_checked_against_the_catalog_that_is_given(good, catalog):
    bigger = replace(catalog, models={**catalog.models, "mine": "a plugin's model"})
    assert parse_scenario(good, "x.yaml", bigger, ["learning.model=mine"]).learning.model == "mine"


def test_plugins_are_read_without_validation(tmp_path):
    path = tmp_path / "x.yaml"
    assert read_plugins(path) == ()
    path.write_text("plugins: [one, two.three, 4]\nnonsense: true\n")
    assert read_plugins(path) == ("one", "two.three")
    assert read_plugins(path, ["plugins=[other]"]) == ("other",)
    for text in ("plugins: one", "[", "3", ""):
        path.write_text(text)
        assert read_plugins(path) == ()


def test_loading_is_quick_and_imports_nothing_heavy():
    code = "import sys, mecsim.config.loader; sys.exit(str({'torch', 'numpy', 'pandas', 'simpy'} & set(sys.modules) or ''))"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert time.perf_counter() - began < 5.0  # some 0.3 s on an idle machine
