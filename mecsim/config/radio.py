"""The parts of the section ``network`` that say how the radio behaves."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, NonNegative, Positive

PATH_LOSS_KINDS = {
    "uma": "urban macro, 3GPP TR 38.901",
    "umi": "urban micro street canyon, 3GPP TR 38.901",
    "rma": "rural macro, 3GPP TR 38.901",
    "inh": "indoor office with rooms and open space, 3GPP TR 38.901",
    "inh-open": "open indoor office, 3GPP TR 38.901",
    "free-space": "free space",
    "log-distance": "free space to one metre, then a power law of the distance",
    "macro-2ghz": "128.1 + 37.6 log10(d / km) dB, the law of many papers",
}


class Indoors(Config):
    """Devices inside buildings, with the loss of the walls (TR 38.901, clause 7.4.3)."""

    share: float = Field(gt=0.0, le=1.0, description="Share of the devices that are inside buildings.")
    building: Literal["low", "high", "simple"] = Field(
        default="low", description="Loss of the walls: low, high (metallised glass), or simple (20 dB, below 6 GHz)."
    )


class Propagation(Config):
    """What lies between stations and devices, beside the distance."""

    shadowing: bool = Field(default=True, description="Whether buildings and hills shadow devices, as a field of the place.")
    shadowing_db: float | None = Field(
        default=None, ge=0.0, le=20.0, description="Deviation of the shadowing in dB, up to 20; null: the environment's own."
    )
    indoors: Indoors | None = Field(default=None, description="Devices inside buildings; null: all are outside.")


class Environment(Propagation):
    """A propagation environment of a standard."""

    kind: Literal["uma", "umi", "rma", "inh", "inh-open", "free-space", "macro-2ghz"] = Field(
        description=f"Environment: {'; '.join(f'{kind}: {what}' for kind, what in PATH_LOSS_KINDS.items())}."
    )


class LogDistance(Propagation):
    """A power law of the distance."""

    kind: Literal["log-distance"] = Field(description=f"Environment: {PATH_LOSS_KINDS['log-distance']}.")
    exponent: float = Field(default=3.0, ge=1.0, le=8.0, description="Exponent of the distance, from 1 to 8: 2 in free space.")


PathLoss = Annotated[Environment | LogDistance, Field(discriminator="kind")]


class ErgodicFading(Config):
    """A transfer lasts long enough to see the average over small-scale fading."""

    kind: Literal["ergodic"] = Field(description="The kind of fading: the rate is the average over the fading distribution.")
    diversity: int = Field(default=4, ge=1, le=100, description="Number of independently fading branches that are combined.")
    rician: bool = Field(default=True, description="Whether a line of sight fades less (Rician, TR 38.901's mean K-factor).")


class BlockFading(Config):
    """The gain is drawn anew every coherence time and holds in between."""

    kind: Literal["block"] = Field(description="The kind of fading: a gain for each coherence time.")
    diversity: int = Field(default=4, ge=1, le=100, description="Number of independently fading branches that are combined.")
    rician: bool = Field(default=True, description="Whether a line of sight fades less (Rician, TR 38.901's mean K-factor).")
    shortest_s: Positive = Field(default=0.1, description="Shortest block in seconds, however fast a device moves.")
    slowest_mps: Positive = Field(default=0.8, description="Speed in m/s of what moves around a device that stands still.")


class NoFading(Config):
    """The channel has its mean gain at all times."""

    kind: Literal["none"] = Field(description="The kind of fading: none.")


Fading = Annotated[ErgodicFading | BlockFading | NoFading, Field(discriminator="kind")]


class NoInterference(Config):
    """Cells do not hear each other."""

    kind: Literal["none"] = Field(description="The kind of interference: none.")


class LoadInterference(Config):
    """Every other cell is taken to be busy for a constant share of the time."""

    kind: Literal["load"] = Field(description="The kind of interference: neighbours busy for a constant share of the time.")
    load: float = Field(default=0.5, ge=0.0, le=1.0, description="Share of the time for which a neighbour's downlink is busy.")
    uplink_rise_db: float = Field(
        default=5.0, ge=0.0, le=40.0, description="Interference over thermal noise at a station in dB, where there is another."
    )


class CoupledInterference(Config):
    """Cells interfere while they really carry something in the simulated world."""

    kind: Literal["coupled"] = Field(description="The kind of interference: by what the neighbours carry at the moment.")


Interference = Annotated[NoInterference | LoadInterference | CoupledInterference, Field(discriminator="kind")]


class Shannon(Config):
    """The capacity of the Gaussian channel."""

    kind: Literal["shannon"] = Field(description="The law: log2(1 + SNR), a bound.")


class TruncatedShannon(Config):
    """A share of Shannon's capacity between a least SNR and a largest efficiency (TR 36.942)."""

    kind: Literal["truncated-shannon"] = Field(description="The law: attenuated and truncated Shannon of TR 36.942.")


