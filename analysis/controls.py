"""Who is under which control policy, and what its scheme lets it choose: read from the resolved scenario."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.material import Material

#: The policy that reinforcement learning has trained.
LEARNED = "learned"
#: Key of a scheme that lists the choices of its knob -> what the choices are.
_KNOBS = {
    "ladder": "the emulator's compression rho",
    "ranks": "the rank of LoRA",
    "keeps": "the share of neurons kept",
    "choices": "the scale of a turn's work",
}


def controls(scenario: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the section ``control`` of each scheme that has one, by the scheme's label."""
    return {str(entry.get("label", entry.get("name"))): entry["control"] for entry in _entries(scenario) if "control" in entry}


def policies(scenario: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of the control policy of each scheme that has one, by the scheme's label."""
    return {label: str(control.get("name")) for label, control in controls(scenario).items()}


def controlled_schemes(scenario: Mapping[str, Any]) -> set[str]:
    """Return the names of the schemes that some policy controls."""
    return {str(entry.get("name")) for entry in _entries(scenario) if "control" in entry}


def knobs(scenario: Mapping[str, Any]) -> list[str]:
    """Return in words what the policies of the scenario can choose, each once; none where no scheme has a knob."""
    return list(
        dict.fromkeys(
            words for entry in _entries(scenario) if "control" in entry for key, words in _KNOBS.items() if entry.get(key)
        )
    )


def decided(material: "Material") -> list[str]:
    """Return the labels that decisions are told of: under a control policy, or with a choice of a knob in some turn."""
    clients = material.frame("clients")
    known = set(controls(material.scenario)) | set(clients.loc[clients["choice"].notna(), "label"])
    asked = set(clients["label"])
    return [str(label) for label in material.labels["label"] if label in known and label in asked]


def _entries(scenario: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the schemes; without control where that is empty."""
    for entry in scenario.get("schemes") or ():
        if isinstance(entry, Mapping):
            is_free = not isinstance(entry.get("control"), Mapping)
            yield {key: value for key, value in entry.items() if not (key == "control" and is_free)}
