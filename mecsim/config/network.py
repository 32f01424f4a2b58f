"""The section ``network``: stations, carrier, propagation, sharing, transport and backhaul."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, NonNegative, Positive

PATH_LOSS_KINDS = {
    "uma": "urban macro, 3GPP TR 38.901",
    "umi": "urban micro street canyon, 3GPP TR 38.901",
    "rma": "rural macro, 3GPP TR 38.901",
    "inh": "indoor office, 3GPP TR 38.901",
}


class Station(Config):
    """A base station and its radio."""

    name: str = Field(min_length=1, description="Name of the station, unique in the scenario.")
    position_m: tuple[float, float] = Field(description="Place [x, y] in metres, inside the area of the fleet.")
    height_m: Positive = Field(description="Height of the antenna above ground, in metres.")
    tx_power_dbm: float = Field(description="Transmit power, in dBm.")
    antenna_gain_dbi: float = Field(default=5.0, description="Gain of the antenna, in dBi.")
    noise_figure_db: NonNegative = Field(default=5.0, description="Noise figure of the receiver, in dB.")


class Carrier(Config):
    """The radio carrier, the same in every cell."""

    frequency_ghz: float = Field(
        ge=0.5, le=100.0, description="Carrier frequency in GHz; the path loss models hold from 0.5 to 100."
    )
    bandwidth_mhz: Positive = Field(description="Width of the carrier, in MHz.")
    downlink_share: float = Field(
        gt=0.0, lt=1.0, description="Share of the time that the downlink has; the uplink has the rest."
    )


class PathLoss(Config):
    """The propagation environment."""

    kind: Literal["uma", "umi", "rma", "inh"] = Field(
        description=f"Environment: {'; '.join(f'{kind}: {what}' for kind, what in PATH_LOSS_KINDS.items())}."
    )


class ErgodicFading(Config):
    """A transfer lasts long enough to see the average over small-scale fading."""

    kind: Literal["ergodic"] = Field(description="The kind of fading: the rate is the average over the fading distribution.")
    diversity: int = Field(default=4, ge=1, le=100, description="Number of independently fading branches that are combined.")


class NoFading(Config):
    """The channel has its mean gain at all times."""

    kind: Literal["none"] = Field(description="The kind of fading: none.")


Fading = Annotated[ErgodicFading | NoFading, Field(discriminator="kind")]


class EqualSharing(Config):
    """All transfers of a cell in one direction have the same share of the time."""

    kind: Literal["equal"] = Field(description="How the transfers of a cell share it: equal shares of time.")


class Transport(Config):
    """What lies between a payload and the radio: headers, round trips, imperfect use."""

    radio_overhead: float = Field(default=1.05, ge=1.0, description="Bytes on the radio for each byte of payload.")
    backhaul_overhead: float = Field(default=1.07, ge=1.0, description="Bytes on the backhaul for each byte of payload.")
    ran_rtt_ms: NonNegative = Field(default=10.0, description="Round-trip time of the radio access network, in milliseconds.")
    setup_rtts: NonNegative = Field(default=2.0, description="Round trips before the first byte of a transfer.")
    efficiency: float = Field(default=0.9, gt=0.0, le=1.0, description="Share of the link's rate that a transfer attains.")


class Backhaul(Config):
    """The wire between each station and the server."""

    rate_gbps: Positive = Field(default=10.0, description="Rate in Gbit/s.")
    delay_ms: NonNegative = Field(default=2.0, description="One-way delay, in milliseconds.")


class DeviceRadio(Config):
    """The radio of every device."""

    tx_power_dbm: float = Field(default=23.0, description="Transmit power, in dBm.")
    height_m: Positive = Field(default=1.5, description="Height of the antenna above ground, in metres.")
    antenna_gain_dbi: float = Field(default=0.0, description="Gain of the antenna, in dBi.")
    noise_figure_db: NonNegative = Field(default=7.0, description="Noise figure of the receiver, in dB.")


class Network(Config):
    """Stations, carrier, propagation, sharing, transport and backhaul."""

    stations: tuple[Station, ...] = Field(min_length=1, description="The base stations.")
    carrier: Carrier = Field(description="The radio carrier, the same in every cell.")
    path_loss: PathLoss = Field(description="The propagation environment.")
    fading: Fading = Field(default=ErgodicFading(kind="ergodic"), description="Small-scale fading.")
    sharing: EqualSharing = Field(default=EqualSharing(kind="equal"), description="How the transfers of a cell share it.")
    transport: Transport = Field(default=Transport(), description="Overheads, round trips and efficiency of a transfer.")
    backhaul: Backhaul = Field(default=Backhaul(), description="The wire between each station and the server.")
    devices: DeviceRadio = Field(default=DeviceRadio(), description="The radio of every device.")
