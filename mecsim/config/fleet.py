"""The sections ``fleet`` and ``server``: the machines that compute."""

from typing import Annotated, Any

from pydantic import Field

from mecsim.config.base import Config, Known, Positive


def _profile_of(group: dict[str, Any]) -> str:
    return str(group["profile"])


class DeviceGroup(Config):
    """Devices of one kind."""

    profile: Annotated[str, Known("device profile", "profiles")] = Field(description="Device profile: speed, memory, power.")
    count: int = Field(ge=1, description="Number of devices of this kind.")
    name: str = Field(
        default_factory=_profile_of,
        min_length=1,
        description="Name of the group, unique in the fleet; not given, it is the profile.",
    )
    memory_gb: float | None = Field(default=None, gt=0.0, description="Memory of the device in GB; null: as in its profile.")


class Fleet(Config):
    """The devices and the area that they are in."""

    area_m: tuple[Positive, Positive] = Field(description="Size [width, height] of the map in metres; it begins at [0, 0].")
    backbone_preinstalled: bool = Field(
        default=False, description="Whether devices hold the pretrained model already, so that it is never sent."
    )
    groups: tuple[DeviceGroup, ...] = Field(min_length=1, description="The groups of devices, numbered through in this order.")

    @property
    def n_devices(self) -> int:
        """The number of devices of all groups."""
        return sum(group.count for group in self.groups)


class Server(Config):
    """The machine that coordinates, and computes what a scheme asks of the server."""

    profile: Annotated[str, Known("server profile", "servers")] = Field(description="Server profile: speed, memory, power.")
