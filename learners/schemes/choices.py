"""What schemes with a knob share: its choices in a scenario, and which of them a device got. No torch."""

from collections.abc import Sequence

from mecsim.errors import JobError
from mecsim.federation.contract import ClientView, Knob


def descending(choices: Sequence[float]) -> tuple[float, ...]:
    """Return ``choices`` as a knob lists them: from the one that costs a device most, here the highest."""
    return tuple(sorted(map(float, choices), reverse=True))


def check_choices(key: str, choices: Sequence[float], default_key: str, default: float, *, highest: bool = False) -> None:
    """Raise a ValueError unless the ``choices`` under ``key`` differ, and the default is one of them, or their ``highest``."""
    if not choices:
        return
    if len(set(choices)) < len(choices):
        raise ValueError(f"{key} has a choice twice: {list(choices)}")
    if default not in choices or (highest and default < max(choices)):
        place = "the highest" if highest else "one"
        raise ValueError(
            f"{default_key} {default} must be {place} of {key} {list(choices)}, as a device gets it when nobody decides: "
            f"set {default_key}, or change {key}"
        )


def choice_for(knob: Knob, client: ClientView) -> float:
    """Return the choice that was made for a device, or the default. A JobError says which there are."""
    choice = client.settings.choice
    if choice is None:
        return knob.default
    if choice not in knob.choices:
        listed = ", ".join(f"{one:g}" for one in knob.choices)
        raise JobError(f"device {client.client}: {knob.name} {choice:g} is none of the scheme's choices: {listed}")
    return choice
