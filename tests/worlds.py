"""A small scenario of stations and phones that trains nothing, and what becomes of it when keys change."""

import copy
import re
from types import SimpleNamespace

import pytest
import simpy
import yaml

from mecsim.build.network import build_channel
from mecsim.build.trial import build_world
from mecsim.cli.names import build_catalog
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.config.loader import parse_scenario
from mecsim.config.variants import Variant
from mecsim.errors import ScenarioError
from mecsim.jobs import synthetic
from mecsim.jobs.runner import LocalRunner
from mecsim.rng import Streams
from mecsim.study import run_study

BASE = """\
schema: 1
name: small
seed: 1
learning:
  kind: synthetic
network:
  stations:
    - {name: north, position_m: [250, 250], height_m: 10, tx_power_dbm: 33}
    - {name: south, position_m: [100, 0], height_m: 10, tx_power_dbm: 33}
  carrier: {frequency_ghz: 3.5, bandwidth_mhz: 20, downlink_share: 0.75}
  path_loss: {kind: umi}
fleet:
  area_m: [500, 500]
  groups:
    - {name: phones, profile: phone-mid, count: 8}
    - {name: boards, profile: raspberry-pi-5, count: 4}
server: {profile: server-a100}
protocol: {kind: sync, rounds: 3, clients_per_round: 4}
schemes:
  - {name: synthetic, backbone_mb: 10, update_mb: 1, flop_per_sample: 1000000000.0}
"""
#: In place of the two stations.
HEXAGONS = {"kind": "hexagonal", "rows": 2, "columns": 2, "inter_site_m": 500, "station": {"height_m": 10, "tx_power_dbm": 33}}
AS_LAYOUT = {"network.layout": HEXAGONS, "network.stations": None, "fleet.area_m": None}

CATALOG = build_catalog()


def text(changes=None, **keys):
    """Return the scenario with other values at dotted keys; None takes a key out. Keyword names have __ for the dots."""
    data = yaml.safe_load(BASE)
    for key, value in {**(changes or {}), **{name.replace("__", "."): value for name, value in keys.items()}}.items():
        *path, last = [int(part) if part.isdigit() else part for part in key.split(".")]
        at = data
        for part in path:
            at = at[part] if isinstance(at, list) else at.setdefault(part, {})
        if value is None:
            at.pop(last)
        elif isinstance(at, list) and last == len(at):
            at.append(value)
        else:
            at[last] = copy.deepcopy(value)
    return yaml.safe_dump(data, sort_keys=False)


def scenario(changes=None, folder=None, **keys):
    return parse_scenario(text(changes, **keys), "small.yaml", CATALOG, (), folder)


def problems(changes=None, folder=None, **keys):
    """Return the problems of the changed scenario by key."""
    return {problem.key: problem for problem in all_problems(text(changes, **keys), folder)}


def all_problems(written, folder=None):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(written, "small.yaml", CATALOG, (), folder)
    return caught.value.problems


def refused(key, message, changes=None, folder=None, **keys):
    """Check that the changed scenario has one problem, at ``key``, on its line, with the rule and a way out."""
    written = text(changes, **keys)
    (problem,) = all_problems(written, folder)
    assert problem.key == key
    assert re.search(message, problem.message), problem.message
    assert problem.remedy
    assert problem.line is not None
    # The key stands on that line, or its section where it is missing.
    words = written.splitlines()[problem.line - 1]
    assert any(part in words for part in re.findall(r"[a-z_]\w+", key)) or words.lstrip().startswith("-"), (key, words)
    return problem


def world(changes=None, folder=None, seed=1, **keys):
    """Return the world of the changed scenario, and its scenario, at the beginning."""
    of = scenario(changes, folder, **keys)
    streams = Streams(seed)
    built = build_world(simpy.Environment(), of, build_channel(of, streams), streams)
    return SimpleNamespace(world=built, scenario=of, channel=built.radio.budget.channel, env=built.env)


class NoStore:
    """Keeps nothing."""

    def __contains__(self, job):
        return False

    def get(self, job):
        return None

    def put(self, job, result):
        pass


class Silent:
    """Watches, and says nothing."""

    def __getattr__(self, name):
        return lambda *args: None


def rows_of(changes=None, folder=None, **keys):
    """Return the rows of a study of the changed scenario, by table."""
    runner = LocalRunner(synthetic.execute, NoStore())
    return run_study([Variant.only(scenario(changes, folder, **keys))], SyntheticRoom(), runner, Silent()).rows
