"""What has to hold between a control policy, its scheme and the rest of the scenario."""

from collections.abc import Iterable

from mecsim.build.observing import NO_KNOB
from mecsim.config.entries import ControlEntry, SchemeEntry
from mecsim.config.scenario import PartialScenario
from mecsim.control.builtin.learned import LearnedParams
from mecsim.control.catalog import POLICIES
from mecsim.control.learned import read_facts
from mecsim.errors import MecsimError, Problem
from mecsim.radio.sharing import steered


def control_fits(scenario: PartialScenario) -> Iterable[Problem]:
    """Report choices that a scheme does not have, and bandwidth that is set where the network divides it otherwise."""
    for index, entry in scenario.schemes.items():
        if entry.control is None:
            continue
        key = f"schemes.{index}.control"
        yield from _choice(key, entry, entry.control)
        try:
            yield from _trained(key, entry, entry.control)
            yield from _bandwidth(key, entry.control, scenario.get("network.sharing.kind"))
        except MecsimError as error:  # the policy's own file cannot be read
            yield Problem(
                key=f"{key}.policy", message=str(error), remedy="Name the folder or policy.json that a training has written."
            )


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
        has = f"its choices are {_listed(choices)}" if choices else "it has none"
        yield Problem(
            key=f"{key}.choice",
            message=f"{wanted:g} is no choice of the scheme {entry.label!r}: {has}",
            remedy="Name one of its choices, or leave the key out.",
        )


def _trained(key: str, entry: SchemeEntry, control: ControlEntry) -> Iterable[Problem]:
    """Report a policy that was trained for other choices; a MecsimError for a file that is none."""
    from learners.catalog import SCHEMES

    if not isinstance(control.params, LearnedParams):
        return
    choices, known = SCHEMES[entry.name].choices_of(entry.params), read_facts(control.params.policy).choices
    if set(choices or NO_KNOB.choices) != set(known):
        has = _listed(choices) if choices else "none"
        yield Problem(
            key=f"{key}.policy",
            message=f"the policy was trained to choose among {_listed(known)}, and the scheme {entry.label!r} offers {has}",
            remedy="Give the scheme those choices, or train a policy for it: mecsim policy train --scheme LABEL, with another "
            "control such as {name: random} in the place of this one meanwhile.",
        )


def _listed(choices: Iterable[float]) -> str:
    return ", ".join(f"{one:g}" for one in choices)


def _bandwidth(key: str, control: ControlEntry, sharing: str | None) -> Iterable[Problem]:
    if sharing is not None and sharing not in steered() and POLICIES[control.name].divides(control.params):
        yield Problem(
            key=f"{key}.name",
            message=f"policy {control.name!r} divides the bandwidth, which network.sharing of kind {sharing!r} does by itself",
            remedy=f"Set network.sharing.kind to {' or '.join(steered())}, or choose another policy.",
        )
