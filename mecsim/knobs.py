"""What a scheme lets others set for each device, and what a control policy has set: plain values that all rooms share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A scheme's own number that may differ from device to device, such as an emulator's compression or the rank of LoRA.

    ``choices`` go from the one that costs a device most to the one that costs it least; ``default`` is one of them, and what a
    device gets when nobody decides. ``renews``: the server makes what a choice stands for anew from time to time, so that a
    device may hold an older version of it.
    """

    name: str
    choices: tuple[float, ...]
    default: float
    renews: bool = False

    def __post_init__(self) -> None:
        if self.default not in self.choices or len(set(self.choices)) < len(self.choices):
            raise ValueError(f"{self.default} must be one of the choices {self.choices}, which must differ")

    @property
    def default_index(self) -> int:
        """The place of the default among the choices."""
        return self.choices.index(self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What has been decided for a device; None leaves it to the scheme or the scenario.

    ``choice`` is one of the scheme's knob. ``renew``: fetch the newest version of what the choice stands for; a device that is
    not to renew goes on with the version that it holds, and fetches the newest one only if it holds none. ``epochs`` are passes
    over the device's own samples.
    """

    choice: float | None = None
    renew: bool = True
    epochs: int | None = None


#: Nothing has been decided.
AS_IT_IS = Settings()
