"""Whatever stands at a key, the answer is a scenario or problems with a remedy, never another exception."""

import copy
from collections.abc import Iterator
from typing import Any

import yaml

from mecsim.config.loader import parse_scenario, resolved_yaml
from mecsim.errors import ScenarioError

VALUES = [None, True, 3, -1.5, "x", "3.5e9", [], [1], {}, {"kind": "x"}, {"name": "x"}, [{"name": []}], float("nan"), 10**30]


def paths(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from paths(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from paths(value, (*path, i))


def put(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    data = copy.deepcopy(data)
    place = data
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return data


def test_any_value_at_any_key(good, catalog):
    # Two values for each key, others for the next one, so that all take their turn in a few seconds.
    whole = yaml.safe_load(resolved_yaml(parse_scenario(good, "x.yaml", catalog)))
    found = []
    for n, path in enumerate(paths(whole)):
        for value in VALUES[n % 7 :: 7]:
            try:
                parse_scenario(yaml.safe_dump(put(whole, path, value), sort_keys=False), "x.yaml", catalog)
            except ScenarioError as error:
                found += error.problems
    assert len(found) > 100
    assert [problem for problem in found if not (problem.key and problem.message and problem.remedy and problem.line)] == []
