"""The sections ``fleet`` and ``server``: the machines that compute."""

from typing import Annotated, Any

from pydantic import Field

from mecsim.config.base import PATH, Config, ExistingFile, Known, NonNegative, Positive
from mecsim.config.behaviour import Availability, Battery, Mobility, Static


def _profile_of(group: dict[str, Any]) -> str:
    return str(group["profile"])


class Spread(Config):
    """How devices of one kind differ: log-normal factors with median 1."""

    speed: NonNegative = Field(default=0.0, le=2.0, description="Deviation of the logarithm of the computing speed.")
    memory: NonNegative = Field(default=0.0, le=2.0, description="Deviation of the logarithm of the memory.")


class Throttling(Config):
    """A device gets slower when it has computed for long."""

    after_s: NonNegative = Field(description="Seconds of computing at full speed.")
    factor: float = Field(gt=0.0, le=1.0, description="Speed afterwards, as a share of the full speed.")


class DeviceGroup(Config):
    """Devices of one kind."""

    profile: Annotated[str, Known("device profile", "profiles", prefixes=(PATH,))] = Field(
        description="Device profile: speed, memory, power; a name, or path:FILE of what 'mecsim calibrate' wrote."
    )
    count: int = Field(ge=1, description="Number of devices of this kind.")
    name: str = Field(
        default_factory=_profile_of,
        min_length=1,
        description="Name of the group, unique in the fleet; not given, it is the profile.",
    )
    memory_gb: float | None = Field(default=None, gt=0.0, description="Memory of the device in GB; null: as in its profile.")
    storage_gb: float | None = Field(default=None, gt=0.0, description="Storage for models in GB; null: as in its profile.")
    frequency: float = Field(
        default=1.0, gt=0.0, le=1.0, description="Clock as a share of the highest: slower and thriftier (DVFS)."
    )
    contention: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share of the processor that other programs take.")
    throttling: Throttling | None = Field(default=None, description="Loss of speed by heat; null: none.")
    spread: Spread = Field(default=Spread(), description="How the devices of the group differ.")
    devices: ExistingFile | None = Field(
        default=None,
        description="CSV of devices to draw from (device_id, peak_gflops_fp32, ram_gb, ..); the group tells the rest.",
    )
    battery: Battery | None = Field(default=None, description="The battery; null: on mains.")
    mobility: Mobility = Field(default=Static(kind="static"), description="How the devices move.")
    availability: Availability | None = Field(default=None, description="When the devices can be asked; null: always.")


class Fleet(Config):
    """The devices and the area that they are in."""

    area_m: tuple[Positive, Positive] | None = Field(
        default=None, description="Size [width, height] of the map in metres from [0, 0]; null: that of the network's layout."
    )
    backbone_preinstalled: bool = Field(
        default=False, description="Whether devices hold the pretrained model already, so that it is never sent."
    )
    starts_at_hour: float = Field(
        default=22.0, ge=0.0, lt=24.0, description="Hour of the day at which the study begins: for daily windows and chargers."
    )
    groups: tuple[DeviceGroup, ...] = Field(min_length=1, description="The groups of devices, numbered through in this order.")

    @property
    def n_devices(self) -> int:
        """The number of devices of all groups."""
        return sum(group.count for group in self.groups)


class Server(Config):
    """The machine that coordinates, and computes what a scheme asks of the server."""

    profile: Annotated[str, Known("server profile", "servers", prefixes=(PATH,))] = Field(
        description="Server profile: speed, memory, power; a name, or path:FILE."
    )


class Energy(Config):
    """What is counted beside the devices' energy."""

    stations: bool = Field(default=True, description="Whether the stations' energy is counted, by their power_class.")
    backhaul_kwh_per_gb: NonNegative = Field(
        default=0.0, description="Energy of backhaul and core per GB; published figures go from 0.01 to 0.1, hence not counted."
    )
    carbon_g_per_kwh: NonNegative = Field(default=400.0, description="Carbon intensity of the electricity, in g CO2 per kWh.")
    carbon_trace: ExistingFile | None = Field(
        default=None, description="CSV of t_s and g_per_kwh in place of the constant; it begins again at its end."
    )