class CqiTable(Config):
    """The steps of an NR CQI table, with retransmissions."""

    kind: Literal["cqi-64qam", "cqi-256qam"] = Field(description="The law: NR's table of channel quality indicators.")
    bler: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of blocks that are sent again.")
    layers: int = Field(default=1, ge=1, le=4, description="Most spatial layers downlink; the uplink has one.")


Adaptation = Annotated[Shannon | TruncatedShannon | CqiTable, Field(discriminator="kind")]

SHARING_KINDS = {
    "equal": "equal shares of the time",
    "rate-fair": "shares that give everybody the same rate",
    "proportional-fair": "equal shares with a gain for choosing good moments",
    "max-ci": "everything to the best channel",
    "weighted": "shares by weight: of the study against background traffic, and of devices as a control policy weighs them",
    "fdma": "equal shares of the band, uplink limited by power",
    "min-max": "shares with which all transfers under way end together",
    "assigned": "fixed shares by the weights that a control policy gives to devices, the rest to the others",
}


class EqualSharing(Config):
    """All transfers of a cell in one direction have the same share of the time."""

    kind: Literal["equal"] = Field(description="How the transfers of a cell share it: equal shares of time.")
    max_flows: int | None = Field(default=None, ge=1, description="Transfers admitted at once, the others wait; null: all.")


class OtherSharing(Config):
    """A policy that looks at channels or at what is left to send."""

    kind: Literal["rate-fair", "proportional-fair", "max-ci", "fdma", "min-max", "assigned"] = Field(
        description=f"How the transfers of a cell share it: {'; '.join(f'{k}: {what}' for k, what in SHARING_KINDS.items())}."
    )
    max_flows: int | None = Field(default=None, ge=1, description="Transfers admitted at once, the others wait; null: all.")


class WeightedSharing(Config):
    """Shares in proportion to weights."""

    kind: Literal["weighted"] = Field(description="How the transfers of a cell share it: by weight.")
    study_weight: Positive = Field(default=1.0, description="Weight of a transfer of the study.")
    background_weight: Positive = Field(default=1.0, description="Weight of a background transfer.")
    max_flows: int | None = Field(default=None, ge=1, description="Transfers admitted at once, the others wait; null: all.")


Sharing = Annotated[EqualSharing | OtherSharing | WeightedSharing, Field(discriminator="kind")]


class BackgroundTraffic(Config):
    """Transfers of other people: Poisson arrivals in every cell."""

    arrivals_per_s: Positive = Field(description="Transfers that arrive in a cell in a second, in each direction.")
    size_law: Literal["fixed", "exponential", "pareto"] = Field(default="pareto", description="Distribution of their sizes.")
    mean_mb: Positive = Field(default=2.0, description="Mean size in MB.")
    pareto_shape: float = Field(default=1.5, gt=1.0, description="Shape of the Pareto law, above 1; below 2 its tail is heavy.")
    directions: tuple[Literal["downlink", "uplink"], ...] = Field(
        default=("downlink", "uplink"), min_length=1, description="Directions that have such traffic."
    )


class PowerControl(Config):
    """Open-loop power control of the uplink (TS 38.213, clause 7.1)."""

    p0_dbm: float = Field(default=-75.0, ge=-202.0, le=24.0, description="Power per resource block aimed at, in dBm.")
    alpha: float = Field(default=0.8, ge=0.0, le=1.0, description="Share of the path loss that is made up for.")


class Handover(Config):
    """Event A3 of TS 38.331, the interruption, and what becomes of a running transfer."""

    offset_db: float = Field(default=3.0, ge=-15.0, le=15.0, description="How much better a neighbour has to be, in dB.")
    hysteresis_db: float = Field(default=1.0, ge=0.0, le=15.0, description="Hysteresis around the offset, in dB.")
    time_to_trigger_ms: NonNegative = Field(default=320.0, description="How long the neighbour has to stay better, in ms.")
    interruption_ms: NonNegative = Field(default=50.0, description="Time without any cell during a handover, in ms.")
    transfers: Literal["continue", "fail"] = Field(default="continue", description="What becomes of a transfer under way.")
    sampled_every_m: Positive = Field(
        default=5.0, description="Distance in metres after which a moving device's link is looked at."
    )
