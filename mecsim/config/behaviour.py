"""What devices do by themselves: move, charge, come and go, break."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, NonNegative, Positive
from mecsim.config.network_traces import AfterTrace, TraceFiles

Hour = Annotated[float, Field(ge=0.0, le=24.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Static(Config):
    """The devices stay where they are."""

    kind: Literal["static"] = Field(description="The kind of movement: none.")


class RandomWaypoint(Config):
    """Straight to a random place at a random speed, a pause, and on."""

    kind: Literal["random-waypoint"] = Field(description="The kind of movement: random waypoint.")
    speed_mps: tuple[Positive, Positive] = Field(default=(0.8, 2.0), description="Least and largest speed, in m/s.")
    pause_s: NonNegative = Field(default=2.0, description="Pause at each waypoint, in seconds.")


class GaussMarkov(Config):
    """Speed and direction drift, with a memory."""

    kind: Literal["gauss-markov"] = Field(description="The kind of movement: Gauss-Markov.")
    mean_speed_mps: Positive = Field(default=1.4, description="Mean speed, in m/s.")
    sigma_mps: NonNegative = Field(default=0.3, description="Deviation of the speed, in m/s.")
    memory: float = Field(default=0.85, ge=0.0, le=1.0, description="Share of speed and direction kept from second to second.")


class TraceMovement(TraceFiles):
    """Places from files; device i of the group follows the i-th of them, from the beginning again where they run out."""

    kind: Literal["trace"] = Field(description="The kind of movement: from files.")
    at_end: AfterTrace = Field(default="loop", description="What happens at the end of a trace: begin again, or stay.")


Mobility = Annotated[Static | RandomWaypoint | GaussMarkov | TraceMovement, Field(discriminator="kind")]


class DailyAvailability(Config):
    """A window every day: a phone on its charger at night."""

    kind: Literal["daily"] = Field(description="The kind of availability: a window every day.")
    start_hour: Hour = Field(default=22.0, description="Mean hour at which the window opens.")
    start_sigma_h: NonNegative = Field(default=1.0, description="Deviation of that hour between devices.")
    length_h: Hour = Field(default=8.0, description="Mean length of the window, in hours.")
    length_sigma_h: NonNegative = Field(default=1.0, description="Deviation of the length between devices.")
    leave: Literal["stop", "finish"] = Field(default="stop", description="Whether a running turn stops when the window closes.")


class TraceAvailability(TraceFiles):
    """Sessions from files (ue_id, start_s, end_s); devices take the traces in turn."""

    kind: Literal["trace"] = Field(description="The kind of availability: from files.")
    leave: Literal["stop", "finish"] = Field(default="stop", description="Whether a running turn stops when a session ends.")
    loop: bool = Field(default=True, description="Whether a trace begins again at its end.")


Availability = Annotated[DailyAvailability | TraceAvailability, Field(discriminator="kind")]


class Charging(Config):
    """Hours on the charger, every day."""

    power_w: Positive = Field(
        default=10.0, description="Power into the battery, in watts, up to 80 % full; it tapers off then."
    )
    start_hour: Hour = Field(default=22.0, description="Hour at which the charger is plugged in.")
    length_h: Hour = Field(default=8.0, description="Hours on the charger.")


class Battery(Config):
    """The battery of each device of a group."""

    capacity_wh: float | None = Field(default=None, gt=0.0, description="Capacity in Wh; null: as in the profile.")
    level: tuple[Share, Share] = Field(
        default=(1.0, 1.0),
        description="Least and largest share of the capacity at the start; each device draws its own between.",
    )
    least_level: float = Field(
        default=0.2, ge=0.0, lt=1.0, description="Share of the capacity below which a device refuses a turn."
    )
    standby_w: NonNegative = Field(default=0.05, description="Power drawn between turns, in watts.")
    charging: Charging | None = Field(default=None, description="Hours on the charger; null: never.")


class Faults(Config):
    """What goes wrong, as random events of their own; a rate of 0 means never."""

    crash_per_hour: NonNegative = Field(
        default=0.0, description="Crashes of a device per hour; what it did in the turn is lost."
    )
    slow_per_hour: NonNegative = Field(default=0.0, description="Slow phases of a device that begin per hour.")
    slow_s: Positive = Field(default=300.0, description="Mean length of a slow phase, in seconds.")
    slow_factor: float = Field(default=0.3, gt=0.0, le=1.0, description="Speed in a slow phase, as a share of the normal one.")
    link_outage_per_hour: NonNegative = Field(default=0.0, description="Outages of a device's link that begin per hour.")
    link_outage_s: Positive = Field(default=10.0, description="Mean length of such an outage, in seconds.")
    station_outage_per_hour: NonNegative = Field(default=0.0, description="Outages of a station that begin per hour.")
    station_outage_s: Positive = Field(default=300.0, description="Mean length of such an outage, in seconds.")
    station_schedule: tuple[tuple[str, NonNegative, NonNegative], ...] = Field(
        default=(), description="Outages at given times: [station, from second, to second]."
    )
    server_restart_per_hour: NonNegative = Field(default=0.0, description="Restarts of the server per hour; transfers break.")
    server_down_s: Positive = Field(default=60.0, description="Mean length of a restart, in seconds.")
