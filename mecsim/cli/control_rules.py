"""What has to hold between a control policy, its scheme and the rest of the scenario."""

from collections.abc import Iterable

from mecsim.config.entries import ControlEntry, SchemeEntry
from mecsim.config.scenario import PartialScenario
from mecsim.control.catalog import POLICIES
from mecsim.errors import Problem

_DIVIDED = ("weighted", "assigned")


def control_fits(scenario: PartialScenario) -> Iterable[Problem]:
    """Report choices that a scheme does not have, and bandwidth that is set where the network divides it otherwise."""
    for index, entry in scenario.schemes.items():
        if entry.control is not None:
            yield from _choice(f"schemes.{index}.control", entry, entry.control)
            yield from _bandwidth(f"schemes.{index}.control", entry.control, scenario.get("network.sharing.kind"))


def objective_has_every_round(scenario: PartialScenario) -> Iterable[Problem]:
    """Report an objective where not every round is evaluated."""
    every = scenario.get("protocol.evaluate_every")
    if "objective" in scenario and every is not None and every != 1:
        yield Problem(
            key="protocol.evaluate_every",
            message=f"it is {every}, and the objective counts the error after every round",
            remedy="Set it to 1, or leave the section objective out.",
        )


def _choice(key: str, entry: SchemeEntry, control: ControlEntry) -> Iterable[Problem]:
    from learners.catalog import SCHEMES

    choices = SCHEMES[entry.name].choices_of(entry.params)
    wanted = getattr(control.params, "choice", None)
    if wanted is not None and wanted not in choices:
        has = f"its choices are {', '.join(f'{one:g}' for one in choices)}" if choices else "it has none"
        yield Problem(
            key=f"{key}.choice",
            message=f"{wanted:g} is no choice of the scheme {entry.label!r}: {has}",
            remedy="Name one of its choices, or leave the key out.",
        )


def _bandwidth(key: str, control: ControlEntry, sharing: str | None) -> Iterable[Problem]:
    if sharing is not None and sharing not in _DIVIDED and POLICIES[control.name].divides(control.params):
        yield Problem(
            key=f"{key}.name",
            message=f"policy {control.name!r} divides the bandwidth, which network.sharing of kind {sharing!r} does by itself",
            remedy="Set network.sharing.kind to weighted or assigned, or choose another policy.",
        )
