"""docs/network.md has every kind and every key of the world's sections, with their defaults. No torch."""

import re
from pathlib import Path

import pytest
from page_words import shown
from section_keys import keys_of, kinds_of, models_in

from mecsim.config.fleet import DeviceGroup, Fleet
from mecsim.config.network import Network, Station
from mecsim.config.scenario import Scenario
from mecsim.config.synthetic import SyntheticLearning
from mecsim.results.records import OUTCOMES

PAGE = (Path(__file__).parent.parent / "docs" / "network.md").read_text(encoding="utf-8")
WORLD = {name: Scenario.model_fields[name] for name in ("server", "energy", "faults", "protocol", "selection")}
PARTS = (
    dict(Network.model_fields)
    | {name: DeviceGroup.model_fields[name] for name in ("mobility", "availability", "battery")}
    | WORLD
)
#: By heading: the sections that it describes, by their names in the scenario.
SECTIONS = {
    "Stations and layouts": ("stations", "layout"),
    "Carrier": ("carrier",),
    "Path loss, walls and shadowing": ("path_loss",),
    "Fading": ("fading",),
    "Interference and noise": ("interference", "devices"),
    "Link adaptation": ("link_adaptation",),
    "Sharing a cell": ("sharing",),
    "Background traffic": ("background",),
    "Handover": ("handover",),
    "Transport": ("transport",),
    "Backhaul": ("backhaul",),
    "Measured rates": ("trace",),
    "Groups of devices": ("fleet", "server"),
    "Movement": ("mobility",),
    "Availability": ("availability",),
    "Batteries": ("battery",),
    "Faults": ("faults",),
    "Energy": ("energy",),
    "Protocols": ("protocol",),
    "Selection": ("selection",),
    "Learning without training": ("learning",),
}


def models(name):
    """Return the section of a name, or its kinds."""
    match name:
        case "stations":
            return [Station]
        case "fleet":
            return [Fleet]
        case "learning":
            return [SyntheticLearning]
        case _:
            return models_in(PARTS[name].annotation)


def described(name):
    """Return key, kinds, default and meaning of every key that a section's table has."""
    found = []
    for model in models(name):
        for key in keys_of(model):
            kinds = () if name == "learning" and key.kinds == ("synthetic",) else key.kinds
            belongs_elsewhere = (name == "layout" and key.path.startswith("station.")) or re.match(
                r"groups\.(mobility|availability|battery)\.", key.path
            )
            if not belongs_elsewhere:
                found.append((key.path, kinds, default_of(key), key.description))
    return found


def default_of(key):
    return "the profile" if key.path == "groups.name" else shown(key.default)


def section(heading):
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/network.md has no section '## {heading}'"
    return found[1]


def rows(heading):
    """Return the rows of the tables of keys: key, kinds, default."""
    found = set()
    for line in section(heading).splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) in (3, 4) and re.fullmatch(r"`[a-z_.0-9]+`", cells[0]) and cells[0] != "`kind`":
            kinds = tuple(re.findall(r"`([^`]+)`", cells[1])) if len(cells) == 4 else ()
            found.add((cells[0].strip("`"), kinds, cells[-2]))
    return found


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_described_with_its_default(heading):
    told = rows(heading)
    for name in SECTIONS[heading]:
        for key, kinds, default, _ in described(name):
            said = [row for row in told if row[0] == key and row[2] == default and set(kinds) <= set(row[1])]
            assert said, (key, kinds, default)


@pytest.mark.parametrize("heading", SECTIONS)
def test_no_key_is_described_that_there_is_not(heading):
    known = {(key, default) for name in SECTIONS[heading] for key, _, default, _ in described(name)}
    kinds = {kind for name in SECTIONS[heading] for model in models(name) for kind in kinds_of(model)}
    assert {(key, default) for key, _, default in rows(heading) if key not in kinds} <= known


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_kind_is_described(heading):
    for name in SECTIONS[heading]:
        for model in models(name):
            for kind in kinds_of(model):
                assert f"`{kind}`" in section(heading) or kind in ("hexagonal", "grid", "synthetic"), kind
    assert "hexagonal" in section("Stations and layouts")


def test_no_part_of_the_network_is_left_out():
    told = {name for names in SECTIONS.values() for name in names}
    assert set(Network.model_fields) <= told
    assert {"fleet", "server", "energy", "faults", "protocol", "selection", "learning"} <= told


def test_every_outcome_is_described():
    assert all(f"| `{outcome}` |" in section("Outcomes") for outcome in OUTCOMES)
