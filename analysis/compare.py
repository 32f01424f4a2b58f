"""What sets the scenarios of several runs apart, and whether their trials may stand in one study."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from analysis.findings import alike
from analysis.formats import NOTHING

if TYPE_CHECKING:
    from mecsim.results.reader import Run

#: Sections of a scenario that make its worlds, and what is asked of them: trials of different ones are no pairs.
WORLD = (
    "network", "fleet", "server", "energy", "faults", "protocol", "selection", "seeds", "sweep", "target_accuracy",
    "learning.kind", "learning.dataset", "learning.partition", "learning.public_share", "learning.test_share",
)  # fmt: skip
#: What a study is called and made with, which changes no number, and what is compared elsewhere.
_LEFT_OUT = ("schema", "name", "plugins", "seed", "replications", "schemes")
#: More characters of a value do not fit into a line of a message.
_LONGEST = 48
#: More differences are not told one by one.
_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """A key with different values: a text a run, in their order. ``of_world`` tells whether it makes the world another one."""

    key: str
    values: tuple[str, ...]
    of_world: bool


def differences(runs: "Sequence[Run]") -> list[Difference]:
    """Return the keys of the resolved scenarios in which the runs differ, those of the world first.

    Schemes are compared by their labels, where several runs have one. The seed and the replications make no other world: they
    say which there are, and a world is known by its seed. Only where ``seeds`` sets others the seed does, as these count from
    it. Where the scenarios agree and the devices of a common world do not, that is a difference as well.
    """
    scenarios = [yaml.safe_load(run.scenario_yaml) or {} for run in runs]
    found = [
        Difference(key, tuple(map(_text, values)), _is_of_world(key))
        for section in _sections(scenarios)
        for key, values in _different(section, [scenario.get(section) for scenario in scenarios])
    ]
    if any(_sets_seeds(scenario) for scenario in scenarios):
        roots = [scenario.get("seed") for scenario in scenarios]
        found += [Difference(key, tuple(map(_text, values)), True) for key, values in _different("seed", roots)]
    if not any(each.of_world for each in found):
        found += _different_places(runs)
    found += _different_schemes(scenarios)
    seeds = [", ".join(map(str, dict.fromkeys(run.frame("summary")["seed"]))) for run in runs]
    found += [Difference("seeds that were run (only common ones are paired)", tuple(seeds), False)] * (len(set(seeds)) > 1)
    versions = [str(run.manifest.get("mecsim_version", "")) for run in runs]
    found += [Difference("mecsim", tuple(values), False) for _, values in _different("", versions)]
    return sorted(found, key=lambda each: not each.of_world)


def is_one_world(found: Sequence[Difference]) -> bool:
    """Return whether trials of the same variant and seed met the same world in all runs."""
    return not any(each.of_world for each in found)


def in_words(found: Sequence[Difference], names: Sequence[str]) -> list[str]:
    """Return lines that tell a reader what differs and what follows from it; none where nothing does.

    ``names`` are those of the runs. A line a key has the values of all runs, for twenty keys at most.
    """
    worlds = [each for each in found if each.of_world]
    others = [each for each in found if not each.of_world]
    lines = []
    if worlds:
        count = f"{len(worlds)} key{'s' if len(worlds) > 1 else ''}"
        lines.append(
            f"The worlds differ in {count}. The runs stand side by side, each with its own variants, and no difference between "
            "two of them is paired:"
        )
        lines += _lines(worlds, names, _MOST_LINES)
    if others:
        lines.append("Not of the world, but different too:" if worlds else "The worlds are the same. What differs:")
        lines += _lines(others, names, max(1, _MOST_LINES - len(worlds)))
    return lines


def _lines(found: Sequence[Difference], names: Sequence[str], most: int) -> list[str]:
    lines = [f"  {each.key}: {_by_run(each.values, names)}" for each in found[:most]]
    return [*lines, f"  and {len(found) - most} more"] if len(found) > most else lines


def _by_run(values: Sequence[str], names: Sequence[str]) -> str:
    """Return "20 in a and b, 2 in c"."""
    holders = alike(zip(values, names, strict=True))
    return ", ".join(f"{value} in {' and '.join(of)}" for value, of in holders.items())


def _sections(scenarios: Sequence[Mapping[str, Any]]) -> list[str]:
    return [key for key in dict.fromkeys(key for scenario in scenarios for key in scenario) if key not in _LEFT_OUT]


def _is_of_world(key: str) -> bool:
    return any(key == section or key.startswith(f"{section}.") for section in WORLD)


def _sets_seeds(scenario: Mapping[str, Any]) -> bool:
    return any(seed is not None for seed in (scenario.get("seeds") or {}).values())


def _different(key: str, values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the keys at or under ``key`` with different values: as deep down as all runs have the same keys or places there."""
    if all(value == values[0] for value in values):
        return
    if all(isinstance(value, Mapping) for value in values):
        for name in dict.fromkeys(name for value in values for name in value):
            yield from _different(f"{key}.{name}", [value.get(name) for value in values])
    elif _are_alike_lists(values):
        for index, items in enumerate(zip(*values, strict=True)):
            yield from _different(f"{key}.{index}", items)
    else:
        yield key, values


def _are_alike_lists(values: Sequence[Any]) -> bool:
    """Tell whether these are equally long lists of entries, which can be compared one by one."""
    lists = all(isinstance(value, list) and all(isinstance(item, Mapping) for item in value) for value in values)
    return lists and len({len(value) for value in values}) == 1


def _different_schemes(scenarios: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Return the settings in which schemes of one label differ; of a run without that label nothing is said."""
    tables = [{str(entry.get("label", entry.get("name"))): entry for entry in of.get("schemes") or ()} for of in scenarios]
    found = []
    for label in dict.fromkeys(label for table in tables for label in table):
        held = [table.get(label) for table in tables]
        first = next(entry for entry in held if entry is not None)
        for key, values in _different(f"schemes.{label}", [first if entry is None else entry for entry in held]):
            texts = [NOTHING if entry is None else _text(value) for entry, value in zip(held, values, strict=True)]
            found.append(Difference(key, tuple(texts), of_world=False))
    return found


def _different_places(runs: "Sequence[Run]") -> list[Difference]:
    """Return a difference if the devices of a world that two runs share are not the same: then its making has changed."""
    first = runs[0].frame("devices").set_index(["variant", "seed", "device"])
    for run in runs[1:]:
        other = run.frame("devices").set_index(["variant", "seed", "device"])
        shared = first.index.intersection(other.index)
        if not first.loc[shared].equals(other.loc[shared]):
            values = tuple("as in the first" if each is not run else "others" for each in runs)
            return [Difference("devices (places, data or memory in the same scenario)", values, of_world=True)]
    return []


def _text(value: Any) -> str:
    """Return a value as YAML has it, in one line."""
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list):
        text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("\n...\n").strip()
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
